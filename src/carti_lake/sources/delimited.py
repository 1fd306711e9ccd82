"""Delimited text: CSV with any usual separator, quotes, line ends, and title rows above the header."""

import codecs
import csv
import io
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import polars as pl

from carti_lake.sources.extract import ExtractError
from carti_lake.sources.headers import column_names, match_headers, matches
from carti_lake.sources.mapping import SourceMap
from carti_lake.sources.records import check_records, stray_quote
from carti_lake.sources.text import head
from carti_lake.tables.feeds import Feed

SEPARATORS = (",", ";", "\t", "|", "^", "~")
#: The header is looked for in this many rows: reports put titles above it.
TITLE_ROWS = 30


@dataclass(frozen=True)
class Layout:
    """How a delimited file is written.

    Attributes
    ----------
    separator, newline
        One character each; CRLF counts as LF.
    header
        Headers as delivered.
    lines
        Lines to skip to reach the data, the header's own included.
    """

    separator: str
    newline: str
    header: list[str]
    lines: int


def scan_delimited(path: Path, feed: type[Feed], mapping: SourceMap, name: str) -> pl.LazyFrame:
    """Rows of a UTF-8 file as text, in columns named by the feed where they match; every row is checked for its fields.

    Raises
    ------
    ExtractError
        No header fits the feed, or a row has more or fewer fields than the header, an unclosed quote or a NUL byte.
    UnicodeDecodeError
        The text is not UTF-8.
    """
    layout, columns = _layout_and_columns(path, feed, mapping, name)
    blank = check_records(path, layout.separator, layout.newline, columns, layout.lines, name)
    rows = pl.scan_csv(
        path,
        has_header=False,
        skip_lines=layout.lines,
        schema=dict.fromkeys(columns, pl.String()),
        separator=layout.separator,
        eol_char=layout.newline,
        # The first row may be blank; every other has all its fields.
        missing_columns="insert",
        glob=False,
    )
    return rows.filter(pl.any_horizontal(pl.all().is_not_null())) if blank else rows


def bad_record(path: Path, feed: type[Feed], mapping: SourceMap, name: str) -> str | None:
    """What is wrong with the first record that Polars refused though the sums were right, None if nothing is found."""
    try:
        layout, columns = _layout_and_columns(path, feed, mapping, name)
        check_records(path, layout.separator, layout.newline, columns, layout.lines, name, each=True)
    except ExtractError as error:
        return str(error)
    return stray_quote(path, layout.separator, layout.newline, layout.lines, name)


def _layout_and_columns(path: Path, feed: type[Feed], mapping: SourceMap, name: str) -> tuple[Layout, list[str]]:
    layout = layout_of(head(path), feed, mapping, name)
    matched = match_headers(layout.header, feed, mapping, f"{name}, line {layout.lines}")
    return layout, column_names(layout.header, matched)


def layout_of(start: bytes, feed: type[Feed], mapping: SourceMap, name: str) -> Layout:
    """The separator and header row under which the most headers name a column of the feed."""
    # Incremental: the last character may be cut in two.
    text = codecs.getincrementaldecoder("utf-8")().decode(start).removeprefix("\ufeff")
    if not text.strip():
        raise ExtractError(f"{name}: the file is empty. Ask the source for it again; a day without rows has a header.")
    newline = "\n" if "\n" in text or "\r" not in text else "\r"
    layouts = [
        Layout(separator, newline, row, line) for separator in SEPARATORS for line, row in _first_rows(text, separator)
    ]
    best = max(layouts, key=lambda layout: (len(matches(layout.header, feed, mapping)), -layout.lines), default=None)
    if best is None or not matches(best.header, feed, mapping):
        raise ExtractError(
            f"{name}, line 1: no column of the feed {feed.short_name} is found in the first {TITLE_ROWS} rows. Is this "
            "the right feed, is there a header, and are fields separated by comma, semicolon, tab or pipe? Map foreign "
            "headers with --map FILE."
        )
    return best


def _first_rows(text: str, separator: str) -> list[tuple[int, list[str]]]:
    """The first rows, each with the line that it ends in."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    rows = []
    try:
        for row in islice(reader, TITLE_ROWS):
            rows.append((reader.line_num, row))
    except csv.Error:
        pass  # a field larger than the csv module takes: no header
    return rows
