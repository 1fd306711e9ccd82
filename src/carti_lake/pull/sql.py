"""A database as a source: what of a table or query is new, as one extract."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from carti_lake.pull.databases import Ask, connected
from carti_lake.pull.declaration import A_DAY, Source
from carti_lake.pull.marks import Standing
from carti_lake.pull.secrets import SourceError
from carti_lake.sources.extract import Extract, Mark, keep_with
from carti_lake.sources.frames import extract_of, spooled
from carti_lake.sources.headers import match_headers
from carti_lake.tables.feeds import Feed

#: The least by which what comes next is delivered later.
INSTANT = timedelta(milliseconds=2)
#: What stands for a type that holds no single value; the database writes such a value as text.
NO_SCALAR = pl.Binary()


@contextmanager
def reading(source: Source, environment: Mapping[str, str]) -> Iterator[tuple[Ask, pl.Schema]]:
    """The source's database, and the types of what is to be read, checked against the feed before the first row."""
    address = source.secret("address", environment) or ""
    with connected(source.name, address, source.secret("password", environment), source.file.parent) as ask:
        reader = ask(f"SELECT * FROM {_origin(source)} LIMIT 0")
        types = pl.Schema({field.name: _type_of(field.type) for field in reader.schema})
        reader.read_all()
        check_types(types, source)
        yield ask, types


def count(ask: Ask, source: Source, types: pl.Schema, standing: Standing) -> int:
    """Rows that :func:`take` would read."""
    query = f"SELECT count(*) AS n FROM {_origin(source)}{_since(source, types, standing)}"
    return int(pl.DataFrame(ask(query).read_all()).item())


def take(source: Source, standing: Standing, environment: Mapping[str, str], now: datetime) -> Extract | None:
    """What is new since the source's mark, with the mark that follows; None where it is what came last.

    Parameters
    ----------
    source
        Of kind ``sql``.
    standing
        How far it has been read.
    environment
        Where secrets are looked up.
    now
        When reading begins: a cursor never runs ahead of it.
    """
    folder = Path(tempfile.mkdtemp(prefix="carti-lake-"))
    try:
        with reading(source, environment) as (ask, types):
            columns = ", ".join(_column(name, dtype) for name, dtype in types.items())
            order = f" ORDER BY {_quoted(source.cursor)}" if source.cursor else ""
            query = f"SELECT {columns} FROM {_origin(source)}{_since(source, types, standing)}{order}"
            rows = spooled(pl.scan_arrow_c_stream(ask(query)), folder)
        cursor = _furthest(source, rows, now)
        if source.cursor and not source.cursor_gives():
            # It tells of the row, and is none of its values: it would stand in `rescued` of each.
            rows = rows.drop(source.cursor)
        moment = max(now, standing.delivered_at + INSTANT) if standing.delivered_at else now
        extract = extract_of(
            rows,
            source.feed,
            mapping=source.mapping,
            name=source.name,
            delivered_at=moment,
            extract_date=max(moment.date(), standing.extract_date or moment.date()),
        )
        content = _digest(extract.content_hash, cursor)
        if content == standing.content or rows.select(pl.len()).collect().item() == 0:
            shutil.rmtree(folder, ignore_errors=True)
            return None
        says = {"cursor": cursor, "content": content, "reading": source.reading}
        marked = replace(
            extract,
            # The same rows after others are news: a value may have gone back to what it was.
            content_hash=_digest(source.name, str(standing.number), content),
            mark=Mark(source.name, standing.number, says),
        )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return keep_with(marked, folder)


def _origin(source: Source) -> str:
    if source.table is not None:
        return ".".join(_quoted(part) for part in source.table.split(".")) + " AS taken"
    return f"({(source.query or '').rstrip().rstrip(';')}) AS taken"


def _quoted(name: str | None) -> str:
    return '"' + (name or "").replace('"', '""') + '"'


def _column(name: str, dtype: pl.DataType) -> str:
    quoted = _quoted(name)
    return f"CAST({quoted} AS VARCHAR) AS {quoted}" if dtype == NO_SCALAR else quoted


def _type_of(arrow: pa.DataType) -> pl.DataType:
    kind = pa.types
    if kind.is_nested(arrow) or kind.is_interval(arrow) or kind.is_duration(arrow) or kind.is_time(arrow):
        return NO_SCALAR
    if kind.is_dictionary(arrow):
        return pl.String()
    (dtype,) = pl.DataFrame(pa.schema([("x", arrow)]).empty_table()).dtypes
    return dtype


