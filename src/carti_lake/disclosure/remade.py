"""Published tables that are made anew from what is published: a row of the lake's own could tell what is hidden."""

from collections.abc import Callable, Collection, Mapping

import polars as pl

from carti_lake.pipeline.gold import opportunity_predictions
from carti_lake.pipeline.gold.claims_maturity import MATURE
from carti_lake.pipeline.gold.dimensions import dim_date, dim_service_line
from carti_lake.tables.gold import (
    ClaimsMaturity,
    DimDate,
    DimServiceLine,
    ModelMetrics,
    OpportunityPredictions,
    ProviderSummary,
)
from carti_lake.tables.gold.events import AXES

Tables = Mapping[str, pl.DataFrame]
BY = {axis.key: axis.table for axis in reversed(AXES)}


def maturity(months: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of ``gold.claims_maturity`` that say which months are provisional, and no more.

    A month is provisional while less than :data:`MATURE` of its claims are adjudicated. Where that is hidden, it is one
    as long as no later month is seen to be mature: claims only mature.

    Parameters
    ----------
    months
        Published sums by month.
    """
    shown = 1 - pl.col("pending_claims") / pl.col("claims")
    mature = shown >= MATURE
    settled = pl.col("month") <= pl.col("month").filter(mature).max()
    held = months.filter(pl.col("claims").is_null() | (pl.col("claims") > 0)).select(
        "month", provisional=(~mature).fill_null(~settled).fill_null(True)
    )
    blank = {name: pl.lit(None) for name in ClaimsMaturity.columns() if name not in ("month", "provisional")}
    return held.with_columns(**blank).select(
        pl.col(name).cast(dtype) for name, dtype in ClaimsMaturity.dtypes().items()
    )


#: By name of the table: the published one that it is made from, and how. Add a table that follows from published ones.
REMADE: Mapping[str, tuple[str, Callable[[pl.LazyFrame], pl.LazyFrame]]] = {
    DimDate.short_name: (BY["month"], dim_date),
    DimServiceLine.short_name: (BY["service_line"], dim_service_line),
    ClaimsMaturity.short_name: (BY["month"], maturity),
    OpportunityPredictions.short_name: (ProviderSummary.short_name, opportunity_predictions.predictions),
    ModelMetrics.short_name: (ProviderSummary.short_name, opportunity_predictions.metrics),
}


def remade(names: Collection[str], tables: Tables) -> dict[str, pl.DataFrame]:
    """Those of the tables that follow from published ones.

    Parameters
    ----------
    names
        Tables of the release.
    tables
        What is published of it.
    """
    return {name: make(tables[of].lazy()).collect() for name, (of, make) in REMADE.items() if name in names}
