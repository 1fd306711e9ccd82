"""How sheets look: number formats from the declared units, widths that fit, colours."""

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any

import polars as pl

from carti_lake.metrics import FORMATS
from carti_lake.outlets.theme import BETTER_FILL, BLUE, GREY, ORANGE, PAPER, RULE, WORSE_FILL
from carti_lake.outlets.workbook.frame_sheet import FrameSheet

DATE, TEXT, PLAIN_INTEGER, PLAIN_FLOAT = "yyyy-mm-dd", "@", "0", "#,##0.00"
#: Letters that the widest column has.
WIDEST = 90
#: Pixels of columns that one page holds in a size that can be read.
PAGE = 1_700
#: Rows that paper shows of a table: of more, it shows as many.
MOST_PRINTED = 120

_WRITTEN: dict[str, Callable[[float], str]] = {
    FORMATS["USD"]: "${:,.2f}".format,
    FORMATS["ratio"]: "{:.1%}".format,
    FORMATS["count"]: "{:,.0f}".format,
    FORMATS["days"]: "{:.1f}".format,
    PLAIN_INTEGER: "{:.0f}".format,
}


def number_format(unit: str | None, dtype: pl.DataType) -> str:
    """Excel's format of a column: that of its unit, else of its type."""
    if unit is not None:
        return FORMATS[unit]
    by_type: dict[Any, str] = {pl.String: TEXT, pl.Date: DATE, pl.Float64: PLAIN_FLOAT, pl.Int64: PLAIN_INTEGER}
    return by_type.get(dtype.base_type(), "General")


def add_frame(
    book: Any,
    name: str,
    frame: pl.DataFrame,
    formats: Mapping[str, str],
    headers: Mapping[str, str],
    *,
    freeze: int,
    table: str | None = None,
) -> FrameSheet:
    """Add a sheet that is one table.

    Parameters
    ----------
    book
        The workbook.
    name, table
        Of the sheet, and of the Excel table where it is another one.
    frame
        Its rows.
    formats, headers
        Number format of each column, and what stands above it.
    freeze
        Columns at the left that stay in sight.
    """
    sheet: FrameSheet = book.add_worksheet(name, FrameSheet)
    styles = {code: book.add_format({"num_format": code}) for code in dict.fromkeys(formats.values())}
    shown = frame.rename(dict(headers))
    by_header = {headers[column]: styles[formats[column]] for column in frame.columns}
    sheet.fill(shown, by_header, table or name, header(book))
    widths = [pixels(shown[headers[column]], formats[column]) for column in frame.columns]
    for place, width in enumerate(widths):
        sheet.set_column_pixels(place, place, width)
    sheet.freeze_panes(1, freeze)
    to_print(sheet, freeze, widths, frame.height)
    return sheet


def header(book: Any) -> Any:
    """Format of a table's header: seen too where a program does not know Excel's table styles."""
    return book.add_format({"bold": True, "font_color": "white", "bg_color": BLUE})


def to_print(sheet: Any, left: int, widths: Sequence[int], rows: int) -> None:
    """Print a table so that it can be read: a narrow one as wide as the page, else its key on every page.

    Of a table of many rows a first part is printed, as wide as one page, and its header says so.
    """
    sheet.repeat_rows(0)
    if rows > MOST_PRINTED:
        fitting = sum(edge <= PAGE for edge in accumulate(widths))
        columns = max(fitting, min(left + 1, len(widths)))
        sheet.print_area(0, 0, MOST_PRINTED, columns - 1)
        part = "" if columns == len(widths) else f", {columns} of {len(widths)} columns"
        sheet.set_header(f"&RPrinted: the first {MOST_PRINTED} of {rows:,} rows{part}. The sheet has all.")
        sheet.fit_to_pages(1, 0)
    elif sum(widths) <= PAGE:
        sheet.fit_to_pages(1, 0)
    else:
        sheet.set_print_scale(60)
        if left:
            sheet.repeat_columns(0, left - 1)


def pixels(values: pl.Series, code: str) -> int:
    """Wide enough for the header with its filter button, and for the values as they are written, up to 90 letters."""
    return 7 * min(WIDEST, max(len(values.name) + 4, _letters(values, code))) + 10


def _letters(values: pl.Series, code: str) -> int:
    if values.dtype == pl.String:
        return int(str(values.str.len_chars().max() or 0))
    if not values.dtype.is_numeric():
        return 10
    write = _WRITTEN.get(code, "{:,.2f}".format)
    return max(len(write(float(str(end or 0)))) for end in (values.min(), values.max())) + 1


def mark_provisional(book: Any, sheet: Any, frame: pl.DataFrame) -> None:
    """Hatch the rows of provisional months, for readers of colour and of grey alike."""
    letter = chr(ord("A") + frame.columns.index("provisional"))
    hatched = book.add_format({"pattern": 14, "fg_color": RULE, "bg_color": PAPER, "italic": True})
    rule = {"type": "formula", "criteria": f"=${letter}2=TRUE", "format": hatched}
    sheet.conditional_format(1, 0, max(frame.height, 1), frame.width - 1, rule)


def verdict_formats(book: Any) -> dict[str, Any]:
    """Formats of cells that say better, worse, or that there is no value."""
    return {
        "better": book.add_format({"bg_color": BETTER_FILL, "font_color": BLUE, "bold": True}),
        "worse": book.add_format({"bg_color": WORSE_FILL, "font_color": ORANGE, "bold": True}),
        "blank": book.add_format({"font_color": GREY, "italic": True}),
    }
