"""The demo: a synthetic network's history and three months of daily extracts, as releases, charts and a workbook."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path

from carti_lake.access.viewer import Audience
from carti_lake.generate import Network, write
from carti_lake.lake import Lake
from carti_lake.outlets.dashboard.file import dashboard_of
from carti_lake.outlets.files import charts_of, published, workbook_of
from carti_lake.outlets.powerbi.project import powerbi_of
from carti_lake.outlets.published.publish import publish_of
from carti_lake.releases.release import Release
from carti_lake.sources.extract import file_hash
from carti_lake.sources.names import day_and_moment
from carti_lake.store.errors import LakeError
from carti_lake.tables.feeds import FEEDS

#: Thirty months that the systems hand over at once, then three of daily extracts.
NETWORK = Network(
    patients=12_000,
    start=date(2023, 7, 1),
    days=1_005,
    history=915,
    visits_per_day=100,
    # What the demo's numbers have to tell: a payer's new rule, whose denials come in over the last months.
    rule_from=date(2025, 11, 1),
)
#: Of 90 daily extracts, how many each release covers: two months, then the third in two steps.
STEPS = (59, 74, 90)
#: Nobody can be recognised in counts of people who do not exist.
SYNTHETIC = "synthetic data: nobody can be recognised"
#: Name that keeps the first release: February as it was known at its end.
LOCK = "february-close"


@dataclass(frozen=True)
class Shown:
    """What the demo made.

    Attributes
    ----------
    first, last
        First and last extract date.
    made
        Rows of what, how much, and where it is.
    notes
        Sentences on what is worth a look.
    """

    first: date
    last: date
    made: list[tuple[str, str, str]]
    notes: list[str]


def demo(lake: Lake, folder: Path, network: Network | None = None, *, progress: Callable[[str], None]) -> Shown:
    """Generate, load, run, and draw; what an earlier demo has done is not done again.

    Parameters
    ----------
    lake
        An empty lake, or one that holds nothing but this demo.
    folder
        Where the extracts go: ``<folder>/extracts/<feed>/``.
    network
        Settings of the network; else :data:`NETWORK`.
    progress
        Called with what is being done.

    Raises
    ------
    LakeError
        Where the lake holds other extracts, or an audit fails.
    """
    network = network or NETWORK
    progress("generating extracts")
    files = write(network, folder / "extracts")
    batches = {_batch_id(file): file for file in files}
    loaded = _loaded(lake)
    if loaded - batches.keys():
        raise LakeError(
            f"The lake {lake.uri} holds extracts other than the demo's. Give the demo a lake of its own: "
            "carti-lake demo --lake demo/lake"
        )
    waiting = [file for batch, file in batches.items() if batch not in loaded]
    if waiting or len(lake.releases()) < len(STEPS):
        for days in STEPS:
            if days == STEPS[-1] and lake.releases():
                # Trained on what the release before knew, so that the last one scores with them.
                lake.train(progress=lambda model: progress(f"training {model}"))
            covered = network.history + (network.days - network.history) * days // STEPS[-1]
            _release_up_to(lake, network.start + timedelta(days=covered - 1), waiting, progress)
        if not any(one.locks for one in lake.releases()):
            lake.lock(LOCK, 1)
    if lake.audience() is not Audience.INSIDE:
        lake.set_audience(Audience.INSIDE, why=SYNTHETIC)
    view = lake.at()
    progress("drawing charts")
    charts = charts_of(view, published(lake.uri, "charts"))
    progress("writing the workbook")
    workbook = workbook_of(view, published(lake.uri, "workbook.xlsx"))
    progress("writing the dashboard")
    dashboard = dashboard_of(view, published(lake.uri, "dashboard.html"))
    public = dashboard_of(view, published(lake.uri, "dashboard-public.html"), audience=Audience.PUBLIC)
    progress("publishing tables and the Power BI project")
    tables = published(lake.uri, "tables")
    publish_of(view, tables)
    powerbi_of(lake.storage, published(lake.uri, "powerbi"))
    size = sum(file.stat().st_size for file in files) / 1e6
    made = [
        ("extracts", f"{len(files)} files of {len(FEEDS)} feeds, {size:.0f} MB", str(folder / "extracts")),
        ("lake", f"{sum(view.release.rows.values()):,} rows in {len(view.release.rows)} tables", str(lake.uri)),
        *((f"release {one.number}", _about(one), "") for one in lake.releases()),
        ("charts", f"{len(charts)} files, PNG, SVG and Vega-Lite JSON", str(Path(charts[0]).parent)),
        ("workbook", "an Excel sheet for every table", workbook),
        ("dashboard", "one page whose views filter each other; open it in a browser", dashboard),
        ("public dashboard", "the same for everybody: small counts are suppressed", public),
        ("tables", "a star schema as Parquet", tables),
        ("power bi", "a project that reads those tables", published(lake.uri, "powerbi")),
    ]
    already = [] if waiting else ["The demo was here already; its outlets are made anew."]
    return Shown(network.start, network.end, made, [*already, *_notes(lake)])


def _batch_id(file: Path) -> str:
    return f"{file.parent.name}:{day_and_moment(file.name)[0]}:{file_hash(file)[:16]}"


def _loaded(lake: Lake) -> set[str]:
    """Ids of all batches that the lake holds."""
    scans = [lake.storage.scan(feed.full_name()).select("batch_id").unique() for feed in FEEDS.values()]
    return {batch for scan in scans for batch in scan.collect(engine="streaming")["batch_id"]}


def _release_up_to(lake: Lake, day: date, waiting: Sequence[Path], progress: Callable[[str], None]) -> None:
    due = [file for file in waiting if (day_and_moment(file.name)[0] or date.max) <= day]
    done = 0
    for feed, files in groupby(sorted(due), key=lambda file: file.parent.name):
        for one in lake.iter_load(feed, *files):
            done += not one.already
            progress(f"loading extracts up to {day} · {done} of {len(due)}")
    result = lake.run(progress=lambda step: progress(f"running up to {day} · {step}"))
    if result.failed:
        raise LakeError("; ".join(f"{one.name}: {one.detail}" for one in result.failed))


def _about(release: Release) -> str:
    parts = [f"data as of {release.data_as_of}", f"{len(release.audits)} audits"]
    parts += [f"locked as {name}" for name in release.locks]
    return " · ".join(parts)


def _notes(lake: Lake) -> list[str]:
    feeds = lake.status()["feeds"]
    delivered, refused = (sum(feed[name] for feed in feeds) for name in ("delivered_rows", "quarantined_rows"))
    return [
        f"{delivered:,} rows were delivered late, twice, corrected and malformed, as sources do; {refused:,} are in "
        "quarantine with their reasons, and every other one is accounted for."
    ]
