"""The network's numbers are sums, and sums over sums, of what may be shown."""

import polars as pl
import pytest

from carti_lake.disclosure import publication
from carti_lake.metrics import METRICS
from carti_lake.outlets.kpis import Kpi, kpis, network_rate

from .conftest import providers, release_of


def by_column(frames: dict[str, pl.DataFrame]) -> dict[str, Kpi]:
    return {kpi.column: kpi for kpi in kpis(publication(frames))}


def test_a_rate_is_sum_over_sum_and_never_a_mean_of_rates() -> None:
    summary = providers(2, deals_value=[100.0, 9000.0], marketing_cost=[100.0, 1000.0])
    roi = network_rate(METRICS["roi"], summary)
    assert (roi.numerator, roi.denominator) == (8000, 1100)
    assert roi.value == pytest.approx(8000 / 1100)


def test_a_provider_without_a_cost_counts_in_neither_sum() -> None:
    summary = providers(2, deals_value=[100.0, 9000.0], marketing_cost=[50.0, None])
    assert network_rate(METRICS["roi"], summary).value == 1


def test_rates_come_from_the_months(frames: dict[str, pl.DataFrame]) -> None:
    network = by_column(frames)
    assert network["denial_rate"].value == 0.1
    assert network["gross_collection_rate"].numerator == 4800
    assert network["gross_collection_rate"].denominator == 8002
    assert network["gross_collection_rate"].source == "MGMA"


def test_a_network_of_few_claims_shows_neither_rate_nor_sums(frames: dict[str, pl.DataFrame]) -> None:
    monthly = frames["provider_monthly"].head(1).with_columns(claims=10, visits=10, denied_claims=1, paid_claims=9)
    denials = by_column(frames | {"provider_monthly": monthly})["denial_rate"]
    assert (denials.value, denials.numerator, denials.denominator) == (None, None, None)


@pytest.mark.parametrize(("lost", "shown"), [(4, None), (5, 6 / 11)])
def test_a_rate_on_fewer_than_11_cases_is_not_shown(lost: int, shown: float | None) -> None:
    rate = by_column(release_of(providers(1, won_opportunities=6, lost_opportunities=lost)))["win_rate"]
    assert rate.value == shown


def test_sums_carry_the_declared_words_and_unit(frames: dict[str, pl.DataFrame]) -> None:
    visits = by_column(frames)["total_visits"]
    assert (visits.title, visits.unit, visits.value) == ("Visits rendered", "count", 1600)


def test_what_nobody_delivered_is_no_zero() -> None:
    network = by_column(release_of(providers(3, marketing_cost=None)))
    assert network["marketing_cost"].value is None
    assert network["roi"].value is None
