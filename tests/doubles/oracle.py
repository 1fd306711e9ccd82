"""What python-oracledb documents of its interface, over a database of DuckDB: Oracle's own protocol is not public.

Statements are read as Oracle's SQL and written anew for DuckDB. Types, errors and data frames are the driver's own;
what its thin mode does on the wire, and what a server makes of a statement, are not in this double.
"""

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import duckdb
import oracledb
import pyarrow as pa
import pyarrow.compute as pc
import sqlglot
from oracledb.dataframe import DataFrame
from oracledb.errors import _Error
from sqlglot import exp

REAL = oracledb.connect
KINDS = {
    "BIGINT": (oracledb.DB_TYPE_NUMBER, 0, -127),
    "DOUBLE": (oracledb.DB_TYPE_BINARY_DOUBLE, None, None),
    "TIMESTAMP_S": (oracledb.DB_TYPE_DATE, None, None),
    "TIMESTAMP": (oracledb.DB_TYPE_TIMESTAMP, 0, 6),
    "TIMESTAMP WITH TIME ZONE": (oracledb.DB_TYPE_TIMESTAMP_TZ, 0, 6),
    "INTERVAL": (oracledb.DB_TYPE_INTERVAL_DS, 0, 6),
    "VARCHAR": (oracledb.DB_TYPE_VARCHAR, None, None),
    "JSON": (oracledb.DB_TYPE_CLOB, None, None),
    "BLOB": (oracledb.DB_TYPE_RAW, None, None),
    "BOOLEAN": (oracledb.DB_TYPE_BOOLEAN, None, None),
    "UUID": (oracledb.DB_TYPE_OBJECT, None, None),
}
FORMATS = {"YYYY": "%Y", "MM": "%m", "DD": "%d", "HH24": "%H", "MI": "%M", "SS": "%S", "FF": "%f", '"': ""}
#: A number as TM9 has it: no zeros that say nothing, not even the one before the point.
TM9 = "regexp_replace(rtrim(regexp_replace(CAST({0} AS TEXT), '(\\.[0-9]*?)0+$', '\\1'), '.'), '^(-?)0\\.', '\\1.')"


def refused(code: str, message: str) -> Exception:
    return oracledb.DatabaseError(_Error(f"{code}: {message}", code=int(code.partition("-")[2])))


@dataclass
class Double:
    """The server: its database, and whom it lets in."""

    database: duckdb.DuckDBPyConnection
    user: str
    password: str
    statements: list[str] = field(default_factory=list)
    refuses: dict[str, Exception] = field(default_factory=dict)

    def connect(self, **said: Any) -> "Connection":
        """As ``oracledb.connect``."""
        inspect.signature(REAL).bind(**said)
        if said["service_name"] != "ehr":
            raise refused("DPY-6001", "Service is not registered with the listener.")
        if (said["user"], said["password"]) != (self.user, self.password):
            raise refused("ORA-01017", f"invalid credential or not authorized; logon denied {said['password']}")
        return Connection(self)


class Connection:
    """A connection, which is one transaction here."""

    def __init__(self, double: Double) -> None:
        self.double, self.duck = double, double.database.cursor()

    def cursor(self) -> "Cursor":
        return Cursor(self)

    def close(self) -> None:
        self.duck.close()

    def run(self, sql: str) -> duckdb.DuckDBPyRelation | None:
        self.double.statements.append(sql)
        if re.match(r"ALTER SESSION SET NLS_NUMERIC_CHARACTERS = '\.,' TIME_ZONE = '\+00:00'$", sql):
            return None
        if sql == "SET TRANSACTION READ ONLY":
            self.duck.begin()
            return None
        for words, error in self.double.refuses.items():
            if re.search(words, sql):
                raise error
        written = transpiled(sql)
        try:
            return self.duck.sql(written)
        except duckdb.CatalogException as error:
            raise refused("ORA-00942", "table or view does not exist") from error
        except duckdb.BinderException as error:
            raise refused("ORA-00904", str(error)) from error

    def fetch_df_batches(self, statement: str, *, size: int) -> Iterator[DataFrame | pa.Table]:
        found = self.run(statement)
        assert found is not None
        reader = found.to_arrow_reader(size)
        some = False
        for batch in reader:
            some = True
            yield DataFrame._from_arrow(_nothing_is_null(pa.Table.from_batches([batch])))
        if not some:
            # The driver makes no frame of its own out of nothing.
            yield reader.schema.empty_table()


class Cursor:
    """A cursor, of which a pull reads only what a query's columns are."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.description: list[Any] | None = None

    def __enter__(self) -> "Cursor":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def execute(self, sql: str) -> None:
        found = self.connection.run(sql)
        columns = zip(found.columns, found.types, strict=True) if found is not None else []
        self.description = [SimpleNamespace(name=name, **_type(str(kind))) for name, kind in columns]


def transpiled(sql: str) -> str:
    """A statement of Oracle's SQL, as DuckDB has it."""
    try:
        tree = sqlglot.parse_one(sql, read="oracle")
    except sqlglot.errors.SqlglotError as error:
        raise refused("ORA-00900", "invalid SQL statement") from error
    if re.search(r"(\)|\")\s+AS\s+taken\b|\blimit\b|::", sql, re.I):
        raise refused("ORA-00933", "SQL command not properly ended")
    for name in tree.find_all(exp.Identifier):
        if name.quoted and name.name != name.name.upper():
            raise refused("ORA-00942" if isinstance(name.parent, exp.Table) else "ORA-00904", "no such name")
        if not name.quoted:
            name.set("this", name.name.upper())
    for node in reversed([*tree.walk()]):
        if (anew := _for_duckdb(node)) is not node:
            node.replace(anew)
    return tree.sql("duckdb")


def _for_duckdb(node: exp.Expression) -> exp.Expression:
    if isinstance(node, exp.ToChar):
        said = node.args.get("format")
        if said is None:
            return exp.cast(node.this, "text")
        if said.name == "TM9":
            return sqlglot.parse_one(TM9.format(node.this.sql("duckdb")), read="duckdb")
        pattern = said.name
        for oracle, duck in FORMATS.items():
            pattern = pattern.replace(oracle, duck)
        return exp.Anonymous(this="strftime", expressions=[node.this, exp.Literal.string(pattern)])
    if isinstance(node, exp.Anonymous) and node.name.upper() == "SYS_EXTRACT_UTC":
        return exp.Anonymous(this="timezone", expressions=[exp.Literal.string("UTC"), node.expressions[0]])
    if isinstance(node, exp.StrToTime | exp.StrToDate):
        zoned = re.search(r" [+-]\d\d:\d\d$", node.this.name)
        moment = exp.Literal.string(re.sub(r" (?=[+-])", "", node.this.name))
        return exp.cast(moment, "timestamptz" if zoned else "timestamp")
    return node


def _type(kind: str) -> dict[str, Any]:
    if kind.startswith("DECIMAL"):
        precision, scale = map(int, re.findall(r"\d+", kind))
        return {"type_code": oracledb.DB_TYPE_NUMBER, "precision": precision, "scale": scale}
    code, precision, scale = KINDS[kind]
    return {"type_code": code, "precision": precision, "scale": scale}


def _nothing_is_null(table: pa.Table) -> pa.Table:
    """An empty text is no value, as in Oracle."""
    columns = [
        pc.if_else(pc.equal(column, ""), pa.scalar(None, column.type), column)
        if pa.types.is_string(column.type)
        else column
        for column in table.columns
    ]
    return pa.Table.from_arrays(columns, table.schema.names)
