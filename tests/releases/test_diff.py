"""What changed between two releases, row by row, and how a table came to be."""

from decimal import Decimal

import dataframely as dy
import polars as pl
import pytest

from carti_lake.releases.diff import diff
from carti_lake.store.errors import LakeError
from carti_lake.tables import Table
from tests.worlds.lakes import Clock, lake_in, load, stay, visit


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Release 2 corrects visit 1, withdraws visit 2, leaves visit 3 and adds visit 4; release 3 adds stays."""
    lake = lake_in(tmp_path_factory.mktemp("changes") / "lake", Clock())
    load(lake, "ehr_visits", [visit(1), visit(2), visit(3)], "2026-03-01")
    lake.run()
    lake.clock.turn(days=1)
    corrected = visit(1, claim_amount="250", claim_status="Denied", claim_paid="0")
    load(lake, "ehr_visits", [corrected, visit(2, is_deleted="true"), visit(4)], "2026-03-02")
    lake.run(accept=["drift"])
    lake.clock.turn(days=1)
    load(lake, "sg2_patient_flow", [stay(1)], "2026-03-03")
    lake.run(accept=["drift"])
    return lake


def test_rows_are_inserted_updated_with_old_and_new_values_or_deleted(lake):
    rows = lake.diff("silver.visits", 1, 2).collect().rows_by_key("visit_id", named=True, unique=True)

    assert {key: row["change"] for key, row in rows.items()} == {"V1": "updated", "V2": "deleted", "V4": "inserted"}
    assert (rows["V1"]["claim_amount_before"], rows["V1"]["claim_amount"]) == (Decimal(100), Decimal(250))
    assert (rows["V1"]["claim_status_before"], rows["V1"]["claim_status"]) == ("paid", "denied")
    assert {"claim_amount", "claim_paid", "claim_status"} <= set(rows["V1"]["changed_columns"])
    assert "visit_date" not in rows["V1"]["changed_columns"]
    assert rows["V2"]["claim_amount"] is None
    assert rows["V4"]["claim_amount_before"] is None


def test_the_other_way_round_is_the_reverse(lake):
    rows = lake.diff("silver.visits", 2, 1).collect()
    assert dict(rows.select("visit_id", "change").rows()) == {"V1": "updated", "V2": "inserted", "V4": "deleted"}


def test_a_release_does_not_differ_from_itself(lake):
    assert lake.diff("silver.visits", 2, 2).collect().is_empty()
    assert lake.diff("silver.visits", 2, 3).collect().is_empty()


def test_gold_and_views_are_compared_too(lake):
    summary = lake.diff("provider_summary", 1, 2).collect().row(0, named=True)
    assert (summary["denied_claims_before"], summary["denied_claims"]) == (0, 1)
    claims = lake.diff("silver.claims", 1, 2).collect()
    assert dict(claims.select("claim_id", "change").rows()) == {"V1": "updated", "V2": "deleted", "V4": "inserted"}


def test_a_table_that_one_of_the_releases_lacks_counts_as_empty_there(lake):
    assert lake.diff("silver.encounters", 1, 3).collect()["change"].to_list() == ["inserted"]
    assert lake.diff("silver.encounters", 1, 2).collect().is_empty()


def test_dates_and_locks_name_releases_here_as_well(lake):
    assert lake.diff("silver.visits", "2026-03-10", "2026-03-11").collect().height == 3


def test_the_history_of_a_table_names_the_releases_that_hold_each_version(lake):
    history = lake.history("silver.visits")

    assert [entry["version"] for entry in history] == [3, 2, 1, 0]
    assert [entry["releases"] for entry in history] == [[3], [2], [1], []]
    assert history[2]["rows_added"] == 3
    assert lake.history("claims") == history


def test_a_table_without_history_says_so(lake):
    with pytest.raises(LakeError, match=r"silver\.medications has no history"):
        lake.history("medications")
    with pytest.raises(KeyError, match=r"There is no table 'visit'\. Did you mean .*visits"):
        lake.history("visit")


class Prices(Table, layer="gold", table="prices"):
    """A table to compare, for these tests."""

    provider_id = dy.String(primary_key=True)
    month = dy.Int64(primary_key=True)
    paid = dy.Int64(nullable=True)
    note = dy.String(nullable=True)


def state(*rows):
    return pl.LazyFrame(rows, schema=Prices.dtypes(), orient="row")


KEPT = ("lee", 1, 10, "a")


@pytest.mark.parametrize("gained_by", ["before", "after"])
def test_a_column_that_only_one_state_has_is_null_in_the_other(gained_by):
    full, less = state(KEPT), state(KEPT).drop("note")
    before, after = (full, less) if gained_by == "before" else (less, full)
    rows = diff(before, after, Prices).collect()
    assert rows["change"].to_list() == ["updated"]
    assert rows["changed_columns"].to_list() == [["note"]]
    assert rows.select("note_before", "note").row(0) == (("a", None) if gained_by == "before" else (None, "a"))
