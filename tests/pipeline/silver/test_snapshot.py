"""A feed that delivers a full list each time: who is not on the newest list is withdrawn."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from carti_lake.pipeline.order import order
from carti_lake.pipeline.silver.snapshot import unlisted

DELIVERED = datetime(2026, 3, 9, tzinfo=UTC)
SCHEMA = {"key_hash": pl.Int64, "extract_date": pl.Date, "delivered_at": pl.Datetime("us", "UTC")}
OF_BATCH = {"batch_id": pl.lit("one"), "row_hash": pl.lit(0, pl.Int64)}


def rows(*given, flag="withdrawn"):
    """Rows as (key, day of March, flag), a fourth number being the hour of delivery."""
    return (
        pl.LazyFrame(
            [
                (key, date(2026, 3, day), DELIVERED + timedelta(hours=sum(hour)), gone)
                for key, day, gone, *hour in given
            ],
            schema={**SCHEMA, flag: pl.Boolean},
            orient="row",
        )
        .with_row_index("row_number", 1)
        .with_columns(**OF_BATCH)
        .with_columns(order=order())
    )


def outcome(upserts, delivered, silver=(), quarantine=(), *, rebuild=False):
    """By key, whether it is withdrawn: only the rows to write."""
    written = unlisted(
        rows(*upserts), rows(*delivered), rows(*silver), rows(*quarantine, flag="is_deleted"), rebuild=rebuild
    ).collect()
    return dict(written.select("key_hash", "withdrawn").iter_rows())


@pytest.mark.parametrize("rebuild", [True, False])
def test_of_two_lists_the_newer_one_counts(rebuild):
    delivered = [(1, 1, False), (2, 1, False), (1, 2, False)]
    assert outcome([(1, 2, False), (2, 1, False)], delivered, rebuild=rebuild) == {1: False, 2: True}


def test_a_newer_list_withdraws_who_stands_and_is_not_on_it():
    assert outcome([(1, 2, False)], [(1, 2, False)], silver=[(1, 1, False), (2, 1, False)]) == {1: False, 2: True}


def test_an_older_list_withdraws_nobody_and_adds_only_the_withdrawn():
    assert outcome([(2, 1, False)], [(2, 1, False)], silver=[(1, 2, False)]) == {2: True}


def test_who_comes_back_on_a_list_is_there_again():
    assert outcome([(2, 3, False)], [(2, 3, False)], silver=[(1, 2, False), (2, 1, True)]) == {1: True, 2: False}


def test_a_list_that_withdraws_a_line_itself_does_not_list_it():
    assert outcome([(1, 2, True)], [(1, 2, True)], silver=[(1, 1, False)]) == {1: True}


def test_a_line_that_was_refused_is_on_the_list_all_the_same():
    assert outcome([(1, 2, False)], [(1, 2, False), (2, 2, False)], silver=[(2, 1, False)]) == {1: False}
    assert outcome([], [(1, 2, False)], silver=[(1, 1, False), (2, 1, False)], quarantine=[(2, 2, False)]) == {}


@pytest.mark.parametrize("rebuild", [True, False])
def test_all_that_is_delivered_about_a_day_is_one_list(rebuild):
    parts = [(1, 2, False, 1), (2, 2, False, 5)]
    assert outcome(parts, parts, rebuild=rebuild) == {1: False, 2: False}


def test_a_second_part_that_comes_in_a_later_run_withdraws_nobody():
    assert outcome([(2, 2, False, 5)], [(2, 2, False, 5)], silver=[(1, 2, False, 1), (3, 1, True)]) == {2: False}


@pytest.mark.parametrize(("first", "then"), [(False, True), (True, False)])
def test_of_what_parts_say_of_a_key_the_last_counts(first, then):
    delivered = [(1, 2, first, 1), (1, 2, then, 5)]
    assert outcome([(1, 2, then, 5)], delivered, rebuild=True) == {1: then}
    assert outcome([(1, 2, then, 5)], [(1, 2, then, 5)], silver=[(1, 2, first, 1)]) == {1: then}


@pytest.mark.parametrize("gone", [True, False])
def test_of_what_one_delivery_says_of_a_key_the_last_row_counts(gone):
    delivered = [(1, 2, not gone), (1, 2, gone)]
    assert outcome([(1, 2, gone)], delivered, rebuild=True) == {1: gone}
