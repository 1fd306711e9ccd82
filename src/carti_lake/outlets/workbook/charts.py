"""Excel's own charts, bound to the ranges of the sheets' tables; and the rankings that they need."""

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from carti_lake.metrics import METRICS
from carti_lake.metrics.marketing import RETURNS
from carti_lake.metrics.names import called
from carti_lake.outlets.charts.marketing import SHORT
from carti_lake.outlets.theme import BLUE, GREY, INK, MEANS, RULE
from carti_lake.outlets.workbook.kpis import HISTORY, span
from carti_lake.pipeline.gold.provider_comparison import FEWEST_CASES

NAME = "Charts"
PROVIDERS, CAMPAIGNS = "providers_ranked", "campaigns_ranked"
PAYERS, LINES = "payers_ranked", "service_lines_ranked"
LEAKS = ("referrals_made_out_of_network", "referrals_made_lost")
#: Rows of a ranking: as many as a chart can name.
MOST = 15
#: Pixels of a chart, and cells from one to the next.
WIDTH, HEIGHT, ROWS, COLUMNS = 620, 340, 18, 10
FONT = {"name": "Arial", "size": 9, "color": INK}
RATE = METRICS["remittance_denial_rate"]
#: What became of claims: column, words, colour.
ANSWERS = {
    "paid_claims": ("paid", MEANS["paid"]),
    "denied_claims": ("denied", MEANS["denied"]),
    "pending_claims": ("not yet adjudicated", MEANS["open"]),
}
Sheets = Mapping[str, pl.DataFrame]


def rankings(sheets: Sheets) -> dict[str, pl.DataFrame]:
    """What charts compare, the first of each, as sheets of their own: in words, and as far as they are shown.

    Providers are not ranked by a rate: the order would be chance for most of them.
    """
    made = {}
    if "network_by_payer" in sheets:
        made[PAYERS] = _named(sheets["network_by_payer"], "payer", ("claims",), tuple(ANSWERS))
    if "network_by_service_line" in sheets:
        made[LINES] = _named(sheets["network_by_service_line"], "service_line", LEAKS, LEAKS)
    if "provider_summary" in sheets:
        of_provider = ("provider_id", "provider_name", "total_visits", "total_claim_amount")
        made[PROVIDERS] = _first(sheets["provider_summary"].select(of_provider), "total_visits", "provider_id")
    if "marketing_roi" in sheets:
        of_campaign = ("campaign_id", "campaign_name", *(metric.id for metric in RETURNS))
        made[CAMPAIGNS] = _first(sheets["marketing_roi"].select(of_campaign), "campaign_roi", "campaign_id")
    return made


def _first(rows: pl.DataFrame, by: str, key: str) -> pl.DataFrame:
    return rows.drop_nulls(by).sort(by, key, descending=[True, False]).head(MOST)


def _named(rows: pl.DataFrame, key: str, by: tuple[str, ...], shown: tuple[str, ...]) -> pl.DataFrame:
    """The first members by a sum, in words; hidden ones last, and those with few events not at all, as in charts."""
    size = pl.sum_horizontal(by, ignore_nulls=False)
    words = pl.col(key).replace_strict(called(key, rows[key]), default=pl.col(key), return_dtype=pl.String)
    kept = rows.sort(size, key, descending=[True, False], nulls_last=True).filter(
        size.is_null() | (size >= FEWEST_CASES)
    )
    return kept.head(MOST).select(key, words.alias(f"{key}_name"), *dict.fromkeys((*by, *shown)))


def add_charts(book: Any, sheets: Sheets, months: pl.DataFrame, caption: str) -> None:
    """Add the sheet of charts.

    Parameters
    ----------
    book
        The workbook.
    sheets
        Sheets that hold a table, those of :func:`rankings` and the history among them.
    months
        The history, of :func:`carti_lake.outlets.history.history`: which metric moves in which month.
    caption
        Of the release.
    """
    sheet = book.add_worksheet(NAME)
    sheet.hide_gridlines(2)
    title = book.add_format({"bold": True, "font_size": 16, "font_color": INK})
    sheet.fit_to_pages(1, 1)
    sheet.write_string(0, 0, "Charts", title)
    sheet.write_string(1, 0, caption[0].upper() + caption[1:], book.add_format({"font_color": GREY}))
    over_time = (_visits(book, sheets, months), _denial_rate(book, sheets, months))
    compared = (draw(book, sheets) for draw in COMPARED)
    made = [chart for chart in (*over_time, *compared) if chart is not None]
    for place, chart in enumerate(made):
        row, column = divmod(place, 2)
        chart.set_size({"width": WIDTH, "height": HEIGHT})
        sheet.insert_chart(3 + row * ROWS, column * COLUMNS, chart, {"description": _in_words(chart)})
    if not made:
        sheet.write_string(3, 0, "Nothing can be drawn: every count is hidden, or nothing was delivered.")


def _in_words(chart: Any) -> str:
    """What a chart shows, for who cannot see it: its title, its parts, and where their numbers stand."""
    sheets = dict.fromkeys(one["values"].partition("!")[0].strip("='") for one in chart.series)
    parts = ", ".join(one["name"] for one in chart.series if one["name"])
    told = ": ".join(part for part in (chart.title.name, parts) if part)
    return f"Chart of {told}. The sheet {', '.join(sheets)} has every number."


