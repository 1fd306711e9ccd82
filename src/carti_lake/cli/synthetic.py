"""``demo`` and ``generate``: a synthetic network, and what can be seen of it."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from carti_lake.cli import show
from carti_lake.cli.app import app
from carti_lake.cli.options import DEFAULT_LAKE, Json, LakeAt, StorageOptions, command, open_lake

BUSIEST = "SELECT provider_name, total_visits, denial_rate FROM provider_summary ORDER BY total_visits DESC"


class FileFormat(StrEnum):
    """How extracts are written."""

    csv = "csv"
    parquet = "parquet"
    ndjson = "ndjson"


class Every(StrEnum):
    """How often a feed delivers."""

    day = "day"
    month = "month"


@app.command()
def generate(
    to: Annotated[Path | None, typer.Option(metavar="DIR", help="Write files below this folder.")] = None,
    lake: Annotated[str | None, typer.Option(metavar="LAKE", help="Load straight into this lake's bronze.")] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed gives the same extracts.")] = 2026,
    providers: Annotated[int, typer.Option(metavar="N", help="Providers in the directory.")] = 40,
    patients: Annotated[int, typer.Option(metavar="N", help="People who may be referred.")] = 6_000,
    start: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], metavar="D", show_default="2026-01-01", help="First extract date.")
    ] = datetime(2026, 1, 1),
    days: Annotated[int, typer.Option(metavar="N", help="Days of extracts.")] = 90,
    visits_per_day: Annotated[float, typer.Option(metavar="N", help="Kept visits per day, on average.")] = 250.0,
    dirt: Annotated[float, typer.Option(metavar="SHARE", help="Share of rows that are malformed, 0 to 1.")] = 0.02,
    history: Annotated[
        int, typer.Option(metavar="DAYS", help="Days at the beginning that come as one extract a feed.")
    ] = 0,
    every: Annotated[
        Every, typer.Option(metavar="day|month", help="An extract per feed and day or month.")
    ] = Every.day,
    format: Annotated[
        FileFormat, typer.Option(metavar="FORMAT", help="Of the files: csv, parquet or ndjson.")
    ] = FileFormat.csv,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Make synthetic extracts: files, or straight into a lake."""
    from carti_lake.generate import Network, extracts, write

    if (to is None) == (lake is None):
        raise typer.BadParameter("give either --to DIR for files, or --lake LAKE to load them.")
    try:
        network = Network(seed, providers, patients, start.date(), days, visits_per_day, dirt, history)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    with show.bar("Generating") as progress:
        if to is not None:
            written = write(network, to, format.value, progress, every=every.value)
            count, where = len(written), str(to)
        else:
            assert lake is not None
            where, opened, count = lake, open_lake(lake, storage_option), 0
            for feed, extract_date, delivered_at, rows in extracts(network, every=every.value):
                opened.load(feed, rows, extract_date=extract_date, delivered_at=delivered_at)
                count += 1
                progress((extract_date - network.start).days + 1, network.days)
    if json:
        show.as_json({"extracts": count, "to": where})
        return
    show.say(f"{count:,} extracts of {network.start} to {network.end} are in {where}.")
    if lake is None:
        feed = f"{where}/ehr_visits"
        show.next_steps((command(f"load ehr_visits {feed}", DEFAULT_LAKE), "loads a feed; each has its folder"))
    else:
        show.next_steps((command("run", lake), "brings them into a release"))


@app.command()
def demo(
    to: Annotated[Path, typer.Option(metavar="DIR", help="Where the synthetic extracts are written.")] = Path("demo"),
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Show everything on synthetic data."""
    from carti_lake.demo import demo as play

    opened = open_lake(lake, storage_option)
    with show.steps("Demo") as progress:
        shown = play(opened, to, progress=progress)
    if json:
        show.as_json(shown)
        return
    show.say(f"A synthetic cancer-care network, {shown.first} to {shown.last}", "bold")
    show.screen().print(show.grid(["", "", "where"], shown.made))
    for line in shown.notes:
        show.say(line)
    show.next_steps(
        (command("status", lake), "what each feed delivered, and what became of it"),
        (command(f'query "{BUSIEST}"', lake), "who sees most patients, and how often they are denied"),
        (command("diff gold.provider_summary --from 1 --to 3", lake), "what a month of late claims changed"),
        (command("quarantine", lake), "rows that were refused, and why"),
        (command("tables", lake), "every table; with a name, its columns and rules"),
    )
