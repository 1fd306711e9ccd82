"""Gold brought up to date with silver: only the months that changed are computed, only rows that differ are merged."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import polars as pl

from carti_lake.comparison import funnel, ranks, shrinkage, wilson
from carti_lake.metrics import crm, marketing, metric, provider
from carti_lake.models import opportunity_value
from carti_lake.models.forecast import series as series_module
from carti_lake.pipeline.gold import claims_aged as aged_module
from carti_lake.pipeline.gold import claims_maturity as maturity_module
from carti_lake.pipeline.gold import claims_monthly as claims_module
from carti_lake.pipeline.gold import dimensions
from carti_lake.pipeline.gold import forecast_accuracy as accuracy_module
from carti_lake.pipeline.gold import marketing_roi as marketing_module
from carti_lake.pipeline.gold import model_metrics as model_metrics_module
from carti_lake.pipeline.gold import opportunities as opportunities_module
from carti_lake.pipeline.gold import provider_comparison as comparison_module
from carti_lake.pipeline.gold import provider_monthly as monthly_module
from carti_lake.pipeline.gold import provider_summary as summary_module
from carti_lake.pipeline.gold import readmissions as readmissions_module
from carti_lake.pipeline.gold import referral_flow as flow_module
from carti_lake.pipeline.gold.claims_aged import claims_aged
from carti_lake.pipeline.gold.claims_maturity import claims_maturity
from carti_lake.pipeline.gold.dimensions import dim_date, dim_provider, dim_service_line
from carti_lake.pipeline.gold.forecast_accuracy import forecast_accuracy
from carti_lake.pipeline.gold.marketing_roi import marketing_monthly, marketing_roi
from carti_lake.pipeline.gold.model_metrics import model_metrics
from carti_lake.pipeline.gold.provider_comparison import provider_comparison
from carti_lake.pipeline.gold.provider_monthly import provider_monthly
from carti_lake.pipeline.gold.provider_summary import provider_summary
from carti_lake.pipeline.gold.readmissions import readmissions
from carti_lake.pipeline.gold.referral_flow import referral_days, referral_flow, referral_revenue
from carti_lake.runner.entities import changed_months
from carti_lake.runner.fingerprint import MADE_BY, fingerprint
from carti_lake.storage import Storage, commits, row_count, scan, transaction
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
    ForecastAccuracy,
    Gold,
    MarketingMonthly,
    MarketingRoi,
    ModelMetrics,
    OpportunityPredictions,
    ProviderComparison,
    ProviderMonthly,
    ProviderSummary,
    Readmissions,
    ReferralDays,
    ReferralFlow,
    ReferralRevenue,
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
        Whether a month of the tables follows from the same month of their inputs alone, but for the ``lasting`` ones.
    lasting
        Inputs that matter to every later month too, as a referral does to the visits that follow it: what changes in
        a month of theirs touches that month and all after it, and they are read whole.
    month
        Column of the tables that holds that month; it need not be their partition.
    about
        Input that the rows are about: while nothing has filled it, no other input is looked at.
    """

    tables: tuple[type[Gold], ...]
    inputs: tuple[str, ...]
    make: Callable[..., tuple[pl.LazyFrame, ...]]
    by_month: bool = False
    lasting: tuple[str, ...] = ()
    month: str = "month"
    about: str | None = None


def _alone(make: Callable[..., pl.LazyFrame]) -> Callable[..., tuple[pl.LazyFrame]]:
    return lambda *frames: (make(*frames),)


def _dates_and_lines(*marts: pl.LazyFrame) -> tuple[pl.LazyFrame, ...]:
    facts = pl.concat([mart.select("month", "service_line") for mart in marts])
    return dim_date(facts), dim_service_line(facts)


def _summary_and_model(*frames: pl.LazyFrame) -> tuple[pl.LazyFrame, ...]:
    # One row a provider: computed once for the regression that reads it and for its own table.
    *inputs, trained = frames
    summary = provider_summary(*inputs).collect(engine="streaming").lazy()
    evaluations = pl.concat([opportunity_value.metrics(summary), model_metrics(trained)])
    return opportunity_value.predictions(summary), evaluations, summary


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


def _accuracy(forecasts: pl.LazyFrame, *inputs: pl.LazyFrame) -> tuple[pl.LazyFrame, ...]:
    *marts, visits = inputs
    return (forecast_accuracy(forecasts, *marts, visits.filter(~pl.col("withdrawn"))),)


