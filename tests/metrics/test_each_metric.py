"""Every metric worked out by hand: two rows of its mart, so that a ratio of sums is no mean of ratios."""

from decimal import Decimal

import pytest

from carti_lake.metrics import METRICS
from carti_lake.metrics.value import values
from tests.worlds.cells import cells

#: Metric, two rows of its mart, and its value with the arithmetic.
EXAMPLES = [
    (
        "avg_length_of_stay",
        {"length_of_stay_days": 8, "length_of_stay_count": 2, "stays": 9},
        {"length_of_stay_days": 1, "length_of_stay_count": 1},
        (8 + 1) / (2 + 1),
    ),
    (
        "avg_satisfaction",
        {"satisfaction_sum": Decimal("180.5"), "satisfaction_count": 2},
        {"satisfaction_sum": Decimal("70"), "satisfaction_count": 1},
        (180.5 + 70) / (2 + 1),
    ),
    (
        "avg_cost",
        {"treatment_cost": Decimal("1500.50"), "treatment_cost_count": 2},
        {"treatment_cost": 400, "treatment_cost_count": 1},
        (1500.50 + 400) / (2 + 1),
    ),
    # The denominator is visits, not claims.
    (
        "denial_rate",
        {"denied_claims": 1, "visits": 8, "claims": 2},
        {"denied_claims": 2, "visits": 4, "claims": 4},
        (1 + 2) / (8 + 4),
    ),
    (
        "claim_collection_rate",
        {"payments_as_delivered": 90, "payments": 70, "gross_charges": 100},
        {"payments_as_delivered": 10, "payments": 10, "gross_charges": 300},
        (90 + 10) / (100 + 300),
    ),
    (
        "gross_collection_rate",
        {"payments_as_delivered": 90, "payments": 70, "gross_charges": 100},
        {"payments_as_delivered": 10, "payments": 10, "gross_charges": 300},
        (70 + 10) / (100 + 300),
    ),
    # 500 of charges are still pending.
    (
        "adjudicated_collection_rate",
        {"payments": 70, "paid_charges": 80, "denied_charges": 20, "gross_charges": 600},
        {"payments": 10, "paid_charges": 10, "denied_charges": 50, "gross_charges": 60},
        (70 + 10) / (80 + 20 + 10 + 50),
    ),
    (
        "net_collection_rate",
        {"contractual_payments": 57, "contractual_charges": 100, "contractual_adjustments": 40, "payments": 1},
        {"contractual_payments": 10, "contractual_charges": 30, "contractual_adjustments": 10},
        (57 + 10) / (100 - 40 + 30 - 10),
    ),
    (
        "remittance_denial_rate",
        {"denied_claims": 1, "paid_claims": 3, "pending_claims": 9},
        {"denied_claims": 2, "paid_claims": 2},
        (1 + 2) / (1 + 3 + 2 + 2),
    ),
    (
        "top_box_rate",
        {"top_box_count": 1, "satisfaction_count": 4, "stays": 9},
        {"top_box_count": 2, "satisfaction_count": 2},
        (1 + 2) / (4 + 2),
    ),
    (
        "leakage_rate",
        {"referrals_made": 10, "referrals_made_out_of_network": 2, "referrals_made_lost": 1},
        {"referrals_made": 2, "referrals_made_out_of_network": 0, "referrals_made_lost": 1},
        (2 + 1 + 0 + 1) / (10 + 2),
    ),
    (
        "keepage_rate",
        {"referrals_received": 10, "referrals_completed": 6, "referrals_made": 3},
        {"referrals_received": 2, "referrals_completed": 2},
        (6 + 2) / (10 + 2),
    ),
    ("no_show_rate", {"appointments": 8, "no_shows": 2}, {"appointments": 2, "no_shows": 2}, (2 + 2) / (8 + 2)),
    (
        "win_rate",
        {"won_opportunities": 1, "lost_opportunities": 3, "open_opportunities": 5},
        {"won_opportunities": 2, "lost_opportunities": 0},
        (1 + 2) / (1 + 3 + 2 + 0),
    ),
    (
        "roi",
        {"deals_value": 100, "marketing_cost": 50},
        {"deals_value": 900, "marketing_cost": 150},
        (100 + 900 - 50 - 150) / (50 + 150),
    ),
    (
        "expected_revenue",
        {"weighted_pipeline": Decimal("62.5"), "valued_opportunities": 2, "open_opportunities": 3},
        {"weighted_pipeline": 100, "valued_opportunities": 1, "open_opportunities": 1},
        (62.5 + 100) / (2 + 1),
    ),
    (
        "readmission_rate",
        {"readmissions": 1, "index_stays": 9, "followed_too_briefly": 4},
        {"readmissions": 1, "index_stays": 1},
        (1 + 1) / (9 + 1),
    ),
    (
        "referral_leakage",
        {"referrals": 10, "out_of_network": 3, "never_completed": 1, "completed_in_network": 5, "still_open": 1},
        {"referrals": 2, "never_completed": 1, "completed_in_network": 1},
        (3 + 1 + 0 + 1) / (10 + 2),
    ),
    (
        "referral_leakage_out_of_network",
        {"referrals": 10, "out_of_network": 3, "never_completed": 1},
        {"referrals": 2, "never_completed": 1},
        (3 + 0) / (10 + 2),
    ),
    (
        "referral_leakage_never_completed",
        {"referrals": 10, "out_of_network": 3, "never_completed": 1},
        {"referrals": 2, "never_completed": 1},
        (1 + 1) / (10 + 2),
    ),
    (
        "referral_leakage_dollars",
        {"estimated_value": 1000, "out_of_network_value": Decimal("300.50"), "never_completed_value": 100},
        {"estimated_value": 500, "out_of_network_value": 0, "never_completed_value": 50},
        (300.50 + 100 + 0 + 50) / (1000 + 500),
    ),
    (
        "referral_leakage_dollars_out_of_network",
        {"estimated_value": 1000, "out_of_network_value": 300, "never_completed_value": 100},
        {"estimated_value": 500, "never_completed_value": 50},
        (300 + 0) / (1000 + 500),
    ),
    (
        "referral_leakage_dollars_never_completed",
        {"estimated_value": 1000, "out_of_network_value": 300, "never_completed_value": 100},
        {"estimated_value": 500, "never_completed_value": 50},
        (100 + 50) / (1000 + 500),
    ),
    (
        "leaked_value",
        {"estimated_value": 1000, "out_of_network_value": Decimal("300.50"), "never_completed_value": 100},
        {"never_completed_value": 50},
        Decimal("450.50"),
    ),
    (
        "referral_keepage",
        {"referrals": 10, "completed_in_network": 5, "completed_network_unknown": 2, "still_open": 3},
        {"referrals": 2, "completed_in_network": 2},
        (5 + 2) / (10 + 2),
    ),
    ("own_cases", {"completed_in_network": 5, "referrals": 8}, {"completed_in_network": 1}, 5 + 1),
    # Lost and open referrals, and those of which nobody knows where they were seen, are no cases.
    (
        "market_share",
        {"referrals": 10, "completed_in_network": 6, "completed_network_unknown": 1, "out_of_network": 2},
        {"referrals": 5, "completed_in_network": 1, "out_of_network": 1, "never_completed": 3},
        (6 + 1) / (6 + 2 + 1 + 1),
    ),
    (
        "out_migration",
        {"referrals": 10, "completed_in_network": 6, "completed_network_unknown": 1, "out_of_network": 2},
        {"referrals": 5, "completed_in_network": 1, "out_of_network": 1, "never_completed": 3},
        (2 + 1) / (6 + 2 + 1 + 1),
    ),
    (
        "mean_days_to_first_visit",
        {"days_to_first_visit": 30, "first_visits": 2, "referrals": 9},
        {"days_to_first_visit": 3, "first_visits": 1},
        (30 + 3) / (2 + 1),
    ),
    # A campaign without cost, or without what it is held against, counts in neither sum.
    (
        "roi_as_delivered",
        {"opportunity_value": 900, "won_value": 100, "actual_cost": 200},
        {"opportunity_value": 500, "actual_cost": None},
        (900 - 200) / 200,
    ),
    (
        "campaign_roi",
        {"opportunity_value": 900, "won_value": 100, "actual_cost": 200},
        {"opportunity_value": 500, "won_value": 500, "actual_cost": 50},
        (100 + 500 - 200 - 50) / (200 + 50),
    ),
    (
        "realised_roi",
        {"realised_cash": 350, "realised_charges": 900, "actual_cost": 200},
        {"realised_cash": None, "actual_cost": 50},
        (350 - 200) / 200,
    ),
    (
        "campaign_pipeline",
        {"weighted_pipeline": Decimal("62.5"), "won_value": 9},
        {"weighted_pipeline": 100},
        Decimal("162.5"),
    ),
    (
        "campaign_cash",
        {"realised_cash": Decimal("80.25"), "realised_charges": 100},
        {"realised_cash": 20},
        Decimal("100.25"),
    ),
    ("visits", {"visits": 8}, {"visits": 2}, 8 + 2),
    ("claims", {"claims": 8, "visits": 9}, {"claims": 2}, 8 + 2),
    ("paid_claims", {"paid_claims": 5}, {"paid_claims": 1}, 5 + 1),
    ("denied_claims", {"denied_claims": 2}, {"denied_claims": 1}, 2 + 1),
    ("pending_claims", {"pending_claims": 1}, {"pending_claims": 3}, 1 + 3),
    ("gross_charges", {"gross_charges": Decimal("100.05")}, {"gross_charges": 40}, Decimal("140.05")),
    ("payments_as_delivered", {"payments_as_delivered": 90, "payments": 80}, {"payments_as_delivered": 5}, 90 + 5),
    ("payments", {"payments": Decimal("80.10"), "payments_as_delivered": 90}, {"payments": 5}, Decimal("85.10")),
    ("stays", {"stays": 3, "length_of_stay_count": 2}, {"stays": 1}, 3 + 1),
    ("referrals_made", {"referrals_made": 7}, {"referrals_made": 2}, 7 + 2),
    (
        "referrals_made_out_of_network",
        {"referrals_made_out_of_network": 2},
        {"referrals_made_out_of_network": 1},
        2 + 1,
    ),
    ("referrals_made_lost", {"referrals_made_lost": 1}, {"referrals_made_lost": 1}, 1 + 1),
    ("referrals_received", {"referrals_received": 6}, {"referrals_received": 1}, 6 + 1),
    ("referrals_completed", {"referrals_completed": 5}, {"referrals_completed": 1}, 5 + 1),
    ("appointments", {"appointments": 9}, {"appointments": 3}, 9 + 3),
    ("no_shows", {"no_shows": 1}, {"no_shows": 2}, 1 + 2),
    ("deals_value", {"deals_value": 300}, {"deals_value": None}, 300),
    ("marketing_cost", {"marketing_cost": 20}, {"marketing_cost": 10}, 20 + 10),
    ("opportunity_value", {"opportunity_value": 500}, {"opportunity_value": 5}, 500 + 5),
    ("open_opportunities", {"open_opportunities": 2}, {"open_opportunities": 1}, 2 + 1),
    ("won_opportunities", {"won_opportunities": 1}, {"won_opportunities": 4}, 1 + 4),
    ("lost_opportunities", {"lost_opportunities": 2}, {"lost_opportunities": 4}, 2 + 4),
    ("won_value", {"won_value": 1000, "deals_value": 7}, {"won_value": 500}, 1000 + 500),
    ("weighted_pipeline", {"weighted_pipeline": Decimal("62.5")}, {"weighted_pipeline": 100}, Decimal("162.5")),
    (
        "initial_denial_share",
        {"initially_denied_claims": 3, "paid_claims": 8, "denied_claims": 2, "reversed_claims": 1, "pending_claims": 9},
        {"initially_denied_claims": 1, "paid_claims": 5},
        (3 + 1) / (8 + 2 + 1 + 5),
    ),
    (
        "overturn_rate",
        {"overturned_claims": 7, "initially_denied_claims": 20, "denied_claims": 13},
        {"overturned_claims": 1, "initially_denied_claims": 4},
        (7 + 1) / (20 + 4),
    ),
    (
        "aged_receivables_rate",
        {"charges_91_120": 10, "charges_over_120": 5, "dated_charges": 60, "open_charges": 100},
        {"charges_91_120": 3, "dated_charges": 20},
        (10 + 5 + 3) / (60 + 20),
    ),
    (
        "claim_maturity",
        {"adjudicated_claims": 45, "expected_claims": 60.0},
        {"adjudicated_claims": 9, "expected_claims": 12.0},
        (45 + 9) / (60 + 12),
    ),
]
#: Metrics that have no value over two rows, and what is worked out of each elsewhere in this file.
ELSEWHERE = {"value_per_patient", "clean_claim_rate", "net_days_in_ar"}
#: Metrics of reporting months: `test_claims.py` works them out.
BY_MONTH = {metric.id for metric in METRICS.values() if metric.window}


