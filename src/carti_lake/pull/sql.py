"""A database as a source: what of a table or query is new, as one extract."""

import re
import shutil
import tempfile
import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from carti_lake.pull.database import NO_SCALAR, Database, Read
from carti_lake.pull.databases import connected
from carti_lake.pull.declaration import A_DAY, Source
from carti_lake.pull.marks import Standing, digest
from carti_lake.pull.secrets import SourceError
from carti_lake.pull.types import misfit
from carti_lake.sources.extract import Extract, Mark, file_hash, keep_with
from carti_lake.sources.frames import extract_of

#: Bytes from which on hashing what comes but once is not worth while.
MUCH = 64 << 20
#: By how much the clock of a place may be behind UTC.
WEST = timedelta(hours=12)
#: How a moment or day that can be a cursor begins.
MOMENT = r"^[1-9]\d{3}-"


@contextmanager
def reading(source: Source, environment: Mapping[str, str]) -> Iterator["Reading"]:
    """The source's database, and the types of what is to be read, checked against the feed before the first row."""
    address = source.secret("address", environment) or ""
    with connected(source.name, address, source.secret("password", environment), source.file.parent) as database:
        types = database.types(f"SELECT * FROM {_origin(source, database)}")
        cursor = _as_named(source.cursor, types.names())
        check_types(types, replace(source, cursor=cursor))
        yield Reading(source, database, types, cursor)


@dataclass(frozen=True)
class Reading:
    """A source whose database is open.

    Attributes
    ----------
    source
        Of kind ``sql``.
    database
        Where it is read.
    types
        Of its columns.
    cursor
        The source's cursor, as the database names that column.
    """

    source: Source
    database: Database
    types: pl.Schema
    cursor: str | None

    @property
    def origin(self) -> str:
        """What is read, as it stands behind ``FROM``."""
        return _origin(self.source, self.database)


def rehearse(reading: Reading, folder: Path) -> None:
    """Ask for the source's rows as a pull does, but for none of them: what the database refuses is known then."""
    reading.database.read(f"{_selected(reading)} WHERE 1 = 0", folder, reading.cursor)


def count(reading: Reading, standing: Standing, folder: Path) -> int:
    """Rows that :func:`take` would read."""
    query = f"SELECT count(*) AS n FROM {reading.origin}{_since(reading, standing)}"
    return int(reading.database.read(query, folder, None).rows.collect().item())


def take(reading: Reading, standing: Standing, now: datetime) -> Extract | None:
    """What is new since the source's mark, with the mark that follows; None where it is what came last.

    Parameters
    ----------
    reading
        The source, open.
    standing
        How far it has been read.
    now
        When reading begins: a cursor never runs ahead of it.
    """
    source, database = reading.source, reading.database
    folder = Path(tempfile.mkdtemp(prefix="carti-lake-"))
    try:
        query = f"{_selected(reading)}{_since(reading, standing)}"
        kinds = _kinds(reading, standing, folder)
        read = database.read(query, folder, reading.cursor)
        rows = read.rows
        cursor = _furthest(reading, read, now, kinds)
        from_the_beginning = cursor is not None and standing.cursor is None
        if reading.cursor and not replace(source, cursor=reading.cursor).cursor_gives():
            # It tells of the row, and is none of its values: it would stand in `rescued` of each.
            rows = rows.drop(reading.cursor)
        moment, day = standing.following(now)
        extract = extract_of(
            rows,
            source.feed,
            mapping=source.mapping,
            name=source.name,
            content_hash=None if read.file is None else _of_file(read.file, from_the_beginning),
            delivered_at=moment,
            extract_date=day,
        )
        content = digest(extract.content_hash, cursor)
        if content == standing.content or read.height() == 0:
            shutil.rmtree(folder, ignore_errors=True)
            return None
        says = {"cursor": cursor, "content": content, "reading": source.reading}
        marked = replace(
            extract,
            # The same rows after others are news: a value may have gone back to what it was.
            content_hash=digest(source.name, str(standing.number), content),
            mark=Mark(source.name, standing.number, says),
        )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return keep_with(marked, folder)


def _origin(source: Source, database: Database) -> str:
    if source.table is not None:
        return ".".join(database.quoted(database.fold(part)) for part in source.table.split(".")) + " taken"
    # On a line of its own, so that a comment at the query's end does not swallow the bracket.
    return f"({(source.query or '').rstrip().rstrip(';')}\n) taken"


def _as_named(cursor: str | None, names: Collection[str]) -> str | None:
    """The cursor as the database writes its name, where that differs by upper and lower case alone."""
    alike = [name for name in names if cursor is not None and name.lower() == cursor.lower()]
    return alike[0] if len(alike) == 1 else cursor


def _selected(reading: Reading) -> str:
    columns = ", ".join(_column(reading, name, dtype) for name, dtype in reading.types.items())
    return f"SELECT {columns} FROM {reading.origin}"


def _column(reading: Reading, name: str, dtype: pl.DataType) -> str:
    database, quoted = reading.database, reading.database.quoted(name)
    # The cursor stays as it is, so that an index gives the rows' order.
    as_text = dtype == NO_SCALAR or (database.stored is not None and name != reading.cursor)
    written = database.as_text.format(quoted) if as_text else quoted
    return quoted if written == quoted else f"{written} AS {quoted}"