def check_types(types: pl.Schema, source: Source) -> None:
    """Refuse what is not the feed: a column that is missing, or of a type that its values can never have."""
    for header, column in match_headers(types.names(), source.feed, source.mapping, source.name).items():
        if not _can_hold(types[header], source.feed, column):
            raise SourceError(
                f'{source.name}: the column "{header}" is of type {types[header]}, and {column} of '
                f"{source.feed.short_name} is {source.feed.delivered()[column]}. Cast it in a query, or map "
                f"{column} to another column."
            )
    if source.cursor is None:
        return
    if source.cursor not in types:
        raise SourceError(f'{source.name}: there is no column "{source.cursor}", which is to be the cursor.')
    dtype = types[source.cursor]
    if not (dtype in (pl.Date, pl.String) or dtype == pl.Datetime or dtype.is_integer()):
        raise SourceError(f"{source.name}: a cursor is a moment, a day or a whole number; {source.cursor} is {dtype}.")


def _can_hold(delivered: pl.DataType, feed: type[Feed], column: str) -> bool:
    declared = feed.delivered()[column]
    if delivered in (pl.String, pl.Null) or declared == pl.String:
        return True
    if declared == pl.Date:
        return delivered == pl.Date or delivered == pl.Datetime
    return delivered.is_numeric() or delivered == pl.Boolean


def _since(source: Source, types: pl.Schema, standing: Standing) -> str:
    """Condition on the rows to read: from the overlap before the cursor on, and those of which nobody knows."""
    if source.cursor is None or standing.cursor is None:
        return ""
    quoted = _quoted(source.cursor)
    return f" WHERE {quoted} >= {_literal(_start(source, standing.cursor, types[source.cursor]))} OR {quoted} IS NULL"


def _start(source: Source, cursor: str, dtype: pl.DataType) -> str:
    """The cursor less the overlap, written as the cursor is."""
    overlap = source.overlap
    if cursor.lstrip("-").isdecimal():
        if isinstance(overlap, int):
            return str(int(cursor) - overlap)
        raise SourceError(
            f"{source.file.name}: the cursor {source.cursor} is a number. Say overlap = N: by how much rows that are "
            "committed late may lie behind the greatest."
        )
    back = overlap if isinstance(overlap, timedelta) else A_DAY
    moment = datetime.fromisoformat(cursor) - back
    if dtype == pl.Datetime:
        return moment.isoformat()
    # Text is compared letter by letter: no longer than the cursor, so that nothing at the start itself is left out.
    return _written_as(cursor, moment)


def _literal(value: str) -> str:
    return value if value.lstrip("-").isdecimal() else f"'{value}'"


def _furthest(source: Source, rows: pl.LazyFrame, now: datetime) -> str | None:
    """The greatest cursor among the rows, no later than now: a wrong year must not hide what comes until then."""
    if source.cursor is None:
        return None
    column = pl.col(source.cursor)
    numbers = column.cast(pl.Int64, strict=False)
    dtype = rows.collect_schema()[source.cursor]
    if dtype == pl.String and rows.select((numbers.null_count() == column.null_count()).alias("n")).collect().item():
        column, dtype = numbers, pl.Int64()
    greatest: Any = rows.select(column.max()).collect(engine="streaming").item()
    if greatest is None:
        return None
    if dtype.is_integer():
        _start(source, str(greatest), dtype)
        return str(greatest)
    if dtype == pl.Date:
        return str(min(greatest, now.date()).isoformat())
    if dtype == pl.Datetime:
        return str(min(greatest, now if greatest.tzinfo else now.replace(tzinfo=None)).isoformat())
    return _furthest_text(source, greatest, now)


def _furthest_text(source: Source, text: str, now: datetime) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SourceError(
            f"{source.name}: the cursor {source.cursor} is text that is neither a number nor a moment such as "
            "2026-11-22T06:30:00. Cast it in a query."
        ) from None
    present = now.astimezone(moment.tzinfo or UTC)
    if moment.replace(tzinfo=present.tzinfo) <= present:
        return text
    return _written_as(text, present)


def _written_as(text: str, moment: datetime) -> str:
    """The moment to the second, with the text's separator and no longer than it."""
    return moment.isoformat(sep=text[10:11] or "T", timespec="seconds")[: min(len(text), len("2026-11-22T06:30:00"))]


def _digest(*parts: str | None) -> str:
    return hashlib.sha256("\x1f".join(part or "" for part in parts).encode()).hexdigest()
