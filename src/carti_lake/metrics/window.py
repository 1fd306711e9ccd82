"""Metrics over several months: which months a reporting month's numerator and denominator take in."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from carti_lake.metrics.metric import Metric, Sum


@dataclass(frozen=True)
class Window:
    """Nearest and farthest month that a sum takes in, counted back from the reporting month (0).

    The denominator is brought to as many months as the numerator: a month over three months is the month over the
    mean of the three.
    """

    numerator: tuple[int, int] = (0, 0)
    denominator: tuple[int, int] = (0, 0)


def windowed(
    metric: Metric, window: Window, rows: pl.LazyFrame, *, by: Sequence[str] = (), month: str = "month"
) -> pl.LazyFrame:
    """The metric by reporting month.

    Parameters
    ----------
    metric
        A ratio of sums.
    window
        The months of each sum.
    rows
        Rows of the metric's mart, all months.
    by
        Columns to keep apart.
    month
        Column that names the month which a row counts in.

    Returns
    -------
    pl.LazyFrame
        ``by``, ``month``, ``numerator`` (sum), ``denominator`` (as :class:`Window` says) and the metric: null where
        the denominator is zero, and for the first months, whose window begins before the rows do.
    """
    assert metric.denominator is not None
    reporting = [*by, "month"]
    span = rows.select(
        begins=pl.col(month).min().dt.offset_by(f"{max(window.numerator[1], window.denominator[1])}mo"),
        ends=pl.col(month).max(),
    )
    above = _summed(metric.numerator, "numerator", window.numerator, rows, by, month)
    below = _summed(metric.denominator, "denominator", window.denominator, rows, by, month)
    scale = _length(window.numerator) / _length(window.denominator)
    numerator, denominator = pl.col("numerator"), pl.col("denominator")
    return (
        above.join(below, on=reporting, how="full", coalesce=True, nulls_equal=True)
        .join(span, how="cross")
        .filter(pl.col("month") <= pl.col("ends"))
        .with_columns(numerator.fill_null(0), denominator.fill_null(0) * scale)
        .select(
            *reporting,
            "numerator",
            "denominator",
            pl.when(pl.col("month") >= pl.col("begins"), denominator != 0)
            .then(numerator / denominator)
            .alias(metric.id),
        )
        .sort(reporting)
    )


def _summed(
    sums: Sum, name: str, months: tuple[int, int], rows: pl.LazyFrame, by: Sequence[str], month: str
) -> pl.LazyFrame:
    nearest, farthest = months
    later = pl.concat_str(pl.col("back"), pl.lit("mo"))
    return (
        rows.group_by(*by, pl.col(month).alias("month"))
        .agg(sums.expression().cast(pl.Float64).alias(name))
        .with_columns(back=pl.int_ranges(nearest, farthest + 1))
        .explode("back")
        .group_by(*by, pl.col("month").dt.offset_by(later))
        # A running sum is in one order, so that the same rows give the same last digits; a plain sum is not.
        .agg(pl.col(name).sort_by("back").cum_sum().last())
    )


def _length(months: tuple[int, int]) -> int:
    return months[1] - months[0] + 1
