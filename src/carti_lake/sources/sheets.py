"""Workbooks: the visible sheets and header rows that fit the feed, wherever they stand."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs

from carti_lake.pipeline.bronze import UNREAD, in_figures
from carti_lake.sources.cells import (
    Cells,
    counts_from_1904,
    errors,
    in_other_currencies,
    in_percent,
    shown,
    uncomputed,
    with_noughts,
)
from carti_lake.sources.delimited import TITLE_ROWS
from carti_lake.sources.extract import Content, ExtractError
from carti_lake.sources.headers import column_names, match_headers, matches, names, unmatched
from carti_lake.sources.layouts import is_other_header
from carti_lake.sources.mapping import SourceMap
from carti_lake.tables.feeds import Feed

#: A day's number in Excel, as text.
SERIAL = r"^\s*\d{5}(?:\.\d+)?\s*$"
#: Excel keeps fifteen figures of a number: a longer one has noughts for the others.
ROUNDED = 1e15


@dataclass(frozen=True)
class Sheet:
    """A sheet with the row that fits the feed best as a header.

    Attributes
    ----------
    title
        Its name.
    visible
        Whether who opens the workbook sees it.
    place
        Rows above the header.
    header
        Headers as delivered.
    columns
        The feed's columns that they name.
    """

    title: str
    visible: bool
    place: int
    header: list[str]
    columns: frozenset[str]

    def lacks(self, feed: type[Feed], given: Collection[str]) -> list[str]:
        """Columns that the feed needs and neither it nor the file's place has."""
        return [column for column in feed.required() if column not in self.columns and column not in given]


def read_workbook(path: Path, feed: type[Feed], mapping: SourceMap, name: str, given: Collection[str] = ()) -> Content:
    """Rows of every visible sheet that has the feed's columns, one sheet after the other, with the types of its cells.

    Hidden sheets are left out. A cell with an error, with a formula that was never computed, or shown in another
    currency than dollars is kept as a value of its column that could not be read.

    Raises
    ------
    ExtractError
        The workbook cannot be read, or no visible sheet fits the feed.
    """
    import fastexcel

    try:
        workbook = fastexcel.read_excel(path)
    except fastexcel.FastExcelError:
        raise ExtractError(
            f"{name}: an archive or Office file, but no workbook that can be read (damaged, encrypted, or a ZIP of "
            "other files). Unpack it, or save it as .xlsx without a password."
        ) from None
    sheets = [_sheet(workbook, title, feed, mapping) for title in workbook.sheet_names]
    chosen = [sheet for sheet in sheets if sheet.visible and not sheet.lacks(feed, given)]
    hidden = [sheet for sheet in sheets if not sheet.visible and not sheet.lacks(feed, given)]
    if not chosen and hidden:
        raise ExtractError(
            f"{name}: only hidden sheets hold the feed {feed.short_name}: {_titles(hidden)}. Unhide what is to "
            "be loaded."
        )
    if not chosen:
        best = max(sheets, key=lambda sheet: (len(sheet.columns), sheet.visible))
        if not best.columns:
            raise ExtractError(
                f"{name}: no sheet has a column of the feed {feed.short_name} in its first {TITLE_ROWS} rows. Is this "
                "the right feed? Map foreign headers with --map FILE."
            )
        chosen = [best]
    others = [sheet for sheet in sheets if sheet.visible and sheet.header and sheet not in chosen]
    needed = feed.required()
    for sheet in others:
        lacking = sheet.lacks(feed, given)
        if len(lacking) * 2 < len(needed):
            raise ExtractError(
                f'{name}, sheet "{sheet.title}", line {sheet.place + 1}: lacks {", ".join(lacking)}, which the feed '
                f"{feed.short_name} needs and {_titles(chosen)} has. Map a foreign header with --map FILE, or remove "
                "the sheet."
            )
    parts: list[pl.DataFrame] = []
    notes: list[str] = []
    for sheet in chosen:
        matched = match_headers(
            sheet.header, feed, mapping, f'{name}, sheet "{sheet.title}", line {sheet.place + 1}', given
        )
        rows = _rows(path, workbook, sheet, column_names(sheet.header, matched), feed)
        _refuse_other_header(rows, sheet, names(feed, mapping), feed, name)
        parts.append(rows.filter(pl.any_horizontal(pl.all().is_not_null())))
        notes += unmatched(sheet.header, feed, mapping)
    if hidden:
        notes.append(f"hidden sheets left out: {_titles(hidden)}")
    if others:
        notes.append(f"sheets left out that are not {feed.short_name}: {_titles(others)}")
    return Content(pl.concat(_of_same_types(parts), how="diagonal").lazy(), notes=tuple(dict.fromkeys(notes)))


def _titles(sheets: Sequence[Sheet]) -> str:
    return ", ".join(f'"{sheet.title}"' for sheet in sheets)


def _sheet(workbook: Any, title: str, feed: type[Feed], mapping: SourceMap) -> Sheet:
    loaded = workbook.load_sheet(title, header_row=None, skip_rows=0, n_rows=TITLE_ROWS, dtypes="string")
    rows = [[cell or "" for cell in row] for row in loaded.to_polars().iter_rows()]
    found = [frozenset(matches(row, feed, mapping).values()) for row in rows]
    place = max(range(len(rows)), key=lambda one: len(found[one]), default=None)
    if place is None:
        return Sheet(title, loaded.visible == "visible", 0, [], frozenset())
    return Sheet(title, loaded.visible == "visible", place, rows[place], found[place])


