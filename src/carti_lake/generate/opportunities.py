"""Opportunities: deals with providers, from prospecting to won or lost."""

import numpy as np
import polars as pl

from carti_lake.generate import codes, truths
from carti_lake.generate.calendar import NEVER, Window, number
from carti_lake.generate.campaigns import campaign_id
from carti_lake.generate.draws import Ints, between, chance, pick, pick_within, stream, waiting
from carti_lake.generate.providers import Providers, named
from carti_lake.generate.settings import Network
from carti_lake.generate.timeline import deliveries, in_order, withdrawn
from carti_lake.generate.values import hundredths, label, to_date

#: Opportunities reach so many days back before the first extract.
BEFORE = 240
#: Share of opportunities, created while a campaign for the line runs, that name it as their source.
SOURCED = 0.7
#: Median amount in dollars, and the spread of its logarithm.
AMOUNT, AMOUNT_SPREAD = 42_000.0, 0.5
#: Days after its creation by which an open opportunity is expected to close.
EXPECTED = 60


def draw(network: Network, providers: Providers, campaigns: pl.DataFrame) -> pl.DataFrame:
    """All opportunities of a network, one row each, in the order of their creation.

    Returns
    -------
    pl.DataFrame
        ``opportunity`` (place from 0), ``provider``, ``campaign`` (-1: none), ``line``, ``created``, ``proposed``,
        ``negotiated``, ``closed`` (days; NEVER where it was lost before), ``won``, ``amount`` and ``final_amount``
        (cents, before and from negotiation).
    """
    rng = stream(network.seed, "opportunities")
    days = BEFORE + network.days
    count = max(1, round(network.providers * truths.OPPORTUNITIES_PER_YEAR * days / 365))
    created = np.sort(number(network.start) - BEFORE + between(rng, (0, days - 1), count))
    provider = pick(rng, list(providers.volume**0.7), count)
    # Referring providers talk about the lines to which they refer, rendering ones about their own.
    own = np.eye(len(codes.SERVICE_LINES))[providers.line]
    interest = np.where(providers.referring.sum(axis=0)[:, None] > 0, providers.referring.T, own)
    line = pick_within(rng, interest, provider)

    running = _running(campaigns, created, line)
    campaign = np.where(chance(rng, SOURCED, count), running, -1)
    amount = rng.lognormal(np.log(AMOUNT), AMOUNT_SPREAD, count) * providers.volume[provider] ** 0.5
    final = amount * np.where(chance(rng, 0.6, count), rng.normal(0.92, 0.10, count).clip(0.5, 1.3), 1.0)
    odds = (
        truths.WIN_INTERCEPT
        + truths.WIN_CAMPAIGN * (campaign >= 0)
        + truths.WIN_AMOUNT * np.log2(amount / AMOUNT)
        + truths.WIN_VOLUME * np.log(providers.volume[provider])
    )
    won = chance(rng, 1 / (1 + np.exp(-odds)), count)
    # A lost opportunity ends at any stage, a won one has gone through all.
    ended_at = np.where(won, 3, pick(rng, [0.35, 0.35, 0.30], count) + 1)
    steps = created[:, None] + np.cumsum(
        np.column_stack([1 + waiting(rng, mean, count) for mean in truths.STAGE_DAYS]), axis=1
    )
    closed = steps[np.arange(count), ended_at - 1]
    return pl.DataFrame(
        {
            "opportunity": np.arange(count),
            "provider": provider,
            "campaign": campaign,
            "line": line,
            "created": created,
            "proposed": np.where(ended_at > 1, steps[:, 0], NEVER),
            "negotiated": np.where(ended_at > 2, steps[:, 1], NEVER),
            "closed": closed,
            "won": won,
            "amount": np.rint(amount).astype(np.int64) * 100,
            "final_amount": np.rint(final).astype(np.int64) * 100,
        }
    )


def _running(campaigns: pl.DataFrame, days: Ints, line: Ints) -> Ints:
    """The newest campaign for the line that has begun and is not long over; -1 where there is none."""
    starts, ends = campaigns["starts"].to_numpy(), campaigns["ends"].to_numpy()
    works = (days[:, None] >= starts) & (days[:, None] <= ends + truths.CAMPAIGN_LAG)
    works &= line[:, None] == campaigns["line"].to_numpy()
    newest: Ints = np.where(works, np.arange(len(starts)), -1).max(axis=1, initial=-1)
    return newest


def updates(network: Network, opportunities: pl.DataFrame, window: Window) -> pl.DataFrame:
    """The opportunities' deliveries: a row at every stage."""
    days = [opportunities[step].to_numpy() for step in ("created", "proposed", "negotiated", "closed")]
    gone = withdrawn(stream(network.seed, "withdrawn opportunities"), days[0])
    return deliveries(opportunities, in_order(*days), window, gone)


def stage(step: pl.Expr) -> pl.Expr:
    """Place of the stage that a step leads to."""
    return pl.when(step < 3).then(step.cast(pl.Int64)).when("won").then(3).otherwise(4)


def delivered(rows: pl.DataFrame, providers: Providers) -> pl.DataFrame:
    """Rows of opportunities as the feed ``salesforce_opportunities`` declares them."""
    at = stage(pl.col("step"))
    line = label(codes.SERVICE_LINES, pl.col("line"))
    who = named(providers, "provider", "provider_name", "provider_npi")
    return rows.select(
        opportunity_id=opportunity_id(),
        opportunity_name=pl.format("{} with {}", line.str.replace_all("_", " "), who["provider_name"]),
        **who,
        campaign_id=campaign_id(),
        service_line=line,
        stage_name=label(codes.STAGES, at),
        amount=hundredths(pl.when((at >= 2) & (pl.col("negotiated") < NEVER)).then("final_amount").otherwise("amount")),
        probability=label(codes.STAGE_PROBABILITY, at),
        is_won=at == 3,
        is_closed=at >= 3,
        created_date=to_date("created"),
        close_date=pl.when(at >= 3).then("closed").otherwise(pl.col("created") + EXPECTED).cast(pl.Int32).cast(pl.Date),
        is_deleted="is_deleted",
    )


def opportunity_id() -> pl.Expr:
    """The CRM's opportunity number; null where there is none (-1)."""
    return pl.when(pl.col("opportunity") >= 0).then(pl.format("006CL{}", pl.col("opportunity") + 1_000_000))
