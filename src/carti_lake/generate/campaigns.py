"""Campaigns: what is promoted when, what it costs, and how its cost grows in the CRM."""

import numpy as np
import polars as pl

from carti_lake.generate import codes, truths
from carti_lake.generate.calendar import NEVER, Window, number
from carti_lake.generate.draws import between, chance, pick, stream
from carti_lake.generate.settings import Network
from carti_lake.generate.timeline import deliveries, in_order
from carti_lake.generate.values import hundredths, label, to_date

#: Campaigns reach so many days back before the first extract.
BEFORE = 120
#: A campaign is announced so many days ahead, and lasts between so many days.
ANNOUNCED, DURATION = 21, (28, 42)
#: Costs are booked weekly while it runs.
WEEKS = DURATION[1] // 7 - 1
#: Share of campaigns that are stopped half-way.
ABORTED = 0.06


def draw(network: Network) -> pl.DataFrame:
    """All campaigns of a network, one row each.

    Returns
    -------
    pl.DataFrame
        ``campaign`` (place from 0), ``kind``, ``line``, ``starts``, ``ends`` (days), ``budget`` and ``cost`` (cents,
        planned and at the end), ``aborted``, ``lift`` (share of extra referrals while it works).
    """
    rng = stream(network.seed, "campaigns")
    count = (BEFORE + network.days) // truths.CAMPAIGN_EVERY
    kinds = list(truths.CAMPAIGN_LIFT)
    kind = pick(rng, [1.0] * len(kinds), count)
    jitter = between(rng, (-4, 4), count)
    starts = number(network.start) - BEFORE + np.arange(count) * truths.CAMPAIGN_EVERY + jitter
    days = between(rng, DURATION, count)
    aborted = chance(rng, ABORTED, count)
    ran = np.where(aborted, days // 2, days)
    # Every line has its turn before one comes again.
    turns = [rng.permutation(len(codes.SERVICE_LINES)) for _ in range(count // len(codes.SERVICE_LINES) + 1)]
    budget = np.rint(rng.lognormal(9.4, 0.4, count)) * 100
    return pl.DataFrame(
        {
            "campaign": np.arange(count),
            "kind": kind,
            "line": np.concatenate(turns)[:count],
            "starts": starts,
            "ends": starts + ran,
            "planned_days": days,
            "budget": budget.astype(np.int64),
            "cost": np.rint(budget * ran / days * rng.normal(1.03, 0.08, count)).astype(np.int64),
            "aborted": aborted,
            "lift": np.array(list(truths.CAMPAIGN_LIFT.values()))[kind],
        }
    )


def spent(day: pl.Expr) -> pl.Expr:
    """Cents that a campaign has cost up to a day."""
    elapsed = (day - pl.col("starts")).clip(0, pl.col("ends") - pl.col("starts"))
    return (pl.col("cost") * elapsed / (pl.col("ends") - pl.col("starts"))).round(0).cast(pl.Int64)


def updates(campaigns: pl.DataFrame, window: Window) -> pl.DataFrame:
    """The campaigns' deliveries: announced, begun, cost week by week, ended."""
    starts, ends = campaigns["starts"].to_numpy(), campaigns["ends"].to_numpy()
    weeks = [np.where(starts + 7 * week < ends, starts + 7 * week, NEVER) for week in range(1, WEEKS + 1)]
    return deliveries(campaigns, in_order(starts - ANNOUNCED, starts, *weeks, ends), window)


def delivered(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of campaigns as the feed ``salesforce_campaigns`` declares them."""
    step = pl.col("step")
    over = step == WEEKS + 2
    known_until = pl.when(over).then("ends").when(step == 0).then("starts").otherwise(pl.col("starts") + 7 * (step - 1))
    line = label(codes.SERVICE_LINES, pl.col("line"))
    kind = label(list(truths.CAMPAIGN_LIFT), pl.col("kind"))
    return rows.select(
        campaign_id=campaign_id(),
        campaign_name=pl.format(
            "{} {} {}", kind, line.str.replace_all("_", " "), to_date("starts").dt.strftime("%b %Y")
        ),
        campaign_type=kind,
        status=pl.when(over)
        .then(pl.when("aborted").then(pl.lit("Aborted")).otherwise(pl.lit("Completed")))
        .when(step == 0)
        .then(pl.lit("Planned"))
        .otherwise(pl.lit("In Progress")),
        service_line=line,
        start_date=to_date("starts"),
        end_date=pl.when(over)
        .then(to_date("ends"))
        .otherwise((pl.col("starts") + pl.col("planned_days")).cast(pl.Int32).cast(pl.Date)),
        budgeted_cost=hundredths(pl.col("budget")),
        actual_cost=hundredths(spent(known_until)),
        is_deleted="is_deleted",
    )


def campaign_id() -> pl.Expr:
    """The CRM's campaign number; null where there is none (-1)."""
    return pl.when(pl.col("campaign") >= 0).then(pl.format("701CL{}", pl.col("campaign") + 1_000_000))
