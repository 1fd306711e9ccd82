"""``charts``, ``workbook``, ``dashboard``, ``report``; ``disclosures``, ``publications``: who was shown what."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carti_lake.cli import show
from carti_lake.cli.app import app
from carti_lake.cli.options import (
    DEFAULT_LAKE,
    Json,
    LakeAt,
    OfRelease,
    StorageOptions,
    audience_of,
    command,
    open_lake,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from carti_lake.releases.view import View

After = Annotated[
    str | None,
    typer.Option(
        "--after",
        metavar="R",
        help="Release that its readers had before, alone (none: no one has had any): small changes since are hidden; "
        "else all that was made public.",
    ),
]
For = Annotated[
    str | None,
    typer.Option(
        "--for",
        metavar="inside|public",
        help="For whom; else as `audience set` has declared, which is public until then.",
    ),
]
FullCounts = Annotated[
    str | None,
    typer.Option(
        "--full-counts",
        metavar="REASON",
        help="Show counts of 1 to 10 too, this once; the lake's audit log keeps your name and the reason.",
    ),
]


@dataclass(frozen=True)
class Outlet:
    """A verb that writes one release for people to open.

    Attributes
    ----------
    verb, purpose
        Its name, and the first line of its help.
    default
        Name of its file or folder in the lake's ``published`` folder.
    metavar, where
        What ``--output`` takes, in one word and in a sentence.
    doing
        What is said while it works.
    write
        Writes a view to a target, given ``audience``, ``after`` and ``full_counts``; returns the files.
    """

    verb: str
    purpose: str
    default: str
    metavar: str
    where: str
    doing: str
    write: "Callable[..., list[str]]"


def _charts(view: "View", target: str, **shown: Any) -> list[str]:
    from carti_lake.outlets.files import charts_of

    return charts_of(view, target, **shown)


def _workbook(view: "View", target: str, **shown: Any) -> list[str]:
    from carti_lake.outlets.files import workbook_of

    return [workbook_of(view, target, **shown)]


def _dashboard(view: "View", target: str, **shown: Any) -> list[str]:
    from carti_lake.outlets.dashboard import dashboard_of

    return [dashboard_of(view, target, **shown)]


def _report(view: "View", target: str, **shown: Any) -> list[str]:
    from carti_lake.outlets.report import report_of

    return [report_of(view, target, **shown)]


#: Each is a verb of its own; an option that all of them take is added once, in :func:`_add`.
OUTLETS = (
    Outlet(
        "charts",
        "Draw a release's charts, as PNG, SVG and Vega-Lite JSON.",
        "charts",
        "DIR",
        "Folder; else the lake's published/charts.",
        "Drawing the charts",
        _charts,
    ),
    Outlet(
        "workbook",
        "Write a release as an Excel workbook.",
        "workbook.xlsx",
        "FILE",
        "File or folder; else the lake's published/workbook.xlsx.",
        "Writing the workbook",
        _workbook,
    ),
    Outlet(
        "dashboard",
        "Write a release as one HTML page whose views filter each other; it opens offline.",
        "dashboard.html",
        "FILE",
        "File or folder; else published/dashboard.html.",
        "Writing the dashboard",
        _dashboard,
    ),
    Outlet(
        "report",
        "Write a release as a board pack: one PDF, the same bytes whenever it is made.",
        "report.pdf",
        "FILE",
        "File or folder; else the lake's published/report.pdf.",
        "Writing the board pack",
        _report,
    ),
)


def _add(one: Outlet) -> None:
    @app.command(one.verb, help=one.purpose)
    def write(
        output: Annotated[str | None, typer.Option("--output", "-o", metavar=one.metavar, help=one.where)] = None,
        release: OfRelease = None,
        for_: For = None,
        after: After = None,
        full_counts: FullCounts = None,
        lake: LakeAt = DEFAULT_LAKE,
        storage_option: StorageOptions = None,
        json: Json = False,
    ) -> None:
        from carti_lake.outlets.files import published

        opened = open_lake(lake, storage_option)
        view = opened.at(release)
        with show.steps(one.doing):
            target = output or published(opened.uri, one.default, release)
            files = one.write(view, target, audience=audience_of(for_), after=after, full_counts=full_counts)
        say_written(files, view.release.number, json)


for _one in OUTLETS:
    _add(_one)


@app.command()
def disclosures(lake: LakeAt = DEFAULT_LAKE, storage_option: StorageOptions = None, json: Json = False) -> None:
    """Show who had outlets show small counts, and why."""
    disclosed = open_lake(lake, storage_option).disclosures()
    if json:
        show.as_json(disclosed.to_dicts())
    elif disclosed.is_empty():
        show.say("Nobody has asked for full counts.")
        show.next_steps((command("workbook", lake), "writes a release without small counts"))
    else:
        show.screen().print(show.grid(disclosed.columns, disclosed.rows(), "Outlets with full counts, newest first"))


@app.command()
def publications(lake: LakeAt = DEFAULT_LAKE, storage_option: StorageOptions = None, json: Json = False) -> None:
    """Show which releases were made public: later ones hide what moved little since."""
    from carti_lake.access.publications import entries

    made = entries(open_lake(lake, storage_option).storage)
    if json:
        show.as_json(made.to_dicts())
    elif made.is_empty():
        show.say("No release was made public.")
        show.next_steps((command("dashboard --for public", lake), "makes the newest one public"))
    else:
        show.screen().print(show.grid(made.columns, made.rows(), "Publications, newest first"))


def say_written(files: list[str], release: int, json: bool) -> None:
    """Say which files were written, and from which release."""
    if json:
        show.as_json({"release": release, "files": files})
        return
    show.say(f"From release {release}:")
    for file in files:
        show.say(f"  {file}")
