"""One row per provider over all months, each figure worked out by hand."""

from decimal import Decimal

import pytest

from carti_lake.metrics import CRM_RATES, PROVIDER_RATES
from carti_lake.pipeline.gold.provider_summary import provider_summary, sums_of_months
from carti_lake.tables.gold import DimProvider, OpportunityScores, ProviderMonthly, ProviderSummary
from carti_lake.tables.silver import CrmAccounts, Encounters, Opportunities
from tests.worlds.rows import APRIL, MARCH, held

NOTHING = {name: 0 for name, dtype in ProviderMonthly.dtypes().items() if dtype.is_numeric()}


def summary(monthly=(), encounters=(), accounts=(), opportunities=(), directory=()):
    """Rows by provider."""
    rows = provider_summary(
        held(ProviderMonthly, *({**NOTHING, "service_line": "lung", **cell} for cell in monthly)),
        held(Encounters, *encounters),
        held(CrmAccounts, *accounts),
        held(Opportunities, *opportunities),
        held(DimProvider, *directory),
        held(OpportunityScores),
    ).collect()
    return {row["provider_id"]: row for row in rows.iter_rows(named=True)}


def test_a_rate_is_a_sum_over_a_sum_never_a_mean_of_rates():
    row = summary(
        monthly=[
            {
                "provider_id": "lee",
                "month": MARCH,
                "visits": 9,
                "paid_claims": 9,
                "gross_charges": 900,
                "paid_charges": 900,
                "payments": 900,
                "payments_as_delivered": 900,
            },
            {
                "provider_id": "lee",
                "month": APRIL,
                "visits": 1,
                "denied_claims": 1,
                "gross_charges": 100,
                "denied_charges": 100,
                "payments_as_delivered": 10,
            },
        ]
    )["lee"]
    # Months by themselves: denial rates 0 and 1, whose mean would be 0.5.
    assert row["denial_rate"] == pytest.approx(1 / 10)
    assert row["remittance_denial_rate"] == pytest.approx(1 / 10)
    assert row["claim_collection_rate"] == pytest.approx(910 / 1000)
    assert row["gross_collection_rate"] == pytest.approx(900 / 1000)
    assert row["adjudicated_collection_rate"] == pytest.approx(900 / 1000)
    assert (row["total_visits"], row["total_claim_amount"], row["total_claim_paid"]) == (10, 1000, 910)
    assert row["adjudicated_charges"] == 1000


def test_net_collection_looks_only_at_claims_that_deliver_the_adjustment():
    row = summary(
        monthly=[
            {
                "provider_id": "lee",
                "month": MARCH,
                "gross_charges": 500,
                "payments": 400,
                "contractual_charges": 100,
                "contractual_adjustments": 20,
                "contractual_payments": 76,
            }
        ]
    )["lee"]
    assert row["net_collection_rate"] == pytest.approx(76 / (100 - 20))


def test_every_rate_stands_beside_its_sums_and_its_cases():
    sums = {total.columns[0]: name for name, total in sums_of_months().items() if len(total.columns) == 1}
    for rate in PROVIDER_RATES:
        beside = [sums[column] for column in rate.inputs()]
        assert {rate.id, *beside} <= set(ProviderSummary.columns()), rate.id
    assert all({rate.id, *rate.inputs()} <= set(ProviderSummary.columns()) for rate in CRM_RATES)
    assert (sums["visits"], sums["paid_charges"]) == ("total_visits", "paid_charges")


def test_a_denominator_of_zero_gives_null():
    row = summary(
        monthly=[{"provider_id": "lee", "month": MARCH}],
        accounts=[{"provider_id": "lee", "provider_name": "Lee", "deals_value": 5, "marketing_cost": 0}],
    )["lee"]
    rates = [name for name in row if name.endswith("_rate") or name.startswith("avg_")]
    assert {row[name] for name in (*rates, "roi", "value_per_patient", "win_rate")} == {None}


def test_patients_are_counted_once_however_often_they_stay_and_for_the_referring_provider():
    stay = {"referring_provider_id": "diaz", "attending_provider_id": "lee", "admission_month": MARCH}
    rows = summary(
        encounters=[
            {**stay, "patient_key": 1},
            {**stay, "patient_key": 1, "admission_month": APRIL},
            {**stay, "patient_key": 2},
            {**stay, "patient_key": 3, "withdrawn": True},
        ]
    )
    assert {name: row["total_patients"] for name, row in rows.items()} == {"diaz": 2}


