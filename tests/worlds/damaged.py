"""A lake of visits to damage: a bill, a refused row and one more a day."""

from datetime import UTC, date, datetime
from pathlib import Path

from carti_lake import Lake
from tests.worlds.rows import visit

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def lake_at(folder: Path, *, now: datetime = NOW) -> Lake:
    return Lake(folder, clock=lambda: now, environment={})


def load(lake: Lake, day: int) -> None:
    rows = [visit("V1", claim_paid=str(day)), visit(f"V1{day}"), visit(f"bad {day}", claim_amount="abc")]
    lake.load("ehr_visits", rows, extract_date=date(2026, 4, day))


def two_releases(folder: Path) -> Lake:
    """Two releases, and a batch that waits."""
    lake = lake_at(folder)
    for day in (1, 2, 3):
        load(lake, day)
        if day < 3:
            assert not lake.run(accept=["drift", "quality"]).failed
    return lake


def log(lake: Lake, table: str) -> Path:
    return Path(lake.storage.path(table)) / "_delta_log"
