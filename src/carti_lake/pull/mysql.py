"""MySQL and MariaDB as sources: the server writes each row as a line of CSV, as PostgreSQL's COPY does.

A row is then one value to the driver, which makes an object of Python of each value.
"""

import contextlib
from collections.abc import Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import polars as pl

from carti_lake.pull.database import NO_SCALAR, Database, Read, of_lines, ordered, quoted
from carti_lake.pull.secrets import SourceError

if TYPE_CHECKING:
    from pymysql.cursors import SSCursor

BATCH = 50_000
QUOTE = "`"
SNAPSHOT = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
#: What an address may say behind a question mark.
OPTIONS = {"ssl_ca", "ssl_cert", "ssl_key", "unix_socket"}
#: The character set of bytes.
BINARY = 63


@contextlib.contextmanager
def mysql(uri: str) -> Iterator[Database]:
    """The server at a URI, as one read-only transaction that sees one state of it."""
    import pymysql
    from pymysql.cursors import SSCursor

    parts = urlsplit(uri)
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    if unknown := sorted(options.keys() - OPTIONS):
        raise SourceError(f"An address of MySQL has no option {', '.join(unknown)}, only {', '.join(sorted(OPTIONS))}.")
    if "ssl_ca" in options:
        options |= {"ssl_verify_cert": True, "ssl_verify_identity": True}
    connection = pymysql.connect(
        host=parts.hostname,
        port=parts.port or 3306,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=unquote(parts.path.strip("/")),
        charset="utf8mb4",
        use_unicode=False,
        cursorclass=SSCursor,
        connect_timeout=30,
        **options,
    )
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute("SET time_zone = '+00:00'")
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute(SNAPSHOT)
        yield Database(partial(_types, cursor), partial(_written, cursor), quote=QUOTE)


def _types(cursor: "SSCursor", query: str) -> pl.Schema:
    return pl.Schema({field.name: _type_of(field) for field in _fields(cursor, query)})


def _fields(cursor: "SSCursor", query: str) -> list[Any]:
    """What the server says of a query's columns; the cursor's own description does not tell text from bytes."""
    cursor.execute(f"SELECT * FROM ({query}) taken LIMIT 0")
    fields: list[Any] = cursor._result.fields
    cursor.fetchall()
    return fields


def _type_of(field: Any) -> pl.DataType:
    from pymysql.constants import FIELD_TYPE as KIND

    kinds: dict[int, pl.DataType] = {
        **dict.fromkeys((KIND.TINY, KIND.SHORT, KIND.INT24, KIND.LONG, KIND.LONGLONG, KIND.YEAR, KIND.BIT), pl.Int64()),
        **dict.fromkeys((KIND.FLOAT, KIND.DOUBLE, KIND.DECIMAL, KIND.NEWDECIMAL), pl.Float64()),
        **dict.fromkeys((KIND.DATE, KIND.NEWDATE), pl.Date()),
        **dict.fromkeys((KIND.DATETIME, KIND.TIMESTAMP), pl.Datetime("us")),
        **dict.fromkeys((KIND.TIME, KIND.GEOMETRY), NO_SCALAR),
    }
    return NO_SCALAR if _is_bytes(field) else kinds.get(field.type_code, pl.String())


def _is_bytes(field: Any) -> bool:
    from pymysql.constants import FIELD_TYPE as KIND

    of_bytes = (KIND.BLOB, KIND.TINY_BLOB, KIND.MEDIUM_BLOB, KIND.LONG_BLOB, KIND.STRING, KIND.VAR_STRING)
    return field.type_code in of_bytes and field.charsetnr == BINARY


def _written(cursor: "SSCursor", query: str, folder: Path, order: str | None) -> Read:
    """The rows as text, each a line that the server has written."""
    fields = _fields(cursor, query)
    cells = ", ',', ".join(_cell(field) for field in fields)
    # Ordered out here: of a query within another, MariaDB forgets the order.
    cursor.execute(ordered(f"SELECT CONCAT({cells}) FROM ({query}) taken", order, QUOTE))
    header = ",".join('"' + field.name.replace('"', '""') + '"' for field in fields) + "\n"
    path, count = folder / "rows.csv", 0
    with path.open("wb") as file:
        file.write(header.encode())
        while rows := cursor.fetchmany(BATCH):
            if (None,) in rows:
                raise SourceError(
                    "A row is longer than max_allowed_packet of the server: raise it, or read less of it."
                )
            file.write(b"\n".join(chain.from_iterable(rows)) + b"\n")
            count += len(rows)
    return of_lines(path, count)


def _cell(field: Any) -> str:
    """An expression that writes a value as CSV; bytes as hexadecimal digits, bits as a number."""
    from pymysql.constants import FIELD_TYPE

    name = quoted(field.name, QUOTE)
    if _is_bytes(field) or field.type_code == FIELD_TYPE.GEOMETRY:
        return f"IFNULL(HEX({name}), '')"
    text = f"CONVERT({name}{' + 0' if field.type_code == FIELD_TYPE.BIT else ''} USING utf8mb4)"
    return f"IF({name} IS NULL, '', CONCAT('\"', REPLACE({text}, '\"', '\"\"'), '\"'))"
