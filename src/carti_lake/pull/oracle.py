"""Oracle as a source: numbers, days, moments and intervals as the server writes them, to the digit; text as it is."""

import contextlib
import re
from collections.abc import Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import polars as pl
import pyarrow as pa

from carti_lake.pull.database import NO_SCALAR, Database, Kind, Read, literal, written
from carti_lake.pull.secrets import SourceError
from carti_lake.sources.frames import spooled

if TYPE_CHECKING:
    from oracledb import Connection, Cursor, FetchInfo

BATCH = 10_000
#: Seconds until a server that does not answer is given up.
PATIENCE = 30
#: What an address may say behind a question mark.
OPTIONS = {"protocol", "wallet_location", "ssl_server_cert_dn"}
SNAPSHOT = "SET TRANSACTION READ ONLY"
#: Whatever the place of the server and of the session.
SESSION = "ALTER SESSION SET NLS_NUMERIC_CHARACTERS = '.,' TIME_ZONE = '+00:00'"
MOMENT = 'YYYY-MM-DD"T"HH24:MI:SS'
#: A day of Oracle has a time, to the second.
DAY = pl.Datetime("ms")


_TEXT, _BYTES = Kind(pl.String()), Kind(NO_SCALAR)
_INTERVAL = Kind(NO_SCALAR, "TO_CHAR({0})")
_ZONED = Kind(pl.Datetime("us", "UTC"), f"TO_CHAR(SYS_EXTRACT_UTC({{0}}), '{MOMENT}.FF\"Z\"')")
#: By the names of the driver's types.
KINDS = {
    **dict.fromkeys(("CHAR", "NCHAR", "VARCHAR", "NVARCHAR", "LONG", "LONG_NVARCHAR", "CLOB", "NCLOB"), _TEXT),
    **dict.fromkeys(("ROWID", "UROWID"), Kind(pl.String(), "CAST({0} AS VARCHAR2(4000))")),
    **dict.fromkeys(("RAW", "LONG_RAW", "BLOB"), _BYTES),
    **dict.fromkeys(("BINARY_DOUBLE", "BINARY_FLOAT"), Kind(pl.Float64())),
    **dict.fromkeys(("INTERVAL_DS", "INTERVAL_YM"), _INTERVAL),
    **dict.fromkeys(("TIMESTAMP_TZ", "TIMESTAMP_LTZ"), _ZONED),
    "BINARY_INTEGER": Kind(pl.Int64()),
    "BOOLEAN": Kind(pl.Boolean()),
    "DATE": Kind(DAY, f"TO_CHAR({{0}}, '{MOMENT}')"),
    "TIMESTAMP": Kind(pl.Datetime("us"), f"TO_CHAR({{0}}, '{MOMENT}.FF')"),
    "JSON": Kind(pl.String(), "JSON_SERIALIZE({0} RETURNING CLOB)"),
    "XMLTYPE": Kind(pl.String(), "XMLSERIALIZE(CONTENT {0} AS CLOB)"),
}
NUMBER = "TO_CHAR({0}, 'TM9')"


@contextlib.contextmanager
def oracle(uri: str) -> Iterator[Database]:
    """The server at a URI, as one read-only transaction that sees one state of it."""
    import oracledb

    parts = urlsplit(uri)
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    if unknown := sorted(options.keys() - OPTIONS):
        raise SourceError(
            f"An address of Oracle has no option {', '.join(unknown)}, only {', '.join(sorted(OPTIONS))}."
        )
    connection = oracledb.connect(
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        host=parts.hostname,
        port=parts.port or 1521,
        service_name=unquote(parts.path.strip("/")),
        tcp_connect_timeout=PATIENCE,
        **options,
    )
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute(SESSION)
        cursor.execute(SNAPSHOT)
        yield Database(partial(_types, cursor), partial(_read, connection, cursor), literal=_literal, fold=_fold)


def _kinds(cursor: "Cursor", query: str) -> dict[str, Kind]:
    """How each column of a query is taken.

    Raises
    ------
    SourceError
        One is of a type that has no text: an object, a vector, a file of the server.
    """
    cursor.execute(f"SELECT * FROM ({query}\n) taken WHERE 1 = 0")
    return {column.name: _kind(column) for column in cursor.description or []}


def _kind(column: "FetchInfo") -> Kind:
    said = column.type_code.name.removeprefix("DB_TYPE_")
    if said == "NUMBER":
        return Kind(pl.Int64() if column.scale == 0 and column.precision else pl.Float64(), NUMBER)
    if said not in KINDS:
        raise SourceError(
            f'The column "{column.name}" is of type {said}, which is not read. Leave it out, or cast it in a query.'
        )
    return KINDS[said]


def _types(cursor: "Cursor", query: str) -> pl.Schema:
    return pl.Schema({name: kind.dtype for name, kind in _kinds(cursor, query).items()})


def _read(connection: "Connection", cursor: "Cursor", query: str, folder: Path, order: str | None) -> Read:
    kinds = _kinds(cursor, query)
    asked = written(query, {name: kind.written for name, kind in kinds.items()}, order)
    # The driver's own types vary with what it finds: of each column, one.
    schema = pa.schema([(name, _arrow(kind)) for name, kind in kinds.items()])

    frames = connection.fetch_df_batches(asked, size=BATCH)
    # What the server refuses is known with the first; it always comes, even where there is no row.
    first = next(frames)

    def batches() -> Iterator[pa.RecordBatch]:
        for frame in chain([first], frames):
            if (table := pa.table(frame)).num_rows:
                yield from table.rename_columns(schema.names).cast(schema).to_batches()

    rows = pl.scan_arrow_c_stream(pa.RecordBatchReader.from_batches(schema, batches()))
    # The server leaves out the zero before a point.
    numbers = [pl.col(name).str.replace(r"^(-?)\.", "${1}0.") for name, kind in kinds.items() if kind.written == NUMBER]
    return Read(spooled(rows.with_columns(*numbers, *_digits(kinds)), folder))


def _arrow(kind: Kind) -> pa.DataType:
    if kind == _BYTES:
        return pa.large_binary()
    if kind.written != "{0}" or kind.dtype == pl.String:
        return pa.large_string()
    return {pl.Boolean(): pa.bool_(), pl.Int64(): pa.int64()}.get(kind.dtype, pa.float64())


def _digits(kinds: dict[str, Kind]) -> list[pl.Expr]:
    return [pl.col(name).bin.encode("hex").str.to_uppercase() for name, kind in kinds.items() if kind == _BYTES]


def _literal(value: str, dtype: pl.DataType) -> str:
    if dtype not in (DAY, pl.Datetime("us"), pl.Datetime("us", "UTC")):
        return literal(value)
    moment = value.replace("T", " ")
    if dtype == DAY:
        # Compared with a moment, each day would be made one, and no index be of use.
        return f"TO_DATE('{moment[:19]}', 'YYYY-MM-DD HH24:MI:SS')"
    zoned = re.sub(r"([+-]\d\d:\d\d)$", r" \1", moment)
    return f"TIMESTAMP '{zoned}'"


def _fold(name: str) -> str:
    """A name in small letters is what Oracle makes of it, in capitals; any other is as it is written."""
    return name.upper() if name.islower() else name
