"""Newest wins: `settle`, step after step, against a reference that looks at all rows at once."""

from collections import Counter
from dataclasses import dataclass, fields
from decimal import Decimal

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from carti_lake.pipeline.newest import (
    BOOKS,
    LIGHT,
    OUTCOMES,
    Resolution,
    displaced,
    in_bucket,
    ledger,
    resolve_versions,
    together,
)

SCHEMA = {"key_hash": pl.Int64, "order": pl.Int128, "row_hash": pl.Int64, "batch_id": pl.String}


@dataclass(frozen=True)
class Row:
    """A delivered row, reduced to what settling needs."""

    key: int | None
    content: int
    valid: bool
    time: int
    number: int
    batch: int

    @property
    def order(self) -> int:
        return ((self.time * 100 + self.number) * 100 + self.content) * 100 + self.batch

    @property
    def row_hash(self) -> int:
        return (self.key or 0) * 10 + self.content


@dataclass(frozen=True)
class State:
    """Silver and quarantine (in ``LIGHT``), and the books."""

    silver: pl.DataFrame
    quarantine: pl.DataFrame
    ledger: pl.DataFrame


#: Content 4 takes back what came before it.
TAKES_BACK = pl.col("row_hash") % 10 == 4
EMPTY = State(pl.DataFrame(schema=SCHEMA), pl.DataFrame(schema=SCHEMA), ledger())


def frame(rows: list[Row]) -> pl.DataFrame:
    return pl.DataFrame(
        [(one.key, one.order, one.row_hash, f"b{one.batch}", not one.valid) for one in rows],
        schema={**SCHEMA, "broken": pl.Boolean},
        orient="row",
    )


def step(state: State, rows: list[Row]) -> State:
    """What a run does: look up the keys, settle, apply."""
    new = frame(rows)
    keys = new.select("key_hash").unique()
    current = state.silver.join(keys, on="key_hash", how="semi")
    waiting = state.quarantine.join(keys, on="key_hash", how="semi", nulls_equal=True)
    result = resolve_versions(new.lazy(), current, waiting)
    return State(
        pl.concat([state.silver.join(result.replaced, on="order", how="anti"), winners(result, new, current)]),
        pl.concat([state.quarantine.join(result.released, on="order", how="anti"), result.refused]),
        ledger(
            state.ledger,
            result.silver_ledger,
            result.quarantine_ledger,
            displaced(result.rivals.lazy(), TAKES_BACK, None).collect(),
        ),
    )


def winners(result: Resolution, new: pl.DataFrame, current: pl.DataFrame) -> pl.DataFrame:
    good = new.filter(~pl.col("broken")).select(LIGHT)
    return good.join(result.superseded, on="order", how="anti").join(current, on="order", how="anti")


def reference(rows: list[Row]) -> tuple[set[int], set[int], dict[str, list[int]]]:
    """Orders in silver, orders in quarantine, and each batch's outcomes, as the design words them."""
    best: dict[int, int] = {}
    for row in rows:
        if row.valid and row.key is not None:
            best[row.key] = max(best.get(row.key, -1), row.order)
    newest_of_identical: dict[tuple[int | None, int], int] = {}
    for row in rows:
        if not row.valid and (row.key is None or row.order > best.get(row.key, -1)):
            identity = (row.key, row.row_hash)
            newest_of_identical[identity] = max(newest_of_identical.get(identity, -1), row.order)
    silver, quarantine = set(best.values()), set(newest_of_identical.values())
    books: dict[str, Counter[str]] = {}
    for row in rows:
        repeated = any(
            (other.batch, other.row_hash) == (row.batch, row.row_hash) and other.order > row.order for other in rows
        )
        outcome = (
            "silver_rows"
            if row.order in silver
            else "quarantined_rows"
            if row.order in quarantine
            else "duplicate_rows"
            if repeated
            else "superseded_rows"
        )
        books.setdefault(f"b{row.batch}", Counter())[outcome] += 1
        books[f"b{row.batch}"]["displaced_rows"] += is_displaced(row, rows)
    return silver, quarantine, {batch: [count[name] for name in BOOKS] for batch, count in books.items()}


def is_displaced(row: Row, rows: list[Row]) -> bool:
    """Whether the next row of the key and batch that says something else replaces this one, without taking it back."""
    later = [
        other
        for other in rows
        if other.valid and (other.batch, other.key) == (row.batch, row.key) and other.order > row.order
    ]
    if (
        not row.valid
        or row.key is None
        or row.content == 4
        or not later
        or row.content in {one.content for one in later}
    ):
        return False
    # Of rows that say the same, the last one is the one that counts.
    contents = {one.content: max(same.order for same in later if same.content == one.content) for one in later}
    return min(contents, key=contents.__getitem__) != 4


