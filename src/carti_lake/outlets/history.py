"""The network's metrics month by month, and which of them will still move."""

from collections.abc import Iterable
from datetime import date

import polars as pl

from carti_lake.disclosure import Publication
from carti_lake.metrics import METRICS, Metric
from carti_lake.metrics.value import values
from carti_lake.outlets.months import ANSWERED, ENDED, OVER, standing, with_events
from carti_lake.tables.gold import ProviderMonthly
from carti_lake.tables.gold.dimensions import UNDATED
from carti_lake.tables.gold.events import AXES

#: Columns of a visit that are known when its claim is adjudicated: what is made from them moves until then.
ADJUDICATION = ("visits.claim_status", "visits.claim_paid", "visits.claim_paid_date", "visits.contractual_adjustment")
#: Columns of a referral that are known when it has come to an end.
OUTCOME = ("referrals.referral_status", "referrals.network_status", "referrals.first_visit_date")
BY_MONTH = next(axis.table for axis in AXES if axis.key == "month")
SCHEMA = {"metric": pl.String(), "month": pl.Date(), "value": pl.Float64(), "provisional": pl.Boolean()}


def history(
    published: Publication, data_as_of: date | None, metrics: Iterable[Metric] = tuple(METRICS.values())
) -> pl.DataFrame:
    """Each metric by month, as far as its mart is published by month.

    Parameters
    ----------
    published
        The release as it may be shown.
    data_as_of
        Newest extract date of the release; later months, such as those of booked appointments, are left out.
    metrics
        Which; else all of the registry.

    Returns
    -------
    pl.DataFrame
        ``metric`` (id), ``month``, ``value`` (hidden ones have no row), and ``provisional``: the month was not over, or
        the metric is made from claims and those of the month are not mature, or from the outcomes of referrals and a
        tenth of the month's has none yet. In the metrics' order, then by month.
    """
    found = {metric.id: _by_month(metric, published) for metric in metrics}
    stated = {name: rows for name, rows in found.items() if rows is not None}
    frames = pl.collect_all(list(stated.values()))
    months = pl.concat([pl.DataFrame(schema={"month": pl.Date}), *(frame.select("month") for frame in frames)])
    stays = standing(months, months_of(published), published.tables, data_as_of)
    every = [pl.DataFrame(schema=SCHEMA)]
    for name, frame in zip(stated, frames, strict=True):
        rows = with_events(frame.drop_nulls("value"), "value", data_as_of)
        moving = ~pl.all_horizontal(needed(METRICS[name]))
        placed = rows.join(stays, on="month", maintain_order="left")
        every.append(placed.select(pl.lit(name).alias("metric"), "month", "value", moving.alias("provisional")))
    return pl.concat(every)


def needed(metric: Metric) -> list[str]:
    """What must be so of a month before the metric's number of it stays: some of ``months.STAYS``."""
    sources = set(metric.sources())
    claims = [ANSWERED] if sources.intersection(ADJUDICATION) else []
    return [OVER, *claims, *([ENDED] if sources.intersection(OUTCOME) else [])]


def _by_month(metric: Metric, published: Publication) -> pl.LazyFrame | None:
    table = by_month_of(metric, published)
    if table is None:
        return None
    # What is hidden is null, where the mart itself always has a number: its sum would be zero.
    always = [name for name in metric.inputs() if not metric.mart.columns()[name].nullable]
    dated = table.filter(pl.col(_month(metric)) > UNDATED).drop_nulls(always)
    stated = values(metric, dated.lazy(), [_month(metric)])
    return stated.select(month=pl.col(_month(metric)), value=pl.col("value").cast(pl.Float64))


def by_month_of(metric: Metric, published: Publication) -> pl.DataFrame | None:
    """The published table that has the metric's sums by month; None where there is none."""
    mart = metric.mart
    if metric.missing or _month(metric) not in mart.key():
        return None
    axes = [axis.table for axis in AXES if axis.mart is mart and axis.key == _month(metric)]
    found = [published.tables[name] for name in (*axes, mart.short_name) if name in published.tables]
    return next((table for table in found if set(metric.inputs()) <= set(table.columns)), None)


def months_of(published: Publication) -> pl.DataFrame:
    """The network's months; no row where nothing of them is published."""
    return published.tables.get(BY_MONTH, pl.DataFrame(schema=ProviderMonthly.dtypes()))


def _month(metric: Metric) -> str:
    return metric.window.month if metric.window else "month"