#: Every mart that is built, in the order of building.
MARTS: tuple[Mart, ...] = (
    Mart((DimProvider,), ("silver.providers", "silver.provider_references"), _alone(dim_provider)),
    Mart(
        (ProviderMonthly,),
        ("silver.visits", "silver.encounters", "silver.referrals", "silver.appointments"),
        _alone(provider_monthly),
        by_month=True,
    ),
    # From all stays, not by month: who comes back does so in another month, and the newest date moves the follow-up.
    Mart((Readmissions,), ("silver.encounters",), _alone(readmissions)),
    Mart(
        (DimDate, DimServiceLine),
        ("gold.provider_monthly", "gold.readmissions"),
        _dates_and_lines,
    ),
    Mart(
        (OpportunityPredictions, ModelMetrics, ProviderSummary),
        (
            "gold.provider_monthly",
            "silver.encounters",
            "silver.crm_accounts",
            "silver.opportunities",
            "gold.dim_provider",
            "gold.opportunity_scores",
            "models",
        ),
        _summary_and_model,
    ),
    Mart(
        (ProviderComparison,),
        ("gold.provider_monthly", "gold.provider_summary", "gold.reconciliation"),
        _alone(provider_comparison),
    ),
    Mart(
        (ReferralRevenue,),
        ("silver.visits", "silver.referrals"),
        _alone(referral_revenue),
        by_month=True,
        lasting=("silver.referrals",),
        month="visit_month",
    ),
    Mart(
        (ReferralFlow, ReferralDays),
        ("silver.referrals", "gold.referral_revenue"),
        lambda referrals, revenue: (referral_flow(referrals, revenue), referral_days(referrals)),
        by_month=True,
    ),
    Mart(
        (MarketingMonthly,),
        ("silver.visits", "silver.referrals"),
        _alone(marketing_monthly),
        by_month=True,
        lasting=("silver.referrals",),
    ),
    Mart(
        (MarketingRoi,),
        ("silver.campaigns", "silver.opportunities", "gold.marketing_monthly"),
        _alone(marketing_roi),
    ),
    Mart(
        (ClaimsMonthly, DenialsMonthly, ClaimsActivity, ClaimsLag, ClaimsOpen),
        ("silver.visits", "silver.earlier_answers"),
        _claims,
        by_month=True,
    ),
    Mart((ClaimsMaturity,), ("gold.claims_lag", "gold.reconciliation"), _alone(claims_maturity)),
    Mart((ClaimsAged,), ("gold.claims_open", "gold.reconciliation"), _alone(claims_aged)),
    Mart((ForecastAccuracy,), ("gold.forecasts", *series_module.INPUTS), _accuracy, about="gold.forecasts"),
)
CODE = (
    metric,
    provider,
    crm,
    marketing,
    dimensions,
    monthly_module,
    summary_module,
    readmissions_module,
    opportunity_value,
    model_metrics_module,
    opportunities_module,
    flow_module,
    marketing_module,
    comparison_module,
    wilson,
    shrinkage,
    funnel,
    ranks,
    claims_module,
    aged_module,
    maturity_module,
    accuracy_module,
    series_module,
)
BUILT: tuple[type[Gold], ...] = tuple(table for mart in MARTS for table in mart.tables)


def made_by(mart: Mart) -> int:
    """Fingerprint of the code and the declarations that make the mart today."""
    return fingerprint(CODE, mart.tables)


def update_mart(storage: Storage, mart: Mart, *, full: bool) -> list[str]:
    """Bring the tables of a mart up to date with their inputs; returns those whose rows changed."""
    if mart.about is not None and ((of := storage.open(mart.about)) is None or row_count(of) == 0):
        return []
    handles = [storage.create(table.full_name(), table) for table in mart.tables]
    versions = {MADE_BY: made_by(mart)}
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
                months.update(_and_later(storage, mart, touched) if name in mart.lasting else touched)
                everything = everything or rebuilt
    if not behind:
        return []
    inputs = [_input(storage, name, None if everything or name in mart.lasting else months) for name in mart.inputs]
    changed = []
    for table, handle, rows in zip(mart.tables, handles, mart.make(*inputs), strict=True):
        standing = scan(handle, storage.options)
        if not everything:
            standing, rows = (_of_months(frame, mart.month, months) for frame in (standing, rows))
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


def _and_later(storage: Storage, mart: Mart, touched: list[date | None]) -> set[date | None]:
    """The touched months, and all later ones of which an input has rows."""
    first = min((month for month in touched if month), default=date.max)
    sources = [source for name in mart.inputs if (source := storage.open(name)) is not None]
    held = [month for source in sources for partition in source.partitions() for month in partition.values()]
    return {*touched, *(month for month in map(date.fromisoformat, filter(None, held)) if month > first)}


def _input(storage: Storage, name: str, months: set[date | None] | None) -> pl.LazyFrame:
    rows, month = storage.scan(name), TABLES[name].partition_by
    if months is None:
        return rows
    assert month is not None
    return _of_months(rows, month, months)


def _of_months(rows: pl.LazyFrame, month: str, months: set[date | None]) -> pl.LazyFrame:
    return rows.filter(pl.col(month).is_in(sorted(one for one in months if one)))


def _month_names(change: pl.DataFrame, table: type[Table]) -> list[str]:
    if table.partition_by is None:
        return []
    return [month.isoformat() for month in change[table.partition_by].unique().drop_nulls().sort()]
