"""``charts`` and ``workbook``: a release as pictures and as sheets."""

from typing import Annotated

import typer

from carti_lake.cli import show
from carti_lake.cli.app import app
from carti_lake.cli.options import DEFAULT_LAKE, Json, LakeAt, OfRelease, StorageOptions, open_lake


@app.command()
def charts(
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="DIR", help="Folder; else the lake's published/charts.")
    ] = None,
    release: OfRelease = None,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Draw a release's charts, as PNG and SVG."""
    from carti_lake.outlets.files import charts_of, published

    opened = open_lake(lake, storage_option)
    view = opened.at(release)
    with show.steps("Drawing the charts"):
        files = charts_of(view, output or published(opened, "charts", release))
    _say_written(files, view.release.number, json)


@app.command()
def workbook(
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="File or folder; else the lake's published/workbook.xlsx."),
    ] = None,
    release: OfRelease = None,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Write a release as an Excel workbook."""
    from carti_lake.outlets.files import published, workbook_of

    opened = open_lake(lake, storage_option)
    view = opened.at(release)
    with show.steps("Writing the workbook"):
        file = workbook_of(view, output or published(opened, "workbook.xlsx", release))
    _say_written([file], view.release.number, json)


def _say_written(files: list[str], release: int, json: bool) -> None:
    if json:
        show.as_json({"release": release, "files": files})
        return
    show.say(f"From release {release}:")
    for file in files:
        show.say(f"  {file}")
