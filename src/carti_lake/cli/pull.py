"""``pull`` and ``daily``: what is new in the declared sources, and all that a day needs."""

import json as json_
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carti_lake.cli import show
from carti_lake.cli.app import BUSY, FAILED, app
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
    from collections.abc import Sequence
    from pathlib import Path

    from carti_lake.lake import Lake
    from carti_lake.pull.pull import Planned, Pulled


@app.command()
def pull(
    names: SourceNames = None,
    plan: Annotated[bool, typer.Option("--plan", help="Show what would come, and take nothing.")] = False,
    keys: Annotated[
        bool,
        typer.Option("--keys", help="Read all keys of databases too, and withdraw what is gone, however much it is."),
    ] = False,
    sources: SourcesIn = None,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Take in what is new of the declared sources, each row once."""
    opened = open_lake(lake, storage_option)
    if plan:
        with show.steps("Looking"):
            planned = opened.plan_pull(*names or [], folder=sources)
        show.as_json(planned) if json else _print_plan(planned)
        _end_badly_if(planned)
        return
    with show.steps("Pulling") as progress:
        done = opened.pull(*names or [], folder=sources, keys=keys, progress=progress)
    if json:
        show.as_json(done)
    else:
        _print(done)
        if any(one.rows or one.withdrawn for one in done):
            show.next_steps((command("run", lake), "brings what came into a release"))
    _end_badly_if(done)


def _end_badly_if(done: "Sequence[Pulled | Planned]") -> None:
    for one in done:
        if one.error:
            show.complain(one.error)
    if any(one.error for one in done):
        raise typer.Exit(FAILED)


def _print(done: "Sequence[Pulled]") -> None:
    if not done:
        show.say("No source is declared.")
        return
    rows = [
        (one.source, one.feed, one.rows, one.withdrawn or None, len(one.waiting) or None, _became(one)) for one in done
    ]
    show.screen().print(show.grid(["source", "feed", "rows", "withdrawn", "files that wait", ""], rows))


def _became(one: "Pulled") -> str:
    if one.error:
        return "failed"
    return "pulled" if one.rows or one.withdrawn else "nothing new"


def _print_plan(planned: "Sequence[Planned]") -> None:
    rows = [
        (
            one.source,
            one.feed,
            one.since,
            one.rows,
            len(one.files) or None,
            len(one.waiting) or None,
            "would fail" if one.error else None,
        )
        for one in planned
    ]
    headers = ["source", "feed", "from the cursor", "rows", "files", "files that wait", ""]
    show.screen().print(show.grid(headers, rows, "A pull would take in"))
    show.say("Nothing was taken.")


@app.command()
def daily(
    sources: SourcesIn = None,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Pull every source, run, and make the outlets that the lake declares: for cron and other schedulers.

    Exits 0 on success, 1 where a source, the run, an audit or an outlet failed, 2 on wrong usage, and 10, quietly,
    where another pull or run is active. A source that fails does not keep the others from a release. The outlets are
    declared in publish.toml, in the lake's folder or beside that of the sources.
    """
    from carti_lake.store.errors import LakeError
    from carti_lake.store.locks import BusyError

    opened = open_lake(lake, storage_option)
    said: dict[str, Any] = {
        "pulled": [],
        "release": None,
        "failed": [],
        "published": [],
        "not_published": [],
        "busy": False,
        "error": None,
    }
    try:
        _day(opened, sources, said)
    except BusyError:
        said["busy"] = True
    except Exception as error:
        # A scheduler reads one line, whatever happens; the words for people follow on the standard error.
        said["error"] = str(error) if isinstance(error, LakeError) else type(error).__name__
        if json:
            show_line(said)
        raise
    show_line(said) if json else _print_day(said)
    if said["busy"]:
        raise typer.Exit(BUSY)
    if said["failed"] or said["not_published"] or any(one["error"] for one in said["pulled"]):
        raise typer.Exit(FAILED)


def _day(opened: "Lake", sources: "Path | None", said: dict[str, Any]) -> None:
    """Pull, run and publish; what comes of it is put down as it comes."""
    from carti_lake.outlets import declared
    from carti_lake.pull.declaration import folder_of
    from carti_lake.store.errors import LakeError

    outlets = declared.read(folder_of(opened.storage, sources).parent / declared.FILE, str(opened.uri))
    with show.steps("Pulling") as progress:
        done = opened.pull(folder=sources, progress=progress)
    said["pulled"] = [
        {"source": one.source, "rows": one.rows, "withdrawn": one.withdrawn, "error": one.error} for one in done
    ]
    with show.steps("Running") as progress:
        result = opened.run(progress=progress)
    said |= {"release": result.release, "failed": [one.name for one in result.failed]}
    if not outlets.targets or not opened.releases():
        return
    with show.steps("Publishing") as progress:
        for name, target in outlets.targets.items():
            progress(name)
            try:
                if declared.publish(opened.at(), name, target, outlets.audience):
                    said["published"].append({"outlet": name, "target": target})
            except (LakeError, OSError, ModuleNotFoundError) as error:
                reason = str(error) if isinstance(error, LakeError) else type(error).__name__
                said["not_published"].append({"outlet": name, "error": reason})


def show_line(said: dict[str, Any]) -> None:
    """Print a value as one line of JSON."""
    print(json_.dumps(said, ensure_ascii=False))


def _print_day(said: dict[str, Any]) -> None:
    if said["busy"]:
        show.say("Another pull or run is active: nothing to do.")
        return
    rows = sum(one["rows"] for one in said["pulled"])
    failed = [one["error"] for one in said["pulled"] if one["error"]]
    show.say(f"Pulled {rows:,} rows from {len(said['pulled']) - len(failed)} of {len(said['pulled'])} sources.")
    for error in failed:
        show.complain(error)
    for one in said["not_published"]:
        show.complain(f"The {one['outlet']} could not be made: {one['error']}")
    if said["published"]:
        show.say(f"Made: {', '.join(one['target'] for one in said['published'])}.")
    if said["failed"]:
        show.complain(f"Not published: {', '.join(said['failed'])}.")
    else:
        show.say(f"Release {said['release']} is published." if said["release"] else "Nothing new for a release.")
