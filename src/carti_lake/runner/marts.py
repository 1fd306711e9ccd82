"""Gold brought up to date with silver: only the months that changed are computed, only rows that differ are merged."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import polars as pl

from carti_lake.metrics import metric, provider
from carti_lake.models import opportunity_value
from carti_lake.pipeline.gold import claims_aged as aged_module
from carti_lake.pipeline.gold import claims_maturity as maturity_module
from carti_lake.pipeline.gold import claims_monthly as claims_module
from carti_lake.pipeline.gold import dimensions
from carti_lake.pipeline.gold import provider_monthly as monthly_module
from carti_lake.pipeline.gold import provider_summary as summary_module
from carti_lake.pipeline.gold.claims_aged import claims_aged
from carti_lake.pipeline.gold.claims_maturity import claims_maturity
from carti_lake.pipeline.gold.dimensions import dim_date, dim_provider, dim_service_line
from carti_lake.pipeline.gold.provider_monthly import provider_monthly
from carti_lake.pipeline.gold.provider_summary import provider_summary, with_predictions
from carti_lake.runner.entities import changed_months
from carti_lake.runner.fingerprint import MADE_BY, fingerprint
from carti_lake.storage import Storage, commits, scan, transaction
from carti_lake.tables import TABLES, Table
from carti_lake.tables.gold import (
    ClaimsActivity,
    ClaimsAged,
    ClaimsLag,
    ClaimsMaturity,
    ClaimsMonthly,
    ClaimsOpen,
    DenialsMonthly,
    DimDate,
    DimProvider,
    DimServiceLine,
    Gold,
    ModelMetrics,
    OpportunityPredictions,
    ProviderMonthly,
    ProviderSummary,
)


@dataclass(frozen=True)
class Mart:
    """Gold tables that are made together, what they are made from, and how.

    Attributes
    ----------
    tables
        Declarations of the tables.
    inputs
        Full names of the tables that they are made from; gold ones stand before them in :data:`MARTS`.
    make
        Pure function of the inputs' rows that gives the rows of each table.
    by_month
        Whether a month of the tables follows from the same month of their inputs alone.
    """

    tables: tuple[type[Gold], ...]
    inputs: tuple[str, ...]
    make: Callable[..., tuple[pl.LazyFrame, ...]]
    by_month: bool = False


def _alone(make: Callable[..., pl.LazyFrame]) -> Callable[..., tuple[pl.LazyFrame]]:
    return lambda *frames: (make(*frames),)


def _summary_and_model(*frames: pl.LazyFrame) -> tuple[pl.LazyFrame, ...]:
    # One row a provider: computed once for the model that reads it and for the table that shows the prediction.
    summary = provider_summary(*frames).collect(engine="streaming").lazy()
    predictions = opportunity_value.predictions(summary).collect().lazy()
    return predictions, opportunity_value.metrics(summary), with_predictions(summary, predictions)


def _claims(visits: pl.LazyFrame, earlier: pl.LazyFrame) -> tuple[pl.LazyFrame, ...]:
    # One pass over the claims for all five.
    claims = claims_module.billed(visits, earlier)
    makes = (
        claims_module.claims_monthly,
        claims_module.denials_monthly,
        claims_module.claims_activity,
        claims_module.claims_lag,
        claims_module.claims_open,
    )
    return tuple(rows.lazy() for rows in pl.collect_all([make(claims) for make in makes], engine="streaming"))


#: Every mart that is built, in the order of building.
MARTS: tuple[Mart, ...] = (
    Mart((DimProvider,), ("silver.providers", "silver.provider_references"), _alone(dim_provider)),
    Mart(
        (ProviderMonthly,),
        ("silver.visits", "silver.encounters", "silver.referrals", "silver.appointments"),
        _alone(provider_monthly),
        by_month=True,
    ),
    Mart(
        (DimDate, DimServiceLine),
        ("gold.provider_monthly",),
        lambda monthly: (dim_date(monthly), dim_service_line(monthly)),
    ),
    Mart(
        (OpportunityPredictions, ModelMetrics, ProviderSummary),
        (
            "gold.provider_monthly",
            "silver.encounters",
            "silver.crm_accounts",
            "silver.opportunities",
            "gold.dim_provider",
        ),
        _summary_and_model,
    ),
    Mart(
        (ClaimsMonthly, DenialsMonthly, ClaimsActivity, ClaimsLag, ClaimsOpen),
        ("silver.visits", "silver.earlier_answers"),
        _claims,
        by_month=True,
    ),
    Mart((ClaimsMaturity,), ("gold.claims_lag", "gold.reconciliation"), _alone(claims_maturity)),
    Mart((ClaimsAged,), ("gold.claims_open", "gold.reconciliation"), _alone(claims_aged)),
)
CODE = (
    metric,
    provider,
    dimensions,
    monthly_module,
    summary_module,
    opportunity_value,
    claims_module,
    aged_module,
    maturity_module,
)
BUILT: tuple[type[Gold], ...] = tuple(table for mart in MARTS for table in mart.tables)


def update_mart(storage: Storage, mart: Mart, *, full: bool) -> list[str]:
    """Bring the tables of a mart up to date with their inputs; returns those whose rows changed."""
    handles = [storage.create(table.full_name(), table) for table in mart.tables]
    versions = {MADE_BY: fingerprint(CODE, mart.tables)}
    months: set[date | None] = set()
    behind = everything = full or any(transaction(handle, MADE_BY) != versions[MADE_BY] for handle in handles)
    for name in mart.inputs:
        source = storage.open(name)
        if source is None:
            continue
        versions[name] = source.version()
        for seen in {transaction(handle, name) for handle in handles} - {versions[name]}:
            behind = True
            if seen is None or not mart.by_month:
                everything = True
            else:
                touched, rebuilt = changed_months(commits(source, seen))
                months.update(touched)
                everything = everything or rebuilt
    if not behind:
        return []
    inputs = [_input(storage, name, None if everything else months) for name in mart.inputs]
    changed = []
    for table, handle, rows in zip(mart.tables, handles, mart.make(*inputs), strict=True):
        standing = scan(handle, storage.options)
        if not everything:
            standing = _of_months(standing, table, months)
        change = changes(rows, standing, table)
        storage.merge(
            handle,
            change,
            key=table.key(),
            partition_by=table.partition_by,
            transactions=versions,
            metadata={"months": _month_names(change, table)},
        )
        changed += [table.full_name()] * (not change.is_empty())
    return changed


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
