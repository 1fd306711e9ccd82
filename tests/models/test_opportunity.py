"""Opportunities as each release showed them; what is planted in a network's deals is found, and beats the CRM."""

import math
from datetime import date

import polars as pl
import pytest

from carti_lake.generate import Network, truths
from carti_lake.models import opportunity
from carti_lake.models.estimators import predict
from carti_lake.models.model import Known, NotEnoughData
from carti_lake.tables import TABLES
from carti_lake.tables.gold import OpportunityScores
from carti_lake.tables.silver import Campaigns, Opportunities, Referrals
from tests.worlds.known import day, silver
from tests.worlds.networks import current, delivered

DEAL = {"opportunity_id": "O1", "provider_id": "lee", "amount": 100, "created_date": day(0), "probability": 40}
OPEN, WON = {"is_closed": False, "is_won": False}, {"is_closed": True, "is_won": True}


def known(place, *deals):
    tables = {
        opportunity.REFERRALS: silver(Referrals),
        opportunity.CAMPAIGNS: silver(Campaigns),
        opportunity.OPPORTUNITIES: silver(Opportunities, *deals),
    }
    return Known(day(place), place, tables)


def test_every_look_at_an_open_opportunity_is_one_example():
    looks = [
        known(60, {**DEAL, **OPEN, "stage_name": "Proposal"}),
        known(90, {**DEAL, **OPEN, "stage_name": "Negotiation", "amount": 80}),
        known(120, {**DEAL, **WON, "stage_name": "Won", "amount": 70, "close_date": day(95)}),
    ]
    found = opportunity.examples(looks)
    assert found.select("stage_name", "age", "amount", "instant", "decided", "target", "final_amount").rows() == [
        ("Proposal", 60, 100.0, day(61), day(95), True, 70.0),
        ("Negotiation", 90, 80.0, day(91), day(95), True, 70.0),
    ]


def test_a_deal_that_no_release_showed_open_teaches_nothing():
    over = {**DEAL, **WON, "stage_name": "Won", "close_date": day(95)}
    assert opportunity.examples([known(120, over)]).is_empty()
    assert opportunity.examples([known(60), known(120, over)]).is_empty()


def test_earlier_deals_count_from_the_day_on_which_they_closed():
    closed = [
        {**DEAL, **WON, "opportunity_id": f"W{number}", "stage_name": "Won", "close_date": day(number)}
        for number in range(3)
    ]
    waiting = {**DEAL, **OPEN, "opportunity_id": "late", "stage_name": "Proposal"}
    over = {**waiting, **WON, "stage_name": "Won", "close_date": day(50)}
    for place, share in ((1, None), (2, 1.0)):
        found = opportunity.examples([known(place, *closed, waiting), known(60, *closed, over)])
        assert found.select("subject_id", "won_share").rows() == [("late", share)]


def test_too_few_deals_are_refused_with_the_numbers():
    with pytest.raises(NotEnoughData, match="has 0 examples with an outcome, 0 of the rarer one; needs 500 and 50"):
        opportunity.train([known(120, {**DEAL, **WON, "stage_name": "Won", "close_date": day(95)})], 0)


NETWORK = Network(seed=5, providers=360, patients=2_000, start=date(2024, 1, 1), days=540, visits_per_day=20, dirt=0)
FEEDS = {
    "salesforce_opportunities": (opportunity.OPPORTUNITIES, "opportunity_id"),
    "salesforce_campaigns": (opportunity.CAMPAIGNS, "campaign_id"),
    "salesforce_referrals": (opportunity.REFERRALS, "referral_id"),
}


def slug(name):
    return pl.col(name).str.to_lowercase().str.replace_all(r"[ -]+", "_")


@pytest.fixture(scope="module")
def network():
    """The network's CRM as it stood at the end of each month."""
    rows = delivered(NETWORK, feeds=list(FEEDS))
    ends = pl.date_range(date(2024, 1, 31), date(2025, 6, 20), "1mo", eager=True).dt.month_end().to_list()
    npi = {"provider_npi": "provider_id", "referring_provider_npi": "referring_provider_id"}
    npi["rendering_provider_npi"] = "rendering_provider_id"
    codes = ["campaign_type", "network_status", "referral_status"]
    found = []
    for number, as_of in enumerate(ends):
        tables = {}
        for feed, (table, key) in FEEDS.items():
            stood = current(rows[feed].filter(pl.col("extract_date") <= as_of), key)
            stood = stood.with_columns(slug(name) for name in codes if name in stood.columns)
            stood = stood.rename({old: new for old, new in npi.items() if old in stood.columns})
            dtypes = {name: dtype for name, dtype in TABLES[table].dtypes().items() if name in stood.columns}
            tables[table] = stood.select(pl.col(name).cast(dtype) for name, dtype in dtypes.items()).lazy()
        found.append(Known(as_of, number, tables))
    return found


@pytest.fixture(scope="module")
def trained(network):
    return opportunity.train(network, 0)


