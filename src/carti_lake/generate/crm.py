"""The CRM's list of provider accounts, as a full snapshot: contacts, deals, marketing cost, stage."""

import numpy as np
import polars as pl

from carti_lake.generate import codes
from carti_lake.generate.calendar import NEVER, Window, number
from carti_lake.generate.campaigns import spent
from carti_lake.generate.draws import Ints, stream
from carti_lake.generate.opportunities import BEFORE, stage
from carti_lake.generate.providers import Providers, named
from carti_lake.generate.settings import Network
from carti_lake.generate.values import hundredths, label

#: Contacts per week with a provider of volume 1, and what each costs (cents).
CONTACTS, CONTACT_COST = 0.8, 9_500
#: An account of the CRM is closed half-way through what follows the history: the snapshots after it lack it.
CLOSED_ACCOUNTS = 1


def snapshot_days(network: Network, window: Window) -> Ints:
    """The days of the snapshots: the first extract and weekly ones, or every extract of a monthly window."""
    weekly = np.arange(window.first, window.last + 1, 7)
    return np.unique(window.extract_day(weekly))


def snapshots(
    network: Network, providers: Providers, campaigns: pl.DataFrame, opportunities: pl.DataFrame, window: Window
) -> pl.DataFrame:
    """Every snapshot in the window: a row per provider and ``extract`` with the totals as they then stood."""
    rng = stream(network.seed, "crm")
    accounts = pl.DataFrame({"provider": np.arange(network.providers)})
    weeks = (BEFORE + network.days) // 7 + 1
    contacts = np.cumsum(rng.poisson(CONTACTS * providers.volume[:, None] ** 0.7, (network.providers, weeks)), axis=1)
    share = providers.volume / providers.volume.sum()
    closing = providers.volume.argsort(kind="stable")[:CLOSED_ACCOUNTS]
    closed_from = number(network.start) + (network.history + network.days) // 2

    def standing(day: int) -> pl.DataFrame:
        week = (day - number(network.start) + BEFORE) // 7
        cost = campaigns.select(spent(pl.lit(day)).sum()).item() * share + contacts[:, week] * CONTACT_COST
        rows = accounts.with_columns(
            extract=pl.lit(day, dtype=pl.Int32),
            contacts=pl.Series(contacts[:, week]),
            cost=pl.Series(np.rint(cost).astype(np.int64)),
        ).join(_deals(opportunities, day), on="provider", how="left", maintain_order="left")
        return rows.filter(~pl.col("provider").is_in(closing.tolist())) if day >= closed_from else rows

    return pl.concat([standing(int(day)) for day in snapshot_days(network, window)])


def _deals(opportunities: pl.DataFrame, day: int) -> pl.DataFrame:
    """Per provider on a day: value on the table or won, value of all that is not lost, latest stage."""
    reached = pl.sum_horizontal(
        ((pl.col(step) <= day) & (pl.col(step) < NEVER)).cast(pl.Int64) for step in ("proposed", "negotiated")
    )
    at = stage(pl.when(pl.col("closed") <= day).then(3).otherwise(reached))
    amount = pl.when(pl.col("at") >= 2).then("final_amount").otherwise("amount")
    return (
        opportunities.filter(pl.col("created") <= day)
        .with_columns(at=at)
        .group_by("provider", maintain_order=True)
        .agg(
            deals=amount.filter(pl.col("at").is_in([1, 2, 3])).sum(),
            potential=amount.filter(pl.col("at") != 4).sum(),
            at=pl.col("at").last(),
        )
    )


def delivered(rows: pl.DataFrame, providers: Providers) -> pl.DataFrame:
    """Rows of snapshots as the feed ``salesforce_crm`` declares them."""
    return rows.select(
        **named(providers, "provider", "provider_name", "provider_npi"),
        contact_count="contacts",
        deals_value=hundredths(pl.col("deals").fill_null(0)),
        opportunity_value=hundredths(pl.col("potential").fill_null(0)),
        marketing_cost=hundredths(pl.col("cost")),
        pipeline_stage=label(codes.STAGES, pl.col("at").fill_null(0)),
        is_deleted=pl.lit(None, dtype=pl.Boolean),
    )
