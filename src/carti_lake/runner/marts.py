"""Gold brought up to date with silver: only the months that changed are computed, only rows that differ are merged."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from carti_lake.models import opportunity_value
from carti_lake.pipeline.gold.dimensions import dim_date, dim_provider, dim_service_line
from carti_lake.pipeline.gold.provider_monthly import provider_monthly
from carti_lake.pipeline.gold.provider_summary import provider_summary, with_predictions
from carti_lake.runner.entities import changed_months
from carti_lake.storage import Storage, commits, merge, scan, transaction
from carti_lake.tables import TABLES, Table
from carti_lake.tables.gold import (
    DimDate,
    DimProvider,
    DimServiceLine,
    Gold,
    ModelMetrics,
    OpportunityPredictions,
    ProviderMonthly,
    ProviderSummary,
)

Frames = Mapping[str, pl.LazyFrame]


@dataclass(frozen=True)
class Mart:
    """A gold table, what it is made from, and how.

    Attributes
    ----------
    table
        Declaration of the mart.
    inputs
        Full names of the tables that it is made from; gold ones stand before it in :data:`MARTS`.
    make
        Pure function of the inputs' rows.
    by_month
        Whether a month of the mart follows from the same month of its inputs alone.
    """

    table: type[Gold]
    inputs: tuple[str, ...]
    make: Callable[..., pl.LazyFrame]
    by_month: bool = False


SUMMARY_INPUTS = (
    "gold.provider_monthly",
    "silver.encounters",
    "silver.crm_accounts",
    "silver.opportunities",
    "gold.dim_provider",
)


def _predictions(*frames: pl.LazyFrame) -> pl.LazyFrame:
    return opportunity_value.predictions(provider_summary(*frames))


def _model_metrics(*frames: pl.LazyFrame) -> pl.LazyFrame:
    return opportunity_value.metrics(provider_summary(*frames))


def _summary(predictions: pl.LazyFrame, *frames: pl.LazyFrame) -> pl.LazyFrame:
    return with_predictions(provider_summary(*frames), predictions)


#: Every mart that is built, in the order of building.
MARTS: tuple[Mart, ...] = (
    Mart(DimProvider, ("silver.providers", "silver.provider_references"), dim_provider),
    Mart(
        ProviderMonthly,
        ("silver.visits", "silver.encounters", "silver.referrals", "silver.appointments"),
        provider_monthly,
        by_month=True,
    ),
    Mart(DimDate, ("gold.provider_monthly",), dim_date),
    Mart(DimServiceLine, ("gold.provider_monthly",), dim_service_line),
    Mart(OpportunityPredictions, SUMMARY_INPUTS, _predictions),
    Mart(ModelMetrics, SUMMARY_INPUTS, _model_metrics),
    Mart(ProviderSummary, ("gold.opportunity_predictions", *SUMMARY_INPUTS), _summary),
)


def update_mart(storage: Storage, mart: Mart, *, full: bool) -> bool:
    """Bring a mart up to date with its inputs; true where its rows changed."""
    table = mart.table
    handle = storage.create(table.full_name(), table)
    versions, months, everything = {}, set[date | None](), full
    for name in mart.inputs:
        source = storage.open(name)
        if source is None:
            continue
        versions[name] = source.version()
        seen = transaction(handle, name)
        if seen == versions[name]:
            continue
        if seen is None or not mart.by_month:
            everything = True
            continue
        touched, rebuilt = changed_months(commits(source, seen))
        months.update(touched)
        everything = everything or rebuilt
    if all(transaction(handle, name) == version for name, version in versions.items()) and not full:
        return False
    inputs = [_input(storage, name, None if everything else months) for name in mart.inputs]
    standing = scan(handle, storage.options)
    if not everything:
        standing = _of_months(standing, table, months)
    change = changes(mart.make(*inputs), standing, table)
    merge(
        handle,
        change,
        key=table.key(),
        partition_by=table.partition_by,
        transactions=versions,
        metadata={"months": _month_names(change, table)},
    )
    return not change.is_empty()


def changes(new: pl.LazyFrame, standing: pl.LazyFrame, table: type[Table]) -> pl.DataFrame:
    """Rows to upsert and to delete, so that the standing rows become the new ones; none where they are equal."""
    columns, key = table.column_names(), table.key()
    fresh, old = pl.collect_all([new.select(columns), standing.select(columns)], engine="streaming")
    upserts = fresh.join(old, on=columns, how="anti", nulls_equal=True)
    deletes = old.join(fresh, on=key, how="anti")
    return pl.concat([upserts.with_columns(delete=pl.lit(False)), deletes.with_columns(delete=pl.lit(True))])


def _input(storage: Storage, name: str, months: set[date | None] | None) -> pl.LazyFrame:
    table = TABLES[name]
    rows = storage.scan(name)
    return rows if months is None else _of_months(rows, table, months)


def _of_months(rows: pl.LazyFrame, table: type[Table], months: set[date | None]) -> pl.LazyFrame:
    assert table.partition_by is not None
    return rows.filter(pl.col(table.partition_by).is_in(sorted(month for month in months if month)))


def _month_names(change: pl.DataFrame, table: type[Table]) -> list[str]:
    if table.partition_by is None:
        return []
    return [month.isoformat() for month in change[table.partition_by].unique().drop_nulls().sort()]
