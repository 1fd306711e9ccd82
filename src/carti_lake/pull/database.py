"""What a database is to a pull: the types of a query's columns, and its rows, each once."""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl
import pyarrow as pa

from carti_lake.pull.secrets import SourceError
from carti_lake.sources.frames import spooled

#: What stands for a type that holds no single value; the database writes such a value as text.
NO_SCALAR = pl.Binary()
#: No line that is read by itself is longer.
LONGEST = 1 << 20
CHUNK = 1 << 20


@dataclass(frozen=True)
class Read:
    """What a query gave.

    Attributes
    ----------
    rows
        To be read as often as one likes.
    file
        The CSV file that they came as, None where they came as values.
    count
        How many they are, None where nobody has counted.
    each_line
        Whether each line of the file is a row.
    """

    rows: pl.LazyFrame
    file: Path | None = None
    count: int | None = None
    each_line: bool = False

    def height(self) -> int:
        """How many rows there are."""
        if self.count is not None:
            return self.count
        return int(self.rows.select(pl.len()).collect(engine="streaming").item())

    def last(self, column: str) -> str | None:
        """What stands in a column of the last line, where each line is a row and that one has it; else None."""
        if self.file is None or not self.each_line:
            return None
        with self.file.open("rb") as file:
            file.seek(max(0, self.file.stat().st_size - LONGEST))
            line = file.read().rstrip(b"\n").rpartition(b"\n")[2].decode("utf-8", "replace")
        values = dict(zip(self.rows.collect_schema().names(), next(csv.reader([line])), strict=False))
        return values.get(column) or None


@dataclass(frozen=True)
class Kind:
    """How values of a type are taken.

    Attributes
    ----------
    dtype
        As what.
    written
        The expression by which the database writes one as text; ``{0}`` where it comes as it is.
    """

    dtype: pl.DataType
    written: str = "{0}"


@dataclass(frozen=True)
class Database:
    """An open database, in one read-only transaction where it has such.

    Attributes
    ----------
    types
        Gives the types of a query's columns, without reading a row; :data:`NO_SCALAR` for what holds no single value.
    read
        Runs a query once, into a folder that is empty; its rows come in the order of a column, where one is named.
    as_text
        How a value that is no single one is made text, where reading does not; any value, where columns have no types.
    quote
        What stands around a name.
    stored
        How the kind of a single value is asked for, where columns have no types; None where they have.
    literal
        A cursor's value, as it stands in a query to be compared with a column of a type.
    fold
        What the database makes of a table's name that nobody has quoted.
    steady
        Whether all rows of a query are of one moment.
    """

    types: Callable[[str], pl.Schema]
    read: Callable[[str, Path, str | None], Read]
    as_text: str = "{0}"
    quote: str = '"'
    stored: str | None = None
    literal: Callable[[str, pl.DataType], str] = lambda value, dtype: literal(value)
    fold: Callable[[str], str] = str
    steady: bool = True

    def quoted(self, name: str) -> str:
        """A name as it stands in a query."""
        return quoted(name, self.quote)


def ordered(query: str, order: str | None, quote: str = '"') -> str:
    """A query whose rows come in the order of a column."""
    return query if order is None else f"{query} ORDER BY {quoted(order, quote)}"


def written(query: str, cells: Mapping[str, str], order: str | None) -> str:
    """A query whose values the database writes by an expression each; in the order of a column as it is, unwritten."""
    said = ", ".join(
        name if (cell := expression.format(name)) == name else f"{cell} AS {name}"
        for name, expression in ((quoted(name), expression) for name, expression in cells.items())
    )
    asked = f"SELECT {said} FROM ({query}\n) taken"
    return asked if order is None else f"{asked} ORDER BY taken.{quoted(order)}"


def literal(value: str) -> str:
    """A number or text as it stands in a query."""
    return value if value.lstrip("-").isdecimal() else quoted(value, "'")


def quoted(name: str, quote: str = '"') -> str:
    """A name as it stands in a query."""
    return quote + name.replace(quote, 2 * quote) + quote


def of_arrow(ask: Callable[[str], pa.RecordBatchReader]) -> Database:
    """A database whose driver gives a query's result as a stream of record batches."""

    def types(query: str) -> pl.Schema:
        reader = ask(f"SELECT * FROM ({query}) taken WHERE 1 = 0")
        found = pl.Schema({field.name: _type_of(field.type) for field in reader.schema})
        reader.read_all()
        return found

    def read(query: str, folder: Path, order: str | None) -> Read:
        return Read(spooled(pl.scan_arrow_c_stream(ask(ordered(query, order))), folder))

    return Database(types, read, "CAST({0} AS VARCHAR)")


def _type_of(arrow: pa.DataType) -> pl.DataType:
    kind = pa.types
    if kind.is_nested(arrow) or kind.is_interval(arrow) or kind.is_duration(arrow) or kind.is_time(arrow):
        return NO_SCALAR
    if kind.is_dictionary(arrow):
        return pl.String()
    (dtype,) = pl.DataFrame(pa.schema([("x", arrow)]).empty_table()).dtypes
    return dtype


def of_lines(path: Path, rows: int) -> Read:
    """The rows of a CSV file that a database wrote, all as text.

    Parameters
    ----------
    path
        The file; its first line has the columns' names.
    rows
        Rows that the database says to have written.

    Raises
    ------
    SourceError
        Where that many rows are not in it.
    """
    written = pl.scan_csv(path, infer_schema=False, glob=False)
    with path.open(encoding="utf-8", newline="") as text:
        # Of names, unlike of values, the reader leaves doubled quotes doubled.
        names = next(csv.reader(text))
    found = written.rename(dict(zip(written.collect_schema().names(), names, strict=True)))
    with path.open("rb") as file:
        each_line = rows + 1 == sum(chunk.count(b"\n") for chunk in iter(partial(file.read, CHUNK), b""))
    # Only where a value holds a line break can the reader be of another mind about where a row ends.
    if not each_line and found.select(pl.len()).collect(engine="streaming").item() != rows:
        raise SourceError(f"Of {rows:,} rows that the database has written, not all have come. Pull again.")
    return Read(found, path, rows, each_line)
