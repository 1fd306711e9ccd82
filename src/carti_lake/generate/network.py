"""What the systems of a synthetic network deliver, extract by extract."""

from collections.abc import Callable, Collection, Iterator
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import polars as pl

from carti_lake.generate import (
    appointments,
    campaigns,
    crm,
    dirt,
    encounters,
    medications,
    opportunities,
    providers,
    referrals,
    truths,
    visits,
)
from carti_lake.generate.calendar import EPOCH, Every, Window, months, number
from carti_lake.generate.draws import chance, stream
from carti_lake.generate.settings import Network
from carti_lake.generate.world import World
from carti_lake.tables.feeds import FEEDS

#: Feed, extract date, delivered_at, rows.
Extract = tuple[str, date, datetime, pl.DataFrame]

#: How each feed's deliveries look to its declaration.
_DELIVERED: dict[str, Callable[[pl.DataFrame, World], pl.DataFrame]] = {
    "sg2_patient_flow": lambda rows, world: encounters.delivered(rows, world.providers, world.patients),
    "salesforce_crm": lambda rows, world: crm.delivered(rows, world.providers),
    "salesforce_opportunities": lambda rows, world: opportunities.delivered(rows, world.providers),
    "salesforce_campaigns": lambda rows, world: campaigns.delivered(rows),
    "salesforce_referrals": lambda rows, world: referrals.delivered(rows, world.providers, world.patients),
    "ehr_visits": lambda rows, world: visits.delivered(rows, world.providers, world.patients),
    "ehr_appointments": lambda rows, world: appointments.delivered(rows, world.providers, world.patients),
    "ehr_medications": lambda rows, world: medications.delivered(rows, world.providers),
    "providers": lambda rows, world: providers.delivered(rows),
}


def extracts(network: Network, *, every: Every = "day", feeds: Collection[str] = tuple(FEEDS)) -> Iterator[Extract]:
    """Everything that the network's systems deliver, in the order of delivery.

    Parameters
    ----------
    network
        Settings; the same ones give the same extracts.
    every
        An extract per feed and day, or per feed and month (a row that changed twice in a month then shows its last
        state): the way to much data in little time.
    feeds
        Feeds to deliver; what they are about happens whether they are delivered or not.

    Yields
    ------
    tuple
        Feed, extract date, delivered_at (UTC, early in the morning after), rows. The rows have the feed's declared
        columns: typed where the network is clean, else as text wherever dirt can be. A feed without news delivers
        nothing.
    """
    if unknown := sorted(set(feeds) - set(FEEDS)):
        raise ValueError(f"There is no feed {', '.join(unknown)}; choose from {', '.join(FEEDS)}.")
    start = number(network.start)
    window = Window(start, number(network.end), every, daily=start + network.history)
    world = World(network, window, feeds)
    for first, last in months(network.start - timedelta(days=referrals.BEFORE), network.end):
        world.live(np.arange(first, last + 1))
        if last >= window.first:
            yield from sorted(_month(network, world, feeds, last), key=lambda extract: (extract[2], extract[0]))


def _month(network: Network, world: World, feeds: Collection[str], last: int) -> Iterator[Extract]:
    """The extracts of the month that ends on a day, feed by feed."""
    for feed in FEEDS:
        due = world.due(feed, last) if feed in feeds else None
        if due is None:
            continue
        rng = stream(network.seed, f"extracts {feed}", last)
        due = due.sort("extract", maintain_order=True) if due["extract"].n_unique() > 1 else due
        twice = chance(rng, truths.DUPLICATED, len(due))
        if FEEDS[feed].snapshot:
            twice[:] = False
        origin = np.repeat(np.arange(len(due)), 1 + twice)
        due = due[origin]
        rows = _DELIVERED[feed](due, world).select(*FEEDS[feed].delivered())
        if network.dirt > 0:
            rows = dirt.spoil(rows, FEEDS[feed], rng, network.dirt, origin)
        days, starts, lengths = np.unique(due["extract"].to_numpy(), return_index=True, return_counts=True)
        for day, start, length in zip(days.tolist(), starts, lengths, strict=True):
            extract_date = EPOCH + timedelta(days=day)
            yield feed, extract_date, _delivered_at(network, feed, extract_date), rows.slice(start, length)


def _delivered_at(network: Network, feed: str, extract_date: date) -> datetime:
    """A second between two and six in the morning after the extract date."""
    rng = stream(network.seed, f"delivered {feed}", number(extract_date))
    morning = datetime.combine(extract_date + timedelta(days=1), time(2), UTC)
    return morning + timedelta(seconds=int(rng.integers(4 * 3_600)))
