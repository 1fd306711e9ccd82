"""``dashboard``: a release as one HTML file."""

from typing import Annotated

import typer

from carti_lake.cli import show
from carti_lake.cli.app import app
from carti_lake.cli.options import DEFAULT_LAKE, Json, LakeAt, OfRelease, StorageOptions, open_lake
from carti_lake.cli.outlets import After, FullCounts, say_written


@app.command()
def dashboard(
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="File or folder; else published/dashboard.html."),
    ] = None,
    release: OfRelease = None,
    after: After = None,
    full_counts: FullCounts = None,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Write a release as one HTML page whose views filter each other; it opens offline."""
    from carti_lake.outlets.dashboard import dashboard_of
    from carti_lake.outlets.files import published

    opened = open_lake(lake, storage_option)
    view = opened.at(release)
    with show.steps("Writing the dashboard"):
        target = output or published(opened, "dashboard.html", release)
        file = dashboard_of(view, target, after=after, full_counts=full_counts)
    say_written([file], view.release.number, json)
