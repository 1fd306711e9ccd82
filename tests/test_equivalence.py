"""Any order, repetition and split, runs at any moment, incremental or full: the same silver, quarantine and gold."""

import shutil
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from carti_lake import Lake
from carti_lake.pipeline.newest import OUTCOMES
from carti_lake.tables.silver.entity import ORIGIN
from tests.equality import State, assert_same, state
from tests.strategies import Delivery, deliveries

pytestmark = pytest.mark.slow

NOW = datetime(2026, 6, 1, tzinfo=UTC)
# Shrinking a lake takes minutes and the printed blob repeats the example: explain only what was found.
THOROUGH = settings(
    max_examples=10,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@contextmanager
def new_lake() -> Iterator[Lake]:
    folder = tempfile.mkdtemp(prefix="carti-lake-test-")
    try:
        yield Lake(Path(folder) / "lake", clock=lambda: NOW, environment={})
    finally:
        shutil.rmtree(folder)


def load(lake: Lake, delivery: Delivery) -> None:
    lake.load(delivery.feed, delivery.frame, extract_date=delivery.extract_date, delivered_at=delivery.delivered_at)


def run(lake: Lake, *, full: bool = False) -> None:
    """A run; every audit must pass but drift and quality: random rows drift, and several are of one key."""
    result = lake.run(full=full, accept=["drift", "quality"])
    assert not result.failed, result.failed


def build(lake: Lake, order: Sequence[Delivery], runs_before: Collection[int] = ()) -> State:
    for place, delivery in enumerate(order):
        if place in runs_before:
            run(lake)
        load(lake, delivery)
    run(lake)
    return state(lake)


def some_places(order: Sequence[Delivery]) -> SearchStrategy[set[int]]:
    """Moments at which a run happens between two deliveries."""
    return st.sets(st.integers(1, len(order)), max_size=2)


def assert_reconciles(lake: Lake, delivered: Sequence[Delivery]) -> None:
    """Each batch's rows are in silver or quarantine, superseded or duplicates; all are accounted for."""
    books = lake.storage.scan("gold.reconciliation").collect()
    assert (books["bronze_rows"] == books.select(pl.sum_horizontal(OUTCOMES)).to_series()).all()
    assert books.select(pl.col(OUTCOMES).min()).min_horizontal().item() >= 0
    assert sorted(books["bronze_rows"]) == sorted(len(one.rows) for one in delivered)


#: Any feeds; and visits with the lines of their claims, which seldom meet among all feeds.
ANY = st.one_of(deliveries(), deliveries(most=4, feeds=("ehr_visits", "ehr_claim_lines")))


@THOROUGH
@given(ANY, st.data())
def test_order_repetition_and_moments_of_runs_do_not_matter(delivered, data):
    shuffled = data.draw(st.permutations([*delivered, *delivered[: data.draw(st.integers(0, 2))]]), "order")
    runs = data.draw(some_places(shuffled), "runs")
    with new_lake() as plain, new_lake() as other:
        expected = build(plain, delivered)
        assert_same(expected, build(other, shuffled, runs))
        assert_reconciles(other, delivered)
        run(other, full=True)
        assert_same(expected, state(other))
        assert_reconciles(other, delivered)


#: Checks of what one batch holds: rows of one key that come in two batches are no longer rows of one batch.
OF_BATCHES = ("extracts|rows_of_one_key", "extracts|refused")


def business(held: State) -> State:
    """The state without what names the batches that rows came with, and without what is said of single batches."""
    rows = {}
    for name, frame in held.items():
        if name == "gold.reconciliation":
            frame = frame.group_by("feed").agg(
                pl.col("bronze_rows", "silver_rows", "quarantined_rows").sum(),
                lost_rows=pl.col("superseded_rows").sum() + pl.col("duplicate_rows").sum(),
            )
        elif name == "gold.data_quality":
            frame = frame.filter(~pl.col("rule").is_in(OF_BATCHES))
        else:
            frame = frame.drop(*(set(ORIGIN) - {"extract_date"}), strict=False)
        rows[name] = frame.sort(pl.all())
    return rows


@settings(THOROUGH, max_examples=5)
@given(deliveries(most=4), st.data())
def test_a_delivery_may_come_in_parts(delivered, data):
    # One moment each: between the parts of a delivery there is room for no other.
    apart = [
        Delivery(one.feed, one.extract_date, one.delivered_at.replace(minute=place), one.rows)
        for place, one in enumerate(delivered)
    ]
    parts = [part for one in apart for part in one.parts(data.draw(st.integers(0, 5), "cut"))]
    # The same content for the same day is one batch, also where a delivery's two halves are the same.
    assume(len({(part.feed, part.extract_date, part.rows) for part in parts}) == len(parts))
    shuffled = data.draw(st.permutations(parts), "order")
    runs = data.draw(some_places(shuffled), "runs")
    with new_lake() as whole, new_lake() as split:
        assert_same(business(build(whole, apart)), business(build(split, shuffled, runs)))
