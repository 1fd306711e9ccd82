"""Metrics over several months: each reporting month with the months that its sums take in."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from carti_lake.metrics.metric import Metric, Sum


def months_between(first: date, last: date) -> int:
    """By how many months the last is later: 0 for days of the same month."""
    return 12 * (last.year - first.year) + last.month - first.month


def month_number(day: pl.Expr) -> pl.Expr:
    """A day's month, counted so that the difference of two is how many months lie between them."""
    return day.dt.year().cast(pl.Int64) * 12 + day.dt.month()


def windowed(metric: Metric, rows: pl.LazyFrame, by: Sequence[str] = ()) -> pl.LazyFrame:
    """A metric of reporting months, by reporting month.

    Parameters
    ----------
    metric
        A ratio of sums with a window.
    rows
        Rows of its mart, all months.
    by
        Further columns to keep apart.

    Returns
    -------
    pl.LazyFrame
        ``by``, the window's month, ``numerator`` (sum), ``denominator`` (as the window says), ``n`` (cases in the
        denominator's months) and ``value``: null where the denominator is zero, and for the first months, whose
        window begins before the rows do.
    """
    window = metric.window
    assert window is not None and metric.denominator is not None
    month = pl.col(window.month)
    span = rows.select(
        begins=month.min().dt.offset_by(f"{max(window.numerator[1], window.denominator[1])}mo"), ends=month.max()
    )
    groups = [*by, window.month]
    above = _summed({"numerator": metric.numerator}, window.numerator, rows, by, window.month)
    below = {"denominator": metric.denominator, "n": Sum.of(*metric.cases)}
    scale = _length(window.numerator) / _length(window.denominator)
    numerator, denominator = pl.col("numerator"), pl.col("denominator")
    return (
        above.join(
            _summed(below, window.denominator, rows, by, window.month),
            on=groups,
            how="full",
            coalesce=True,
            nulls_equal=True,
        )
        .join(span, how="cross")
        .filter(month <= pl.col("ends"))
        .with_columns(numerator.fill_null(0), denominator.fill_null(0) * scale, pl.col("n").fill_null(0))
        .select(
            *groups,
            "numerator",
            "denominator",
            pl.col("n").cast(pl.Int64),
            value=pl.when(month >= pl.col("begins"), denominator != 0).then(numerator / denominator),
        )
        .sort(groups)
    )


def _summed(
    sums: dict[str, Sum], months: tuple[int, int], rows: pl.LazyFrame, by: Sequence[str], month: str
) -> pl.LazyFrame:
    nearest, farthest = months
    later = pl.concat_str(pl.col("back"), pl.lit("mo"))
    return (
        rows.group_by(*by, month)
        .agg(sum_.expression().cast(pl.Float64).alias(name) for name, sum_ in sums.items())
        .with_columns(back=pl.int_ranges(nearest, farthest + 1))
        .explode("back")
        .group_by(*by, pl.col(month).dt.offset_by(later))
        # A running sum is in one order, so that the same rows give the same last digits; a plain sum is not.
        .agg(pl.col(name).sort_by("back").cum_sum().last() for name in sums)
    )


def _length(months: tuple[int, int]) -> int:
    return months[1] - months[0] + 1
