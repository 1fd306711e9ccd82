"""The original project's three extracts load unchanged and give its provider summary again."""

import polars as pl
import pytest

from tests.worlds.lakes import lake_in

EXTRACTS = {
    "sg2_patient_flow": "sg2_patient_flow_full.csv",
    "salesforce_crm": "salesforce_crm_full.csv",
    "ehr_visits": "ehr_data_full.csv",
}


@pytest.fixture(scope="module")
def lake(shared, tmp_path_factory):
    lake = lake_in(tmp_path_factory.mktemp("seed") / "lake")
    for feed, file in EXTRACTS.items():
        lake.load(feed, shared / "data" / "seed" / file)
    result = lake.run()
    assert result.release == 1
    assert not result.failed
    return lake


@pytest.fixture(scope="module")
def both(lake, shared):
    expected = pl.read_csv(shared / "data" / "seed" / "provider_summary_full.csv")
    return expected, lake.scan("gold.provider_summary").collect()


def test_it_has_the_same_providers(both):
    expected, ours = both
    assert sorted(ours["provider_name"]) == sorted(expected["provider_name"])


@pytest.mark.parametrize(
    "column",
    [
        "total_patients",
        "avg_length_of_stay",
        "avg_satisfaction",
        "avg_cost",
        "contact_count",
        "deals_value",
        "opportunity_value",
        "marketing_cost",
        "pipeline_stage",
        "total_visits",
        "total_claim_amount",
        "total_claim_paid",
        "denial_rate",
        "roi",
        "value_per_patient",
        "claim_collection_rate",
    ],
)
def test_its_columns_are_equal_to_a_billionth(both, column):
    expected, ours = both
    pairs = expected.select("provider_name", expected=column).join(
        ours.select("provider_name", ours=column), on="provider_name", validate="1:1"
    )
    assert pairs.height == expected.height
    if pairs["expected"].dtype == pl.String:
        assert pairs["ours"].to_list() == pairs["expected"].to_list()
    else:
        assert pairs["ours"].cast(float).to_list() == pytest.approx(pairs["expected"].cast(float).to_list(), rel=1e-9)


def test_every_row_of_it_is_in_silver(lake):
    books = lake.scan("gold.reconciliation").collect()
    assert books["bronze_rows"].to_list() == books["silver_rows"].to_list()
    assert books["bronze_rows"].sum() > 0


def test_its_payments_on_unpaid_claims_are_reported(lake):
    found = (
        lake.scan("gold.data_quality")
        .filter(pl.col("rule") == "payment_on_unpaid_claim")
        .select(pl.col("failed").sum(), dollars=pl.col("failed_amount").sum())
        .collect()
    )
    assert found["failed"].item() == 793
    assert float(found["dollars"].item()) == pytest.approx(11.13e6, rel=1e-3)


def test_the_corrected_collection_rates_leave_those_payments_out(lake):
    sums = lake.scan("gold.provider_monthly").select(pl.all().exclude("provider_id", "month", "service_line").sum())
    row = sums.select(pl.all().cast(float)).collect().row(0, named=True)
    assert row["payments_as_delivered"] / row["gross_charges"] == pytest.approx(0.80, abs=0.005)
    assert row["payments"] / row["gross_charges"] == pytest.approx(0.64, abs=0.005)
    assert row["payments"] / (row["paid_charges"] + row["denied_charges"]) == pytest.approx(0.71, abs=0.005)


def test_loading_it_again_adds_nothing(lake, shared):
    again = [one for feed, file in EXTRACTS.items() for one in lake.load(feed, shared / "data" / "seed" / file)]
    assert [(one.rows, one.already) for one in again] == [(0, True)] * 3
    assert lake.run().release is None
