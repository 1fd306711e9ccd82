"""The network's numbers are sums, and sums over sums; and where there is none, they say why."""

import polars as pl
import pytest

from carti_lake.metrics import METRICS
from carti_lake.outlets.kpis import Kpi, kpis, of_network

from .conftest import providers, release_of


def by_metric(frames: dict[str, pl.DataFrame], *delivered: str) -> dict[str, Kpi]:
    return {kpi.metric.id: kpi for kpi in kpis(frames, delivered or None)}


def test_every_metric_of_the_release_is_there(frames: dict[str, pl.DataFrame]) -> None:
    network = by_metric(frames)
    assert list(network) == list(METRICS)
    assert all((kpi.value is None) == (kpi.reason is not None) for kpi in network.values())


def test_a_mart_that_an_older_release_lacks_is_the_reason(frames: dict[str, pl.DataFrame]) -> None:
    del frames["readmissions"]
    assert by_metric(frames)["readmission_rate"].reason == "the release has no gold.readmissions"


def test_a_rate_is_sum_over_sum_and_never_a_mean_of_rates() -> None:
    summary = providers(2, deals_value=[100.0, 9000.0], marketing_cost=[100.0, 1000.0])
    roi = of_network(METRICS["roi"], summary)
    assert (roi.numerator, roi.denominator) == (8000, 1100)
    assert roi.value == pytest.approx(8000 / 1100)


def test_a_provider_without_a_cost_counts_in_neither_sum() -> None:
    summary = providers(2, deals_value=[100.0, 9000.0], marketing_cost=[50.0, None])
    assert of_network(METRICS["roi"], summary).value == 1


def test_rates_come_from_the_months(frames: dict[str, pl.DataFrame]) -> None:
    network = by_metric(frames)
    assert (network["denial_rate"].value, network["denial_rate"].n) == (0.1, 1600)
    assert network["gross_collection_rate"].numerator == 4800
    assert network["gross_collection_rate"].denominator == 8002


def test_few_cases_hide_the_rate_and_its_sums(frames: dict[str, pl.DataFrame]) -> None:
    few = frames["provider_monthly"].head(1).with_columns(visits=pl.lit(10))
    assert of_network(METRICS["denial_rate"], few) == Kpi(METRICS["denial_rate"], None, reason="fewer than 11 cases")
    assert of_network(METRICS["visits"], few).value == 10


def test_what_nobody_delivered_is_no_zero() -> None:
    network = by_metric(release_of(providers(3, marketing_cost=None)))
    assert (network["marketing_cost"].value, network["roi"].value) == (None, None)
    assert network["roi"].reason == "no cases: marketing_cost is zero or not delivered here"
    # The mart's zeros mean nothing where the feed never came.
    network = by_metric(release_of(providers(3)), "visits", "visits.claim_status")
    assert (network["visits"].value, network["referrals_made"].value) == (600, None)
    assert network["referrals_made"].reason == (
        "silver.referrals has no row: the feed salesforce_referrals was never loaded, or every row of it was refused"
    )