def test_crm_accounts_of_one_provider_add_up():
    rows = summary(
        accounts=[
            {
                "provider_id": "lee",
                "provider_name": "Ann Lee",
                "contact_count": 3,
                "deals_value": 300,
                "opportunity_value": 500,
                "marketing_cost": 60,
                "pipeline_stage": "Closed Won",
            },
            {
                "provider_id": "lee",
                "provider_name": "LEE, ANN",
                "contact_count": None,
                "deals_value": 100,
                "opportunity_value": 200,
                "marketing_cost": 40,
                "pipeline_stage": "Prospecting",
            },
            {"provider_id": "diaz", "provider_name": "Bo Diaz", "deals_value": 7, "withdrawn": True},
        ],
        encounters=[{"referring_provider_id": "lee", "admission_month": MARCH, "patient_key": 1}],
    )
    row = rows["lee"]
    assert rows.keys() == {"lee"}
    assert (row["contact_count"], row["deals_value"], row["marketing_cost"]) == (3, 400, 100)
    assert row["pipeline_stage"] == "Closed Won"
    assert row["roi"] == pytest.approx((400 - 100) / 100)
    assert row["value_per_patient"] == pytest.approx(400)


def test_an_account_that_names_nobody_is_nobody_s():
    rows = summary(
        accounts=[
            {"provider_id": None, "provider_name": None, "contact_count": 3, "opportunity_value": 500},
            {"provider_id": "lee", "provider_name": "Ann Lee", "contact_count": 1, "opportunity_value": 200},
        ]
    )
    assert {name: row["contact_count"] for name, row in rows.items()} == {"lee": 1}


def test_opportunities_are_read_by_their_flags():
    one = {"provider_id": "lee", "stage_name": "Closed Won"}
    row = summary(
        opportunities=[
            {**one, "opportunity_id": "O1", "is_won": True, "is_closed": True, "amount": 1000},
            {**one, "opportunity_id": "O2", "is_won": False, "is_closed": True, "amount": 900},
            {**one, "opportunity_id": "O3", "is_won": False, "is_closed": True, "amount": 800},
            {**one, "opportunity_id": "O4", "is_closed": False, "amount": 200, "probability": 25},
            {**one, "opportunity_id": "O5", "is_closed": None, "amount": 100, "probability": Decimal("12.5")},
            {**one, "opportunity_id": "O6", "is_closed": False, "amount": 100, "probability": None},
            {**one, "opportunity_id": "O7", "is_won": True, "is_closed": True, "amount": 5, "withdrawn": True},
            {**one, "opportunity_id": "O8", "is_won": True, "is_closed": True, "amount": 5, "provider_id": None},
        ]
    )["lee"]
    assert (row["won_opportunities"], row["lost_opportunities"], row["open_opportunities"]) == (1, 2, 3)
    assert row["won_value"] == 1000
    # 200 at 25 % and 100 at 12.5 %; what has no probability is expected to bring nothing that could be added.
    assert row["weighted_pipeline"] == Decimal("62.5")
    assert (row["valued_opportunities"], row["expected_revenue"]) == (2, 62.5 / 2)
    assert row["win_rate"] == pytest.approx(1 / 3)


def test_who_has_no_facts_has_no_row_and_who_is_not_listed_has():
    directory = [
        {"provider_id": "lee", "provider_name": "Ann Lee", "specialty": "Lung"},
        {"provider_id": "idle", "provider_name": "Idle"},
    ]
    rows = summary(
        monthly=[{"provider_id": name, "month": MARCH, "visits": 1} for name in ("lee", "name:eve")],
        directory=directory,
    )
    assert {name: row["specialty"] for name, row in rows.items()} == {"lee": "Lung", "name:eve": None}
    assert (rows["lee"]["stays"], rows["lee"]["deals_value"], rows["lee"]["won_value"]) == (0, None, 0)


def test_the_prediction_is_the_sum_of_the_open_opportunities():
    scores = [("lee", 12.5), ("lee", 0.25), ("lee", None), ("diaz", None), (None, 9.0)]
    rows = provider_summary(
        held(ProviderMonthly, *({**NOTHING, "provider_id": name, "month": MARCH} for name in ("lee", "diaz"))),
        held(Encounters),
        held(CrmAccounts),
        held(Opportunities),
        held(DimProvider),
        held(OpportunityScores, *({"provider_id": name, "expected_value": value} for name, value in scores)),
    )
    found = rows.select("provider_id", "predicted_opportunity_value").sort("provider_id").collect()
    assert found.rows() == [("diaz", None), ("lee", 12.75)]
