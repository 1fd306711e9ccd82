"""A server that speaks TDS 7.4 as Microsoft's document MS-TDS has it, over a database of DuckDB.

Statements are read as T-SQL and written anew for DuckDB; what is no T-SQL, or is refused by SQL Server in a bracket,
fails with the number that SQL Server gives it. It knows no procedures and no parameters.
"""

import re
import socketserver
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp

BATCH, REPLY, LOGIN, PRELOGIN, ATTENTION = 0x01, 0x04, 0x10, 0x12, 0x06
ENCRYPT_ON, ENCRYPT_NOT_SUPPORTED = 1, 2
PACKET = 4096
#: Latin1_General, as a server that was installed with the usual choices has it.
COLLATION = bytes.fromhex("0904d00034")
STYLES = {126: "%Y-%m-%dT%H:%M:%S.%f", 23: "%Y-%m-%d"}
#: What the server says of itself, and no statement of a user's.
SETTINGS = re.compile(r"\s*SET\s+(?!TRANSACTION)", re.I)
SNAPSHOT = re.compile(r"\s*SET TRANSACTION ISOLATION LEVEL SNAPSHOT", re.I)
ROLLBACK = re.compile(r"ROLLBACK|COMMIT", re.I)


class Refused(Exception):
    """What the server answers in the place of rows."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number = number


@dataclass
class Double:
    """The server: its address, its database, and whom it lets in."""

    database: duckdb.DuckDBPyConnection
    user: str
    password: str
    port: int = 0
    snapshot: bool = True
    by_statement: bool = False
    certificate: ssl.SSLContext | None = None
    #: Errors for statements that match, as a server has them whose user may not do everything.
    refuses: dict[str, Refused] = field(default_factory=dict)
    statements: list[str] = field(default_factory=list)

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """What an application of the server's does, in DuckDB's own words."""
        with self.database.cursor() as cursor:
            return cursor.execute(sql).fetchall()


@contextmanager
def served(double: Double) -> Iterator[Double]:
    """The server on loopback."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(ConnectionError, ssl.SSLError):
                _Session(self.request, double).talk()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    double.database.execute("CREATE SCHEMA IF NOT EXISTS sys")
    double.database.execute("CREATE OR REPLACE MACRO db_name() AS 'ehr'")
    double.database.execute(
        "CREATE OR REPLACE TABLE sys.databases AS SELECT 'ehr' AS name, "
        f"{int(double.snapshot)}::utinyint AS snapshot_isolation_state, "
        f"{double.by_statement}::boolean AS is_read_committed_snapshot_on"
    )
    with Server(("127.0.0.1", 0), Handler) as server:
        double.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield double
        finally:
            server.shutdown()
            thread.join()


