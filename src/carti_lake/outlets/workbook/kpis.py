"""The sheet of the network's numbers: each with its history, its change against the month before, and its sums."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from xlsxwriter.utility import xl_range_abs

from carti_lake.metrics import FORMATS, METRICS, Metric
from carti_lake.outlets.history import BY_MONTH, latest
from carti_lake.outlets.kpis import Kpi
from carti_lake.outlets.theme import BLUE, ORANGE
from carti_lake.outlets.workbook.frame_sheet import TABLE_STYLE
from carti_lake.outlets.workbook.look import (
    DATE,
    MONTH,
    PLAIN_FLOAT,
    add_frame,
    header,
    mark_provisional,
    verdict_formats,
)
from carti_lake.outlets.workbook.sheets import PROVISIONAL
from carti_lake.tables.gold import ProviderMonthly

NAME, HISTORY = "KPIs", "kpis_by_month"
#: Columns of the sheet with their widths in letters.
COLUMNS = {
    "title": 64,
    "value": 18,
    "trend": 24,
    "month": 11,
    "in the month": 18,
    "month before": 18,
    "change": 18,
    "relative change": 12,
    "against the month before": 14,
    "numerator": 18,
    "denominator": 18,
    "n": 12,
    "unit": 8,
    "sheet": 24,
    "definition": 90,
    "source": 40,
    "blank because": 60,
    "metric": 38,
}
PLACE = {name: place for place, name in enumerate(COLUMNS)}
#: A change with its direction; that of a ratio in percentage points.
POINTS = '0.0%" pts"'
SIGNED = {unit: f"▲ {code};▼ {code};{code}" for unit, code in {**FORMATS, "ratio": POINTS}.items()}
RELATIVE = "+0.0%;-0.0%;0.0%"


def by_month(months: pl.DataFrame) -> pl.DataFrame:
    """The history as a sheet: a row a month, whether it is provisional, and a column for each metric."""
    schema = {"month": pl.Date(), PROVISIONAL: pl.Boolean()}
    if months.is_empty():
        return pl.DataFrame(schema=schema)
    marks = months.group_by("month").agg(pl.col("provisional").any())
    names = list(dict.fromkeys(months["metric"]))
    wide = months.pivot("metric", index="month", values="value").join(marks, on="month").sort("month")
    return wide.select("month", PROVISIONAL, *names)


def add_kpis(book: Any, rows: Sequence[Kpi], months: pl.DataFrame, sheets: Mapping[str, pl.DataFrame]) -> None:
    """Add the sheet of the network's numbers.

    Parameters
    ----------
    book
        The workbook.
    rows
        The numbers.
    months
        Their history, of :func:`carti_lake.outlets.history.history`.
    sheets
        The sheets that hold a table, among them the one of :func:`by_month`.
    """
    sheet = book.add_worksheet(NAME)
    look = header(book)
    headers = [{"header": name, "header_format": look} for name in COLUMNS]
    last = max(len(rows), 1)
    sheet.add_table(0, 0, last, len(headers) - 1, {"name": "kpis", "columns": headers, "style": TABLE_STYLE})
    formats = {code: book.add_format({"num_format": code}) for code in {*FORMATS.values(), *SIGNED.values()}}
    month, relative = book.add_format({"num_format": MONTH}), book.add_format({"num_format": RELATIVE})
    plain = formats[FORMATS["count"]]
    apart = book.add_format({"indent": 1})
    link = book.add_format({"font_color": BLUE, "underline": 1, "indent": 1})
    newest = {row["metric"]: row for row in latest(months).iter_rows(named=True)}
    # What has a value comes first.
    for row, kpi in enumerate(sorted(rows, key=lambda kpi: kpi.value is None), start=1):
        metric, one = kpi.metric, newest.get(kpi.metric.id, {})
        own = formats[metric.number_format]
        texts = {
            "title": metric.title,
            "against the month before": _verdict(metric, one.get("change")),
            "unit": metric.unit,
            "definition": metric.definition,
            "source": metric.source,
            "blank because": kpi.reason,
            "metric": metric.id,
        }
        numbers = {
            "value": (kpi.value, own),
            "in the month": (one.get("value"), own),
            "month before": (one.get("before"), own),
            "change": (one.get("change"), formats[SIGNED[metric.unit]]),
            "relative change": (one.get("relative"), relative),
            "numerator": (kpi.numerator, plain),
            "denominator": (kpi.denominator, plain),
            "n": (kpi.n, plain),
        }
        for name, text in texts.items():
            if text is not None:
                sheet.write_string(row, PLACE[name], text, apart)
        for name, (value, style) in numbers.items():
            if value is not None:
                sheet.write_number(row, PLACE[name], value, style)
        if one:
            sheet.write_datetime(row, PLACE["month"], one["month"], month)
        home = BY_MONTH if metric.mart is ProviderMonthly else metric.mart.short_name
        if home in sheets:
            sheet.write_url(row, PLACE["sheet"], f"internal:'{home}'!A1", link, home)
        if HISTORY in sheets and metric.id in sheets[HISTORY].columns:
            sheet.add_sparkline(row, PLACE["trend"], _sparkline(sheets[HISTORY], metric.id))
    for place, width in enumerate(COLUMNS.values()):
        sheet.set_column(place, place, max(width, len(headers[place]["header"]) + 4))
    _judge(book, sheet, last)
    sheet.freeze_panes(1, 1)
    sheet.print_area(0, 0, last, PLACE["sheet"] - 1)
    sheet.repeat_rows(0)
    sheet.fit_to_pages(1, 0)


def _verdict(metric: Metric, change: float | None) -> str | None:
    """What a change means, in a word; rounding aside."""
    if change is None:
        return None
    if abs(change) < 1e-9:
        return "unchanged"
    if metric.good == "none":
        return "changed"
    return "better" if (change > 0) == (metric.good == "up") else "worse"


def span(values: pl.Series) -> tuple[int, int]:
    """First and last row of the sheet that has a value, counted from the header, which is row 0."""
    rows = values.is_not_null().arg_true()
    return int(str(rows.min())) + 1, int(str(rows.max())) + 1


def _sparkline(history: pl.DataFrame, name: str) -> dict[str, Any]:
    place = history.columns.index(name)
    first, last = span(history[name])
    return {
        "range": f"{HISTORY}!{xl_range_abs(first, place, last, place)}",
        "series_color": BLUE,
        "last_point": True,
        "last_color": ORANGE,
        "weight": 1.5,
        "show_hidden": True,
    }


def _judge(book: Any, sheet: Any, last: int) -> None:
    """Colour the changes by what they mean, and grey what has no value."""
    looks = verdict_formats(book)
    place = PLACE["against the month before"]
    letter = chr(ord("A") + place)
    for word in ("better", "worse"):
        rule = {"type": "formula", "criteria": f'=${letter}2="{word}"', "format": looks[word]}
        sheet.conditional_format(1, PLACE["change"], last, place, rule)
    value = chr(ord("A") + PLACE["value"])
    blank = {"type": "formula", "criteria": f"=ISBLANK(${value}2)", "format": looks["blank"]}
    sheet.conditional_format(1, 0, last, 0, blank)


def add_history(book: Any, rows: pl.DataFrame) -> None:
    """Add the sheet of :func:`by_month`."""
    formats = {name: METRICS[name].number_format for name in rows.columns if name in METRICS}
    every = {"month": DATE, PROVISIONAL: "General", **formats}
    sheet = add_frame(book, HISTORY, rows, {name: every.get(name, PLAIN_FLOAT) for name in rows.columns}, freeze=2)
    mark_provisional(book, sheet, rows)
