"""A release as plain frames, and views of it: whole, or with rows taken out."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import polars as pl
import pytest

from carti_lake import Lake
from carti_lake.generate import Network
from carti_lake.release import Release
from carti_lake.tables import TABLES
from tests.generate.networks import delivered

NETWORK = Network(seed=8, providers=16, patients=300, days=24, visits_per_day=25)


@dataclass(frozen=True)
class NoLake:
    """A lake whose release has none before it."""

    def releases(self):
        return []


@dataclass(frozen=True)
class Frames:
    """A view of frames."""

    frames: dict[str, pl.DataFrame]
    release: Release
    lake: NoLake = field(default_factory=NoLake)

    def tables(self):
        return [name for name in TABLES if name in self.frames]

    def scan(self, table):
        return self.frames[table].lazy()


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """Everything that a small network's release holds."""
    lake = Lake(
        tmp_path_factory.mktemp("access") / "lake", clock=lambda: datetime(2026, 3, 1, tzinfo=UTC), environment={}
    )
    for feed, rows in delivered(NETWORK).items():
        lake.load(feed, rows.drop("extract_date"), extract_date=rows["extract_date"].max())
    assert not lake.run().failed
    view = lake.at()
    return Frames({name: view.scan(name).collect() for name in view.tables()}, view.release)


@pytest.fixture(scope="session")
def providers(whole):
    return sorted(whole.frames["gold.provider_monthly"]["provider_id"].unique())


@pytest.fixture(scope="session")
def lines(whole):
    return sorted(whole.frames["gold.provider_monthly"]["service_line"].unique())
