"""The network's numbers are sums, and sums over sums, of what may be shown; and where there is none, they say why."""

import polars as pl
import pytest

from carti_lake.disclosure import publication
from carti_lake.metrics import METRICS
from carti_lake.outlets.kpis import HIDDEN, Kpi, kpis, of_network
from carti_lake.tables.gold import GOLD

from .conftest import providers, release_of, rows_of


def by_metric(frames: dict[str, pl.DataFrame], *delivered: str) -> dict[str, Kpi]:
    return {kpi.metric.id: kpi for kpi in kpis(publication(frames), delivered or None)}


def test_every_metric_of_the_release_is_there(frames: dict[str, pl.DataFrame]) -> None:
    network = by_metric(frames)
    assert list(network) == list(METRICS)
    assert all((kpi.value is None) == (kpi.reason is not None) for kpi in network.values())


def test_a_mart_that_is_not_published_is_the_reason(frames: dict[str, pl.DataFrame]) -> None:
    value = by_metric(frames)["leaked_value"]
    assert value.reason == ("counted in a table that is not published: carti-lake metrics leaked_value shows it")


def test_campaigns_show_their_deals_and_costs_and_not_what_patients_paid(frames: dict[str, pl.DataFrame]) -> None:
    campaign = {"campaign_id": "C1", "actual_cost": 100, "won_value": 150, "realised_cash": 170, "referrals": 3}
    network = by_metric(frames | {"marketing_roi": rows_of(GOLD["marketing_roi"], 1, **campaign)})
    assert (network["campaign_roi"].value, network["campaign_roi"].denominator) == (0.5, 100)
    assert (network["realised_roi"].value, network["realised_roi"].reason) == (None, HIDDEN)


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


def test_a_network_of_few_claims_shows_neither_rate_nor_sums(frames: dict[str, pl.DataFrame]) -> None:
    monthly = frames["provider_monthly"].head(1).with_columns(claims=10, visits=10, denied_claims=1, paid_claims=9)
    network = by_metric(frames | {"provider_monthly": monthly})
    for name in ("denial_rate", "visits", "gross_charges"):
        assert network[name] == Kpi(METRICS[name], None, reason=HIDDEN)


@pytest.mark.parametrize(("lost", "shown"), [(4, None), (5, 6 / 11)])
def test_a_rate_on_fewer_than_11_cases_is_not_shown(lost: int, shown: float | None) -> None:
    rate = by_metric(release_of(providers(1, won_opportunities=6, lost_opportunities=lost)))["win_rate"]
    assert rate.value == (pytest.approx(shown, abs=1e-6) if shown else None)
    assert rate.reason == (None if shown else "fewer than 11 cases")


def test_what_nobody_delivered_is_no_zero() -> None:
    network = by_metric(release_of(providers(3, marketing_cost=None)))
    assert (network["marketing_cost"].value, network["roi"].value) == (None, None)
    assert network["roi"].reason == "no cases: marketing cost is zero or not delivered here"
    # The mart's zeros mean nothing where the feed never came.
    network = by_metric(release_of(providers(3)), "visits", "visits.claim_status")
    assert (network["visits"].value, network["referrals_made"].value) == (600, None)
    assert network["referrals_made"].reason == (
        "no referrals: the feed salesforce_referrals was never loaded, or every row of it was refused"
    )
