"""The network's numbers are sums, and sums over sums."""

import polars as pl
import pytest

from carti_lake.metrics import METRICS
from carti_lake.outlets.kpis import Kpi, kpis, network_rate

from .conftest import providers, release_of


def by_column(frames: dict[str, pl.DataFrame]) -> dict[str, Kpi]:
    return {kpi.column: kpi for kpi in kpis(frames)}


def test_a_rate_is_sum_over_sum_and_never_a_mean_of_rates() -> None:
    summary = providers(2, deals_value=[100.0, 9000.0], marketing_cost=[100.0, 1000.0])
    roi = network_rate(METRICS["roi"], summary, summary)
    assert (roi.numerator, roi.denominator) == (8000, 1100)
    assert roi.value == pytest.approx(8000 / 1100)


def test_a_provider_without_a_cost_counts_in_neither_sum() -> None:
    summary = providers(2, deals_value=[100.0, 9000.0], marketing_cost=[50.0, None])
    assert network_rate(METRICS["roi"], summary, summary).value == 1


def test_rates_come_from_the_months(frames: dict[str, pl.DataFrame]) -> None:
    network = by_column(frames)
    assert network["denial_rate"].value == 0.1
    assert network["gross_collection_rate"].numerator == 4800
    assert network["gross_collection_rate"].denominator == 8002
    assert network["gross_collection_rate"].source == "MGMA"


def test_few_cases_hide_the_rate_and_its_sums() -> None:
    denials = by_column(release_of(providers(1, total_visits=10)))["denial_rate"]
    assert (denials.value, denials.numerator, denials.denominator) == (None, None, None)


def test_sums_carry_the_declared_words_and_unit(frames: dict[str, pl.DataFrame]) -> None:
    visits = by_column(frames)["total_visits"]
    assert (visits.title, visits.unit, visits.value) == ("Visits rendered", "count", 1600)


def test_what_nobody_delivered_is_no_zero() -> None:
    network = by_column(release_of(providers(3, marketing_cost=None)))
    assert network["marketing_cost"].value is None
    assert network["roi"].value is None
