"""SQL Server as a source: what has no like in a file is written as text by the server, the rest comes as it is."""

import contextlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import polars as pl
import pyarrow as pa

from carti_lake.pull.database import NO_SCALAR, Database, Kind, Read, quoted, written
from carti_lake.pull.secrets import SourceError
from carti_lake.sources.frames import spooled

if TYPE_CHECKING:
    from mssql_python import Cursor

BATCH = 8_192
#: Seconds until a server that does not answer is given up.
PATIENCE = 30
#: What an address may say behind a question mark, and what the driver calls it.
OPTIONS = {
    "encrypt": "Encrypt",
    "trust_server_certificate": "TrustServerCertificate",
    "server_certificate": "ServerCertificate",
    "hostname_in_certificate": "HostnameInCertificate",
    "application_intent": "ApplicationIntent",
    "multi_subnet_failover": "MultiSubnetFailover",
}
#: Whether a transaction may see one state of the database, and whether a statement does.
STATES = "SELECT snapshot_isolation_state, is_read_committed_snapshot_on FROM sys.databases WHERE name = DB_NAME()"
SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL SNAPSHOT"


_WHOLE, _FLOAT, _TEXT = Kind(pl.Int64()), Kind(pl.Float64()), Kind(pl.String())
_BYTES = Kind(NO_SCALAR, "CONVERT(varchar(max), CAST({0} AS varbinary(max)), 2)")
#: Types by ODBC's numbers. Styles of CONVERT depend on no language: 23 and 126 are ISO 8601, 2 is hexadecimal digits.
KINDS = {
    **dict.fromkeys((-6, 5, 4, -5), _WHOLE),
    -7: Kind(pl.Boolean()),
    **dict.fromkeys((6, 7, 8), _FLOAT),
    **dict.fromkeys((91, 9), Kind(pl.Date(), "CONVERT(char(10), {0}, 23)")),
    **dict.fromkeys((93, 11), Kind(pl.Datetime("us"), "CONVERT(varchar(33), {0}, 126)")),
    -155: Kind(
        pl.Datetime("us", "UTC"),
        "CONVERT(varchar(33), CAST(SWITCHOFFSET({0}, '+00:00') AS datetime2(7)), 126) + 'Z'",
    ),
    **dict.fromkeys((-154, 92), Kind(NO_SCALAR, "CONVERT(varchar(16), {0}, 121)")),
    -11: Kind(pl.String(), "CONVERT(char(36), {0})"),
    **dict.fromkeys((-2, -3, -4, -151), _BYTES),
    -152: Kind(pl.String(), "CONVERT(nvarchar(max), {0})"),
    -150: Kind(pl.String(), "CONVERT(nvarchar(4000), {0})"),
}
DECIMALS = (2, 3)
#: The literals that a moment or a day is compared as.
LITERALS: dict[pl.DataType, str] = {
    pl.Date(): "date",
    pl.Datetime("us"): "datetime2(7)",
    pl.Datetime("us", "UTC"): "datetimeoffset(7)",
}


@contextlib.contextmanager
def sqlserver(uri: str) -> Iterator[Database]:
    """The server at a URI, in one transaction that is never committed, and sees one state of it if it may."""
    import mssql_python

    # A connection that another pull has left would be in that pull's transaction.
    mssql_python.pooling(enabled=False)
    connection = mssql_python.connect(_connecting(uri), autocommit=True, timeout=PATIENCE)
    with contextlib.closing(connection), connection.cursor() as cursor:
        snapshot, by_statement = cursor.execute(STATES).fetchone() or (0, False)
        if snapshot == 1:
            cursor.execute(SNAPSHOT)
        connection.autocommit = False
        yield Database(
            partial(_types, cursor),
            partial(_read, cursor),
            literal=_literal,
            steady=snapshot == 1 or bool(by_statement),
        )
        connection.rollback()


def _connecting(uri: str) -> str:
    """What the driver connects by; its own defaults are to encrypt, and to check the server's certificate."""
    parts = urlsplit(uri)
    options = dict(parse_qsl(parts.query))
    if unknown := sorted(options.keys() - OPTIONS.keys()):
        raise SourceError(f"An address of SQL Server has no option {', '.join(unknown)}, only {', '.join(OPTIONS)}.")
    said = {
        "Server": f"tcp:{parts.hostname},{parts.port or 1433}",
        "Database": unquote(parts.path.strip("/")),
        "UID": unquote(parts.username or ""),
        "PWD": unquote(parts.password or ""),
        # Whoever pulls tries again, when it suits.
        "ConnectRetryCount": "0",
        **{OPTIONS[key]: value for key, value in options.items()},
    }
    return ";".join(f"{key}={{{value.replace('}', '}}')}}}" for key, value in said.items())


def _kinds(cursor: "Cursor", query: str) -> dict[str, Kind]:
    """How each column of a query is taken; the driver's description alone does not tell moments with a zone apart."""
    cursor.execute(f"SELECT * FROM ({query}\n) taken WHERE 1 = 0")
    found = {}
    for (name, _, _, _, _, scale, _), code in _columns(cursor):
        if code in DECIMALS:
            found[name] = Kind(pl.Float64() if scale else pl.Int64(), "CONVERT(varchar(41), {0})")
        else:
            found[name] = KINDS.get(code, _TEXT)
    return found


def _columns(cursor: "Cursor") -> Iterator[tuple[tuple[Any, ...], int]]:
    described: list[tuple[Any, ...]] = cursor.description or []
    # The driver takes it for None until a query has run.
    codes: Any = cursor._column_sql_types
    return zip(described, codes or [], strict=True)


def _types(cursor: "Cursor", query: str) -> pl.Schema:
    return pl.Schema({name: kind.dtype for name, kind in _kinds(cursor, query).items()})


def _read(cursor: "Cursor", query: str, folder: Path, order: str | None) -> Read:
    cells = {name: kind.written for name, kind in _kinds(cursor, query).items()}
    cursor.execute(written(query, cells, order))

    def batches() -> Iterator[pa.RecordBatch]:
        while (batch := cursor.arrow_batch(BATCH)).num_rows > 0:
            yield batch

    # The driver's own reader ends as soon as nobody holds it, though its stream be held: as if there were no rows.
    stream = pa.RecordBatchReader.from_batches(cursor.arrow_batch(0).schema, batches())
    return Read(spooled(pl.scan_arrow_c_stream(stream), folder))


def _literal(value: str, dtype: pl.DataType) -> str:
    if value.lstrip("-").isdecimal():
        return value
    kind = LITERALS.get(dtype)
    return f"CAST('{value}' AS {kind})" if kind else quoted(value, "'")
