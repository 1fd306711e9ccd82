"""Three publications of a network like the demo's can be worked with: few cells and tiles are blank in any of them."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

import polars as pl
import pytest

from carti_lake.demo.story import NETWORK, STEPS
from carti_lake.disclosure import Publication, Told, as_shown_before, in_full, publication
from carti_lake.disclosure.release import gold_frames
from carti_lake.generate import extracts
from carti_lake.lake import Lake
from carti_lake.metrics import METRICS
from carti_lake.outlets.dashboard.cubes import KPIS
from carti_lake.outlets.headline import headlines, over, usual_period
from carti_lake.releases.view import View
from carti_lake.tables.gold.events import AXES, OTHERS

pytestmark = pytest.mark.slow

#: Of what the inside reads, the share that the public may miss; and of eight tiles, how many.
MOST_CELLS, MOST_TILES = 0.15, 1


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> list[View]:
    """The demo's three releases, each feed's rows of a step in one extract."""
    lake = Lake(tmp_path_factory.mktemp("demo") / "lake")
    ends = [NETWORK.start + timedelta(days=NETWORK.history + days - 1) for days in STEPS]
    steps: list[dict[str, list[pl.DataFrame]]] = [{} for _ in ends]
    days = {}
    for feed, day, delivered_at, rows in extracts(NETWORK):
        step = next(place for place, end in enumerate(ends) if day <= end)
        steps[step].setdefault(feed, []).append(rows)
        days[step, feed] = day, delivered_at
    for step, feeds in enumerate(steps):
        for feed, frames in feeds.items():
            day, delivered_at = days[step, feed]
            rows = pl.concat(frames, how="diagonal_relaxed")
            assert len(lake.load(feed, rows, extract_date=day, delivered_at=delivered_at)) == 1
        # Rows that changed within a step stand in one extract; else, that is a sign of the wrong key.
        result = lake.run(accept=["quality"])
        assert not result.failed, result.failed
    return [lake.at(number) for number in (1, 2, 3)]


@pytest.fixture(scope="module")
def published(releases: list[View]) -> list[tuple[View, Publication]]:
    """What is made public of them, one after the other."""
    earlier: list[Told] = []
    made = []
    for view in releases:
        blank = publication(gold_frames(view), earlier)
        assert blank.told is not None
        made.append((view, as_shown_before(blank, earlier)))
        earlier.append(blank.told)
    return made


def tables(one: Publication) -> dict[str, pl.DataFrame]:
    found = {axis.table: (axis.key, one.tables[axis.table]) for axis in AXES}
    return {name: rows.rename({key: "key"}) for name, (key, rows) in found.items()} | {
        "network": one.network.rename({"network": "key"})
    }


def cells(shown: Publication, exact: Publication) -> Iterator[tuple[str, str, int, int]]:
    """By table and column: numbers that the inside has, and how many of them the public has not."""
    whole: Mapping[str, pl.DataFrame] = tables(exact)
    for name, rows in tables(shown).items():
        numbers = [column for column in rows.select(pl.selectors.numeric()).columns if column in whole[name].columns]
        both = rows.join(whole[name], on="key", how="left", nulls_equal=True, suffix="_exact")
        # Several together are no row of the inside's: there, all could be told.
        pooled = both["key"].cast(pl.String) == OTHERS
        for column in numbers:
            there = both[f"{column}_exact"].is_not_null() | pooled.fill_null(False)
            yield name, column, int(there.sum()), int((there & both[column].is_null()).sum())


def test_few_cells_are_blank(published: list[tuple[View, Publication]]) -> None:
    for view, shown in published:
        counted = list(cells(shown, in_full(gold_frames(view))))
        there, blank = (sum(one[place] for one in counted) for place in (2, 3))
        assert there > 5_000
        assert blank <= MOST_CELLS * there, sorted(counted, key=lambda one: -one[3])[:20]


def test_one_tile_is_blank_at_most_and_all_others_are_compared(published: list[tuple[View, Publication]]) -> None:
    for view, shown in published:
        as_of = view.release.data_as_of
        period = usual_period(over(shown, as_of))
        heads = headlines(shown, as_of, period, [METRICS[name] for name in KPIS])
        assert len(KPIS) - heads.height <= MOST_TILES, {*KPIS} - {*heads["metric"]}
        assert heads["before"].null_count() == 0
