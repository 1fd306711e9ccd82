"""One row per provider: all months together, with the CRM's totals and the opportunities."""

import polars as pl

from carti_lake.metrics import CRM_RATES, PROVIDER_RATES, Sum
from carti_lake.pipeline.gold import opportunity_predictions
from carti_lake.pipeline.gold.model_metrics import model_metrics
from carti_lake.pipeline.gold.opportunities import opportunity_sums
from carti_lake.pipeline.mart import mart
from carti_lake.tables.gold import ModelMetrics, OpportunityPredictions, ProviderMonthly, ProviderSummary


@mart(
    OpportunityPredictions,
    ModelMetrics,
    ProviderSummary,
    inputs=(
        "gold.provider_monthly",
        "silver.encounters",
        "silver.crm_accounts",
        "silver.opportunities",
        "gold.dim_provider",
        "gold.opportunity_scores",
        "models",
    ),
)
def summary_and_regression(*frames: pl.LazyFrame) -> tuple[pl.LazyFrame, ...]:
    """Rows of ``gold.provider_summary``, of the seed's regression on it, and of the errors of all models."""
    *inputs, trained = frames
    # One row a provider: computed once for the regression that reads it and for its own table.
    summary = provider_summary(*inputs).collect(engine="streaming").lazy()
    evaluations = pl.concat([opportunity_predictions.metrics(summary), model_metrics(trained)])
    return opportunity_predictions.predictions(summary), evaluations, summary


def provider_summary(
    monthly: pl.LazyFrame,
    encounters: pl.LazyFrame,
    accounts: pl.LazyFrame,
    opportunities: pl.LazyFrame,
    dim_provider: pl.LazyFrame,
    opportunity_scores: pl.LazyFrame,
) -> pl.LazyFrame:
    """Rows of ``gold.provider_summary``.

    Every provider that any fact or the CRM names has a row; the directory's others have none, since they have no
    facts to summarise.
    """
    patients = (
        _current(encounters)
        .group_by(provider_id="referring_provider_id")
        .agg(total_patients=pl.col("patient_key").n_unique())
    )
    sums = monthly.group_by("provider_id").agg(
        *(rate.expression() for rate in PROVIDER_RATES),
        *(total.expression().alias(name) for name, total in sums_of_months().items()),
    )
    parts = [sums, patients, _account_totals(accounts), _opportunity_totals(opportunities)]
    # An account may name nobody.
    everyone = pl.concat([part.select("provider_id") for part in parts]).drop_nulls().unique()
    for part in (*parts, _predicted(opportunity_scores)):
        everyone = everyone.join(part, on="provider_id", how="left")
    dtypes = ProviderSummary.dtypes()
    zero_where_absent = [
        name for name, column in ProviderSummary.columns().items() if not column.nullable and dtypes[name].is_numeric()
    ]
    return (
        everyone.join(
            dim_provider.select("provider_id", "provider_name", "npi", "specialty", "network_status"),
            on="provider_id",
            how="left",
        )
        .with_columns(pl.col(zero_where_absent).fill_null(0))
        .with_columns(rate.expression().over("provider_id") for rate in CRM_RATES)
        .select(pl.col(name).cast(dtype) for name, dtype in dtypes.items())
    )


def _predicted(scores: pl.LazyFrame) -> pl.LazyFrame:
    """Expected value of each provider's open opportunities; exact, so that the order of work changes no digit."""
    expected = pl.col("expected_value").cast(pl.Decimal(18, 4))
    return (
        scores.drop_nulls(["provider_id", "expected_value"])
        .group_by("provider_id")
        .agg(predicted_opportunity_value=expected.sum().cast(pl.Float64))
    )


def _current(rows: pl.LazyFrame) -> pl.LazyFrame:
    return rows.filter(~pl.col("withdrawn"))


def sums_of_months() -> dict[str, Sum]:
    """Columns of the summary that are sums of monthly ones: those that say so, and those of the same name."""
    rates = {rate.id for rate in PROVIDER_RATES}
    found = {}
    for name in ProviderSummary.columns():
        sources = [source.partition(".") for source in ProviderSummary.meta(name).get("of", ())]
        monthly = [column for table, _, column in sources if table == ProviderMonthly.short_name]
        if monthly:
            found[name] = Sum.of(*monthly)
        elif name in ProviderMonthly.columns() and name not in (*rates, *ProviderMonthly.key()):
            found[name] = Sum.of(name)
    return found


def _account_totals(accounts: pl.LazyFrame) -> pl.LazyFrame:
    """CRM totals by provider; two accounts that mean one provider add up, the stage is the larger account's."""
    sums = ("contact_count", "deals_value", "opportunity_value", "marketing_cost")
    return (
        _current(accounts)
        .sort("opportunity_value", "provider_name")
        .group_by("provider_id")
        .agg(
            *(pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name) for name in sums),
            pl.col("pipeline_stage").last(),
        )
    )


def _opportunity_totals(opportunities: pl.LazyFrame) -> pl.LazyFrame:
    return (
        _current(opportunities)
        .filter(pl.col("provider_id").is_not_null())
        .group_by("provider_id")
        .agg(**opportunity_sums())
    )
