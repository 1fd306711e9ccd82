"""Databases, each as one function from a query to a stream of Arrow batches; read only, in one transaction."""

import contextlib
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import polars as pl
import pyarrow as pa

from carti_lake.pull.secrets import SourceError

#: Rows of a batch where the driver does not choose.
BATCH = 50_000
#: A query's result as a stream of record batches.
Ask = Callable[[str], Any]
SCHEMES = "postgresql://USER@HOST/DATABASE, sqlite:PATH, duckdb:PATH"
#: What a database's code for an error means: the SQL standard's, the more exact ones first.
SQLSTATES = {
    "42P01": "there is no such table",
    "42703": "there is no such column",
    "42501": "its user may not read that",
    "28": "the database refuses the user or the password",
    "3D": "there is no such database",
    "42": "the query is no SQL that this database knows",
    "22": "a value does not fit what the query makes of it",
    "57014": "the query was cancelled",
    "08": "the connection broke",
}
#: The same for those that have words instead of codes.
PHRASES = {
    r"no such table|Table with name .* does not exist": SQLSTATES["42P01"],
    r"no such column|Referenced column .* not found": SQLSTATES["42703"],
    r"syntax error|incomplete input|Parser Error": SQLSTATES["42"],
    r"unable to open|No such file|mode: database does not exist": "there is no such file",
    r"invalid input syntax|out of range|division by zero|Conversion Error": SQLSTATES["22"],
    r"locked|lock on file": "another process holds the file",
    r"not a database|not a valid DuckDB": "the file is no such database",
    r"connect": "the database does not answer, or refuses the user, the password or the database's name",
}


@contextlib.contextmanager
def connected(name: str, address: str, password: str | None, folder: Path) -> Iterator[Ask]:
    """A connection to the database at an address.

    Parameters
    ----------
    name
        Of the source, for errors.
    address
        ``postgresql://…``, ``sqlite:PATH`` or ``duckdb:PATH``.
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
    opener = {"postgresql": _postgresql, "postgres": _postgresql, "sqlite": _sqlite, "duckdb": _duckdb}.get(scheme)
    if opener is None:
        raise SourceError(f"{name}: address is that of no database that can be read here: {SCHEMES}.")
    where = _with_password(address, password) if opener is _postgresql else str(folder / place)
    try:
        with opener(where) as ask:
            yield ask
    except (SourceError, ModuleNotFoundError):
        raise
    except Exception as error:
        if not _is_of_a_database(error):
            raise
        raise SourceError(f"{name}: {_reason(error)}.") from None


@contextlib.contextmanager
def _postgresql(uri: str) -> Iterator[Ask]:
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(uri) as connection, connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")

        def ask(query: str) -> pa.RecordBatchReader:
            cursor.execute(query)
            return _plain(cursor.fetch_record_batch())

        yield ask


def _plain(reader: pa.RecordBatchReader) -> pa.RecordBatchReader:
    """The stream without extension types, which not all of Polars takes: a numeric is text with all its digits."""
    types = {field.name: field.type for field in reader.schema}
    return reader.cast(
        pa.schema(
            (name, kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind)
            for name, kind in types.items()
        )
    )


@contextlib.contextmanager
def _duckdb(path: str) -> Iterator[Ask]:
    import duckdb

    with duckdb.connect(path, read_only=True) as connection:
        connection.begin()
        yield lambda query: connection.sql(query).to_arrow_reader(BATCH)


@contextlib.contextmanager
def _sqlite(path: str) -> Iterator[Ask]:
    """SQLite's values have types, its columns do not: all are text, as they are in a file."""
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

        yield ask


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
    return bool(modules & {"adbc_driver_manager", "duckdb", "sqlite3"}) or isinstance(
        error, pa.ArrowException | OSError | pl.exceptions.PolarsError
    )


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    code = getattr(error, "sqlstate", None) or ""
    reason = next((said for start, said in SQLSTATES.items() if code.startswith(start)), None) if code else None
    reason = reason or next((said for words, said in PHRASES.items() if re.search(words, str(error), re.I)), None)
    named = f"{type(error).__name__}{f', SQLSTATE {code}' if code else ''}"
    return f"{reason} ({named})" if reason else f"the database failed ({named}); its own log says why"
