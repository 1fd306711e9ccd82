"""How many referrals come on which day, for which service line, and which of them a campaign brought."""

import numpy as np
import polars as pl

from carti_lake.generate import codes, truths
from carti_lake.generate.calendar import month_of_year, number, weekday
from carti_lake.generate.draws import Flags, Floats, Ints, chance, stream
from carti_lake.generate.providers import OUTSIDERS
from carti_lake.generate.settings import Network

LINES = list(truths.LINES.values())
SHARES: Floats = np.array([line.referrals for line in LINES]) / sum(line.referrals for line in LINES)

#: Days after a referral on which half of its visits have been, about.
SHOWS_AFTER = 45


def level(network: Network, days: Ints) -> Floats:
    """Referrals expected on each day without campaigns, against a mean day of the year in the middle of the window."""
    season, weekdays = np.array(truths.REFERRAL_SEASON), np.array(truths.REFERRAL_WEEKDAYS)
    years = (days - number(network.start) - network.days / 2) / 365
    expected: Floats = (
        season[month_of_year(days)]
        / season.mean()
        * (weekdays[weekday(days)] / weekdays.mean())
        * np.exp(truths.YEARLY_GROWTH * years)
    )
    return expected


def referrals_per_day(network: Network, campaigns: pl.DataFrame) -> float:
    """Referrals of a mean day of the year that bring the visits asked for over the window, given what follows from one.

    An estimate: it takes a campaign's patients, and the season of referrals, to show in visits a few weeks later.
    """
    kept = 1 - truths.NOT_KEPT
    remote = sum(share for share, far in codes.ZIP3.values() if far)
    leaks = (1 + OUTSIDERS * (truths.OUTSIDER_LEAKAGE - 1)) * (1 + remote * (truths.REMOTE_LEAKAGE - 1))
    stays = np.array([(1 - line.never_booked) * (1 - line.out_of_network * leaks) for line in LINES])
    visits = stays * kept * np.array([1 + line.follow_ups * kept for line in LINES])
    days = number(network.start) + np.arange(network.days)
    season = np.array(truths.VISIT_SEASON)
    open_share = season[month_of_year(days)].mean() / season.mean()
    before = level(network, days - SHOWS_AFTER)
    line, lift = campaigns["line"].to_numpy(), campaigns["lift"].to_numpy()
    promoted = (working(campaigns, days - SHOWS_AFTER) * lift) @ np.eye(len(LINES))[line]
    return float(network.visits_per_day / ((before[:, None] * SHARES * (1 + promoted)) @ visits).mean() / open_share)


def working(campaigns: pl.DataFrame, days: Ints) -> Flags:
    """Days x campaigns: whether the campaign brings referrals on the day."""
    since = days[:, None] - truths.CAMPAIGN_LAG
    works: Flags = (since >= campaigns["starts"].to_numpy()) & (since <= campaigns["ends"].to_numpy())
    return works


def arrivals(network: Network, campaigns: pl.DataFrame, days: Ints) -> tuple[Ints, Ints, Ints]:
    """The referrals of some days, in the order of the days.

    Returns
    -------
    tuple of arrays
        For every referral its day, the place of its service line, and the campaign that it is credited to (-1: none).
    """
    rng = stream(network.seed, "demand", int(days[0]))
    expected = referrals_per_day(network, campaigns) * level(network, days)[:, None] * SHARES
    line, lift = campaigns["line"].to_numpy(), campaigns["lift"].to_numpy()
    works = working(campaigns, days)
    # One column per service line for what comes anyway, one per campaign for what it adds.
    counts = rng.poisson(np.hstack([expected, expected[:, line] * lift * works]))
    source = np.repeat(np.tile(np.arange(counts.shape[1]), len(days)), counts.ravel())
    campaign = source - len(LINES)
    credited = chance(rng, truths.CAMPAIGN_CREDITED, len(source))
    return (
        np.repeat(days, counts.sum(axis=1)),
        np.concatenate([np.arange(len(LINES)), line])[source],
        np.where((campaign >= 0) & credited, campaign, -1),
    )