def check_types(types: pl.Schema, source: Source) -> None:
    """Refuse what is not the feed: a column that is missing, or of a type that its values can never have."""
    if (found := misfit(types, source)) is not None:
        header, column = found
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


def _since(reading: Reading, standing: Standing) -> str:
    """Condition on the rows to read: from the overlap before the cursor on, and those of which nobody knows."""
    if reading.cursor is None or standing.cursor is None:
        return ""
    quoted, dtype = reading.database.quoted(reading.cursor), reading.types[reading.cursor]
    start = reading.database.literal(_start(reading.source, standing.cursor, dtype), dtype)
    return f" WHERE {quoted} >= {start} OR {quoted} IS NULL"


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


def _kinds(reading: Reading, standing: Standing, folder: Path) -> set[str]:
    """How the cursor's values are stored, where that is for each value to say; empty where the column's type says it.

    Raises
    ------
    SourceError
        In several ways: numbers would be missed once a text is the cursor.
    """
    source, stored = reading.source, reading.database.stored
    if reading.cursor is None or stored is None:
        return set()
    kind = stored.format(reading.database.quoted(reading.cursor))
    (into := folder / "kinds").mkdir()
    found = reading.database.read(
        f"SELECT DISTINCT {kind} AS kind FROM {reading.origin}{_since(reading, standing)}", into, None
    )
    kinds = {*found.rows.collect()["kind"]} - {"null"}
    if len(kinds) > 1 or "blob" in kinds:
        raise SourceError(
            f"{source.name}: the cursor {source.cursor} holds values of kind {' and '.join(sorted(kinds))}, which are "
            "not compared by what they mean. Make them moments or whole numbers, all of one kind, in a query."
        )
    return kinds


def _furthest(reading: Reading, read: Read, now: datetime, kinds: Collection[str]) -> str | None:
    """The greatest cursor among the rows, no later than now: a wrong year must not hide what comes until then."""
    source = reading.source
    if reading.cursor is None:
        return None
    rows, column, dtype = read.rows, pl.col(reading.cursor), reading.types[reading.cursor]
    numbers = column.cast(pl.Int64, strict=False)
    greatest: Any = None
    if rows.collect_schema()[reading.cursor] == pl.String and dtype != pl.String:
        # Of what is written as text, moments compare as they are; ``infinity`` and years before Christ are none.
        column = numbers if dtype.is_integer() else column.filter(column.str.contains(MOMENT))
        # The rows came in the order of the cursor.
        last = None if dtype.is_integer() else read.last(reading.cursor)
        greatest = last if last and re.match(MOMENT, last) else None
    elif dtype == pl.String:
        of_numbers = (column.count() > 0) & (numbers.null_count() == column.null_count())
        if rows.select(of_numbers.alias("n")).collect(engine="streaming").item():
            if "integer" not in kinds:
                raise SourceError(_numbers_as_text(source))
            column, dtype = numbers, pl.Int64()
    if greatest is None:
        greatest = rows.select(column.max()).collect(engine="streaming").item()
    if greatest is None:
        return None
    if dtype.is_integer():
        _start(source, str(greatest), dtype)
        return str(greatest)
    if dtype == pl.Date:
        day = date.fromisoformat(greatest) if isinstance(greatest, str) else greatest
        return (day if day <= now.date() else (now - WEST).date()).isoformat()
    if dtype == pl.Datetime:
        return _no_later(datetime.fromisoformat(greatest) if isinstance(greatest, str) else greatest, now).isoformat()
    return _furthest_text(source, greatest, now)


def _no_later(moment: datetime, now: datetime) -> datetime:
    """The moment, or the present where it is to come: as early as that may be where no zone is said."""
    if moment.tzinfo is not None:
        return min(moment, now)
    present = now.astimezone(UTC).replace(tzinfo=None)
    return moment if moment <= present else present - WEST


def _numbers_as_text(source: Source) -> str:
    return (
        f"{source.name}: the cursor {source.cursor} holds numbers as text, of which 9 comes after 10. Cast it to a "
        "whole number in a query."
    )


def _furthest_text(source: Source, text: str, now: datetime) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SourceError(
            f"{source.name}: the cursor {source.cursor} is text that is neither a number nor a moment such as "
            "2026-11-22T06:30:00. Cast it in a query."
        ) from None
    latest = _no_later(moment, now.astimezone(moment.tzinfo) if moment.tzinfo else now)
    return text if latest == moment else _written_as(text, latest)


def _written_as(text: str, moment: datetime) -> str:
    """The moment to the second, with the text's separator and no longer than it."""
    return moment.isoformat(sep=text[10:11] or "T", timespec="seconds")[: min(len(text), len("2026-11-22T06:30:00"))]


def _of_file(path: Path, from_the_beginning: bool) -> str:
    """What tells the content of a file from others; of much that is read only once, that it is that file."""
    much = from_the_beginning and path.stat().st_size > MUCH
    return uuid.uuid4().hex if much else file_hash(path)