class _Session:
    """One connection, from the first packet on."""

    def __init__(self, socket: Any, double: Double) -> None:
        self.socket, self.double = socket, double
        self.tls: tuple[ssl.SSLObject, ssl.MemoryBIO, ssl.MemoryBIO] | None = None
        self.cursor = double.database.cursor()
        self.snapshot = False
        self.open = False

    def talk(self) -> None:
        kind, asked = self.message()
        assert kind == PRELOGIN
        self.reply(_prelogin(self.double.certificate is not None))
        if self.double.certificate is not None:
            self.shake_hands(self.double.certificate)
        kind, asked = self.message()
        assert kind == LOGIN
        user, password, database = _login(asked)
        if (user, password) != (self.double.user, self.double.password):
            self.reply(_error(18456, f"Login failed for user '{user}'.") + _done(2))
            return
        if database != "ehr":
            message = f'Cannot open database "{database}" requested by the login. The login failed.'
            self.reply(_error(4060, message) + _error(18456, f"Login failed for user '{user}'.") + _done(2))
            return
        self.reply(_accepted())
        while True:
            kind, asked = self.message()
            if kind == BATCH:
                self.reply(self.answer(asked[struct.unpack_from("<I", asked)[0] :].decode("utf-16-le")))
            elif kind == ATTENTION:
                self.reply(_done(0x20))
            else:
                self.reply(_done(0))

    def answer(self, sql: str) -> bytes:
        """The tokens that a batch is answered with."""
        self.double.statements.append(sql)
        if SNAPSHOT.match(sql):
            self.snapshot = True
            return _done(0)
        if ROLLBACK.search(sql) and "SELECT" not in sql.upper():
            if self.open:
                self.cursor.rollback()
            self.open = False
            return _done(0)
        if SETTINGS.match(sql):
            return _done(0)
        try:
            for words, refused in self.double.refuses.items():
                if re.search(words, sql, re.I):
                    raise refused
            written = transpiled(sql)
            if self.snapshot and not self.open:
                self.cursor.begin()
                self.open = True
            return self.rows(written)
        except Refused as refused:
            return _error(refused.number, str(refused)) + _done(2)
        except duckdb.Error as error:
            number = next((number for kind, number in NUMBERS.items() if isinstance(error, kind)), 50000)
            if self.open:
                # DuckDB gives a transaction up at the first error.
                self.cursor.rollback()
                self.cursor.begin()
            return _error(number, str(error)) + _done(2)

    def rows(self, sql: str) -> bytes:
        self.cursor.execute(sql)
        kinds = [_type(str(kind)) for _, kind, *_ in self.cursor.description]
        names = [name for name, *_ in self.cursor.description]
        said = [b"\x81", struct.pack("<H", len(names))]
        for name, (info, _) in zip(names, kinds, strict=True):
            said += [struct.pack("<IH", 0, 1), info, _short(name)]
        count = 0
        for row in self.cursor.fetchall():
            count += 1
            said += [b"\xd1", *(value(one) for one, (_, value) in zip(row, kinds, strict=True))]
        return b"".join(said) + _done(0x10, count)

    def message(self) -> tuple[int, bytes]:
        """A client's message, of however many packets."""
        whole = b""
        while True:
            kind, status, length = struct.unpack(">BBH", self.take(4))
            self.take(4)
            whole += self.take(length - 8) if length > 8 else b""
            if status & 1:
                return kind, whole

    def reply(self, tokens: bytes) -> None:
        parts = [tokens[start : start + PACKET - 8] for start in range(0, len(tokens), PACKET - 8)]
        self.give(
            b"".join(
                struct.pack(">BBHHBB", REPLY, number == len(parts), len(part) + 8, 0, number % 256, 0) + part
                for number, part in enumerate(parts, 1)
            )
        )

    def take(self, count: int) -> bytes:
        if self.tls is None:
            return self.received(count)
        taken = b""
        while len(taken) < count:
            try:
                taken += self.tls[0].read(count - len(taken))
            except ssl.SSLWantReadError:
                self.tls[1].write(self.received(0))
        return taken

    def give(self, data: bytes) -> None:
        if self.tls is None:
            self.socket.sendall(data)
        else:
            self.tls[0].write(data)
            self.socket.sendall(self.tls[2].read())

    def received(self, count: int) -> bytes:
        """So many bytes from the wire; with none asked for, what there is."""
        taken = b""
        while len(taken) < count or not taken:
            more = self.socket.recv(count - len(taken) if count else 65536)
            if not more:
                raise ConnectionError
            taken += more
        return taken

    def shake_hands(self, context: ssl.SSLContext) -> None:
        """TLS, whose handshake is wrapped in packets of PRELOGIN."""
        into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(into, out, server_side=True)
        while True:
            try:
                tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                done = False
            if said := out.read():
                self.socket.sendall(struct.pack(">BBHHBB", PRELOGIN, 1, len(said) + 8, 0, 1, 0) + said)
            if done:
                break
            into.write(self.message()[1])
        self.tls = (tls, into, out)


