"""The network's numbers: every metric of the registry over all rows of its mart, or why there is none."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import polars as pl

from carti_lake.metrics import METRICS, Metric
from carti_lake.metrics.value import undelivered, values
from carti_lake.outlets.disclosure import SMALLEST_CELL

TOO_FEW = f"fewer than {SMALLEST_CELL} cases"


@dataclass(frozen=True)
class Kpi:
    """One number of the network.

    Attributes
    ----------
    metric
        What it is.
    value
        The sum, or numerator over denominator; None where ``reason`` says why.
    numerator, denominator
        The sums of a ratio; None with its value.
    n
        Number of cases; None where no column counts them, or they are too few to show.
    reason
        Why there is no value: not delivered, no cases, too few of them.
    """

    metric: Metric
    value: float | None
    numerator: float | None = None
    denominator: float | None = None
    n: int | None = None
    reason: str | None = None


def kpis(frames: Mapping[str, pl.DataFrame], delivered: Collection[str] | None = None) -> list[Kpi]:
    """Every metric of the registry.

    Parameters
    ----------
    frames
        Gold tables of a release by name, as stored: what disclosure hides is part of the sums.
    delivered
        What the release's sources delivered, as :func:`carti_lake.measure.delivered` finds it; else everything.
    """
    return [_kpi(metric, frames, delivered) for metric in METRICS.values()]


def _kpi(metric: Metric, frames: Mapping[str, pl.DataFrame], delivered: Collection[str] | None) -> Kpi:
    mart = metric.mart
    missing = None if delivered is None else undelivered(metric, delivered)
    if mart.short_name not in frames:
        missing = missing or f"the release has no {mart.full_name()}"
    return of_network(metric, frames.get(mart.short_name, pl.DataFrame(schema=mart.dtypes())), missing)


def of_network(metric: Metric, rows: pl.DataFrame, missing: str | None = None) -> Kpi:
    """A metric over all rows of its mart; a ratio of fewer than 11 cases is hidden."""
    found = values(metric, rows.lazy(), missing=missing).collect().row(0, named=True)
    ratio = metric.denominator is not None
    if found["value"] is None:
        return Kpi(metric, None, reason=found["reason"])
    if ratio and metric.cases and found["n"] < SMALLEST_CELL:
        return Kpi(metric, None, reason=TOO_FEW)
    value, above, below = (_number(found[name]) for name in ("value", "numerator", "denominator"))
    return Kpi(metric, value, above if ratio else None, below if ratio else None, found["n"])


def _number(value: object) -> float:
    # Sums of doubles depend on the order of work in their last bits; the same release must give the same file.
    return round(float(str(value or 0)), 6)
