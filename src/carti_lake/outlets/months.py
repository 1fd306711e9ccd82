"""Which months' numbers will still move, so that every outlet marks the same ones."""

from collections.abc import Mapping
from datetime import date

import polars as pl

from carti_lake.metrics.claims import with_maturity
from carti_lake.tables.gold import ClaimsMaturity

#: What a provisional month is, where people read it.
PROVISIONAL = "Provisional: the month was not over, or under 90 % of its claims are expected to be adjudicated"
#: The same for what becomes of referrals: the share of a month's referrals whose outcome is known, and the columns.
SETTLED = 0.9
#: What must be so of a month before a number of it stays: it is over, its claims are answered, its referrals ended.
OVER, ANSWERED, ENDED = STAYS = ("over", "claims_answered", "referrals_ended")
OUTCOMES = ("referrals_completed", "referrals_made_out_of_network", "referrals_made_lost")


def provisional(months: pl.DataFrame, tables: Mapping[str, pl.DataFrame], data_as_of: date | None) -> pl.DataFrame:
    """The rows with ``unfinished`` and ``provisional``.

    Parameters
    ----------
    months
        Rows with ``month``, the first day of each.
    tables
        Published tables; of ``claims_maturity``, where it is among them, only ``month`` and ``provisional`` are read.
    data_as_of
        Newest extract date of the release; None where nothing says it.

    Returns
    -------
    pl.DataFrame
        ``unfinished``: the month ended after ``data_as_of``. ``provisional``: that, or its claims are not yet mature;
        months of which nothing is known are not marked.
    """
    mart = ClaimsMaturity.short_name
    known = tables.get(mart, pl.DataFrame(schema=ClaimsMaturity.dtypes())).lazy()
    unfinished = pl.lit(False) if data_as_of is None else pl.col("month").dt.month_end() > pl.lit(data_as_of)
    marked = with_maturity(months.lazy(), known.with_columns(pl.col("maturity").cast(pl.Float64))).with_columns(
        unfinished=unfinished,
        provisional=pl.col("provisional").fill_null(False) | unfinished,
    )
    return marked.drop("maturity").sort("month").collect()


def with_events(months: pl.DataFrame, column: str, data_as_of: date | None) -> pl.DataFrame:
    """The months from the first with an event of the column to that of the data's day, hidden ones (null) among them.

    Months before the first and after the last are of other sources: there, zero means that nothing is delivered.
    """
    stated = pl.col(column).is_null() | (pl.col(column) != 0)
    begun = pl.lit(True) if data_as_of is None else pl.col("month") <= pl.lit(data_as_of)
    rows = months.filter(begun).sort("month")
    return rows.filter(stated.cum_max() & stated.cum_max(reverse=True))


def standing(
    months: pl.DataFrame, by_month: pl.DataFrame, tables: Mapping[str, pl.DataFrame], data_as_of: date | None
) -> pl.DataFrame:
    """Of each month which kinds of its numbers stay: ``month``, once, and :data:`STAYS` as truths.

    Parameters
    ----------
    months
        Rows with ``month``.
    by_month
        The network's months, for the outcomes of its referrals; a month that is not among them has none open.
    tables, data_as_of
        As of :func:`provisional`.
    """
    rows = provisional(months.select("month").unique(), tables, data_as_of)
    known = settled(by_month)
    # Referrals only end: a month whose outcomes are hidden has ended where a later one is seen to have.
    last = known.filter(pl.col("settled") & (by_month["referrals_made"] > 0).fill_null(False))["month"].max()
    ended = known.with_columns(pl.col("settled").fill_null(pl.col("month") <= last if last is not None else False))
    return rows.join(ended, on="month", how="left", maintain_order="left").select(
        "month",
        ~pl.col("unfinished").alias(OVER),
        ~pl.col("provisional").alias(ANSWERED),
        (~pl.col("unfinished") & pl.col("settled").fill_null(True)).alias(ENDED),
    )


def settled(months: pl.DataFrame) -> pl.DataFrame:
    """Of each month of ``network_by_month`` whether 90 % of its referrals have an outcome; null where hidden."""
    share = pl.sum_horizontal(OUTCOMES, ignore_nulls=False) / pl.col("referrals_made")
    return months.select("month", settled=(pl.col("referrals_made") == 0) | (share >= SETTLED))
