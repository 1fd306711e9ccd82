"""A value comes with its sums, its n, and the reason where there is none."""

import polars as pl
import pytest

from carti_lake.metrics import METRICS, Metric, Sum
from carti_lake.metrics.value import TERMS, undelivered, values
from carti_lake.tables.gold import ProviderMonthly, ProviderSummary
from tests.worlds.cells import cells

CELLS = cells(
    ProviderMonthly,
    {"provider_id": "lee", "service_line": "lung", "visits": 8, "denied_claims": 1},
    {"provider_id": "lee", "service_line": "breast", "visits": 2, "denied_claims": 1},
    {"provider_id": "diaz", "service_line": "lung"},
).lazy()


def test_every_group_has_its_sums_and_its_n():
    found = values(METRICS["denial_rate"], CELLS, ["provider_id"]).sort("provider_id").collect()
    assert found.columns == ["provider_id", *TERMS]
    assert found.rows() == [
        ("diaz", 0, 0, 0, None, "no cases: visits is zero here"),
        ("lee", 2, 10, 10, 2 / 10, None),
    ]


def test_any_columns_may_be_grouped_by():
    found = values(METRICS["visits"], CELLS, ["service_line", "provider_id"]).sort("value", descending=True).collect()
    assert found["value"].to_list() == [8, 2, 0]
    assert found["denominator"].to_list() == [None] * 3
    assert values(METRICS["visits"], CELLS).collect()["value"].item() == 10


def test_no_rows_give_no_cases():
    none = cells(ProviderMonthly).lazy()
    rate = values(METRICS["denial_rate"], none).collect().row(0, named=True)
    assert (rate["value"], rate["reason"]) == (None, "no cases: visits is zero here")
    assert values(METRICS["denial_rate"], none, ["provider_id"]).collect().is_empty()


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_what_was_never_delivered_is_null_with_the_reason_and_never_zero(metric: Metric):
    missing = undelivered(metric, [])
    assert (missing is None) == (metric.missing is not None)
    for by in ([], metric.mart.key()):
        rows = values(metric, cells(metric.mart, {}).lazy(), by, missing or "never loaded").collect()
        assert rows.select(TERMS[:4]).row(0) == (None,) * 4
        assert rows["reason"].item() == (metric.missing or missing)


def test_the_reason_names_the_feed_that_was_never_loaded():
    assert undelivered(METRICS["leakage_rate"], ["visits"]) == (
        "no referrals: the feed salesforce_referrals was never loaded, or every row of it was refused"
    )


def test_the_reason_names_the_column_that_the_source_leaves_out():
    whole = {source.partition(".")[0] for source in METRICS["net_collection_rate"].sources()}
    whole |= set(METRICS["net_collection_rate"].sources())
    assert undelivered(METRICS["net_collection_rate"], whole) is None
    assert undelivered(METRICS["net_collection_rate"], whole - {"visits.contractual_adjustment"}) == (
        "no contractual adjustment of visits: the feed ehr_visits does not deliver it"
    )


def test_what_counts_distinct_patients_has_no_value_across_providers():
    rows = cells(ProviderSummary, {"provider_id": "lee", "specialty": "lung", "total_patients": 4}).lazy()
    patients = Metric("patients", "Patients", ProviderSummary, Sum.of("total_patients"), None, "this test", "count")
    assert values(patients, rows, ["provider_id"]).collect()["value"].item() == 4
    by_specialty = values(patients, rows, ["specialty"]).collect()
    assert by_specialty["value"].item() is None
    assert "several providers" in by_specialty["reason"].item()


def test_the_value_is_null_exactly_where_there_is_a_reason():
    rows = pl.concat([CELLS, cells(ProviderMonthly, {"provider_id": "kim", "visits": 1}).lazy()])
    for metric in METRICS.values():
        if metric.mart is ProviderMonthly:
            found = values(metric, rows, ["provider_id"]).collect()
            assert (found["value"].is_null() == found["reason"].is_not_null()).all()


def test_the_reason_names_things_as_every_outlet_does():
    assert undelivered(METRICS["roi"], []) == (
        "no CRM accounts: the feed salesforce_crm was never loaded, or every row of it was refused"
    )
