"""What is planted in a synthetic network is found again in the marts, within its 95 % interval; the seed is fixed."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from carti_lake import Lake
from carti_lake.generate import Network, codes, extracts, truths
from carti_lake.generate.referrals import MISTAKEN
from tests.worlds.lakes import lake_in

NETWORK = Network(seed=7, providers=60, patients=12_000, start=date(2025, 1, 1), days=365, visits_per_day=250, dirt=0)
#: What is planted shows without visits.
FEEDS = ("providers", "salesforce_referrals", "salesforce_campaigns", "salesforce_opportunities")
#: The referrals of later months are still open in part.
SETTLED = pl.col("month") < date(2025, 11, 1)
LINES = list(codes.SERVICE_LINES)
Z = 1.959964


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Sixteen settled months of referrals, some 22,000, and the campaigns that brought a part of them."""
    lake = lake_in(tmp_path_factory.mktemp("planted") / "lake")
    for feed, extract_date, delivered_at, rows in extracts(NETWORK, every="month", feeds=FEEDS):
        lake.load(feed, rows, extract_date=extract_date, delivered_at=delivered_at)
    assert not lake.run().failed
    return lake


def wilson(part: int, whole: int) -> tuple[float, float]:
    """95 % interval of a proportion."""
    middle = (part + Z**2 / 2) / (whole + Z**2)
    reach = Z / (whole + Z**2) * (part * (whole - part) / whole + Z**2 / 4) ** 0.5
    return middle - reach, middle + reach


def test_the_leaking_line_leaks_as_much_as_is_planted_and_no_other_does(lake: Lake) -> None:
    """Of patients who live near, referred from within the network: the others leak more, by known factors."""
    near = [zip3 for zip3, (_, remote) in codes.ZIP3.items() if not remote]
    within = lake.scan("dim_provider").filter(network_status="in_network").select(referring_provider_id="provider_id")
    found = (
        lake.scan("referral_flow")
        .filter(SETTLED & pl.col("origin_zip3").is_in(near))
        .join(within, on="referring_provider_id", how="semi")
        .group_by("service_line")
        .agg(pl.col("referrals", "out_of_network", "never_completed").sum())
        .collect()
    )
    planted, lower, upper, leakage = {}, {}, {}, {}
    for line, referrals, outside, lost in found.iter_rows():
        truth = truths.LINES[line]
        booked = 1 - truth.never_booked
        # Referrals that were made by mistake are withdrawn, and are no part of the whole.
        planted[line] = booked * truth.out_of_network / (booked + truth.never_booked * (1 - MISTAKEN))
        lower[line], upper[line] = wilson(outside, referrals)
        leakage[line] = (outside + lost) / referrals
    leaking = truths.LEAKING_LINE
    assert planted[leaking] == pytest.approx(0.321, abs=0.001)
    assert lower[leaking] < planted[leaking] < upper[leaking]
    assert upper[leaking] - lower[leaking] < 0.06
    assert lower[leaking] > 2 * max(upper[line] for line in LINES if line != leaking)
    assert leakage.pop(leaking) > 1.5 * max(leakage.values())
    # Of eight intervals of 95 % one may well miss; two hardly do.
    assert sum(lower[line] < planted[line] < upper[line] for line in LINES) >= 7


def exposure(campaigns: pl.DataFrame, months: list[date]) -> np.ndarray:
    """Months x lines x channels: the share of a month's referral days on which campaigns of the channel work."""
    worked = np.zeros((len(months), len(LINES), len(truths.CAMPAIGN_LIFT)))
    lag = timedelta(days=truths.CAMPAIGN_LAG)
    channels = [channel.lower().replace(" ", "_") for channel in truths.CAMPAIGN_LIFT]
    for place, month in enumerate(months):
        days = pl.date_range(month, (month + timedelta(days=32)).replace(day=1), closed="left", eager=True)
        weight = np.array(truths.REFERRAL_WEEKDAYS)[days.dt.weekday().to_numpy() - 1]
        for channel, line, start, end in campaigns.iter_rows():
            on = days.is_between(start + lag, end + lag).to_numpy()
            worked[place, LINES.index(line), channels.index(channel)] += weight[on].sum() / weight.sum()
    return worked


