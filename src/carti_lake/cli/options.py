"""Options that verbs share, so that each is described in one place."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from carti_lake.access.viewer import Audience
    from carti_lake.lake import Lake

#: Names a JSON file with options of the object store.
STORAGE_OPTIONS = "CARTI_LAKE_STORAGE_OPTIONS"
DEFAULT_LAKE = "lake"

LakeAt = Annotated[
    str,
    typer.Option("--lake", envvar="CARTI_LAKE", metavar="LAKE", help="The lake: a folder, or s3://, abfss://, gs://."),
]
StorageOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--storage-option",
        metavar="KEY=VALUE",
        help=f"Option of the object store; repeatable. {STORAGE_OPTIONS} names a JSON file of them.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
SourcesIn = Annotated[
    Path | None,
    typer.Option("--sources", metavar="DIR", help="Folder of the declarations; else sources in the lake's folder."),
]
SourceNames = Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Declared sources; else all.")]
OfRelease = Annotated[
    str | None, typer.Option("--release", metavar="R", help="Number, or name of a lock; else the latest.")
]
FromRelease = Annotated[str, typer.Option("--from", metavar="R", help="Release before: number, lock or date.")]
ToRelease = Annotated[str, typer.Option("--to", metavar="R", help="Release after: number, lock or date.")]

AsOf = Annotated[str | None, typer.Option("--as-of", metavar="T", help="The release that stood then, e.g. 2026-01-31.")]


def open_lake(address: str, pairs: list[str] | None) -> "Lake":
    """The lake at an address, with the options that the command line and the environment give."""
    from carti_lake.lake import Lake

    options = _from_file(os.environ.get(STORAGE_OPTIONS))
    for pair in pairs or []:
        key, equals, value = pair.partition("=")
        if not equals:
            raise typer.BadParameter(f"{pair!r} is not KEY=VALUE.", param_hint="--storage-option")
        options[key] = value
    return Lake(address, storage_options=options)


def _from_file(path: str | None) -> dict[str, str]:
    if not path:
        return {}
    try:
        read = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{path} cannot be read as JSON.", param_hint=STORAGE_OPTIONS) from error
    if not isinstance(read, dict):
        raise typer.BadParameter(f'{path} must hold an object: {{"aws_region": "…"}}.', param_hint=STORAGE_OPTIONS)
    return {str(key): str(value) for key, value in read.items()}


def command(verb: str, address: str) -> str:
    """The verb as the reader would type it for this lake."""
    usual = os.environ.get("CARTI_LAKE", DEFAULT_LAKE)
    return f"carti-lake {verb}" + ("" if address == usual else f" --lake {address}")


def audience_of(name: str | None) -> "Audience | None":
    """The audience of that name; None for none."""
    from carti_lake.access.viewer import Audience

    if name is None or name in [*Audience]:
        return None if name is None else Audience(name)
    raise typer.BadParameter(f"{name} is no audience; there are {' and '.join(Audience)}.")
