"""The network's metrics month by month, and how the newest month stands to the one before."""

from collections.abc import Iterable
from datetime import date

import polars as pl

from carti_lake.disclosure import Publication
from carti_lake.metrics import METRICS, Metric
from carti_lake.metrics.value import values
from carti_lake.outlets.months import provisional, settled, with_events
from carti_lake.tables.gold import ProviderMonthly
from carti_lake.tables.gold.events import AXES

#: Columns of a visit that are known when its claim is adjudicated: what is made from them moves until then.
ADJUDICATION = ("visits.claim_status", "visits.claim_paid", "visits.claim_paid_date", "visits.contractual_adjustment")
#: Columns of a referral that are known when it has come to an end.
OUTCOME = ("referrals.referral_status", "referrals.network_status", "referrals.first_visit_date")
(BY_MONTH,) = (axis.table for axis in AXES if axis.key == "month")
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
    ended = settled(published.tables[BY_MONTH])
    every = [pl.DataFrame(schema=SCHEMA)]
    for name, frame in zip(stated, frames, strict=True):
        rows = provisional(with_events(frame.drop_nulls("value"), "value", data_as_of), published.tables, data_as_of)
        moving = _moving(METRICS[name]).alias("provisional")
        placed = rows.join(ended, on="month", how="left", maintain_order="left")
        every.append(placed.select(pl.lit(name).alias("metric"), "month", "value", moving))
    return pl.concat(every)


def _moving(metric: Metric) -> pl.Expr:
    """Whether the metric's number of a month will still move, as far as anything tells."""
    sources = set(metric.sources())
    moving = pl.col("provisional" if sources.intersection(ADJUDICATION) else "unfinished")
    return moving | ~pl.col("settled").fill_null(False) if sources.intersection(OUTCOME) else moving


def _by_month(metric: Metric, published: Publication) -> pl.LazyFrame | None:
    mart = metric.mart
    month = metric.window.month if metric.window else "month"
    table = published.tables.get(BY_MONTH if mart is ProviderMonthly else mart.short_name)
    if metric.missing or table is None or month not in mart.key() or not set(metric.inputs()) <= set(table.columns):
        return None
    # What is hidden is null, where the mart itself always has a number: its sum would be zero.
    always = [name for name in metric.inputs() if not mart.columns()[name].nullable]
    stated = values(metric, table.drop_nulls(always).lazy(), [month])
    return stated.select(month=pl.col(month), value=pl.col("value").cast(pl.Float64))


def latest(months: pl.DataFrame) -> pl.DataFrame:
    """Of each metric its newest month that will not move any more, and the month before.

    Parameters
    ----------
    months
        Of :func:`history`.

    Returns
    -------
    pl.DataFrame
        ``metric``, ``month``, ``value``, ``before`` (null where that month has no value), ``change``, ``relative``
        (the change as a share of ``before``; null where that is zero).
    """
    whole = months.filter(~pl.col("provisional"))
    newest = whole.group_by("metric", maintain_order=True).agg(pl.all().sort_by("month").last())
    before = whole.select("metric", month=pl.col("month").dt.offset_by("1mo"), before="value")
    return (
        newest.join(before, on=["metric", "month"], how="left", maintain_order="left")
        .with_columns(change=pl.col("value") - pl.col("before"))
        .with_columns(relative=pl.when(pl.col("before") != 0).then(pl.col("change") / pl.col("before").abs()))
        .select("metric", "month", "value", "before", "change", "relative")
    )
