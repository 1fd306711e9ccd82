"""A feed that delivers a full list each time: who is not on the newest list is withdrawn."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from carti_lake.pipeline.silver.snapshot import unlisted

DELIVERED = datetime(2026, 3, 9, tzinfo=UTC)
SCHEMA = {"key_hash": pl.Int64, "extract_date": pl.Date, "delivered_at": pl.Datetime("us", "UTC")}


def rows(*given, flag="withdrawn"):
    """Rows as (key, day of March, flag)."""
    return pl.LazyFrame(
        [(key, date(2026, 3, day), DELIVERED, gone) for key, day, gone in given],
        schema={**SCHEMA, flag: pl.Boolean},
        orient="row",
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
