"""The numbers that head every outlet: over the months that stay as they are, beside as many months before them."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Any

import polars as pl

from carti_lake.disclosure import SMALLEST_CELL, Publication
from carti_lake.metrics import METRICS, Metric
from carti_lake.metrics.value import values
from carti_lake.metrics.window import months_between
from carti_lake.outlets.history import by_month_of, months_of, needed
from carti_lake.outlets.months import standing, with_events
from carti_lake.tables.gold.dimensions import UNDATED

#: Lengths of a period in months, of which the first that has one like it before it is chosen.
LENGTHS = (12, 6, 3, 1)
_VALUES = (
    *("value", "numerator", "denominator", "before", "before_numerator", "before_denominator"),
    *("change", "relative", "moving_value"),
)
SCHEMA: dict[str, Any] = {
    "metric": pl.String(),
    "months": pl.List(pl.Date),
    "moving": pl.List(pl.Date),
    "provisional": pl.Boolean(),
    "n": pl.Int64(),
    **dict.fromkeys(_VALUES, pl.Float64()),
}


def usual_period(months: Collection[date]) -> tuple[date, date] | None:
    """First and last month of the newest year, half-year, quarter or month that has one like it before it.

    Parameters
    ----------
    months
        The months that there are numbers of, those that are over; gaps between them count as months.
    """
    if not months:
        return None
    first, last = min(months), max(months)
    there = months_between(first, last) + 1
    length = next((one for one in LENGTHS if 2 * one <= there), there)
    return shifted(last, 1 - length), last


def opening_period(
    published: Publication, data_as_of: date | None, there: Collection[date], metrics: Collection[Metric]
) -> tuple[date, date] | None:
    """The period that an outlet opens with: the usual one; all months where of it more than one number would be blank.

    Parameters
    ----------
    published
        The release as it may be shown.
    data_as_of
        Newest extract date of the release.
    there
        Months of which there is any number.
    metrics
        The headline numbers.
    """
    period = usual_period(over(published, data_as_of) or there)
    if period is None or published.exact:
        return period
    told = headlines(published, data_as_of, period, metrics)
    return period if told.height >= len(metrics) - 1 else (min(there), max(there))


def over(published: Publication, data_as_of: date | None) -> list[date]:
    """The months of the network's visits or referrals that are over: what a usual period is made of."""
    rows = months_of(published).filter(pl.col("month") > UNDATED)
    seen = [with_events(rows, name, data_as_of)["month"] for name in ("visits", "referrals_made")]
    stays = standing(rows.select("month"), rows, published.tables, data_as_of).filter("over")["month"]
    return sorted({*seen[0], *seen[1]} & {*stays})


def shifted(month: date, by: int) -> date:
    """The month so many months later."""
    years, place = divmod(month.month - 1 + by, 12)
    return date(month.year + years, place + 1, 1)


def headlines(
    published: Publication,
    data_as_of: date | None,
    period: tuple[date, date] | None,
    metrics: Iterable[Metric] = tuple(METRICS.values()),
) -> pl.DataFrame:
    """Each metric over those months of a period whose numbers stay, and over the same months one period earlier.

    Parameters
    ----------
    published
        The release as it may be shown.
    data_as_of
        Newest extract date of the release.
    period
        First and last month; None for none.
    metrics
        Which; those whose mart is not published by month, and those of reporting months, have no row.

    Returns
    -------
    pl.DataFrame
        ``metric``, ``months`` that stay, without hidden ones where at least half are told, ``value`` with its sums and
        ``n``, ``before`` with its sums (null where there is no such period or it is hidden), ``change``, ``relative``
        (as a share of ``before``); apart from them ``moving``, the months of the period that will still move, and
        ``moving_value``. Where no month stays, the value is of them all and ``provisional``.
    """
    if period is None:
        return pl.DataFrame(schema=SCHEMA)
    chosen = between(*period)
    rows = [
        row
        for metric in metrics
        if (table := by_month_of(metric, published)) is not None and metric.window is None
        for row in [_headline(metric, table, chosen, published, data_as_of)]
        if row["value"] is not None
    ]
    changed = pl.DataFrame(rows, schema=SCHEMA).with_columns(change=pl.col("value") - pl.col("before"))
    relative = pl.when(pl.col("before") != 0).then(pl.col("change") / pl.col("before").abs())
    return changed.with_columns(relative=relative)


