"""Databases, each as one function from a query to its rows; read only, in one transaction."""

import contextlib
import re
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import polars as pl
import pyarrow as pa

from carti_lake.pull.database import Database, of_arrow
from carti_lake.pull.mysql import mysql
from carti_lake.pull.postgresql import postgresql
from carti_lake.pull.secrets import SourceError

#: Rows of a batch where the driver does not choose.
BATCH = 50_000
SCHEMES = "postgresql://USER@HOST/DATABASE, mysql://USER@HOST/DATABASE, sqlite:PATH, duckdb:PATH"
#: Databases that nothing here reads, by how their addresses begin.
UNREAD = {
    **dict.fromkeys(("mssql", "sqlserver"), "SQL Server"),
    **dict.fromkeys(("oracle", "oracledb"), "Oracle"),
}
#: What a database's code for an error means: the SQL standard's, the more exact ones first.
SQLSTATES = {
    "42P01": "there is no such table",
    "42S02": "there is no such table",
    "42S22": "there is no such column",
    "42S21": "two of its columns have one name",
    "42702": "a name in it is that of two columns",
    "42703": "there is no such column",
    "42501": "its user may not read that",
    "28": "the database refuses the user or the password",
    "3D": "there is no such database",
    "42": "the query is no SQL that this database knows",
    "22": "a value does not fit what the query makes of it",
    "57014": "the query was cancelled",
    "08": "the connection broke",
}
#: How a value of SQLite is read: bytes as hexadecimal digits.
NO_BYTES = "CASE typeof({0}) WHEN 'blob' THEN hex({0}) ELSE {0} END"
#: MySQL's numbers, whose SQLSTATE says less.
NUMBERS = {
    **dict.fromkeys((1044, 1045, 1698), "28000"),
    **dict.fromkeys((1142, 1143, 1370), "42501"),
    **dict.fromkeys((1049,), "3D000"),
    **dict.fromkeys((1146,), "42P01"),
    **dict.fromkeys((1054,), "42703"),
    **dict.fromkeys((1064, 1140, 1055), "42000"),
    **dict.fromkeys((2003, 2006, 2013), "08000"),
    **dict.fromkeys((1317, 1969, 3024), "57014"),
}
#: The same for those that have words instead of codes.
PHRASES = {
    r"Could not decode to UTF-8": "a text in it is not in UTF-8",
    r"no such table|Table with name .* does not exist": SQLSTATES["42P01"],
    r"no such column|Referenced column .* not found": SQLSTATES["42703"],
    r"syntax error|incomplete input|Parser Error": SQLSTATES["42"],
    r"unable to open|No such file|mode: database does not exist": "there is no such file",
    r"invalid input syntax|out of range|division by zero|Conversion Error": SQLSTATES["22"],
    r"locked|lock on file": "another process holds the file",
    r"not a database|not a valid DuckDB": "the file is no such database",
    r"connect": "the database does not answer, or refuses the user, the password or the database's name",
}


#: What opens a database at an address.
Opener = Callable[[str], contextlib.AbstractContextManager[Database]]


@contextlib.contextmanager
def connected(name: str, address: str, password: str | None, folder: Path) -> Iterator[Database]:
    """A connection to the database at an address.

    Parameters
    ----------
    name
        Of the source, for errors.
    address
        ``postgresql://…``, ``mysql://…``, ``mariadb://…``, ``sqlite:PATH`` or ``duckdb:PATH``.
    password
        Put into the address.
    folder
        What a relative path starts from.

    Raises
    ------
    SourceError
        What the database refuses. Its own words are not repeated: they may quote rows, or the password.
    """
    scheme, _, place = address.partition(":")
    opener = OPENERS.get(scheme)
    if (unread := UNREAD.get(scheme.partition("+")[0])) is not None:
        raise SourceError(
            f"{name}: {unread} is not read yet, since nothing could be tried against a server of it. Let it export "
            "files into a drop folder (kind folder), or give lake.load a frame of polars.read_database."
        )
    if opener is None:
        raise SourceError(f"{name}: address is that of no database that can be read here: {SCHEMES}.")
    where = _with_password(address, password) if place.startswith("//") else str(folder / place)
    try:
        with opener(where) as database:
            yield database
    except (SourceError, ModuleNotFoundError):
        raise
    except Exception as error:
        if not _is_of_a_database(error):
            raise
        raise SourceError(f"{name}: {_reason(error)}.") from None


@contextlib.contextmanager
def _duckdb(path: str) -> Iterator[Database]:
    import duckdb

    with duckdb.connect(path, read_only=True) as connection:
        connection.begin()
        yield of_arrow(lambda query: connection.sql(query).to_arrow_reader(BATCH))


@contextlib.contextmanager
def _sqlite(path: str) -> Iterator[Database]:
    """SQLite's values have types, its columns do not: all are text, as they are in a file; bytes are hexadecimal."""
    uri = f"file:{quote(path)}?mode=ro"
    # The batches are asked for by the threads that write them down, one after the other.
    with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)) as database:
        database.execute("BEGIN")

        def ask(query: str) -> pa.RecordBatchReader:
            found = database.execute(query)
            names = [column[0] for column in found.description]
            texts = dict.fromkeys(names, pl.String)
            schema = pa.schema([(name, pa.large_string()) for name in names])

            def batches() -> Iterator[pa.RecordBatch]:
                while rows := found.fetchmany(BATCH):
                    frame = pl.DataFrame(rows, schema=texts, orient="row", strict=False)
                    yield from frame.to_arrow().cast(schema).to_batches()

            return pa.RecordBatchReader.from_batches(schema, batches())

        yield replace(of_arrow(ask), as_text=NO_BYTES, stored="typeof({0})")


OPENERS: dict[str, Opener] = {
    **dict.fromkeys(("postgresql", "postgres"), postgresql),
    **dict.fromkeys(("mysql", "mariadb"), mysql),
    "sqlite": _sqlite,
    "duckdb": _duckdb,
}


def _with_password(address: str, password: str | None) -> str:
    if password is None:
        return address
    parts = urlsplit(address)
    user, at, host = parts.netloc.rpartition("@")
    if not at:
        raise SourceError("A password needs a user: say postgresql://USER@HOST/DATABASE.")
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))


def _is_of_a_database(error: BaseException) -> bool:
    """Whether a driver raised it, or the stream that a driver gives."""
    modules = {kind.__module__.split(".")[0].lstrip("_") for kind in type(error).__mro__}
    return bool(modules & {"duckdb", "psycopg", "pymysql", "sqlite3"}) or isinstance(
        error, pa.ArrowException | OSError | pl.exceptions.PolarsError
    )


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    code = getattr(error, "sqlstate", None) or ""
    means = NUMBERS.get(number, code)
    reason = next((said for start, said in SQLSTATES.items() if means.startswith(start)), None)
    reason = reason or next((said for words, said in PHRASES.items() if re.search(words, str(error), re.I)), None)
    named = f"{type(error).__name__}{f', SQLSTATE {code}' if code else f', number {number}' if number else ''}"
    return f"{reason} ({named})" if reason else f"the database failed ({named}); its own log says why"
