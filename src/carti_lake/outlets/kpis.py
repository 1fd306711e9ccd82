"""The network's numbers: every metric of the registry over all rows of its mart, or why there is none."""

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from carti_lake.disclosure import SMALLEST_CELL, Publication, of_people
from carti_lake.metrics import METRICS, Metric
from carti_lake.metrics.value import undelivered, values
from carti_lake.tables.gold import ProviderMonthly

TOO_FEW = f"fewer than {SMALLEST_CELL} cases"
HIDDEN = "hidden, since a small count could be worked out from it"


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


def kpis(published: Publication, delivered: Collection[str] | None = None) -> list[Kpi]:
    """Every metric of the registry; what the publication hides has no value here either.

    Parameters
    ----------
    published
        The release as it may be shown.
    delivered
        What the release's sources delivered, as :func:`carti_lake.measure.delivered` finds it; else everything.
    """
    return [_kpi(metric, published, delivered) for metric in METRICS.values()]


def _kpi(metric: Metric, published: Publication, delivered: Collection[str] | None) -> Kpi:
    mart = metric.mart
    missing = None if delivered is None else undelivered(metric, delivered)
    rows = published.tables.get(mart.short_name)
    if mart is ProviderMonthly or (rows is None and {*metric.inputs()} <= {*published.network.columns}):
        rows = published.network
    if rows is None:
        missing = missing or f"counted in a table that is not published: carti-lake metrics {metric.id} shows it"
    elif _hidden(metric, rows):
        missing = missing or HIDDEN
    return of_network(metric, pl.DataFrame(schema=mart.dtypes()) if rows is None else rows, missing)


def _hidden(metric: Metric, rows: pl.DataFrame) -> bool:
    """Whether the publication blanks a column that the metric reads: it has gaps although it always has a value."""
    for name in metric.inputs():
        gaps = rows[name].null_count() if name in rows.columns else rows.height
        few = rows.height if metric.mart.columns()[name].nullable else 1
        if of_people(metric.mart, name) and rows.height and gaps >= few:
            return True
    return False


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