def _headline(
    metric: Metric, table: pl.DataFrame, chosen: Sequence[date], published: Publication, data_as_of: date | None
) -> dict[str, Any]:
    every = pl.DataFrame({"month": [*chosen, *(shifted(month, -len(chosen)) for month in chosen)]})
    stands = standing(every, months_of(published), published.tables, data_as_of)
    stays = {*stands.filter(pl.all_horizontal(needed(metric)))["month"]}
    earlier = {month: shifted(month, -len(chosen)) for month in chosen}
    hidden = _hidden(metric, table)
    kept = _mostly([month for month in chosen if month in stays], hidden)
    moving = [month for month in chosen if month not in stays]
    pairs = [month for month in kept if earlier[month] in stays]
    told = _mostly(pairs, {month for month in pairs if earlier[month] in hidden})
    pairs, compared = told, bool(told) and earlier[chosen[0]] >= (_begun(metric, table) or chosen[0])
    if compared:
        # Both sides speak of the same months of their periods.
        kept = pairs
    months, rest = (kept, moving) if kept else (chosen, [])
    now, then, apart = (
        _over(metric, table, some) for some in (months, [earlier[month] for month in pairs] * compared, rest)
    )
    return {
        "metric": metric.id,
        "months": months,
        "moving": rest,
        "provisional": not kept,
        "before": then["value"],
        "before_numerator": then["numerator"],
        "before_denominator": then["denominator"],
        "moving_value": apart["value"],
        **{name: now[name] for name in ("value", "numerator", "denominator", "n")},
    }


def begun(published: Publication, metrics: Iterable[Metric]) -> dict[str, date]:
    """Of each metric that is published by month the first month of which there is anything, hidden or not."""
    tables = {metric: by_month_of(metric, published) for metric in metrics}
    found = {one.id: _begun(one, table) for one, table in tables.items() if table is not None}
    return {name: first for name, first in found.items() if first is not None}


def _begun(metric: Metric, table: pl.DataFrame) -> date | None:
    """The first month of which the metric has anything: zeros before it are months of other sources."""
    something = pl.any_horizontal(pl.col(name).is_null() | (pl.col(name) != 0) for name in metric.inputs())
    first = table.filter(pl.col("month") > UNDATED, something)["month"].min()
    return first if isinstance(first, date) else None


def _hidden(metric: Metric, table: pl.DataFrame) -> set[date]:
    """The months that the metric is hidden in."""
    return {*table.filter(pl.any_horizontal(pl.lit(False), pl.col(_always(metric)).is_null()))["month"]}


def _always(metric: Metric) -> list[str]:
    """Columns that have a number wherever it is not hidden."""
    return [name for name in metric.inputs() if not metric.mart.columns()[name].nullable]


def _mostly(months: Sequence[date], hidden: Collection[date]) -> list[date]:
    """The months without the hidden ones, where at least half are left; else all, of which then nothing is told."""
    told = [month for month in months if month not in hidden]
    return told if 2 * len(told) >= len(months) else [*months]


def _over(metric: Metric, table: pl.DataFrame, months: Sequence[date]) -> dict[str, Any]:
    """The metric over these months; nothing where one of them is hidden, none is there, or a rate has few cases."""
    rows = table.filter(pl.col("month").is_in(months))
    nothing: dict[str, Any] = dict.fromkeys(("value", "numerator", "denominator", "n"))
    if rows.is_empty() or _hidden(metric, rows):
        return nothing
    found = values(metric, rows.lazy()).collect().row(0, named=True)
    few = metric.denominator is not None and metric.cases and found["n"] < SMALLEST_CELL
    return nothing if few else found


def moving(
    published: Publication, data_as_of: date | None, months: Collection[date], metrics: Iterable[Metric]
) -> dict[str, list[date]]:
    """Of each metric those of the months whose numbers will still move, those that are hidden among them; in order."""
    every = pl.DataFrame({"month": sorted(months)}, schema={"month": pl.Date})
    stays = standing(every, months_of(published), published.tables, data_as_of).sort("month")
    return {metric.id: stays.filter(~pl.all_horizontal(needed(metric)))["month"].to_list() for metric in metrics}


def span_of(months: Sequence[date]) -> str | None:
    """Months in words: ``Nov 2024 - Oct 2025``, with their number where some between are left out."""
    if not months:
        return None
    first, last = months[0], months[-1]
    there = months_between(first, last) + 1
    ends = f"{first:%b %Y}" if first == last else f"{first:%b %Y} \N{EN DASH} {last:%b %Y}"
    return ends if there == len(months) else f"{ends} ({len(months)} months)"


def between(first: date, last: date) -> list[date]:
    """The months from the first to the last."""
    return pl.date_range(first, last, "1mo", eager=True).to_list()