def _rows(path: Path, workbook: Any, sheet: Sheet, columns: list[str], feed: type[Feed]) -> pl.DataFrame:
    import fastexcel

    below = {"header_row": None, "skip_rows": sheet.place + 1, "column_names": columns}
    unread: Cells = {}
    try:
        rows = _typed(workbook, sheet.title, below, [])
        if any(column.has_nulls() for column in rows):
            unread = errors(workbook.load_sheet(sheet.title, **below, dtypes="string"))
    except fastexcel.CalamineCellError:
        # Some errors keep the reader from finding out a column's type: it is read as text.
        unread = errors(workbook.load_sheet(sheet.title, **below, dtypes="string"))
        rows = _typed(workbook, sheet.title, below, [columns[place] for _, place in unread])
    numbers = shown(path, sheet.title, sheet.place + 1)
    unread |= uncomputed(path, sheet.title, sheet.place + 1) | in_other_currencies(numbers)
    if counts_from_1904(path):
        # Read as text it would be counted from 1900, and be four years early.
        days = [name for name, dtype in feed.delivered().items() if dtype == pl.Date and name in rows.columns]
        rows = rows.with_columns((cs.by_name(days) & cs.string()).str.replace(SERIAL, "$0 since 1904"))
    noughts, percent = with_noughts(numbers), in_percent(numbers)
    for number, column in enumerate(columns):
        dtype, long = rows.schema[column], pl.col(column).abs() >= ROUNDED
        if dtype.is_numeric() and feed.delivered().get(column) == pl.String and rows.select(long.any()).item():
            figures = pl.when(long).then(in_figures(pl.col(column).cast(pl.Float64)))
            rows = rows.with_columns(figures.otherwise(_as(column, dtype, pl.String())).alias(column))
        cells = {row: text for (row, place), text in noughts.items() if place == number and row < len(rows)}
        if cells and feed.delivered().get(column) == pl.String:
            texts = rows.select(_as(column, rows.schema[column], pl.String())).to_series()
            rows = rows.with_columns(texts.scatter(list(cells), list(cells.values())))
        counted = feed.delivered().get(column, pl.String()).is_numeric() and feed.meta(column).get("unit") != "percent"
        lost = unread | percent if counted else unread
        cells = {row: text for (row, place), text in lost.items() if place == number and row < len(rows)}
        if cells:
            texts = pl.repeat(None, len(rows), dtype=pl.String, eager=True)
            said = texts.scatter(list(cells), list(cells.values()))
            rows = rows.with_columns(pl.when(said.is_null()).then(column).alias(column), said.alias(UNREAD + column))
    return rows


def _typed(workbook: Any, title: str, below: Mapping[str, Any], texts: Sequence[str]) -> pl.DataFrame:
    """The sheet's rows; as text the columns that have to be, and those whose cells have no type in common."""
    import fastexcel

    as_text = dict.fromkeys(texts, "string")
    try:
        loaded = workbook.load_sheet(title, **below, schema_sample_rows=None, dtypes=as_text or None)
    except fastexcel.UnsupportedColumnTypeCombinationError as error:
        # Days beside times of day: the error names the column.
        mixed = [name for name in below["column_names"] if f"for column {name}\n" in f"{error}\n"]
        if not {*mixed} - {*texts}:
            raise
        return _typed(workbook, title, below, [*texts, *mixed])
    rows: pl.DataFrame = loaded.to_polars()
    return rows.with_columns(pl.col(list(as_text)).str.strip_suffix(" 00:00:00")) if as_text else rows


def _refuse_other_header(
    rows: pl.DataFrame, sheet: Sheet, declared: Mapping[str, str], feed: type[Feed], name: str
) -> None:
    """Refuse a sheet with a second table below the first: it makes columns of numbers and days texts."""
    mixed = [column for column, dtype in feed.delivered().items() if dtype != pl.String and column in rows.columns]
    spoken = [column for column in mixed if rows.schema[column] == pl.String]
    if not spoken:
        return
    texts = rows.select(cs.string()).with_row_index("row", offset=sheet.place + 2)
    suspects = texts.filter(pl.any_horizontal(pl.col(spoken).str.contains(r"^\s*\pL[^\d]*$")))
    for cells in suspects.iter_rows(named=True):
        row = cells.pop("row")
        if is_other_header(cells, declared):
            raise ExtractError(
                f'{name}, sheet "{sheet.title}", row {row}: another header, whose columns are not those of row '
                f"{sheet.place + 1}: two tables stand below each other. Put each on a sheet of its own."
            )


def _of_same_types(parts: list[pl.DataFrame]) -> list[pl.DataFrame]:
    """The sheets' rows, with columns as text that are of one type in one sheet and of another in the next."""
    types: dict[str, set[pl.DataType]] = {}
    for part in parts:
        for name, dtype in part.schema.items():
            if part[name].null_count() < len(part):
                types.setdefault(name, set()).add(dtype)
    wanted = {name: found.pop() if len(found) == 1 else pl.String() for name, found in types.items()}
    return [
        part.with_columns(_as(name, part.schema[name], wanted.get(name, pl.String())) for name in part.columns)
        for part in parts
    ]


def _as(name: str, dtype: pl.DataType, wanted: pl.DataType) -> pl.Expr:
    value = pl.col(name)
    if wanted != pl.String or dtype == pl.String:
        return value.cast(wanted)
    if dtype.is_float():
        whole = value.cast(pl.Int64, strict=False)
        return pl.when(value == whole).then(whole.cast(pl.String)).otherwise(value.cast(pl.String))
    if dtype == pl.Datetime:
        moment = value.dt.to_string("%Y-%m-%d %H:%M:%S")
        return pl.when(value.dt.time() == time(0)).then(value.dt.to_string("%Y-%m-%d")).otherwise(moment)
    return value.cast(pl.String)