def odds(trained, **values):
    count = len(next(iter(values.values())))
    schema = {feature.name: pl.String if feature.kind == "category" else pl.Float64 for feature in opportunity.FEATURES}
    rows = pl.DataFrame({name: values.get(name, [None] * count) for name in schema}, schema=schema, strict=False)
    return [one / (1 - one) for one in predict(trained.artifact, rows)]


@pytest.mark.slow
def test_campaigns_and_providers_who_refer_much_win(trained):
    usual = {"stage_name": ["Proposal"] * 2, "age": [30] * 2, "log_amount": [math.log1p(40_000)] * 2}
    no, yes = odds(trained, **usual, referrals=[20] * 2, sourced=["no", "yes"])
    assert yes / no == pytest.approx(math.exp(truths.WIN_CAMPAIGN), rel=0.4)
    few, many = odds(trained, **usual, referrals=[5, 60])
    assert many > 1.2 * few


@pytest.mark.slow
def test_the_further_a_deal_has_come_the_likelier_it_is_won(trained):
    by_stage = odds(trained, stage_name=["Prospecting", "Proposal", "Negotiation"], age=[10, 30, 50])
    assert by_stage == sorted(by_stage)


@pytest.mark.slow
def test_it_beats_the_probability_and_the_value_that_the_crm_shows(trained):
    split = "latest quarter, with a CRM probability"
    found = {
        (row["estimator"], row["metric"]): row["value"] for row in trained.evaluation.filter(split=split).to_dicts()
    }
    assert found["model", "auroc"] > 0.6
    for metric in ("brier", "ece", "rmse"):
        assert found["model", metric] < found["CRM probability", metric]
    for metric in ("brier", "rmse"):
        assert found["model", metric] < found["base rate", metric]
    # What ten groups of so many rows miss by chance alone, at most twice: a constant has but one group to miss.
    rows = trained.evaluation.filter(split=split)["n"].max()
    assert found["model", "ece"] < 2 * 0.8 * (found["base rate", "brier"] * 10 / rows) ** 0.5


def test_it_is_used_since_the_whole_interval_of_its_gain_is_above_none(trained):
    lower = trained.evaluation.filter(metric="gain_lower")
    assert set(lower["estimator"]) == {"base rate", "CRM probability", "mean of the service line"}
    assert lower["value"].min() > 0
    assert trained.refusal is None
    assert trained.artifact["value"] is not None


def test_what_nobody_can_foresee_is_not_used(network):
    """Deals won by a coin: the model is made, and refused; recorded amounts alone stand for the value."""
    coin = pl.col("opportunity_id").str.slice(-3).cast(pl.Int64).mul(7919).mod(1009).mod(2) == 0
    noise = [
        Known(
            one.as_of,
            one.release,
            {
                **one.tables,
                opportunity.OPPORTUNITIES: one.tables[opportunity.OPPORTUNITIES].with_columns(
                    is_won=pl.col("is_closed") & coin, stage_name=pl.lit("Proposal")
                ),
            },
        )
        for one in network[::3]
    ]
    found = opportunity.train(noise, 0)
    assert found.refusal is not None
    assert found.refusal.startswith("no better than the base rate: its error is less by ")


@pytest.mark.slow
def test_open_deals_are_worth_their_amount_times_their_probability(network, trained):
    (scores,) = opportunity.score(network[-1], trained.artifact, "abc")
    found = scores.collect()
    amounts = network[-1].tables[opportunity.OPPORTUNITIES].filter(~pl.col("is_closed")).collect()
    assert found["opportunity_id"].to_list() == sorted(amounts["opportunity_id"])
    joined = found.join(amounts.select("opportunity_id", "amount"), on="opportunity_id")
    assert joined["predicted_value"].to_list() == joined["amount"].to_list()
    expected = (found["win_probability"] * found["predicted_value"]).to_list()
    assert found["expected_value"].to_list() == pytest.approx(expected, abs=0.01)
    assert found["drivers"].str.contains("raised by|lowered by").mean() > 0.9


@pytest.mark.slow
def test_the_value_of_a_deal_without_amount_is_that_of_those_won(network, trained):
    deals = network[-1].tables[opportunity.OPPORTUNITIES].with_columns(amount=pl.lit(None, pl.Decimal(18, 4)))
    now = Known(network[-1].as_of, None, {**network[-1].tables, opportunity.OPPORTUNITIES: deals})
    (scores,) = opportunity.score(now, trained.artifact, "abc")
    won = (
        network[-1].tables[opportunity.OPPORTUNITIES].filter("is_won").select(pl.col("amount").mean()).collect().item()
    )
    assert scores.collect()["predicted_value"].mean() == pytest.approx(won, rel=0.2)


@pytest.mark.slow
def test_an_amount_below_nothing_is_no_value_to_be_won(network, trained):
    deals = network[-1].tables[opportunity.OPPORTUNITIES].with_columns(amount=-pl.col("amount"))
    (scores,) = opportunity.score(
        Known(network[-1].as_of, None, {**network[-1].tables, opportunity.OPPORTUNITIES: deals}),
        trained.artifact,
        "abc",
    )
    found = OpportunityScores.validate(scores.collect())
    assert found["predicted_value"].max() == found["expected_value"].max() == 0
