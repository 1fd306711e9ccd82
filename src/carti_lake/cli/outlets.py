"""``charts`` and ``workbook``: a release as pictures and as sheets; ``disclosures``: who had small counts shown."""

from typing import Annotated

import typer

from carti_lake.cli import show
from carti_lake.cli.app import app
from carti_lake.cli.options import DEFAULT_LAKE, Json, LakeAt, OfRelease, StorageOptions, command, open_lake

After = Annotated[
    str | None,
    typer.Option(
        "--after",
        metavar="R",
        help="Release that its readers had before: small changes since are hidden; else the last.",
    ),
]
FullCounts = Annotated[
    str | None,
    typer.Option(
        "--full-counts",
        metavar="REASON",
        help="Show counts of 1 to 10 too; the lake's audit trail keeps your name and the reason.",
    ),
]


@app.command()
def charts(
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="DIR", help="Folder; else the lake's published/charts.")
    ] = None,
    release: OfRelease = None,
    after: After = None,
    full_counts: FullCounts = None,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Draw a release's charts, as PNG, SVG and Vega-Lite JSON."""
    from carti_lake.outlets.files import charts_of, published

    opened = open_lake(lake, storage_option)
    view = opened.at(release)
    with show.steps("Drawing the charts"):
        files = charts_of(view, output or published(opened, "charts", release), after=after, full_counts=full_counts)
    say_written(files, view.release.number, json)


@app.command()
def workbook(
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="File or folder; else the lake's published/workbook.xlsx."),
    ] = None,
    release: OfRelease = None,
    after: After = None,
    full_counts: FullCounts = None,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Write a release as an Excel workbook."""
    from carti_lake.outlets.files import published, workbook_of

    opened = open_lake(lake, storage_option)
    view = opened.at(release)
    with show.steps("Writing the workbook"):
        target = output or published(opened, "workbook.xlsx", release)
        file = workbook_of(view, target, after=after, full_counts=full_counts)
    say_written([file], view.release.number, json)


@app.command()
def disclosures(lake: LakeAt = DEFAULT_LAKE, storage_option: StorageOptions = None, json: Json = False) -> None:
    """Show who had outlets show small counts, and why."""
    trail = open_lake(lake, storage_option).disclosures()
    if json:
        show.as_json(trail.to_dicts())
    elif trail.is_empty():
        show.say("Nobody has asked for full counts.")
        show.next_steps((command("workbook", lake), "writes a release without small counts"))
    else:
        show.screen().print(show.grid(trail.columns, trail.rows(), "Outlets with full counts, newest first"))


def say_written(files: list[str], release: int, json: bool) -> None:
    """Say which files were written, and from which release."""
    if json:
        show.as_json({"release": release, "files": files})
        return
    show.say(f"From release {release}:")
    for file in files:
        show.say(f"  {file}")