def check(state: State, rows: list[Row]) -> None:
    silver, quarantine, books = reference(rows)
    assert sorted(state.silver["order"]) == sorted(silver)
    assert sorted(state.quarantine["order"]) == sorted(quarantine)
    assert {batch: list(numbers) for batch, *numbers in state.ledger.iter_rows()} == books


@st.composite
def batches(draw: st.DrawFn) -> list[list[Row]]:
    """Batches of rows of three keys and one that cannot be read; equal content is equally valid."""
    contents = st.lists(
        st.tuples(st.sampled_from([1, 2, 3, None]), st.integers(0, 5)),
        max_size=6,
    )
    return [
        [
            Row(key, content, key is not None and content % 2 == 0, time, number, batch)
            for number, (key, content) in enumerate(draw(contents), start=1)
        ]
        for batch, time in enumerate(draw(st.lists(st.integers(0, 3), min_size=1, max_size=6)))
    ]


@settings(max_examples=200)
@given(batches(), st.data())
def test_any_order_split_and_repetition_of_batches_gives_the_rows_that_all_of_them_give_at_once(delivered, data):
    order = data.draw(st.permutations(range(len(delivered))))
    state, seen, place = EMPTY, [], 0
    while place < len(order):
        taken = data.draw(st.integers(1, 3))
        rows = [row for batch in order[place : place + taken] for row in delivered[batch]]
        state, seen, place = step(state, rows), seen + rows, place + taken
        check(state, seen)


@settings(max_examples=100)
@given(batches(), st.integers(1, 4))
def test_buckets_of_keys_come_to_what_all_rows_come_to(delivered, buckets):
    rows = frame([row for batch in delivered for row in batch]).with_columns(bucket=in_bucket(buckets))
    parts = [rows.filter(pl.col("bucket") == place).lazy() for place in range(buckets)]

    one = together([resolve_versions(part, EMPTY.silver, EMPTY.quarantine) for part in parts])
    other = resolve_versions(rows.lazy(), EMPTY.silver, EMPTY.quarantine)

    for held in fields(Resolution):
        assert_frame_equal(getattr(one, held.name), getattr(other, held.name), check_row_order=False)


def test_a_key_keeps_its_newest_valid_row_and_a_newer_refused_one_waits():
    old, good, refused = Row(1, 0, True, 0, 1, 0), Row(1, 2, True, 1, 1, 1), Row(1, 1, False, 2, 1, 2)

    state = step(step(step(EMPTY, [refused]), [good]), [old])

    assert state.silver["order"].to_list() == [good.order]
    assert state.quarantine["order"].to_list() == [refused.order]


def test_a_corrected_redelivery_releases_the_refused_row():
    refused, corrected = Row(1, 1, False, 0, 1, 0), Row(1, 2, True, 1, 1, 1)

    state = step(step(EMPTY, [refused]), [corrected])

    assert state.quarantine.is_empty()
    assert state.ledger.rows() == [("b0", 0, 1, 0, 0, 0, 0), ("b1", 1, 0, 0, 0, 0, 0)]


def test_rows_that_were_taken_in_before_change_nothing():
    rows = [Row(1, 0, True, 0, 1, 0), Row(2, 1, False, 0, 2, 0)]
    once = step(EMPTY, rows)

    silver_again = resolve_versions(frame(rows).lazy(), once.silver, once.quarantine)

    assert silver_again.replaced.is_empty()
    assert silver_again.refused.is_empty()
    assert silver_again.released.is_empty()
    assert silver_again.silver_ledger.select(pl.col(OUTCOMES).abs().sum()).row(0) == (0, 0, 0, 0)


def test_a_row_that_another_of_its_key_and_batch_comes_after_is_displaced_with_its_dollars():
    rows = pl.LazyFrame(
        {
            "key_hash": [1, 1, 1, 2, 2, 3, 3, 3],
            "order": range(8),
            "row_hash": [11, 12, 13, 21, 22, 31, 32, 31],
            "batch_id": ["a"] * 8,
            "dollars": [Decimal(200), Decimal(1_500), Decimal(9_000), *[Decimal(100)] * 2, *[Decimal(7)] * 3],
            "reversal": [False] * 4 + [True] + [False] * 3,
        }
    )

    # Lines of a claim; a claim and its reversal; a row delivered again after one that says something else.
    assert displaced(rows.head(3), pl.col("reversal"), "dollars").collect().rows() == [("a", 2, Decimal(1_700))]
    assert displaced(rows.slice(3, 2), pl.col("reversal"), "dollars").collect().is_empty()
    assert displaced(rows.tail(3), pl.col("reversal"), "dollars").collect().rows() == [("a", 1, Decimal(7))]
