"""Every provider's rates beside the network's, over the same twelve months."""

import polars as pl

from carti_lake.comparison.funnel import ACTION, WARNING, control_limits, dispersion, widening
from carti_lake.comparison.ranks import ranks
from carti_lake.comparison.shrinkage import fit_prior, posterior, shrunk
from carti_lake.comparison.wilson import wilson
from carti_lake.metrics import METRICS, Metric
from carti_lake.pipeline.mart import mart
from carti_lake.tables.gold import Gold, ProviderComparison, ProviderMonthly, ProviderSummary

MONTHS = 12
#: A rate on fewer cases is not shown, and its provider not ranked; the cases count for the network's spread.
FEWEST_CASES = 11
#: The spread of fewer providers is too uncertain: intervals of 95 % around shrunk rates would cover less than 85 %.
FEWEST_PROVIDERS = 10
#: Of the draws behind the ranks: the same cases give the same ranks.
SEED = 1996
#: Fitted values are the same on every machine to about this many places.
PLACES = 9

FEW_CASES = f"fewer than {FEWEST_CASES} cases: no rate, no rank"
FEW_PROVIDERS = f"fewer than {FEWEST_PROVIDERS} providers: rates neither shrunk nor ranked, limits for chance alone"
ALL_ALIKE = "rates differ no more than chance makes them: shrunk to the network's, and not ranked"


def compared_metrics() -> list[Metric]:
    """The registry's proportions over the provider marts."""
    return [one for one in METRICS.values() if one.proportion and one.mart in (ProviderMonthly, ProviderSummary)]


@mart(ProviderComparison, inputs=("gold.provider_monthly", "gold.provider_summary", "gold.reconciliation"))
def provider_comparison(monthly: pl.LazyFrame, summary: pl.LazyFrame, reconciliation: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of ``gold.provider_comparison``.

    Parameters
    ----------
    monthly
        ``gold.provider_monthly``. Compared are the twelve months up to the last that had ended by the newest extract
        date: the data's own present, so that the same extracts give the same period whenever they are run.
    summary
        ``gold.provider_summary``, for metrics that have no month.
    reconciliation
        ``gold.reconciliation``, for the extract dates.
    """
    as_of = reconciliation.select(as_of=pl.col("extract_date").max())
    last = pl.col("as_of").dt.offset_by("1d").dt.truncate("1mo").dt.offset_by("-1mo")
    period = as_of.select(first_month=last.dt.offset_by(f"-{MONTHS - 1}mo"), last_month=last)
    in_period = monthly.join(period, how="cross").filter(
        pl.col("month").is_between(pl.col("first_month"), pl.col("last_month"))
    )
    dated = _cases(in_period, ProviderMonthly).join(period, how="cross")
    cases = pl.concat([dated, _cases(summary, ProviderSummary)], how="diagonal").filter(pl.col("n") > 0)
    # Sorted, so that the last bits of sums and the draws of ranks do not depend on the order in which rows come.
    return cases.sort("metric", "provider_id").map_batches(_compared, schema=ProviderComparison.dtypes())


def _cases(rows: pl.LazyFrame, mart: type[Gold]) -> pl.LazyFrame:
    """Numerator and n of each provider and metric of the mart."""
    sums = [
        pl.struct(
            numerator=metric.numerator.expression().cast(pl.Int64), n=metric.denominator.expression().cast(pl.Int64)
        ).alias(metric.id)
        for metric in compared_metrics()
        if metric.mart is mart and metric.denominator is not None
    ]
    by_provider = rows.group_by("provider_id").agg(sums)
    return by_provider.unpivot(index="provider_id", variable_name="metric", value_name="sums").unnest("sums")


def _compared(cases: pl.DataFrame) -> pl.DataFrame:
    dtypes = ProviderComparison.dtypes()
    parts = [_of_metric(rows) for rows in cases.partition_by("metric", maintain_order=True)]
    rows = pl.concat([pl.DataFrame(schema=dtypes), *parts], how="diagonal_relaxed")
    return rows.with_columns(ranked=pl.col("rank").count().over("metric")).cast(dtypes)  # type: ignore[arg-type]


def _of_metric(cases: pl.DataFrame) -> pl.DataFrame:
    """Rows of one metric; one on too few cases keeps its counts, and nothing that its rate might be read from."""
    enough = pl.col("n") >= FEWEST_CASES
    shown, hidden = cases.filter(enough), cases.filter(~enough)
    network = float(cases.select(pl.col("numerator").sum() / pl.col("n").sum()).item())
    numerator, n = shown["numerator"].to_numpy(), shown["n"].to_numpy()
    lower, upper = wilson(pl.col("numerator"), pl.col("n"))
    spread = dispersion(numerator, n, network) if len(n) >= FEWEST_PROVIDERS else None
    wider = widening(spread, len(n))
    rows = shown.with_columns(
        rate=pl.col("numerator") / pl.col("n"),
        lower_95=lower,
        upper_95=upper,
        network_rate=pl.lit(network, pl.Float64),
        dispersion=pl.lit(spread, pl.Float64).round(PLACES),
        **{
            f"limit_{side}_{name}": pl.Series(limit, dtype=pl.Float64).round(PLACES)
            for name, within in (("95", WARNING), ("998", ACTION))
            for side, limit in zip(("lower", "upper"), control_limits(network, n, within, wider), strict=True)
        },
    ).with_columns(outside_95=_outside("95"), outside_998=_outside("998"))
    parts = [_shrunk_and_ranked(rows, cases), hidden.with_columns(reason=pl.lit(FEW_CASES))]
    return pl.concat(parts, how="diagonal")


def _outside(name: str) -> pl.Expr:
    above, below = pl.col("rate") > pl.col(f"limit_upper_{name}"), pl.col("rate") < pl.col(f"limit_lower_{name}")
    return pl.when(above).then(pl.lit("above")).when(below).then(pl.lit("below"))


def _shrunk_and_ranked(shown: pl.DataFrame, cases: pl.DataFrame) -> pl.DataFrame:
    """The shown rows with their shrunk rates and ranks, by the prior of all cases, or with the reason why not."""
    import numpy as np

    if shown.height < FEWEST_PROVIDERS:
        return shown.with_columns(reason=pl.lit(FEW_PROVIDERS))
    prior = fit_prior(cases["numerator"].to_numpy(), cases["n"].to_numpy())
    if prior is None:
        lower, upper = wilson(pl.lit(cases["numerator"].sum()), pl.lit(cases["n"].sum()))
        return shown.with_columns(
            shrunk_rate="network_rate", shrunk_lower_95=lower, shrunk_upper_95=upper, reason=pl.lit(ALL_ALIKE)
        )
    numerator, n = shown["numerator"].to_numpy(), shown["n"].to_numpy()
    mean, lowest, highest = shrunk(numerator, n, prior)
    lowest_first = METRICS[shown["metric"].item(0)].good == "down"
    placed = ranks(*posterior(numerator, n, prior), np.random.default_rng(SEED), lowest_first=lowest_first)
    fitted = {"shrunk_rate": mean, "shrunk_lower_95": lowest, "shrunk_upper_95": highest}
    return shown.with_columns(
        pl.lit(prior.cases).round(PLACES).alias("prior_cases"),
        *(pl.Series(name, values).round(PLACES) for name, values in fitted.items()),
        *(pl.Series(name, values) for name, values in placed._asdict().items()),
    )
