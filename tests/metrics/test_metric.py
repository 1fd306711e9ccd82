"""The registry: every rate is a sum over a sum, at any grain, with a title, a unit and a source."""

from decimal import Decimal

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from carti_lake.metrics import PROVIDER_RATES, Metric, Sum
from carti_lake.tables.gold import ProviderMonthly, ProviderSummary

RATES = {rate.id: rate for rate in PROVIDER_RATES}
#: Two providers, three cells; every column that a rate needs and that an example leaves out is 0.
CELLS = [
    {"provider_id": "lee", "visits": 8, "denied_claims": 1, "paid_claims": 7, "gross_charges": Decimal(800)},
    {"provider_id": "lee", "visits": 2, "denied_claims": 1, "paid_claims": 1, "gross_charges": Decimal(100)},
    {"provider_id": "diaz", "visits": 10, "denied_claims": 3, "paid_claims": 5, "gross_charges": Decimal(100)},
]


def cells(rows=CELLS):
    names = [name for name, dtype in ProviderMonthly.dtypes().items() if dtype.is_numeric()]
    return pl.DataFrame([{**dict.fromkeys(names, 0), **row} for row in rows])


def value(rate_id, **sums):
    """A rate of one cell."""
    return cells([{"provider_id": "lee", **sums}]).select(RATES[rate_id].expression()).item()


def test_a_rate_at_any_grain_is_the_ratio_of_the_sums():
    rate = RATES["denial_rate"].expression()
    by_provider = cells().group_by("provider_id").agg(rate).sort("provider_id")
    assert dict(by_provider.iter_rows()) == {"diaz": pytest.approx(3 / 10), "lee": pytest.approx(2 / 10)}
    # The network's rate is 5 / 20, and neither the mean of the cells nor that of the providers.
    assert cells().select(rate).item() == pytest.approx(5 / 20)


@pytest.mark.parametrize("rate", PROVIDER_RATES, ids=lambda rate: rate.id)
def test_rolling_up_in_steps_gives_what_rolling_up_at_once_gives(rate):
    numeric = pl.selectors.numeric()
    numbers = (
        cells()
        .with_row_index("n")
        .with_columns(numeric.exclude("n") + pl.int_range(1, pl.len() + 1) * 3, provider_id=pl.col("provider_id"))
    )
    in_steps = numbers.group_by("provider_id").agg(numeric.sum()).select(rate.expression())
    assert_frame_equal(in_steps, numbers.select(rate.expression()), check_exact=True)


@pytest.mark.parametrize("rate", PROVIDER_RATES, ids=lambda rate: rate.id)
def test_a_denominator_of_zero_gives_null(rate):
    everything = {name: 0 for name in (*rate.denominator.columns, *rate.denominator.minus)}
    below = {name: 5 for name in rate.numerator.columns if name not in everything}
    assert value(rate.id, **below, **everything) is None


@pytest.mark.parametrize(
    ("rate", "sums", "expected"),
    [
        ("avg_length_of_stay", {"length_of_stay_days": 8, "length_of_stay_count": 2, "stays": 3}, 4),
        ("avg_satisfaction", {"satisfaction_sum": 270, "satisfaction_count": 3}, 90),
        ("avg_cost", {"treatment_cost": 1500, "treatment_cost_count": 2}, 750),
        ("denial_rate", {"denied_claims": 1, "visits": 4, "claims": 2}, 0.25),
        ("claim_collection_rate", {"payments_as_delivered": 90, "payments": 70, "gross_charges": 100}, 0.9),
        ("gross_collection_rate", {"payments_as_delivered": 90, "payments": 70, "gross_charges": 100}, 0.7),
        ("adjudicated_collection_rate", {"payments": 70, "paid_charges": 80, "denied_charges": 20}, 0.7),
        (
            "net_collection_rate",
            {"contractual_payments": 57, "contractual_charges": 100, "contractual_adjustments": 40, "payments": 1},
            0.95,
        ),
        ("remittance_denial_rate", {"denied_claims": 1, "paid_claims": 3, "pending_claims": 9}, 0.25),
        ("top_box_rate", {"top_box_count": 1, "satisfaction_count": 4}, 0.25),
        ("leakage_rate", {"referrals_made": 10, "referrals_made_out_of_network": 2, "referrals_made_lost": 1}, 0.3),
        ("keepage_rate", {"referrals_received": 10, "referrals_completed": 6}, 0.6),
        ("no_show_rate", {"appointments": 8, "no_shows": 2}, 0.25),
    ],
)
def test_each_rate_by_hand(rate, sums, expected):
    assert value(rate, **sums) == pytest.approx(expected)


def test_every_rate_is_worked_out_above():
    worked = {given[0] for given in test_each_rate_by_hand.pytestmark[0].args[1]}
    assert worked == set(RATES)


def test_a_sum_may_have_parts_that_count_against_it():
    net = Sum(("gross_charges",), minus=("contractual_adjustments",))
    rows = cells([{"gross_charges": 100, "contractual_adjustments": 30}, {"gross_charges": 5}])
    assert rows.select(net.expression()).item() == 75


@pytest.mark.parametrize("rate", PROVIDER_RATES, ids=lambda rate: rate.id)
def test_each_rate_is_a_column_of_the_summary_made_from_columns_of_the_months(rate: Metric):
    parts = {*rate.numerator.columns, *rate.numerator.minus, *rate.denominator.columns, *rate.denominator.minus}
    assert parts <= set(ProviderMonthly.columns())
    assert ProviderSummary.dtypes()[rate.id] == pl.Float64
    assert rate.title
    assert rate.source
    assert rate.unit in ("ratio", "USD", "days", "points")
    assert rate.good in ("up", "down", "none")