def transpiled(sql: str) -> str:
    """A statement of T-SQL, as DuckDB has it."""
    try:
        (tree,) = [one for one in sqlglot.parse(sql, read="tsql") if one is not None]
    except (sqlglot.errors.SqlglotError, ValueError) as error:
        raise Refused(102, f"Incorrect syntax near {sql[:30]!r}.") from error
    if re.search(r"\blimit\b|::|\btrue\b|\bfalse\b|\bilike\b", sql, re.I):
        raise Refused(102, "Incorrect syntax near 'LIMIT'.")
    for inner in tree.find_all(exp.Subquery):
        query = inner.this
        if isinstance(query, exp.Query) and query.args.get("with_") is not None:
            raise Refused(156, "Incorrect syntax near the keyword 'WITH'.")
        if query.args.get("order") is not None and query.args.get("limit") is None:
            raise Refused(1033, "The ORDER BY clause is invalid in views, inline functions, derived tables.")
        if isinstance(query, exp.Select) and isinstance(inner.parent, exp.From):
            if any(not one.alias_or_name and not isinstance(one, exp.Star) for one in query.selects):
                raise Refused(8155, "No column name was specified for column 1 of 'taken'.")
            names = [one.alias_or_name.lower() for one in query.selects if one.alias_or_name != "*"]
            if len(names) != len({*names}):
                raise Refused(8156, "The column was specified multiple times for 'taken'.")
    # What is within first: a node that is written anew takes its parts along.
    for node in reversed([*tree.walk()]):
        if (anew := _for_duckdb(node)) is not node:
            node.replace(anew)
    return tree.sql("duckdb")


def _for_duckdb(node: exp.Expression) -> exp.Expression:
    if isinstance(node, exp.Convert):
        style = node.args.get("style")
        value = node.expression
        if style is not None and int(style.name) in STYLES:
            return exp.func("strftime", value, exp.Literal.string(STYLES[int(style.name)]), dialect="duckdb")
        if style is not None and int(style.name) == 2:
            return exp.Anonymous(this="hex", expressions=[value])
        return exp.cast(value, node.this)
    if isinstance(node, exp.Cast) and node.to.this == exp.DType.VARBINARY:
        return node.this
    if isinstance(node, exp.DataType) and node.this in SIZED:
        known = {exp.DType.DATETIME2: exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ: exp.DType.TIMESTAMPTZ}
        return exp.DataType(this=known.get(node.this, exp.DType.VARCHAR))
    if isinstance(node, exp.Anonymous) and node.name.upper() == "SWITCHOFFSET":
        return exp.Anonymous(this="timezone", expressions=[exp.Literal.string("UTC"), node.expressions[0]])
    if isinstance(node, exp.Add) and isinstance(node.expression, exp.Literal) and node.expression.is_string:
        return exp.DPipe(this=node.this, expression=node.expression)
    return node


#: Types whose size DuckDB does not take.
SIZED = (exp.DType.DATETIME2, exp.DType.TIMESTAMPTZ, exp.DType.VARCHAR, exp.DType.NVARCHAR, exp.DType.CHAR)
NUMBERS: dict[type[duckdb.Error], int] = {
    duckdb.CatalogException: 208,
    duckdb.BinderException: 207,
    duckdb.ParserException: 102,
    duckdb.ConversionException: 241,
}


def _prelogin(encrypted: bool) -> bytes:
    options = {0: bytes([16, 0, 4, 1, 0, 0]), 1: bytes([ENCRYPT_ON if encrypted else ENCRYPT_NOT_SUPPORTED]), 4: b"\0"}
    place, head, body = 5 * len(options) + 1, b"", b""
    for token, value in options.items():
        head += struct.pack(">BHH", token, place + len(body), len(value))
        body += value
    return head + b"\xff" + body


def _login(data: bytes) -> tuple[str, str, str]:
    """User, password and database that a login names."""

    def text(place: int) -> bytes:
        start, count = struct.unpack_from("<HH", data, place)
        return data[start : start + 2 * count]

    password = bytes((byte ^ 0xA5) >> 4 | ((byte ^ 0xA5) & 0xF) << 4 for byte in text(44))
    return text(40).decode("utf-16-le"), password.decode("utf-16-le"), text(68).decode("utf-16-le")


