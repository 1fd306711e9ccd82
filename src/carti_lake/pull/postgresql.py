"""PostgreSQL as a source: its rows come by COPY, as they would in a file, with all their digits."""

import contextlib
from collections.abc import Iterator
from errno import EPIPE
from functools import partial
from operator import itemgetter
from pathlib import Path
from select import select
from typing import IO, TYPE_CHECKING

import polars as pl

from carti_lake.pull.database import NO_SCALAR, Database, Read, of_lines, ordered

if TYPE_CHECKING:
    from psycopg import Connection, Cursor
    from psycopg.pq.abc import PGconn, PGresult

#: How the session writes moments, and that it changes nothing.
SESSION = "SET TIME ZONE 'UTC'; SET datestyle = 'ISO'; SET intervalstyle = 'postgres'; SET bytea_output = 'hex'"
#: What the driver gives behind the last row.
END = (-1, b"")
TYPES: dict[str, pl.DataType] = {
    **dict.fromkeys(("int2", "int4", "int8", "oid"), pl.Int64()),
    **dict.fromkeys(("float4", "float8", "numeric", "money"), pl.Float64()),
    **dict.fromkeys(("bytea", "interval", "time", "timetz"), NO_SCALAR),
    "bool": pl.Boolean(),
    "date": pl.Date(),
    "timestamp": pl.Datetime("us"),
    "timestamptz": pl.Datetime("us", "UTC"),
}


@contextlib.contextmanager
def postgresql(uri: str) -> Iterator[Database]:
    """The server at a URI, as one read-only transaction that sees one state of it."""
    import psycopg

    connection = psycopg.connect(uri, client_encoding="utf8", autocommit=True)
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute(SESSION)
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield Database(lambda query: _types(connection, cursor, query), partial(_copied, connection))


def _types(connection: "Connection", cursor: "Cursor", query: str) -> pl.Schema:
    cursor.execute(f"SELECT * FROM ({query}) taken LIMIT 0".encode())
    known = connection.adapters.types
    found = {}
    for column in cursor.description or ():
        info = known.get(column.type_code)
        # The registry knows a list by its element's name.
        is_list = info is not None and info.oid != column.type_code
        found[column.name] = NO_SCALAR if is_list else TYPES.get(info.name if info else "", pl.String())
    return pl.Schema(found)


def _copied(connection: "Connection", query: str, folder: Path, order: str | None) -> Read:
    """The rows as text, from the file that the server writes them into."""
    path = folder / "rows.csv"
    with path.open("wb") as file:
        rows = _copy(connection.pgconn, f"COPY ({ordered(query, order)}) TO STDOUT (FORMAT csv, HEADER)", file)
    return of_lines(path, rows)


def _copy(connection: "PGconn", query: str, file: IO[bytes]) -> int:
    """Write what a COPY gives; gives the rows that the server has counted.

    The cursor's own way goes through three calls of Python for each row.
    """
    from psycopg.errors import error_from_result
    from psycopg.pq import ExecStatus

    result: PGresult | None = connection.exec_(query.encode())
    if result is not None and result.status == ExecStatus.COPY_OUT:
        # Until the server begins to write, an interruption is heard; from then on a row is no call of Python.
        while (first := connection.get_copy_data(1))[0] == 0:
            select([connection.socket], [], [])
            connection.consume_input()
        if first[0] > 0:
            file.write(first[1])
            file.writelines(map(itemgetter(1), iter(partial(connection.get_copy_data, 0), END)))
        result = connection.get_result()
        # The connection takes no other command before it has said that there is no more.
        while connection.get_result() is not None:
            pass
    if result is None or result.status != ExecStatus.COMMAND_OK:
        raise error_from_result(result) if result else BrokenPipeError(EPIPE, "the connection broke")
    return result.command_tuples or 0
