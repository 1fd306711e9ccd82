"""Databases, each as one function from a query to its rows; read only, in one transaction."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import polars as pl
import pyarrow as pa

from carti_lake.pull.database import Database, of_arrow
from carti_lake.pull.mysql import mysql
from carti_lake.pull.oracle import oracle
from carti_lake.pull.postgresql import postgresql
from carti_lake.pull.secrets import SourceError
from carti_lake.pull.sqlserver import sqlserver
from carti_lake.pull.words import is_of_a_database, reason

#: Rows of a batch where the driver does not choose.
BATCH = 50_000
SCHEMES = (
    "postgresql://USER@HOST/DATABASE, mysql://USER@HOST/DATABASE, sqlserver://USER@HOST/DATABASE, "
    "oracle://USER@HOST/SERVICE, sqlite:PATH, duckdb:PATH"
)
#: How a value of SQLite is read: bytes as hexadecimal digits.
NO_BYTES = "CASE typeof({0}) WHEN 'blob' THEN hex({0}) ELSE {0} END"
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
        ``postgresql://…``, ``mysql://…``, ``mariadb://…``, ``sqlserver://…``, ``oracle://…``, ``sqlite:PATH`` or
        ``duckdb:PATH``.
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
    if opener is None:
        raise SourceError(f"{name}: address is that of no database that can be read here: {SCHEMES}.")
    where = _with_password(address, password) if place.startswith("//") else str(folder / place)
    try:
        with opener(where) as database:
            yield database
    except (SourceError, ModuleNotFoundError):
        raise
    except Exception as error:
        if not is_of_a_database(error):
            raise
        raise SourceError(f"{name}: {reason(error)}.") from None


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
    **dict.fromkeys(("sqlserver", "mssql"), sqlserver),
    "oracle": oracle,
    "sqlite": _sqlite,
    "duckdb": _duckdb,
}


def _with_password(address: str, password: str | None) -> str:
    if password is None:
        return address
    parts = urlsplit(address)
    user, at, host = parts.netloc.rpartition("@")
    if not at:
        raise SourceError(f"A password needs a user: say {parts.scheme}://USER@HOST/….")
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))
