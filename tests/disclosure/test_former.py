"""What a publication hides stands as readers have it from an earlier one: they could fill it in by hand."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from carti_lake.disclosure import Publication, Told, as_shown_before, publication
from carti_lake.tables.gold.events import AXES, kinds
from tests.worlds.events import KINDS, release

from .attacker import Kind
from .test_attack import CHANGES, COUNTS
from .test_publication import monthly

pytestmark = pytest.mark.slow

TABLES = [*dict.fromkeys(axis.table for axis in AXES)]


def consecutive(*releases: dict[str, pl.DataFrame]) -> list[tuple[Publication, Publication, list[Told]]]:
    """Publications one after the other: with their blanks, as readers see them, and what was made public before."""
    earlier: list[Told] = []
    made = []
    for frames in releases:
        blank = publication(frames, earlier)
        assert blank.told is not None
        made.append((blank, as_shown_before(blank, earlier), list(earlier)))
        earlier.append(blank.told)
    return made


def appointments(shown: Publication) -> list[int | None]:
    return shown.tables["provider_summary"]["appointments"].to_list()


def test_what_moved_little_stands_as_it_was_made_public_last_and_is_named() -> None:
    counts = ([40, 50, 60], [45, 50, 80], [55, 50, 95])
    first, second, third = consecutive(*(monthly(appointments=one) for one in counts))
    assert appointments(second[0]) == [None, 50, None]
    assert appointments(second[1]) == [40, 50, 60]
    assert "provider_summary: 2 numbers of P1, P3" in second[1].notes[-1]
    assert appointments(third[1]) == [55, 50, 95]
    assert first[1] == first[0]


def test_a_part_stands_beside_the_whole_of_the_same_publication_alone() -> None:
    before = monthly(appointments=[60, 50, 70], no_shows=[20, 25, 30])
    # The no-shows of P1 moved by 5; the appointments far enough to be shown.
    after = monthly(appointments=[90, 50, 70], no_shows=[25, 25, 30])
    (_, _, _), (blank, shown, _) = consecutive(before, after)
    assert blank.tables["provider_summary"]["appointments"].to_list() == [90, 50, 70]
    hidden = blank.tables["provider_summary"]["no_shows"]
    assert hidden[0] is None
    assert shown.tables["provider_summary"]["no_shows"][0] is None


def test_a_row_stands_as_it_was_where_that_tells_more_and_its_whole_has_not_moved_far() -> None:
    before = monthly(appointments=[600, 50, 70], no_shows=[200, 25, 30])
    # The no-shows of P1 moved by 5; the appointments far enough to be shown, and not by a tenth.
    after = monthly(appointments=[650, 50, 170], no_shows=[205, 25, 60])
    (_, _, _), (blank, shown, _) = consecutive(before, after)
    row = ("appointments", "no_shows", "no_show_rate")
    assert blank.tables["provider_summary"].select(row).row(0) == (650, None, None)
    assert shown.tables["provider_summary"].select(row).row(0) == (600, 200, 200 / 600)
    # P3 has more than doubled: as it is now, though a part is hidden to cover for the other.
    assert shown.tables["provider_summary"].select(row).row(2) == blank.tables["provider_summary"].select(row).row(2)
    assert "P1" in shown.notes[-1]


@pytest.mark.parametrize("name", KINDS)
def test_all_that_a_row_tells_of_a_kind_is_of_one_publication(name: str) -> None:
    before: list[Publication] = []
    for blank, shown, _ in consecutive(*drawn(KINDS[name], 2)):
        sources = [blank, *before]
        for table in (one for one in TABLES if one in shown.tables):
            rows = shown.tables[table]
            key = "provider_id" if table == "provider_summary" else rows.columns[0]
            for _, columns in kinds():
                there = [column for column in columns if column in rows.columns]
                told = [one.tables[table].select(key, *there) for one in sources]
                for row in rows.select(key, *there).iter_rows(named=True):
                    # Each number of the row is what one and the same publication has there.
                    fits = [
                        all(row[column] in (None, one[column]) for column in there)
                        for frame in told
                        for one in frame.filter(pl.col(key) == row[key]).iter_rows(named=True)
                    ]
                    assert any(fits), (table, row)
        before = [blank, *before]


def test_a_rate_stands_as_it_was_where_all_of_it_does() -> None:
    before = monthly(appointments=[60, 50, 70], no_shows=[20, 25, 30])
    after = monthly(appointments=[63, 50, 90], no_shows=[23, 25, 50])
    (first, _, _), (blank, shown, _) = consecutive(before, after)
    month, was = shown.tables["network_by_month"], first.tables["network_by_month"]
    hidden = blank.tables["network_by_month"].select("appointments", "no_shows", "no_show_rate")
    if hidden.null_count().row(0) == (1, 1, 1):
        assert_frame_equal(month.select(hidden.columns), was.select(hidden.columns))
    else:
        assert_frame_equal(month.select(hidden.columns), hidden)
    summary = shown.tables["provider_summary"]
    assert summary.select("appointments", "no_shows").row(0) == (60, 20)
    assert summary["no_show_rate"][0] in (None, 20 / 60)


def test_a_zero_of_then_does_not_stand_for_a_few_of_now() -> None:
    (_, _, _), (blank, shown, _) = consecutive(monthly(appointments=[0, 50, 60]), monthly(appointments=[5, 50, 90]))
    assert appointments(blank)[0] is None
    assert appointments(shown)[0] is None


def drawn(kind: Kind, seed: int) -> list[dict[str, pl.DataFrame]]:
    """Three releases at random; of one provider all changes from one to the next, a little."""
    draw = np.random.default_rng(seed)
    truths = [draw.choice(np.array(COUNTS) * 5, kind.shape)]
    for _ in range(2):
        changes = np.zeros(kind.shape, dtype=np.int64)
        changes[0] = draw.choice(CHANGES, kind.shape[1:]) // 5
        truths.append(np.maximum(truths[-1] + changes, 0))
    return [release(kind, one) for one in truths]


@pytest.mark.parametrize("name", KINDS)
def test_it_follows_from_the_blanks_and_from_what_earlier_ones_showed(name: str) -> None:
    filled = 0
    for blank, shown, earlier in (one for seed in range(2) for one in consecutive(*drawn(KINDS[name], seed))):
        # Whatever the hidden sums are, of now and of then, readers see the same.
        assert blank.told is not None
        other = replace(blank, told=garbled(blank.told))
        again = as_shown_before(other, [garbled(one) for one in earlier])
        for table in TABLES:
            if table in shown.tables:
                assert_frame_equal(again.tables[table], shown.tables[table])
                filled += nulls(blank.tables[table]) - nulls(shown.tables[table])
        assert_frame_equal(again.network, shown.network)
        assert again.notes == shown.notes
    assert filled > 0


def nulls(rows: pl.DataFrame) -> int:
    return sum(rows.null_count().row(0))


def garbled(told: Told) -> Told:
    """The same publication of a lake whose hidden sums are others."""
    sums = {}
    for key, rows in told.sums.items():
        flags = rows.select(key).join(told.shown[key], on=key, how="left", nulls_equal=True, maintain_order="left")
        sums[key] = rows.with_columns(
            pl.when(flags[name].fill_null(False)).then(pl.col(name)).otherwise(7).cast(rows.schema[name]).alias(name)
            for name in rows.columns
            if name in flags.columns and name != key
        )
    return replace(told, sums=sums)


@pytest.mark.parametrize("name", KINDS)
def test_each_number_is_of_this_publication_or_was_in_an_earlier_one(name: str) -> None:
    before: Sequence[Publication] = []
    for blank, shown, _ in consecutive(*drawn(KINDS[name], 0)):
        for table in (one for one in TABLES if one in shown.tables):
            key = shown.tables[table].columns[0] if table != "provider_summary" else "provider_id"
            for column in shown.tables[table].select(pl.selectors.integer()).columns:
                now = dict(shown.tables[table].select(key, column).iter_rows())
                had = [dict(one.tables[table].select(key, column).iter_rows()) for one in (blank, *before)]
                for member, value in now.items():
                    assert value is None or value in [one.get(member) for one in had], (table, column, member)
        before = [*before, blank]


@pytest.mark.parametrize("name", KINDS)
def test_a_count_that_was_public_once_is_never_blank_again(name: str) -> None:
    wholes = {"visits", "total_visits", "stays", "referrals_made", "appointments"}
    ever: set[tuple[str, object, str]] = set()
    for _, shown, _ in consecutive(*drawn(KINDS[name], 1)):
        for table in (one for one in TABLES if one in shown.tables):
            rows = shown.tables[table]
            key = "provider_id" if table == "provider_summary" else rows.columns[0]
            for column in wholes & {*rows.columns}:
                cells = {(table, member, column): value for member, value in rows.select(key, column).iter_rows()}
                assert not [one for one in ever & cells.keys() if cells[one] is None]
                ever |= {one for one, value in cells.items() if value}
    assert ever
