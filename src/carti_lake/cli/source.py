"""``source``: declared sources, listed, checked, added."""

import json as json_
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from carti_lake.cli import show
from carti_lake.cli.app import FAILED, app
from carti_lake.cli.options import (
    DEFAULT_LAKE,
    Json,
    LakeAt,
    SourceNames,
    SourcesIn,
    StorageOptions,
    command,
    open_lake,
)

if TYPE_CHECKING:
    from carti_lake.pull.declaration import Source

group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.add_typer(group, name="source", help="List, check and add the systems that extracts are pulled from.")


@group.command("list")
def list_(
    sources: SourcesIn = None, lake: LakeAt = DEFAULT_LAKE, storage_option: StorageOptions = None, json: Json = False
) -> None:
    """List the declared sources."""
    declared = open_lake(lake, storage_option).sources(folder=sources)
    rows = [
        {"source": one.name, "kind": one.kind, "feed": one.feed.short_name, "reads": _reads(one), "cursor": one.cursor}
        for one in declared
    ]
    if json:
        show.as_json(rows)
    elif rows:
        show.screen().print(show.grid(list(rows[0]), [list(row.values()) for row in rows]))
    else:
        show.say("No source is declared.")
        show.next_steps((command("source add NAME --kind KIND --feed FEED --address ADDRESS", lake), "declares one"))


def _reads(source: "Source") -> str:
    if source.asked is not None:
        return f"object {source.asked.object}"
    if source.fhir is not None:
        return ", ".join(source.fhir.types())
    return source.files if source.kind == "folder" else f"table {source.table}" if source.table else "a query"


