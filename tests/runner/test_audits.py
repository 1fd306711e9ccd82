"""What must hold before readers see a release: a sound lake passes, and one thing that is wrong fails."""

import shutil
import sys
from dataclasses import replace
from datetime import UTC, date, datetime

import polars as pl
import pytest

from carti_lake import Lake
from carti_lake.pipeline.gold.provider_monthly import provider_monthly
from carti_lake.pipeline.marts import MARTS
from carti_lake.releases.release import latest
from carti_lake.runner.audits import audit
from carti_lake.runner.engine import here
from carti_lake.store.write import append
from carti_lake.tables import find
from carti_lake.tables.gold import ProviderMonthly
from tests.worlds.rows import account, stay, visit

NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Ten visits in March, one in April, a stay, a CRM account, a referral that brought a visit; a refused row."""
    folder = tmp_path_factory.mktemp("audits") / "lake"
    lake = Lake(folder, clock=lambda: NOW, environment={})
    visits = [visit(f"V{n}") for n in range(10)] + [visit("V10", visit_date="2026-04-02"), visit("bad", claim_paid="?")]
    visits[0] = visit("V0", patient_id="P9", referral_id="R0")
    referral = {
        "referral_id": "R0",
        "patient_id": "P9",
        "referral_date": "2026-03-01",
        "referring_provider_name": "Bo Diaz",
        "service_line": "Breast",
        "referral_status": "Completed",
        "campaign_id": "K1",
        "estimated_value": "500",
    }
    lake.load("salesforce_referrals", [referral], extract_date=date(2026, 4, 3))
    lake.load("ehr_visits", visits, extract_date=date(2026, 4, 3))
    lake.load("sg2_patient_flow", [stay("P1")], extract_date=date(2026, 4, 3))
    lake.load("salesforce_crm", [account("Ann Lee")], extract_date=date(2026, 4, 3))
    lake.run()
    return folder


@pytest.fixture
def lake(folder, tmp_path):
    """A copy of that lake."""
    shutil.copytree(folder, tmp_path / "lake")
    return Lake(tmp_path / "lake", clock=lambda: NOW, environment={})


def failures(lake, last=None):
    """By audit that fails, what it says."""
    return {one.name: one.detail for one in audit(lake.storage, last, here) if not one.passed}


def rewrite(lake, table, change):
    """Write other rows than the run did, as a bug would."""
    storage = lake.storage
    rows = change(storage.scan(table).collect()).cast(find(table).dtypes())
    append(
        storage, storage.create(table, find(table)), rows, transactions={}, metadata={"rebuild": True}, mode="overwrite"
    )


def add_to(column, amount, where):
    return lambda rows: rows.with_columns(
        pl.when(where).then(pl.col(column) + amount).otherwise(pl.col(column)).alias(column)
    )


def test_a_sound_lake_passes_and_says_what_was_compared(lake):
    said = {one.name: one.detail for one in audit(lake.storage, None, here)}
    assert said["reconciliation"] == "4 batches, 15 rows, all accounted for"
    assert said["totals"] == "gold equals silver in 2 months"
    assert said["integrity"] == "facts find their dimensions"
    assert said["drift"] == "no earlier release to compare with"
    assert said["keys"].endswith("keys are unique")
    assert failures(lake) == failures(lake, latest(lake.storage)) == {}


def test_a_row_that_is_lost_from_silver_or_quarantine_is_missed(lake):
    rewrite(lake, "silver.visits", lambda rows: rows.filter(pl.col("visit_id") != "V3"))
    rewrite(lake, "quarantine.visits", lambda rows: rows.clear())
    found = failures(lake)
    assert "silver.visits holds 10 rows, its batches account for 11" in found["reconciliation"]
    assert "quarantine.visits holds 0 rows, its batches account for 1" in found["reconciliation"]
    assert "visits of 2026-03-01: silver 9, gold 10 in gold.provider_monthly" in found["totals"]


def test_a_batch_whose_rows_do_not_add_up_is_named(lake):
    rewrite(lake, "gold.reconciliation", add_to("superseded_rows", 1, pl.col("feed") == "salesforce_crm"))
    found = failures(lake)["reconciliation"]
    assert found.startswith("salesforce_crm:2026-04-03:")
    assert "1 delivered, 1 silver, 1 superseded, 0 duplicate, 0 quarantined" in found


@pytest.mark.parametrize("table", ["silver.visits", "gold.provider_monthly"])
def test_a_key_that_is_there_twice_is_found(lake, table):
    rewrite(lake, table, lambda rows: pl.concat([rows, rows.head(1)]))
    assert f"{table}: 1 rows repeat a key" in failures(lake)["keys"]


@pytest.mark.parametrize(
    ("table", "column"),
    [("gold.provider_summary", "provider_id"), ("gold.provider_monthly", "month"), ("gold.claims_monthly", "payer")],
)
def test_a_key_that_lacks_a_part_is_found(lake, table, column):
    rewrite(lake, table, lambda rows: rows.with_columns(pl.lit(None).alias(column)).head(1))
    key = " or ".join(find(table).key())
    assert f"{table}: 1 rows have no {key}" in failures(lake)["keys"]


def test_a_name_with_blanks_around_it_means_whom_it_means_without_them(tmp_path):
    lake = Lake(tmp_path / "lake", clock=lambda: NOW, environment={})
    lake.load("salesforce_crm", [account("  Ann Lee ")], extract_date=date(2026, 4, 3))
    lake.load("ehr_visits", [visit("V1"), visit("V2", provider_name=" ")], extract_date=date(2026, 4, 3))
    result = lake.run()
    assert not result.failed, result.failed
    summary = lake.query("SELECT provider_id, contact_count, total_visits FROM provider_summary").collect()
    assert summary.rows() == [("name:ann lee", 4, 1)]
    # A name of blanks names nobody.
    refused = lake.quarantine("visits").collect()
    assert refused["rules"].to_list() == ["rendering_provider_id|nullability"]


@pytest.mark.parametrize(
    ("dimension", "key"),
    [("gold.dim_provider", "provider_id"), ("gold.dim_service_line", "service_line"), ("gold.dim_date", "date")],
)
def test_a_fact_without_its_dimension_is_found(lake, dimension, key):
    rewrite(lake, dimension, lambda rows: rows.clear())
    assert f"values of {key} in gold.provider_monthly are not in {dimension}" in failures(lake)["integrity"]


@pytest.mark.parametrize("measure", ["visits", "gross_charges", "payments_as_delivered", "stays", "treatment_cost"])
def test_gold_that_differs_from_silver_by_one_is_found(lake, measure):
    rewrite(lake, "gold.provider_monthly", add_to(measure, 1, pl.col("month") == date(2026, 3, 1)))
    assert f"{measure} of 2026-03-01: silver " in failures(lake)["totals"]


@pytest.mark.parametrize(
    ("table", "measure"),
    [
        ("gold.referral_flow", "referrals"),
        ("gold.referral_flow", "estimated_value"),
        ("gold.marketing_monthly", "referrals"),
        ("gold.marketing_monthly", "realised_visits"),
        ("gold.marketing_monthly", "realised_cash"),
    ],
)
def test_a_mart_of_referrals_that_differs_from_silver_by_one_is_found(lake, table, measure):
    rewrite(lake, table, add_to(measure, 1, pl.col("month") == date(2026, 3, 1)))
    assert f"{measure} of 2026-03-01: silver " in failures(lake)["totals"]


@pytest.mark.parametrize("table", ["gold.referral_flow", "gold.marketing_roi"])
def test_a_mart_that_credits_more_cash_than_all_visits_brought_is_found(lake, table):
    # Ten visits of March and one of April brought 80 each; one of them is credited.
    rewrite(lake, table, add_to("realised_cash", 800, pl.lit(True)))
    assert failures(lake) == {}
    rewrite(lake, table, add_to("realised_cash", 1, pl.lit(True)))
    assert failures(lake) == {
        "totals": f"{table} credits 881.0000 of cash, all visits together brought 880.0000",
    }


@pytest.mark.parametrize(
    ("measure", "difference"),
    [
        ("claims", "silver 10, gold 11"),
        ("gross_charges", "silver 1000.0000, gold 1001.0000"),
        ("payments_as_delivered", "silver 800.0000, gold 801.0000"),
    ],
)
def test_claims_that_differ_from_silver_by_one_are_found(lake, measure, difference):
    rewrite(lake, "gold.claims_monthly", add_to(measure, 1, pl.col("month") == date(2026, 3, 1)))
    assert failures(lake)["totals"] == f"{measure} of 2026-03-01: {difference} in gold.claims_monthly"


def test_a_summary_that_is_not_the_sum_of_its_months_is_found(lake):
    rewrite(lake, "gold.provider_summary", add_to("total_visits", 1, pl.col("provider_id") == "name:ann lee"))
    assert failures(lake)["totals"] == "total_visits: summary 12, monthly 11"


@pytest.mark.parametrize(
    ("month", "added", "drifts"),
    [
        (date(2026, 3, 1), 1, False),  # 10 % of what was complete
        (date(2026, 3, 1), 2, True),
        (date(2026, 3, 1), -2, True),
        (date(2026, 4, 1), 50, False),  # the month was still open
    ],
)
def test_a_complete_month_may_move_by_the_tolerance(lake, month, added, drifts):
    last = latest(lake.storage)
    rewrite(lake, "gold.provider_monthly", add_to("visits", added, (pl.col("month") == month) & (pl.col("visits") > 0)))
    assert ("drift" in failures(lake, last)) is drifts
    if drifts:
        assert f"visits before 2026-04 went from 10.00 to {10 + added}.00" in failures(lake, last)["drift"]


def test_no_audit_names_a_patient(lake):
    rewrite(lake, "silver.visits", lambda rows: pl.concat([rows, rows.head(3)]))
    patients = {str(key) for key in lake.storage.scan("silver.visits").collect()["patient_key"]}
    assert not [key for key in patients if key in str(audit(lake.storage, None, here))]


def test_a_bug_that_doubles_rows_never_reaches_readers(lake, monkeypatch):
    doubled = tuple(
        replace(one, make=lambda *given: provider_monthly(*given).with_columns(pl.col("visits") * 2))
        if one.tables == (ProviderMonthly,)
        else one
        for one in MARTS
    )
    monkeypatch.setattr(sys.modules["carti_lake.runner.run"], "MARTS", doubled)
    lake.load("ehr_visits", [visit("V11", visit_date="2026-04-05")], extract_date=date(2026, 4, 6))
    result = lake.run()
    assert result.release is None
    assert "totals" in [one.name for one in result.failed]
    assert lake.query("SELECT sum(visits) FROM provider_monthly").collect().item() == 11
