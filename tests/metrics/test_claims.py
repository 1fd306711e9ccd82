"""Each metric of claims by hand, and the mark of months that still move."""

from datetime import date

import polars as pl
import pytest

from carti_lake.metrics import METRICS
from carti_lake.metrics.claims import CLAIMS_METRICS, with_maturity
from carti_lake.metrics.value import values
from carti_lake.metrics.window import windowed
from carti_lake.tables.gold import ClaimsMaturity
from tests.worlds.rows import APRIL, MARCH, held

BY_ID = {metric.id: metric for metric in CLAIMS_METRICS}


def rows(metric, *cells):
    """Rows of the metric's mart; a number that an example leaves out is 0."""
    names = [name for name, dtype in metric.mart.dtypes().items() if dtype.is_numeric()]
    return held(metric.mart, *({**dict.fromkeys(names, 0), **cell} for cell in cells))


@pytest.mark.parametrize(
    ("metric_id", "sums", "expected"),
    [
        (
            "net_collection_rate_12_months",
            {"contractual_payments": 57, "contractual_charges": 100, "contractual_adjustments": 40, "payments": 1},
            0.95,
        ),
        ("initial_denial_rate", {"initially_denied_claims": 3, "submitted_claims": 24}, 0.125),
        ("initial_denial_rate_dollars", {"initially_denied_charges": 30, "submitted_charges": 400}, 0.075),
        (
            "initial_denial_share",
            {"initially_denied_claims": 3, "paid_claims": 8, "denied_claims": 3, "reversed_claims": 1},
            0.25,
        ),
        ("overturn_rate", {"overturned_claims": 7, "initially_denied_claims": 20, "denied_claims": 13}, 0.35),
        (
            "aged_receivables_rate",
            {"charges_91_120": 10, "charges_over_120": 5, "dated_charges": 60, "open_charges": 100},
            0.25,
        ),
        ("claim_maturity", {"adjudicated_claims": 45, "expected_claims": 60.0}, 0.75),
    ],
)
def test_each_metric_by_hand(metric_id, sums, expected):
    metric = BY_ID[metric_id]
    assert rows(metric, sums).select(metric.expression()).collect().item() == pytest.approx(expected)
    # Twice as many rows are the same ratio; none at all, or nothing below, are null.
    assert rows(metric, sums, sums).select(metric.expression()).collect().item() == pytest.approx(expected)
    assert rows(metric, {}).select(metric.expression()).collect().item() is None


def test_every_metric_is_worked_out_above_and_says_where_it_comes_from():
    assert {given[0] for given in test_each_metric_by_hand.pytestmark[0].args[1]} == set(BY_ID)
    for metric in CLAIMS_METRICS:
        assert METRICS[metric.id] is metric
        assert metric.source
        assert {*metric.numerator.inputs(), *metric.denominator.inputs()} <= set(metric.mart.columns())


@pytest.mark.parametrize(
    ("metric_id", "expected"),
    [
        ("gross_collection_rate", {"blue": 0.8, "self_pay": 0.5}),
        ("remittance_denial_rate", {"blue": 0.25, "self_pay": 0.5}),
    ],
)
def test_rates_of_providers_are_rates_of_payers_too(metric_id, expected):
    cells = [
        {"payer": "blue", "payments": 80, "gross_charges": 100, "paid_claims": 3, "denied_claims": 1},
        {"payer": "self_pay", "payments": 5, "gross_charges": 10, "paid_claims": 1, "denied_claims": 1},
    ]
    claims = rows(BY_ID["overturn_rate"], *cells)
    found = claims.group_by("payer").agg(METRICS[metric_id].expression()).collect()
    assert dict(found.iter_rows()) == pytest.approx(expected)


def test_the_initial_denial_rate_of_a_month_is_over_the_mean_of_the_three_before():
    metric = BY_ID["initial_denial_rate"]
    activity = rows(
        metric,
        *(
            {"activity_month": date(2026, number, 1), "submitted_claims": submitted, "initially_denied_claims": denied}
            for number, submitted, denied in [(1, 90, 5), (2, 110, 5), (3, 100, 5), (4, 400, 12)]
        ),
    )
    found = windowed(metric, activity).collect()
    assert found["value"].to_list() == [None, None, None, pytest.approx(0.12)]


def test_a_number_of_reporting_months_is_asked_for_by_month():
    metric = BY_ID["initial_denial_rate"]
    activity = rows(
        metric,
        *(
            {
                "activity_month": date(2026, number, 1),
                "submitted_claims": 100,
                "initially_denied_claims": 7,
                "payer": "a",
            }
            for number in (1, 2, 3, 4)
        ),
    )
    over_all = values(metric, activity).collect().row(0, named=True)
    assert over_all["value"] is None
    assert over_all["reason"] == (
        "a number of each reporting month, none of all together: by activity month it has a value"
    )
    april = (
        values(metric, activity.with_columns(payer=pl.lit("a")), ["payer", "activity_month"])
        .collect()
        .row(-1, named=True)
    )
    assert (april["numerator"], april["denominator"], april["n"]) == (7, 100, 300)
    assert (april["value"], april["reason"]) == (pytest.approx(0.07), None)


def test_the_net_collection_rate_takes_in_twelve_months():
    metric = BY_ID["net_collection_rate_12_months"]
    cells = [
        {
            "month": date(2025 + place // 12, place % 12 + 1, 1),
            "contractual_payments": 0 if place == 0 else 9,
            "contractual_charges": 15,
            "contractual_adjustments": 5,
        }
        for place in range(13)
    ]
    found = windowed(metric, rows(metric, *cells)).collect()
    # Eleven months of 9 over twelve of 10; a month later the empty one has left the window.
    assert found["value"].to_list() == [None] * 11 + [pytest.approx(99 / 120), pytest.approx(108 / 120)]


def test_rows_of_months_that_still_move_are_marked():
    maturity = held(
        ClaimsMaturity,
        {"month": MARCH, "maturity": 0.97, "provisional": False},
        {"month": APRIL, "maturity": 0.6, "provisional": True},
    )
    months = pl.LazyFrame({"month": [date(2019, 1, 1), MARCH, APRIL, date(2026, 5, 1)]})
    assert with_maturity(months, maturity).sort("month").collect().rows() == [
        (date(2019, 1, 1), 1, False),  # older than what is kept: complete
        (MARCH, 0.97, False),
        (APRIL, 0.6, True),
        (date(2026, 5, 1), None, None),
    ]
    unknown = with_maturity(months, held(ClaimsMaturity)).collect()
    assert unknown.select("maturity", "provisional").null_count().row(0) == (4, 4)
