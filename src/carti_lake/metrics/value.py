"""A metric's value at any grain: with both its sums and its n, and with the reason where there is none."""

from collections.abc import Collection, Sequence

import polars as pl

from carti_lake.metrics.metric import Metric
from carti_lake.metrics.names import words
from carti_lake.metrics.window import windowed
from carti_lake.tables.silver import SILVER, Entity

#: Columns of a metric's values, after those that they are grouped by.
TERMS = ("numerator", "denominator", "n", "value", "reason")


def values(metric: Metric, rows: pl.LazyFrame, by: Sequence[str] = (), missing: str | None = None) -> pl.LazyFrame:
    """The metric of each group: ``numerator``, ``denominator``, ``n``, ``value``, ``reason``.

    Parameters
    ----------
    metric
        Which.
    rows
        Rows of its mart, or of a roll-up of it.
    by
        Columns to group by; none for one value of all rows.
    missing
        Why there is no value at all, as :func:`undelivered` says it.

    Returns
    -------
    pl.LazyFrame
        A row per group. ``value`` is null exactly where ``reason`` is not; it and the sums are null, and never zero,
        where ``missing`` says why, and where the metric does not add up over what is grouped together.
    """
    reason = metric.missing or missing or _does_not_add(metric, by) or _needs_months(metric, by)
    if reason is None and metric.window is not None:
        others = [name for name in by if name != metric.window.month]
        early = f"{_no_cases(metric)}, or its months begin before the first one that there is"
        months = windowed(metric, rows, others)
        return months.with_columns(reason=pl.when(pl.col("value").is_null()).then(pl.lit(early))).select(*by, *TERMS)
    if reason is None:
        terms = {**metric.terms(), "value": metric.expression().alias("value")}
        why: pl.Expr = pl.when(pl.col("value").is_null()).then(pl.lit(_no_cases(metric)))
    else:
        terms = {name: pl.lit(None, pl.Float64).alias(name) for name in ("numerator", "denominator", "n", "value")}
        why = pl.lit(reason)
    grouped = rows.group_by(by).agg(*terms.values()) if by else rows.select(*(terms.values()))
    return grouped.with_columns(reason=why).select(*by, *TERMS)


def undelivered(metric: Metric, delivered: Collection[str]) -> str | None:
    """Which feed or column that the metric is made from no source delivers, in plain words; None where all are there.

    Parameters
    ----------
    metric
        Which.
    delivered
        Silver tables that hold a row, and columns of them that hold a value: ``visits``, ``visits.claim_amount``.
    """
    for source in metric.sources():
        name, _, column = source.partition(".")
        if name not in delivered:
            return f"no {words(name)}: {_feed(name)} was never loaded, or every row of it was refused"
        if source not in delivered:
            return f"no {words(column)} of {words(name)}: {_feed(name)} does not deliver it"
    return None


def _feed(name: str) -> str:
    table = SILVER[name].view_of or SILVER[name]
    return f"the feed {table.feed.short_name}" if issubclass(table, Entity) else "its feed"


def _does_not_add(metric: Metric, by: Sequence[str]) -> str | None:
    """Why the groups are too coarse for a metric that counts distinct things."""
    over = [name for name in metric.mart.key() if name not in by and name not in metric.additive_over()]
    if not over:
        return None
    several = " or ".join(f"{words(name.removesuffix('_id'))}s" for name in over)
    return f"the same patient can be with several {several}, so that numbers of patients do not add up over them"


def _needs_months(metric: Metric, by: Sequence[str]) -> str | None:
    """Why a metric of reporting months has no value over all of them."""
    if metric.window is None or metric.window.month in by:
        return None
    return f"a number of each reporting month, none of all together: by {words(metric.window.month)} it has a value"


def _no_cases(metric: Metric) -> str:
    below = (metric.denominator or metric.numerator).inputs()
    gaps = any(metric.mart.columns()[name].nullable for name in metric.inputs())
    named = ", ".join(map(words, below))
    return f"no cases: {named} {'are' if below[1:] else 'is'} zero{' or not delivered' * gaps} here"