@group.command()
def check(
    names: SourceNames = None,
    sources: SourcesIn = None,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Reach each source, and compare its columns and types with the feed; no row is read."""
    from carti_lake.pull.pull import check as check_source

    opened = open_lake(lake, storage_option)
    with show.steps("Checking") as progress:
        found = {}
        for one in opened.sources(*names or [], folder=sources):
            progress(one.name)
            found[one.name] = check_source(opened.storage, one, opened.edge)
    if json:
        show.as_json([{"source": name, "error": error} for name, error in found.items()])
    for name, error in found.items():
        if error:
            show.complain(error)
        elif not json:
            show.say(f"{name}: reached, and what it gives is what the feed takes.", "green")
    if any(found.values()):
        raise typer.Exit(FAILED)


@group.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the source, e.g. ehr-visits.")],
    kind: Annotated[str, typer.Option(metavar="KIND", help="folder, sql, salesforce or fhir.")],
    address: Annotated[
        str,
        typer.Option(
            metavar="A",
            help="Folder (or sftp:, s3:, https:), postgresql:, mysql:, sqlserver:, oracle:, sqlite:, duckdb:, "
            "a server's https:, env:NAME.",
        ),
    ],
    feed: Annotated[
        str | None, typer.Option(metavar="FEED", help="Feed that it fills; an object may have one ready.")
    ] = None,
    password: Annotated[
        str | None, typer.Option(metavar="REF", help="Where the password is: env:NAME or file:PATH.")
    ] = None,
    table: Annotated[str | None, typer.Option(metavar="T", help="Table or view to read.")] = None,
    query: Annotated[str | None, typer.Option(metavar="SQL", help="Query to read instead.")] = None,
    cursor: Annotated[str | None, typer.Option(metavar="C", help="Column that grows with every change.")] = None,
    overlap: Annotated[
        str | None, typer.Option(metavar="O", help="How far to go back for late commits: 2h, 3d, or a number.")
    ] = None,
    keys: Annotated[
        str | None, typer.Option(metavar="DAYS", help="How often all keys are read, to see deletes, e.g. 7d.")
    ] = None,
    object_: Annotated[
        str | None, typer.Option("--object", metavar="NAME", help="Salesforce object to read, e.g. Opportunity.")
    ] = None,
    where: Annotated[str | None, typer.Option(metavar="SOQL", help="Condition on the object's rows.")] = None,
    client_id: Annotated[str | None, typer.Option(metavar="ID", help="Salesforce app: its key, or env:NAME.")] = None,
    client_secret: Annotated[
        str | None, typer.Option(metavar="REF", help="Where the app's secret is: env:NAME or file:PATH.")
    ] = None,
    username: Annotated[str | None, typer.Option(metavar="U", help="As whom the app signs in by its key.")] = None,
    private_key: Annotated[
        str | None, typer.Option(metavar="REF", help="Where the app's private key is: env:NAME or file:PATH.")
    ] = None,
    files: Annotated[str | None, typer.Option(metavar="GLOB", help="Files of a folder, e.g. ehr_visits_*.csv.")] = None,
    complete: Annotated[
        str | None,
        typer.Option(metavar="HOW", help="What shows a whole file: rest, a mark such as .done, or a manifest's name."),
    ] = None,
    trailer: Annotated[
        str | None, typer.Option(metavar="LINE", help="How the last line of a file is written, e.g. TRL|{rows}.")
    ] = None,
    key: Annotated[
        str | None, typer.Option(metavar="REF", help="Where the private key is, of an SFTP user or a FHIR client.")
    ] = None,
    host_key: Annotated[str | None, typer.Option(metavar="KEY", help="Public key of the SFTP host.")] = None,
    views: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="View definition of FHIR resources; several need --query.")
    ] = None,
    export: Annotated[
        str | None, typer.Option(metavar="WHOSE", help="What a FHIR server exports: system, patient, Group/ID.")
    ] = None,
    client: Annotated[str | None, typer.Option(metavar="ID", help="As whom the lake signs in there.")] = None,
    map_: Annotated[Path | None, typer.Option("--map", metavar="FILE", help="Map of its columns.")] = None,
    sources: SourcesIn = None,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
) -> None:
    """Declare a source: writes a TOML file, once it is checked; secrets are given as references only."""
    from carti_lake.pull.declaration import folder_of, parse

    ready = _ready(object_) if kind == "salesforce" and object_ and feed is None and map_ is None else ""
    said = {
        "kind": kind,
        "feed": feed,
        "address": _whole(kind, address),
        "password": password,
        "client_id": client_id,
        "client_secret": client_secret,
        "username": username,
        "private_key": private_key,
        "object": None if ready else object_,
        "where": where,
        "table": table,
        "query": query,
        "cursor": cursor,
        "overlap": int(overlap) if overlap and overlap.isdecimal() else overlap,
        "keys": keys,
        "files": files,
        "complete": complete,
        "trailer": trailer,
        "key": key,
        "host_key": host_key,
        "views": [str(view.resolve()) for view in views] if views else None,
        "export": export,
        "client": client,
        "map": str(map_.resolve()) if map_ else None,
    }
    given = {key: value for key, value in said.items() if value is not None}
    opened = open_lake(lake, storage_option)
    folder = folder_of(opened.storage, sources)
    path = folder / f"{name}.toml"
    if path.exists():
        raise typer.BadParameter(f"{path} is there already: change it, or take another name.", param_hint="NAME")
    # Texts of JSON are texts of TOML.
    lines = [f"{key} = {json_.dumps(value, ensure_ascii=False)}\n" for key, value in given.items()]
    kept = [line for line in ready.splitlines(keepends=True) if line.partition(" = ")[0] not in given]
    text = "".join([*lines, *kept])
    parse(tomllib.loads(text), path)
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8", newline="\n")
    show.say(f"Declared {name} in {path}.")
    show.next_steps(
        (command(f"source check {name}", lake), "reaches it"),
        (command(f"pull {name} --plan", lake), "shows what would come"),
    )


def _ready(object_: str) -> str:
    from carti_lake.pull.salesforce.ready import declaration

    return declaration(object_)


def _whole(kind: str, address: str) -> str:
    """The address with the whole path where it is a path: the declaration stands in another folder."""
    from carti_lake.pull.secrets import is_reference

    scheme, _, place = address.partition(":")
    if kind in ("folder", "fhir") and "://" not in address and not is_reference(address):
        return str(Path(address).expanduser().resolve())
    return f"{scheme}:{Path(place).expanduser().resolve()}" if scheme in ("sqlite", "duckdb") else address
