"""Delimited text: CSV with any usual separator, quotes, line ends, and title rows above the header."""

import codecs
import csv
import io
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import polars as pl

from carti_lake.sources.blocks import Header
from carti_lake.sources.dialects import explain
from carti_lake.sources.extract import Content, ExtractError
from carti_lake.sources.headers import column_names, match_headers, named, names, unmatched
from carti_lake.sources.mapping import SourceMap
from carti_lake.sources.quotes import Dialect
from carti_lake.sources.records import check_records
from carti_lake.sources.text import HEAD, head
from carti_lake.tables.feeds import Feed

QUOTES = ('"', "'")
SEPARATORS = (",", ";", "\t", "|", "^", "~")
#: The header is looked for in this many rows: reports put titles above it.
TITLE_ROWS = 30
#: A header beyond this is none.
LONGEST_HEAD = 64 << 20


@dataclass(frozen=True)
class Layout:
    """How a delimited file begins.

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


def read_delimited(
    path: Path, folder: Path, feed: type[Feed], mapping: SourceMap, name: str, given: Collection[str] = ()
) -> Content:
    """Rows of a UTF-8 file as text, in columns named by the feed where they match; every row is checked for its fields.

    Raises
    ------
    ExtractError
        No header fits the feed, or no dialect explains every row.
    UnicodeDecodeError
        The text is not UTF-8.
    """
    start = _head(path)
    layout = layout_of(start, feed, mapping, name)
    place = f"{name}, line {layout.lines}"
    matched = match_headers(layout.header, feed, mapping, place, given)
    columns = column_names(layout.header, matched)
    types = feed.delivered()
    header = Header(
        columns,
        layout.lines,
        _behind(start, ord(layout.newline), layout.lines),
        [place for place, column in enumerate(columns) if types.get(column, pl.String()) != pl.String],
        layout.header,
    )
    read = explain(path, layout.separator, layout.newline, header, folder, name)
    rows = _scan(read.path, read.dialect, columns, read.lines)
    return Content(
        rows.filter(pl.any_horizontal(pl.all().is_not_null())) if read.seen.blanks else rows,
        partial(bad_record, path, read.dialect, header, name),
        unmatched(layout.header, feed, mapping),
    )


def _scan(path: Path, dialect: Dialect, columns: list[str], skip_lines: int) -> pl.LazyFrame:
    quote = dialect.quoting.quote
    return pl.scan_csv(
        path,
        has_header=False,
        skip_lines=skip_lines,
        schema=dict.fromkeys(columns, pl.String()),
        separator=dialect.separator,
        eol_char=dialect.newline,
        quote_char=None if quote is None else chr(quote),
        # The first row may be blank; every other has all its fields.
        missing_columns="insert",
        glob=False,
    )


def bad_record(path: Path, dialect: Dialect, header: Header, name: str) -> str | None:
    """What is wrong with the first record that Polars refused though the sums were right, None if nothing is found."""
    try:
        check_records(path, dialect, header, name, each=True)
    except ExtractError as error:
        return str(error)
    return None


def _head(path: Path) -> bytes:
    """The first bytes of the file, as many as hold the title rows and a header of any width."""
    size = HEAD
    start = head(path, size)
    while len(start) == size < LONGEST_HEAD and start.count(b"\n") + start.count(b"\r") <= TITLE_ROWS:
        size *= 4
        start = head(path, size)
    return start


def _behind(start: bytes, end: int, lines: int) -> int:
    """Where the file goes on behind its first lines."""
    place = -1
    for _ in range(lines):
        place = start.find(end, place + 1)
        if place < 0:
            return len(start)
    return place + 1


def layout_of(start: bytes, feed: type[Feed], mapping: SourceMap, name: str) -> Layout:
    """The separator and header row under which the most headers name a column of the feed."""
    # Incremental: the last character may be cut in two.
    text = codecs.getincrementaldecoder("utf-8")().decode(start).removeprefix("\ufeff")
    if not text.strip():
        raise ExtractError(f"{name}: the file is empty. Ask the source for it again; a day without rows has a header.")
    newline = "\n" if "\n" in text or "\r" not in text else "\r"
    layouts = [
        Layout(separator, newline, row, line)
        for separator in SEPARATORS
        for quote in QUOTES
        for line, row in _first_rows(text, separator, quote)
    ]
    declared = names(feed, mapping)
    best = max(layouts, key=lambda layout: (len(named(layout.header, declared)), -layout.lines), default=None)
    if best is None or not named(best.header, declared):
        raise ExtractError(
            f"{name}, line 1: no column of the feed {feed.short_name} is found in the first {TITLE_ROWS} rows. Is this "
            "the right feed, is there a header, and are fields separated by comma, semicolon, tab or pipe? Map foreign "
            "headers with --map FILE."
        )
    return best


def _first_rows(text: str, separator: str, quote: str) -> list[tuple[int, list[str]]]:
    """The first rows, each with the line that it ends in."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, quotechar=quote)
    rows = []
    try:
        for row in islice(reader, TITLE_ROWS):
            rows.append((reader.line_num, row))
    except csv.Error:
        pass  # a field larger than the csv module takes: no header
    return rows