def _accepted() -> bytes:
    name = "Microsoft SQL Server"
    said = b"\x01" + bytes.fromhex("74000004") + _short(name) + bytes([16, 0, 4, 1])
    size = b"\x04" + _short(str(PACKET)) + _short(str(PACKET))
    database = b"\x01" + _short("ehr") + _short("master")
    collation = b"\x07" + bytes([5]) + COLLATION + b"\0"
    changes = b"".join(b"\xe3" + struct.pack("<H", len(one)) + one for one in (database, collation, size))
    return changes + b"\xad" + struct.pack("<H", len(said)) + said + _done(0)


def _error(number: int, message: str) -> bytes:
    body = struct.pack("<IBB", number, 1, 14 if number == 18456 else 16)
    body += struct.pack("<H", len(message)) + message.encode("utf-16-le") + _short("double") + _short("")
    body += struct.pack("<I", 1)
    return b"\xaa" + struct.pack("<H", len(body)) + body


def _done(status: int, count: int = 0) -> bytes:
    return struct.pack("<BHHQ", 0xFD, status, 0xC1 if status & 0x10 else 0, count)


def _short(text: str) -> bytes:
    return bytes([len(text)]) + text.encode("utf-16-le")


Writer = Callable[[Any], bytes]


def _type(kind: str) -> tuple[bytes, Writer]:
    """How a type of DuckDB's is described, and how a value of it is written."""
    sizes = {"TINYINT": 2, "UTINYINT": 1, "SMALLINT": 2, "INTEGER": 4, "BIGINT": 8, "HUGEINT": 8}
    if kind in sizes:
        size = sizes[kind]
        return (
            bytes([0x26, size]),
            lambda value: (
                b"\0" if value is None else bytes([size]) + int(value).to_bytes(size, "little", signed=size > 1)
            ),
        )
    if kind == "BOOLEAN":
        return b"\x68\x01", lambda value: b"\0" if value is None else bytes([1, value])
    if kind in ("FLOAT", "DOUBLE"):
        return b"\x6d\x08", lambda value: b"\0" if value is None else b"\x08" + struct.pack("<d", value)
    if kind == "VARCHAR":
        return b"\xe7" + struct.pack("<H", 8000) + COLLATION, _text
    if kind == "JSON":
        return b"\xe7\xff\xff" + COLLATION, _long_text
    return _DESCRIBED[kind.partition("(")[0]](kind), _unwritten


def _decimal(kind: str) -> bytes:
    precision, scale = map(int, re.findall(r"\d+", kind))
    size = 5 if precision < 10 else 9 if precision < 20 else 13 if precision < 29 else 17
    return bytes([0x6A, size, precision, scale])


_DESCRIBED: dict[str, Callable[[str], bytes]] = {
    "DECIMAL": _decimal,
    "DATE": lambda kind: b"\x28",
    "TIME": lambda kind: b"\x29\x07",
    "TIMESTAMP": lambda kind: b"\x2a\x07",
    "TIMESTAMP WITH TIME ZONE": lambda kind: b"\x2b\x07",
    "UUID": lambda kind: b"\x24\x10",
    "BLOB": lambda kind: b"\xa5" + struct.pack("<H", 8000),
}


def _unwritten(value: Any) -> bytes:
    raise AssertionError("a value of this type is to be written as text by the server")


def _text(value: str | None) -> bytes:
    if value is None:
        return b"\xff\xff"
    data = value.encode("utf-16-le")
    return struct.pack("<H", len(data)) + data


def _long_text(value: str | None) -> bytes:
    if value is None:
        return b"\xff" * 8
    data = value.encode("utf-16-le")
    chunk = struct.pack("<I", len(data)) + data if data else b""
    return struct.pack("<Q", len(data)) + chunk + bytes(4)
