"""Extracts with several rows of one key, or refused whole: found, told, and kept from readers until somebody looks."""

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from carti_lake import Lake
from tests.worlds.rows import account, visit

DAY, NEXT = date(2026, 3, 20), date(2026, 3, 21)


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path, environment={})


def books(lake):
    rows = lake.storage.scan("gold.reconciliation").sort("extract_date")
    return rows.select("displaced_rows", "displaced_amount").collect().rows()


def blocking(result):
    return [one.detail for one in result.failed if one.name == "quality"]


def test_lines_of_a_claim_loaded_as_visits_are_not_published(lake):
    lines = [
        visit("V1", procedure_code=code, claim_amount=amount) for code, amount in (("99214", 200), ("J9271", 9_000))
    ]
    lake.load("ehr_visits", pl.DataFrame([*lines, visit("V2")], strict=False), extract_date=DAY)

    result = lake.run()

    assert result.release is None
    assert "silver.visits extracts|rows_of_one_key, 2026-03: 1 of 3 fail" in blocking(result)[0]
    assert books(lake) == [(1, Decimal(200))]
    [feed] = [one for one in lake.status()["feeds"] if one["feed"] == "ehr_visits"]
    assert feed["displaced_rows"] == 1


def test_a_reversal_below_zero_leaves_a_claim_of_nothing_and_displaces_nobody(lake):
    reversal = visit("V2", claim_amount="-100.00", claim_paid="(80.00)", claim_status="Reversed")
    lake.load("ehr_visits", pl.DataFrame([visit("V1"), visit("V2"), reversal]), extract_date=DAY)

    assert lake.run().release == 1

    claims = lake.scan("silver.claims").sort("visit_id").select("claim_status", "claim_amount", "claim_paid").collect()
    assert claims.rows() == [("paid", 100, 80), ("reversed", 0, 0)]
    monthly = lake.scan("gold.claims_monthly").select(pl.col("gross_charges", "payments", "reversed_claims").sum())
    assert monthly.collect().rows() == [(100, 80, 1)]
    assert lake.storage.scan("quarantine.visits").collect().is_empty()
    assert books(lake) == [(0, Decimal(0))]


def test_an_amount_below_zero_that_reverses_nothing_is_refused(lake):
    lake.load("ehr_visits", pl.DataFrame([visit("V1"), visit("V2", claim_amount="-100.00")]), extract_date=DAY)
    lake.run()
    assert lake.storage.scan("quarantine.visits").collect()["rules"].to_list() == ["claim_amount|min"]


def test_identical_rows_and_redelivered_keys_are_no_finding(lake):
    lake.load("ehr_visits", pl.DataFrame([visit("V1"), visit("V1"), visit("V2")]), extract_date=DAY)
    lake.load("ehr_visits", pl.DataFrame([visit("V1", claim_paid="95.00")]), extract_date=NEXT)

    assert lake.run().release == 1
    assert books(lake) == [(0, Decimal(0)), (0, Decimal(0))]


def test_the_count_is_the_batch_s_own_whatever_came_before_and_in_a_rebuild(lake):
    twice = [account("Dana Ortiz"), account("Dana Ortiz", opportunity_value="7000"), account("Lee Wong")]
    lake.load("salesforce_crm", pl.DataFrame([account("Dana Ortiz", opportunity_value="1")]), extract_date=NEXT)
    lake.run()
    lake.load("salesforce_crm", pl.DataFrame(twice), extract_date=DAY)
    lake.run(accept=["quality"])
    counted = [(1, Decimal(500)), (0, Decimal(0))]
    assert books(lake) == counted
    lake.run(full=True, accept=["quality"])
    assert books(lake) == counted


def test_a_small_feed_refused_whole_is_not_published_until_it_is_mended(lake):
    campaigns = [{"campaign_id": f"K{n}", "actual_cost": "a lot"} for n in range(12)]
    lake.load("ehr_visits", pl.DataFrame([visit("V1")]), extract_date=DAY)
    lake.load("salesforce_campaigns", pl.DataFrame(campaigns), extract_date=DAY)

    result = lake.run()

    assert result.release is None
    assert "silver.campaigns extracts|refused, 2026-03: 2 of 2 fail" in blocking(result)[0]
    mended = pl.DataFrame(campaigns).with_columns(actual_cost=pl.lit("100"))
    lake.load("salesforce_campaigns", mended, extract_date=NEXT)
    assert lake.run().release == 1
