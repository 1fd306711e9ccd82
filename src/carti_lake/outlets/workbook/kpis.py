"""The sheet of the network's numbers: each with its history, its change against the period before, and its sums."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from xlsxwriter.utility import xl_range_abs

from carti_lake.metrics import FORMATS, METRICS, Metric
from carti_lake.outlets.headline import span_of
from carti_lake.outlets.history import BY_MONTH
from carti_lake.outlets.kpis import Kpi
from carti_lake.outlets.theme import BLUE, ORANGE
from carti_lake.outlets.workbook.dictionary import headers
from carti_lake.outlets.workbook.frame_sheet import TABLE_STYLE
from carti_lake.outlets.workbook.look import (
    DATE,
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
    "Metric": 38,
    "Value": 16,
    "Months": 26,
    "Trend": 10,
    "Before": 16,
    "Change": 20,
    "Better or worse": 14,
    "Good": 13,
    "Still moving": 16,
    "Months that still move": 24,
    "Blank because": 37,
    "Sheet": 24,
    "Relative change": 12,
    "Numerator": 18,
    "Denominator": 18,
    "Cases": 12,
    "Unit": 8,
    "Definition": 90,
    "Source": 40,
    "Metric id": 38,
}
#: The first columns are printed: as many as one page holds in a size that can be read.
LAST_PRINTED = "Blank because"
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


def add_kpis(book: Any, rows: Sequence[Kpi], heads: pl.DataFrame, sheets: Mapping[str, pl.DataFrame]) -> None:
    """Add the sheet of the network's numbers.

    Parameters
    ----------
    book
        The workbook.
    rows
        The numbers over all months, which stand where there are none of a period.
    heads
        Those of the usual period, of :func:`carti_lake.outlets.headline.headlines`.
    sheets
        The sheets that hold a table, among them the one of :func:`by_month`.
    """
    sheet = book.add_worksheet(NAME)
    look = header(book)
    above = [{"header": name, "header_format": look} for name in COLUMNS]
    last = max(len(rows), 1)
    sheet.add_table(0, 0, last, len(above) - 1, {"name": "kpis", "columns": above, "style": TABLE_STYLE})
    formats = {
        code: book.add_format({"num_format": code, "valign": "top"}) for code in {*FORMATS.values(), *SIGNED.values()}
    }
    relative = book.add_format({"num_format": RELATIVE, "valign": "top"})
    plain = formats[FORMATS["count"]]
    apart = book.add_format({"indent": 1, "valign": "top"})
    wrapped = book.add_format({"indent": 1, "valign": "top", "text_wrap": True})
    link = book.add_format({"font_color": BLUE, "underline": 1, "indent": 1, "valign": "top"})
    of_period = {row["metric"]: row for row in heads.iter_rows(named=True)}
    whole = {"value": None, "numerator": None, "denominator": None, "n": None}
    # What has a value comes first.
    for row, kpi in enumerate(sorted(rows, key=lambda kpi: kpi.value is None), start=1):
        metric, one = kpi.metric, of_period.get(kpi.metric.id, {})
        own = formats[metric.number_format]
        said = one or {name: getattr(kpi, name) for name in whole}
        ratio = metric.denominator is not None
        texts = {
            "Metric": metric.title,
            "Months": _months(one) if one else "all" if kpi.value is not None else None,
            "Better or worse": _verdict(metric, one.get("change" if metric.unit == "ratio" else "relative")),
            "Good": metric.aim,
            "Months that still move": span_of(one.get("moving", [])),
            "Unit": metric.unit,
            "Definition": metric.meaning,
            "Source": metric.source,
            "Blank because": None if one else kpi.reason,
            "Metric id": metric.id,
        }
        numbers = {
            "Value": (said["value"], own),
            "Before": (one.get("before"), own),
            "Change": (one.get("change"), formats[SIGNED[metric.unit]]),
            "Relative change": (one.get("relative"), relative),
            "Still moving": (one.get("moving_value"), own),
            "Numerator": (said["numerator"] if ratio else None, plain),
            "Denominator": (said["denominator"], plain),
            "Cases": (said["n"], plain),
        }
        for name, text in texts.items():
            if text is not None:
                sheet.write_string(row, PLACE[name], text, wrapped if name in ("Metric", LAST_PRINTED) else apart)
        # Not every program finds out by itself how many lines a text takes.
        sheet.set_row(row, 15 * max(_lines(texts[name], name) for name in ("Metric", LAST_PRINTED)))
        for name, (value, style) in numbers.items():
            if value is not None:
                sheet.write_number(row, PLACE[name], value, style)
        home = BY_MONTH if metric.mart is ProviderMonthly else metric.mart.short_name
        if home in sheets:
            sheet.write_url(row, PLACE["Sheet"], f"internal:'{home}'!A1", link, home)
        if HISTORY in sheets and metric.id in sheets[HISTORY].columns:
            sheet.add_sparkline(row, PLACE["Trend"], _sparkline(sheets[HISTORY], metric.id))
    for place, width in enumerate(widths()):
        sheet.set_column(place, place, width)
    _judge(book, sheet, last)
    sheet.freeze_panes(1, 1)
    sheet.print_area(0, 0, last, PLACE[LAST_PRINTED])
    sheet.repeat_rows(0)
    sheet.fit_to_pages(1, 0)


def widths() -> list[int]:
    """Letters of each column: room for its values, and for its header beside the filter's button."""
    return [max(width, len(name) + 3) for name, width in COLUMNS.items()]


def _lines(text: str | None, column: str) -> int:
    """Lines that a text takes in its column."""
    return max(1, -(-len(text or "") // (COLUMNS[column] - 4)))


def _months(one: Mapping[str, Any]) -> str | None:
    """The months that a number speaks of, in words."""
    return f"{span_of(one['months'])}{', still moving' if one['provisional'] else ''}"


def _verdict(metric: Metric, change: float | None) -> str | None:
    """What a change means, in a word; one that is written as 0.0 is none."""
    if change is None:
        return None
    if abs(change) < 0.0005:
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
    place = PLACE["Better or worse"]
    letter = chr(ord("A") + place)
    for word in ("better", "worse"):
        rule = {"type": "formula", "criteria": f'=${letter}2="{word}"', "format": looks[word]}
        sheet.conditional_format(1, PLACE["Change"], last, place, rule)
    value = chr(ord("A") + PLACE["Value"])
    blank = {"type": "formula", "criteria": f"=ISBLANK(${value}2)", "format": looks["blank"]}
    sheet.conditional_format(1, 0, last, 0, blank)


def add_history(book: Any, rows: pl.DataFrame) -> None:
    """Add the sheet of :func:`by_month`."""
    formats = {name: METRICS[name].number_format for name in rows.columns if name in METRICS}
    every = {"month": DATE, PROVISIONAL: "General", **formats}
    sheet = add_frame(
        book, HISTORY, rows, {name: every.get(name, PLAIN_FLOAT) for name in rows.columns}, headers(rows), freeze=2
    )
    mark_provisional(book, sheet, rows)
