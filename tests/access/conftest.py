"""A release as plain frames, and views of it: whole, or with rows taken out."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from importlib import import_module

import polars as pl
import pytest

from carti_lake import Lake
from carti_lake.disclosure import publication, told_of
from carti_lake.disclosure.release import gold_frames
from carti_lake.generate import Network
from carti_lake.releases.release import Release
from carti_lake.tables import TABLES
from tests.worlds.networks import delivered

NETWORK = Network(seed=8, providers=16, patients=300, days=24, visits_per_day=25)
NEWEST = date(2026, 1, 1)


@dataclass(frozen=True)
class Before:
    """A lake with no other release than the one before, if any."""

    frames: "Frames | None" = None


@dataclass(frozen=True)
class Frames:
    """A view of frames."""

    frames: dict[str, pl.DataFrame]
    release: Release
    lake: Before = field(default_factory=Before)

    def before(self):
        return self.lake.frames

    def tables(self):
        return [name for name in TABLES if name in self.frames]

    def scan(self, table):
        return self.frames[table].lazy()

    def each(self, change: Callable[[pl.DataFrame, str], pl.DataFrame]) -> "Frames":
        """With each table changed, those of the release before as well."""
        before = self.lake.frames
        return Frames(
            {name: change(frame, name) for name, frame in self.frames.items()},
            self.release,
            Before(None if before is None else before.each(change)),
        )


@pytest.fixture(autouse=True)
def publications_of_frames(monkeypatch):
    """Frames have no record of publications: they are compared with those before them."""

    def published(view, outlet):
        before = view.before()
        return publication(gold_frames(view), [] if before is None else [told_of(gold_frames(before))])

    # The package's function of that name stands before its module.
    monkeypatch.setattr(import_module("carti_lake.access.visible"), "published", published)


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """Everything that a small network's release holds, and one before it that lacks the newest month."""
    lake = Lake(
        tmp_path_factory.mktemp("access") / "lake", clock=lambda: datetime(2026, 3, 1, tzinfo=UTC), environment={}
    )
    for feed, rows in delivered(NETWORK).items():
        lake.load(feed, rows.drop("extract_date"), extract_date=rows["extract_date"].max())
    # The days come in one extract, as a log of changes does: a person has looked at it.
    assert not lake.run(accept=["quality"]).failed
    view = lake.at()
    first = Frames({name: view.scan(name).collect() for name in view.tables()}, view.release)

    def without_the_newest(frame, name):
        return frame.filter(pl.col("month") < NEWEST) if "month" in frame.columns else frame

    return Frames(first.frames, replace(view.release, number=2), Before(first.each(without_the_newest)))


@pytest.fixture(scope="session")
def providers(whole):
    return sorted(whole.frames["gold.provider_monthly"]["provider_id"].unique())


@pytest.fixture(scope="session")
def lines(whole):
    return sorted(whole.frames["gold.provider_monthly"]["service_line"].unique())
