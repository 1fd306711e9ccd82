"""The first denial of each claim, whatever became of it later."""

import polars as pl

from carti_lake.pipeline.cleanse import order
from carti_lake.pipeline.codes import NORMALISERS
from carti_lake.pipeline.gold.dimensions import UNDATED
from carti_lake.tables.silver import InitialDenials, Visits

#: What tells one delivered row of a visit from another.
EVIDENCE = tuple(name for name in InitialDenials.column_names() if name != "visit_month")


def said_denied(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Bronze rows of visits whose claim status is a denial, however it is spelled."""
    normalise = NORMALISERS[Visits.meta("claim_status")["code"]]
    spelled = rows.select("claim_status").unique().filter(normalise(pl.col("claim_status")) == "denied")
    return rows.join(spelled, on="claim_status", how="semi")


def denials(cleansed: pl.LazyFrame) -> pl.LazyFrame:
    """Of cleansed rows of visits, those that tell a denial: valid, and no withdrawal, whose columns may be anything."""
    return (
        cleansed.filter(~pl.col("broken") & ~pl.col("withdrawn") & (pl.col("claim_status") == "denied"))
        .rename({"claim_paid_date": "denied_date"})
        .select(EVIDENCE)
    )


def first_denials(told: pl.LazyFrame, visits: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of ``silver.initial_denials``: the least denial of each visit, in the month where the visit stands.

    The least of a set is the same whatever the order, split or repetition in which the set was delivered.

    Parameters
    ----------
    told
        Denials as delivered (:data:`EVIDENCE`), or rows of ``silver.initial_denials`` itself.
    visits
        Silver's rows of the same visits, withdrawn ones among them.
    """
    key = ["key_hash", "visit_id"]
    return (
        told.select(EVIDENCE)
        .with_columns(order=order())
        .sort("order")
        .unique(key, keep="first", maintain_order=True)
        .join(visits.select(*key, pl.col("visit_month").fill_null(UNDATED)), on=key)
        .select(InitialDenials.column_names())
    )