@pytest.fixture(scope="module")
def fitted(lake: Lake) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lift by channel, its standard error, and the referrals that a lift of 1 would have added.

    Referrals of a month and line are Poisson with mean month x line x (1 + exposure x lift), fitted by scoring.
    """
    counts = (
        lake.scan("referral_flow").filter(SETTLED).group_by("month", "service_line").agg(pl.col("referrals").sum())
    ).collect()
    table = counts.pivot("service_line", index="month", values="referrals").sort("month")
    months, made = table["month"].to_list(), table.select(LINES).to_numpy().ravel().astype(float)
    campaigns = lake.scan("marketing_roi").select("campaign_type", "service_line", "start_date", "end_date").collect()
    worked = exposure(campaigns, months).reshape(len(made), -1)
    usual = np.hstack(
        [np.kron(np.eye(len(months)), np.ones((len(LINES), 1))), np.tile(np.eye(len(LINES)), (len(months), 1))[:, 1:]]
    )
    effects, lift = np.linalg.lstsq(usual, np.log(made), rcond=None)[0], np.zeros(worked.shape[1])
    for _ in range(12):
        without = np.exp(usual @ effects)
        mean = without * (1 + worked @ lift)
        slope = np.hstack([usual * mean[:, None], worked * without[:, None]])
        information = slope.T @ (slope / mean[:, None])
        step = np.linalg.solve(information, slope.T @ (made / mean - 1))
        effects, lift = effects + step[: len(effects)], lift + step[len(effects) :]
    error = np.sqrt(np.diag(np.linalg.inv(information)))[len(effects) :]
    return lift, error, without @ worked


def test_the_lift_of_each_channel_is_found_in_the_flow(fitted) -> None:
    """From the months and lines of referral_flow alone, whatever the CRM credits."""
    lift, error, _ = fitted
    planted = np.array(list(truths.CAMPAIGN_LIFT.values()))
    assert (np.abs(lift - planted) < Z * error).all(), (lift, error)
    assert (lift > Z * error).all()
    assert (Z * error < 0.2).all()


def test_what_campaigns_are_credited_with_is_the_planted_share_of_what_they_add(lake: Lake, fitted) -> None:
    campaigns = lake.scan("marketing_roi").select("campaign_id", "campaign_type")
    credited = (
        lake.scan("marketing_monthly")
        .filter(SETTLED)
        .join(campaigns, on="campaign_id")
        .group_by("campaign_type")
        .agg(pl.col("referrals").sum())
    ).collect()
    counts = dict(credited.iter_rows())
    for (channel, lift), added in zip(truths.CAMPAIGN_LIFT.items(), fitted[2], strict=True):
        count = counts[channel.lower().replace(" ", "_")]
        # A count's own interval, as a share of what the planted lift adds.
        share, reach = count / (lift * added), Z * count**0.5 / (lift * added)
        assert share - reach < truths.CAMPAIGN_CREDITED < share + reach, channel


def test_campaigns_bring_a_known_number_of_referrals_each(lake: Lake) -> None:
    """Whichever way they are counted: by campaign in marketing_roi, by month and source in marketing_monthly."""
    monthly = lake.scan("marketing_monthly").select(pl.col("referrals").sum()).collect().item()
    assert monthly == lake.scan("referral_flow").select(pl.col("referrals").sum()).collect().item()
    sources = lake.scan("silver.opportunities").select("opportunity_id", source="campaign_id")
    named = lake.scan("silver.referrals").join(sources, on="opportunity_id", how="left")
    by_hand = named.select(pl.coalesce("campaign_id", "source").count()).collect().item()
    assert lake.scan("marketing_roi").select(pl.col("referrals").sum()).collect().item() == by_hand > 2_000
