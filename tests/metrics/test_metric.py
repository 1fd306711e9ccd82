"""The registry: every metric is a sum or a sum over a sum, at any grain, with its words, unit and source."""

from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from carti_lake.metrics import METRICS, Metric, Sum, UnknownMetricError, find_metric
from carti_lake.metrics.marketing import MARKETING_METRICS
from carti_lake.metrics.metric import FORMATS
from carti_lake.tables import SILVER
from carti_lake.tables.gold import GOLD, ProviderMonthly, ProviderSummary
from tests.worlds.cells import cells
from tests.worlds.rows import APRIL, MARCH

EACH = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
RATIOS = [metric for metric in METRICS.values() if metric.denominator]
ADDITIVE = [metric for metric in METRICS.values() if metric.additive_over() and not metric.missing]
#: Two providers, three cells.
CELLS = cells(
    ProviderMonthly,
    {"provider_id": "lee", "month": MARCH, "service_line": "lung", "visits": 8, "denied_claims": 1},
    {"provider_id": "lee", "month": APRIL, "service_line": "lung", "visits": 2, "denied_claims": 1},
    {"provider_id": "diaz", "month": APRIL, "service_line": "lung", "visits": 30, "denied_claims": 3},
)


def test_a_rate_is_the_ratio_of_the_sums_at_three_grains():
    rate = METRICS["denial_rate"].expression()
    by_cell = CELLS.group_by(ProviderMonthly.key(), maintain_order=True).agg(rate)
    assert by_cell["denial_rate"].to_list() == [1 / 8, 1 / 2, 3 / 30]
    by_provider = CELLS.group_by("provider_id", maintain_order=True).agg(rate)
    assert by_provider["denial_rate"].to_list() == [(1 + 1) / (8 + 2), 3 / 30]
    # Neither the mean of the cells (0.242) nor that of the providers (0.15).
    assert CELLS.select(rate).item() == (1 + 1 + 3) / (8 + 2 + 30)


@pytest.mark.parametrize("metric", RATIOS, ids=lambda metric: metric.id)
def test_a_denominator_of_zero_gives_null(metric: Metric):
    below = dict.fromkeys(metric.denominator.inputs(), 0)
    row = {**dict.fromkeys(metric.numerator.inputs(), 5), **below}
    assert cells(metric.mart, row).select(metric.expression()).item() is None


numbers = st.one_of(st.none(), st.integers(0, 10**6))


@pytest.mark.parametrize("metric", ADDITIVE, ids=lambda metric: metric.id)
@settings(max_examples=20)
@given(data=st.data())
def test_rolling_up_in_any_steps_gives_what_rolling_up_at_once_gives(metric: Metric, data: st.DataObject):
    columns = metric.mart.columns()
    row = st.fixed_dictionaries(
        {name: numbers if columns[name].nullable else st.integers(0, 10**6) for name in metric.inputs()}
    )
    rows = cells(metric.mart, *data.draw(st.lists(row, min_size=1, max_size=8))).select(metric.inputs())
    cell = st.tuples(st.integers(0, 1), st.integers(0, 1))
    places = data.draw(st.lists(cell, min_size=rows.height, max_size=rows.height))
    # A row that lacks a part counts in no sum, so that it must not reach a roll-up.
    step = pl.concat([rows, pl.DataFrame(places, schema=["month", "provider"], orient="row")], how="horizontal")
    step = step.drop_nulls()
    for by in (["month", "provider"], ["provider"]):
        step = step.group_by(by).agg(pl.all().exclude("month", "provider").sum())
    assert_frame_equal(
        step.select(metric.expression()), rows.select(metric.expression()), check_exact=True, check_dtypes=False
    )


def test_a_row_that_lacks_a_part_counts_in_neither_sum():
    roi = METRICS["roi"]
    rows = cells(
        ProviderSummary, {"deals_value": 100, "marketing_cost": 50}, {"deals_value": 9000, "marketing_cost": None}
    )
    assert rows.select(roi.expression()).item() == (100 - 50) / 50
    assert rows.tail(1).select(METRICS["marketing_cost"].expression()).item() is None


def test_a_sum_may_have_parts_that_count_against_it():
    net = Sum.of("gross_charges", minus=("denied_charges",))
    rows = cells(ProviderMonthly, {"gross_charges": 100, "denied_charges": 30}, {"gross_charges": Decimal("5.5")})
    assert rows.select(net.expression()).item() == Decimal("75.5")


def test_no_two_metrics_share_an_id():
    from carti_lake import metrics

    declared = [metric.id for metric in metrics._DECLARED]
    assert sorted(declared) == sorted(set(declared))


@EACH
def test_each_metric_says_what_it_is(metric: Metric):
    assert metric.title and metric.source
    assert metric.definition.endswith(".")
    assert metric.unit in FORMATS
    assert metric.good in ("up", "down", "none")
    assert ("adapted" in metric.title) == ("Adapted: " in metric.definition)


@EACH
def test_each_metric_reads_declared_columns_and_says_from_where(metric: Metric):
    assert set(metric.inputs()) <= set(metric.mart.columns())
    assert bool(metric.sources()) == (metric.missing is None)
    for source in metric.sources():
        name, _, column = source.partition(".")
        assert column in ("", *SILVER[name].columns())


@EACH
def test_each_metrics_cases_are_counted(metric: Metric):
    of_dollars = {"roi", "deals_value", "marketing_cost", "opportunity_value"} | {one.id for one in MARKETING_METRICS}
    assert bool(metric.cases) == (metric.id not in of_dollars and metric.missing is None)
    assert all(metric.mart.meta(name)["unit"] == "count" for name in metric.cases)


@EACH
def test_a_proportions_numerator_is_part_of_what_its_denominator_counts(metric: Metric):
    if metric.proportion:
        assert metric.denominator is not None
        assert metric.cases == metric.denominator.columns
        assert metric.unit == "ratio"


@EACH
def test_each_metric_adds_up_over_its_marts_key_unless_it_counts_distinct_things(metric: Metric):
    assert metric.additive_over() == (() if metric.id == "value_per_patient" else tuple(metric.mart.key()))


@pytest.mark.parametrize(
    ("table", "column"),
    [(table, column) for table in GOLD.values() for column in table.columns() if column in METRICS],
    ids=lambda part: part if isinstance(part, str) else part.short_name,
)
def test_a_column_that_holds_a_metric_is_declared_with_its_unit(table, column):
    assert table.meta(column)["unit"] == METRICS[column].unit


def test_where_a_metric_comes_from_is_followed_through_the_marts():
    assert METRICS["denial_rate"].sources() == ("visits.claim_status", "visits")
    assert METRICS["value_per_patient"].sources() == ("crm_accounts.deals_value", "encounters.patient_key")
    rolled_up = Metric("total", "Total", ProviderSummary, Sum.of("adjudicated_charges"), None, "this test")
    assert rolled_up.sources() == ("visits.claim_amount", "visits.claim_status")


def test_an_unknown_metric_names_the_nearest():
    with pytest.raises(UnknownMetricError, match=r"no metric 'denial_rat'\. Did you mean denial_rate"):
        find_metric("denial_rat")
    with pytest.raises(UnknownMetricError, match="`carti-lake metrics` lists them"):
        find_metric("zzz")