def _visits(book: Any, sheets: Sheets, months: pl.DataFrame) -> Any:
    return _over_months(book, sheets, months, "visits", "Visits by month", "#,##0")


def _denial_rate(book: Any, sheets: Sheets, months: pl.DataFrame) -> Any:
    return _over_months(book, sheets, months, RATE.id, f"{RATE.title} by month", "0%")


def _over_months(book: Any, sheets: Sheets, months: pl.DataFrame, metric: str, title: str, code: str) -> Any:
    """A metric by month, provisional months hatched."""
    rows = sheets.get(HISTORY)
    if rows is None or metric not in rows.columns:
        return None
    chart = book.add_chart({"type": "column"})
    first, last = span(rows[metric])
    stated = rows.select("month")[first - 1 : last].join(months.filter(metric=metric), on="month", how="left")
    moving = stated.sort("month")["provisional"].to_list()
    hatch = {"pattern": {"pattern": "wide_upward_diagonal", "fg_color": BLUE, "bg_color": "white"}}
    look = {"fill": {"color": BLUE}, "gap": 60, "points": [hatch if one else None for one in moving]}
    chart.add_series(_series(sheets, HISTORY, "month", metric, first, last) | look)
    chart.set_x_axis({"num_format": "mmm yyyy", "num_font": FONT, "text_axis": True, "line": {"color": RULE}})
    return _looking(chart, f"{title}{' (hatched: provisional)' if any(moving) else ''}", "y", code)


def _payers(book: Any, sheets: Sheets) -> Any:
    return _bars(book, sheets, PAYERS, "payer_name", ANSWERS, "Claims by payer", "#,##0", "stacked")


def _leakage(book: Any, sheets: Sheets) -> Any:
    said = (("seen out of network", MEANS["out of network"]), ("never completed", MEANS["never completed"]))
    parts = dict(zip(LEAKS, said, strict=True))
    title = "Referrals that leak, by service line"
    return _bars(book, sheets, LINES, "service_line_name", parts, title, "#,##0", "stacked")


def _providers(book: Any, sheets: Sheets) -> Any:
    parts = {"total_visits": ("visits", BLUE)}
    return _bars(book, sheets, PROVIDERS, "provider_name", parts, f"Providers by visits: the first {MOST}", "#,##0")


def _campaigns(book: Any, sheets: Sheets) -> Any:
    parts = {metric: (name, MEANS[name]) for metric, name in SHORT.items()}
    return _bars(book, sheets, CAMPAIGNS, "campaign_name", parts, f"Campaign ROI: the first {MOST} by closed-won", "0%")


def _bars(
    book: Any,
    sheets: Sheets,
    name: str,
    label: str,
    parts: Mapping[str, tuple[str, str]],
    title: str,
    code: str,
    subtype: str | None = None,
) -> Any:
    """Bars of a sheet's columns, a row each, the first at the top; columns that are hidden throughout are left out."""
    rows = sheets.get(name)
    if rows is None:
        return None
    shown = [column for column in parts if column in rows.columns and rows[column].count()]
    if not shown:
        return None
    chart = book.add_chart({"type": "bar", **({"subtype": subtype} if subtype else {})})
    for column in shown:
        said, color = parts[column]
        look = {"name": said, "fill": {"color": color}, "gap": 50}
        chart.add_series(_series(sheets, name, label, column) | look)
    chart.set_y_axis(
        # Each bar has its name: programs leave out every other one where they think that it is close.
        {
            **{"reverse": True, "num_font": FONT, "line": {"color": RULE}, "label_position": "low"},
            **{"crossing": "max", "interval_unit": 1},
        }
    )
    if len(shown) > 1:
        chart.set_legend({"position": "bottom", "font": FONT})
    below = any(float(str(rows[column].min() or 0)) < 0 for column in shown)
    hidden = " (blank: hidden)" if any(rows[column].null_count() for column in shown) else ""
    return _looking(chart, title + hidden, "x", code, legend=len(shown) > 1, smallest=None if below else 0)


def _series(
    sheets: Sheets, name: str, label: str, column: str, first: int = 1, last: int | None = None
) -> dict[str, Any]:
    """Categories and values of a series: ranges below the header of a sheet."""
    rows = sheets[name]

    def below(of: str) -> list[Any]:
        return [name, first, rows.columns.index(of), last or max(rows.height, 1), rows.columns.index(of)]

    return {"categories": below(label), "values": below(column)}


def _looking(chart: Any, title: str, axis: str, code: str, *, legend: bool = False, smallest: float | None = 0) -> Any:
    chart.set_title({"name": title, "name_font": {**FONT, "size": 12, "bold": True}, "overlay": False})
    values = {
        "min": smallest,
        "num_format": code,
        "num_font": FONT,
        "major_gridlines": {"visible": True, "line": {"color": RULE}},
    }
    getattr(chart, f"set_{axis}_axis")({**values, "line": {"none": True}})
    if not legend:
        chart.set_legend({"none": True})
    chart.set_chartarea({"border": {"color": RULE}})
    chart.show_blanks_as("gap")
    return chart


COMPARED: tuple[Callable[[Any, Sheets], Any], ...] = (_payers, _leakage, _providers, _campaigns)