@pytest.mark.parametrize(("metric", "one", "other", "expected"), EXAMPLES, ids=[example[0] for example in EXAMPLES])
def test_each_metric_by_hand(metric, one, other, expected):
    declared = METRICS[metric]
    rows = cells(declared.mart, one, other)
    assert rows.select(declared.expression()).item() == expected
    found = values(declared, rows.lazy()).collect().row(0, named=True)
    assert (found["value"], found["reason"]) == (expected, None)


def test_every_metric_is_worked_out_in_this_file():
    assert sorted([*(example[0] for example in EXAMPLES), *ELSEWHERE, *BY_MONTH]) == sorted(METRICS)


def test_value_per_patient_by_hand_is_a_providers_and_of_nobody_else():
    metric = METRICS["value_per_patient"]
    rows = cells(
        metric.mart,
        {"provider_id": "lee", "deals_value": 900, "total_patients": 3},
        {"provider_id": "diaz", "deals_value": 100, "total_patients": 2},
    ).lazy()
    by_provider = values(metric, rows, ["provider_id"]).sort("provider_id").collect()
    assert by_provider.select("provider_id", "value").rows() == [("diaz", 100 / 2), ("lee", 900 / 3)]
    # One patient of both would count twice among five.
    network = values(metric, rows).collect().row(0, named=True)
    assert network["value"] is None
    assert network["reason"] == (
        "the same patient can be with several providers, so that numbers of patients do not add up over them"
    )


@pytest.mark.parametrize("metric", ["clean_claim_rate", "net_days_in_ar"])
def test_what_no_feed_can_deliver_is_null_with_the_reason_and_never_zero(metric):
    declared = METRICS[metric]
    rows = cells(declared.mart, {"provider_id": "lee"}, {"provider_id": "diaz"}).lazy()
    for by in ([], ["provider_id"]):
        found = values(declared, rows, by).collect()
        assert found.select("numerator", "denominator", "n", "value").null_count().row(0) == (found.height,) * 4
        assert set(found["reason"]) == {declared.missing}
