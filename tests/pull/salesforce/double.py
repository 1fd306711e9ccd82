"""A Salesforce org on loopback, after its public REST, Bulk API 2.0 and OAuth documents; it fails when it is told to.

It knows nothing of the client: objects are declared by fields, rows are put in, and SOQL is evaluated on them.
"""

import base64
import csv
import io
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import jwt

VERSION = re.compile(r"/services/data/v(\d+\.0)(/.*)?")
TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')|(?P<moment>\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:?\d\d))?)"
    r"|(?P<number>-?\d+(?:\.\d+)?)|(?P<word>[A-Za-z_][\w.]*)|(?P<sign><=|>=|!=|<>|[=<>(),]))"
)
#: Fields that every object has.
EVERY = {"Id": "id", "IsDeleted": "boolean", "CreatedDate": "datetime", "SystemModstamp": "datetime"}
#: What a reference to one of several objects can be asked for.
ANY = {"Id": "id", "Name": "string", "Type": "picklist"}


class Answered(Exception):
    """A fault has answered, or left off answering."""


class Refused(Exception):
    """An error as the API answers it."""

    def __init__(self, status: int, code: str, message: str = "refused") -> None:
        self.status, self.code, self.message = status, code, message
        super().__init__(code)


@dataclass
class Kind:
    """An object: types by field (``->A,B`` refers to others), and its rows by Id."""

    name: str
    prefix: str
    fields: dict[str, str]
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    bulk: bool = True


@dataclass
class Job:
    """A query job: its rows are those of the moment at which it was made."""

    id: str
    operation: str
    object: str
    header: list[str]
    rows: list[list[str]]
    created: datetime
    version: str
    looks: int
    state: str = "UploadComplete"


@dataclass
class Fault:
    """What goes wrong, at which kind of request, after how many that go right, and how often."""

    at: str
    what: str
    after: int = 0
    times: int = 1


def eighteen(fifteen: str) -> str:
    """The Id with the three signs that say which of its letters are capitals."""
    signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    parts = (fifteen[start : start + 5] for start in (0, 5, 10))
    return fifteen + "".join(signs[sum(one.isupper() << place for place, one in enumerate(part))] for part in parts)


@dataclass
class Org:
    """The double: objects, rows, who may sign in, and what is to go wrong."""

    clock: Callable[[], datetime]
    kinds: dict[str, Kind] = field(default_factory=dict)
    client_id: str = "3MVG9.app"
    client_secret: str = "secret-marked-4711"
    username: str = "lake@acme.example"
    public_key: str = ""
    page: int = 2000
    set_size: int = 100_000
    looks: int = 1
    faults: list[Fault] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    jobs: dict[str, Job] = field(default_factory=dict)
    cursors: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    address: str = ""
    says: str = ""
    header_in_each_set: bool = True
    number: int = 0
    lock: Any = field(default_factory=threading.RLock)

    def declare(self, name: str, prefix: str, **fields: str) -> None:
        self.kinds[name] = Kind(name, prefix, EVERY | fields)

    def id_of(self, kind: str, number: int) -> str:
        return eighteen(f"{self.kinds[kind].prefix}{number:012}".replace("0000000", "0000aBc"))

    def put(self, kind: str, number: int | str, modified: str, **values: Any) -> str:
        """Make or change a row; ``modified`` is its SystemModstamp."""
        with self.lock:
            key = number if isinstance(number, str) else self.id_of(kind, number)
            moment = datetime.fromisoformat(modified).replace(tzinfo=UTC)
            row = self.kinds[kind].rows.setdefault(
                key, dict.fromkeys(self.kinds[kind].fields) | {"Id": key, "IsDeleted": False, "CreatedDate": moment}
            )
            unknown = values.keys() - row.keys()
            assert not unknown, unknown
            row |= values | {"SystemModstamp": moment}
            return key

    def fail(self, at: str, what: str, after: int = 0, times: int = 1) -> None:
        self.faults.append(Fault(at, what, after, times))

    def due(self, at: str) -> str | None:
        for fault in self.faults:
            if fault.at == at and fault.times > 0:
                if fault.after > 0:
                    fault.after -= 1
                    continue
                fault.times -= 1
                return fault.what
        return None

    def next_number(self) -> int:
        self.number += 1
        return self.number

    # -- SOQL ------------------------------------------------------------------------------------------------------

    def run(self, soql: str, deleted: bool) -> tuple[Kind, list[str], list[dict[str, Any]]]:
        """The object, the columns and the rows of a query; no column for ``COUNT()``."""
        self.queries.append(soql)
        words = Words(soql)
        words.take("SELECT")
        columns: list[str] = []
        if words.peek().upper() == "COUNT":
            for part in ("COUNT", "(", ")"):
                words.take(part)
        else:
            columns.append(words.word())
            while words.peek() == ",":
                words.take(",")
                columns.append(words.word())
        words.take("FROM")
        name = words.word()
        kind = next((one for one in self.kinds.values() if one.name.casefold() == name.casefold()), None)
        if kind is None:
            raise Refused(400, "INVALID_TYPE")
        meets: Callable[[dict[str, Any]], bool] = lambda row: True  # noqa: E731
        if words.peek().upper() == "WHERE":
            words.take("WHERE")
            meets = self._either(words, kind)
        if words.peek():
            raise Refused(400, "MALFORMED_QUERY", f"unexpected token: {words.peek()}")
        for column in columns:
            self.value(kind, None, column)
        rows = [row for row in kind.rows.values() if (deleted or not row["IsDeleted"]) and meets(row)]
        return kind, columns, [{one: self.value(kind, row, one) for one in columns} for row in rows]

    def value(self, kind: Kind, row: dict[str, Any] | None, path: str) -> Any:
        """What a path from a row leads to; of no row, only whether there is such a path."""
        first, _, rest = path.partition(".")
        if not rest:
            known = next((one for one in kind.fields if one.casefold() == first.casefold()), None)
            if known is None:
                raise Refused(400, "INVALID_FIELD", f"No such column '{first}' on entity '{kind.name}'")
            return None if row is None else row[known]
        for name, type_ in kind.fields.items():
            if type_.startswith("->") and relation(name).casefold() == first.casefold():
                targets = [self.kinds[one] for one in type_[2:].split(",")]
                found = [(one, one.rows[row[name]]) for one in targets if row is not None and row[name] in one.rows]
                if len(targets) > 1 and rest not in ANY:
                    break
                target, there = found[0] if found else (targets[0], None)
                return self.value(target, there, rest)
        raise Refused(400, "INVALID_FIELD", f"Didn't understand relationship '{first}' in field path")

    def _either(self, words: "Words", kind: Kind) -> Callable[[dict[str, Any]], bool]:
        parts = [self._both(words, kind)]
        while words.peek().upper() == "OR":
            words.take("OR")
            parts.append(self._both(words, kind))
        return lambda row: any(part(row) for part in parts)

    def _both(self, words: "Words", kind: Kind) -> Callable[[dict[str, Any]], bool]:
        parts = [self._one(words, kind)]
        while words.peek().upper() == "AND":
            words.take("AND")
            parts.append(self._one(words, kind))
        return lambda row: all(part(row) for part in parts)

    def _one(self, words: "Words", kind: Kind) -> Callable[[dict[str, Any]], bool]:
        if words.peek() == "(":
            words.take("(")
            inner = self._either(words, kind)
            words.take(")")
            return inner
        path, sign, wanted = words.word(), words.sign(), words.literal()
        self.value(kind, None, path)

        def meets(row: dict[str, Any]) -> bool:
            held = self.value(kind, row, path)
            if sign == "=":
                return bool(held == wanted)
            if sign in ("!=", "<>"):
                return bool(held != wanted)
            if held is None or wanted is None:
                return False
            return {"<": held < wanted, ">": held > wanted, "<=": held <= wanted, ">=": held >= wanted}[sign]

        return meets


def relation(name: str) -> str:
    return f"{name[:-3]}__r" if name.endswith("__c") else name.removesuffix("Id")


class Words:
    """The words of a query, one after the other."""

    def __init__(self, soql: str) -> None:
        self.words: list[tuple[str, str]] = []
        place = 0
        while soql[place:].strip():
            match = TOKEN.match(soql, place)
            if match is None:
                raise Refused(400, "MALFORMED_QUERY")
            assert match.lastgroup
            self.words.append((match.lastgroup, match[match.lastgroup]))
            place = match.end()

    def peek(self) -> str:
        return self.words[0][1] if self.words else ""

    def take(self, wanted: str) -> None:
        if self.peek().upper() != wanted:
            raise Refused(400, "MALFORMED_QUERY", f"expecting {wanted}")
        self.words.pop(0)

    def _of(self, *kinds: str) -> tuple[str, str]:
        if not self.words or self.words[0][0] not in kinds:
            raise Refused(400, "MALFORMED_QUERY")
        return self.words.pop(0)

    def word(self) -> str:
        return self._of("word")[1]

    def sign(self) -> str:
        return self._of("sign")[1]

    def literal(self) -> Any:
        kind, said = self._of("text", "moment", "number", "word")
        if kind == "text":
            return re.sub(r"\\(.)", r"\1", said[1:-1])
        if kind == "moment":
            return said if len(said) == 10 else datetime.fromisoformat(said).astimezone(UTC)
        if kind == "number":
            return float(said)
        try:
            return {"true": True, "false": False, "null": None}[said.lower()]
        except KeyError:
            raise Refused(400, "MALFORMED_QUERY") from None


def as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03}+0000"
    return value


def as_csv(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03}Z"
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def record(kind: Kind, row: Mapping[str, Any], version: str) -> dict[str, Any]:
    """A row as REST gives it: what lies behind a relationship nested, with its attributes."""
    made: dict[str, Any] = {"attributes": {"type": kind.name, "url": f"/services/data/v{version}/sobjects/{kind.name}"}}
    for path, value in row.items():
        *steps, last = path.split(".")
        inner = made
        for step in steps:
            inner = inner.setdefault(step, {"attributes": {"type": step}})
        inner[last] = as_json(value)
    return made


class Handler(BaseHTTPRequestHandler):
    """One request; the org is the server's."""

    protocol_version = "HTTP/1.1"
    server: Any

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PATCH = do_DELETE = do_GET

    def _serve(self) -> None:
        org: Org = self.server.org
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with org.lock:
            try:
                self._route(org, body)
            except Answered:
                pass
            except Refused as refused:
                message = f"{refused.message} {org.says}"
                self._say(refused.status, json.dumps([{"message": message, "errorCode": refused.code}]))

    def _route(self, org: Org, body: bytes) -> None:
        parts = urlsplit(self.path)
        params = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if parts.path == "/services/oauth2/token":
            self._maybe_fail(org, "token")
            self._token(org, {key: values[0] for key, values in parse_qs(body.decode()).items()})
            return
        match = VERSION.fullmatch(parts.path)
        if match is None:
            raise Refused(404, "NOT_FOUND")
        version, path = match[1], unquote(match[2] or "/")
        at = kind_of(self.command, path)
        org.asked.append(at)
        what = self._maybe_fail(org, at)
        if self.headers.get("Authorization", "").removeprefix("Bearer ") not in org.tokens:
            raise Refused(401, "INVALID_SESSION_ID", "Session expired or invalid")
        if path == "/sobjects":
            self._say(200, json.dumps({"sobjects": [{"name": name} for name in org.kinds]}))
        elif at == "describe":
            self._describe(org, path.split("/")[2])
        elif path in ("/query", "/queryAll"):
            self._query(org, params.get("q", ""), path == "/queryAll", version, what)
        elif at == "more":
            self._more(org, path.rpartition("/")[2], version, what)
        elif at == "create":
            self._create(org, json.loads(body), version)
        else:
            self._job(org, at, path.split("/"), params, version, what)

    def _maybe_fail(self, org: Org, at: str) -> str | None:
        """Fail as told; gives the faults that are of an answer's content."""
        what = org.due(at)
        if what in ("429", "503", "500"):
            later = [("Retry-After", "7")] if what != "500" else []
            self._say(int(what), json.dumps([{"message": "busy", "errorCode": "SERVER_UNAVAILABLE"}]), *later)
            raise Answered
        if what == "limit":
            raise Refused(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        if what == "token ends":
            org.tokens.clear()
        if what == "silence":
            self.close_connection = True
            self.connection.close()
            raise Answered
        return what

    def _token(self, org: Org, form: Mapping[str, str]) -> None:
        def refuse(error: str) -> None:
            self._say(400, json.dumps({"error": error, "error_description": "refused"}))

        grant = form.get("grant_type")
        if grant == "client_credentials":
            if (form.get("client_id"), form.get("client_secret")) != (org.client_id, org.client_secret):
                return refuse("invalid_client")
        elif grant == "urn:ietf:params:oauth:grant-type:jwt-bearer":
            try:
                claims = jwt.decode(
                    form.get("assertion", ""),
                    org.public_key,
                    algorithms=["RS256"],
                    audience=["https://login.salesforce.com", "https://test.salesforce.com"],
                    options={"verify_exp": False, "require": ["exp", "iss", "sub"]},
                )
            except jwt.PyJWTError:
                return refuse("invalid_grant")
            lasts = claims["exp"] - org.clock().timestamp()
            if not 0 < lasts <= 300 or claims["iss"] != org.client_id or claims["sub"] != org.username:
                return refuse("invalid_grant")
        else:
            return refuse("unsupported_grant_type")
        token = f"00D!token-marked-{org.next_number()}"
        org.tokens.add(token)
        said = {"access_token": token, "instance_url": org.address, "token_type": "Bearer", "issued_at": "1"}
        self._say(200, json.dumps(said))

    def _describe(self, org: Org, name: str) -> None:
        fields = ANY if name == "Name" else org.kinds[name].fields if name in org.kinds else None
        if fields is None:
            raise Refused(404, "NOT_FOUND", "The requested resource does not exist")
        told = [
            {
                "name": one,
                "type": "reference" if type_.startswith("->") else type_,
                "nillable": one not in EVERY,
                "relationshipName": relation(one) if type_.startswith("->") else None,
                "referenceTo": type_[2:].split(",") if type_.startswith("->") else [],
            }
            for one, type_ in fields.items()
        ]
        self._say(200, json.dumps({"name": name, "queryable": True, "fields": told}))

    def _query(self, org: Org, soql: str, deleted: bool, version: str, what: str | None) -> None:
        kind, columns, rows = org.run(soql, deleted)
        if not columns:
            self._say(200, json.dumps({"totalSize": len(rows), "done": True, "records": []}))
            return
        key = f"01g{org.next_number():012}AAA"
        org.cursors[key] = [record(kind, row, version) for row in rows]
        self._page(org, key, 0, version, what)

    def _more(self, org: Org, locator: str, version: str, what: str | None) -> None:
        key, _, start = locator.rpartition("-")
        if what == "gone":
            org.cursors.pop(key, None)
        if key not in org.cursors or not start.isdecimal():
            raise Refused(400, "INVALID_QUERY_LOCATOR")
        self._page(org, key, int(start), version, what)

    def _page(self, org: Org, key: str, start: int, version: str, what: str | None) -> None:
        rows = org.cursors[key]
        end = start + org.page
        following = {"nextRecordsUrl": f"/services/data/v{version}/query/{key}-{end}"}
        shown = rows[start:end]
        if what == "repeat":
            shown = rows[max(0, start - org.page) : start]
            following = {"nextRecordsUrl": f"/services/data/v{version}/query/{key}-{start}"}
        if what == "half":
            shown = shown[: len(shown) // 2]
        done = end >= len(rows) and what != "repeat"
        said = {"totalSize": len(rows), "done": done, **({} if done else following), "records": shown}
        self._say(200, json.dumps(said), broken=what == "break")

    def _create(self, org: Org, wanted: Mapping[str, Any], version: str) -> None:
        kind, columns, rows = org.run(wanted["query"], wanted["operation"] == "queryAll")
        if not kind.bulk:
            raise Refused(400, "INVALIDENTITY", f"Entity '{kind.name}' is not supported by the Bulk API.")
        if not columns:
            raise Refused(400, "API_ERROR")
        job = Job(
            id=eighteen(f"750{org.next_number():012}"),
            operation=wanted["operation"],
            object=kind.name,
            header=columns,
            rows=[[as_csv(row[one]) for one in columns] for row in rows],
            created=org.clock(),
            version=version,
            looks=org.looks,
        )
        org.jobs[job.id] = job
        self._say(200, json.dumps(told_of(job)))

    def _job(
        self, org: Org, at: str, steps: list[str], params: Mapping[str, str], version: str, what: str | None
    ) -> None:
        job = org.jobs.get(steps[3])
        if what == "gone" and job is not None:
            job = org.jobs.pop(job.id) and None
        if job is None:
            raise Refused(404, "NOT_FOUND")
        if job.version != version:
            raise Refused(409, "API_ERROR", "The job was created with another version")
        if at == "abort":
            job.state = "Aborted"
        if at == "delete":
            if job.state not in ("JobComplete", "Aborted", "Failed"):
                raise Refused(400, "API_ERROR")
            del org.jobs[job.id]
            self._say(204, "")
        elif at == "results":
            self._results(org, job, params, what)
        else:
            if what in ("Failed", "Aborted"):
                job.state = what
            if at == "poll" and job.state in ("UploadComplete", "InProgress"):
                job.looks -= 1
                job.state = "JobComplete" if job.looks < 0 else "InProgress"
            self._say(200, json.dumps(told_of(job)))

    def _results(self, org: Org, job: Job, params: Mapping[str, str], what: str | None) -> None:
        if job.state != "JobComplete":
            raise Refused(412, "JOB_NOT_COMPLETE")
        size = min(int(params.get("maxRecords", org.set_size)), org.set_size)
        try:
            start = int(base64.b64decode(params["locator"], validate=True)) if "locator" in params else 0
        except ValueError:
            raise Refused(400, "INVALID_LOCATOR") from None
        end = start + size
        following = locator(end) if end < len(job.rows) else "null"
        rows = job.rows[start:end]
        if what == "repeat":
            rows, following = job.rows[max(0, start - size) : start], locator(start)
        if what == "lost":
            rows = job.rows[max(0, start - size) : start]
        text = io.StringIO()
        writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
        if start == 0 or org.header_in_each_set:
            writer.writerow(job.header)
        writer.writerows(rows[: len(rows) // 2] if what == "half" else rows)
        body = text.getvalue()
        if what == "torn":
            body = body[: -len(body) // 20 - 3]
        told = [("Sforce-NumberOfRecords", str(len(rows))), ("Sforce-Locator", following)]
        self._say(200, body, *told, type_="text/csv", broken=what == "break")

    def _say(
        self, status: int, body: str, *headers: tuple[str, str], type_: str = "application/json", broken: bool = False
    ) -> None:
        raw = body.encode()
        self.send_response(status)
        for name, value in (("Content-Type", type_), ("Content-Length", str(len(raw))), *headers):
            self.send_header(name, value)
        self.end_headers()
        if broken:
            self.wfile.write(raw[: len(raw) // 2])
            self.close_connection = True
            return
        self.wfile.write(raw)


def locator(place: int) -> str:
    return base64.b64encode(str(place).encode()).decode()


def told_of(job: Job) -> dict[str, Any]:
    said = {
        "id": job.id,
        "operation": job.operation,
        "object": job.object,
        "createdDate": as_json(job.created),
        "state": job.state,
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": float(job.version),
        "jobType": "V2Query",
        "lineEnding": "LF",
        "columnDelimiter": "COMMA",
    }
    if job.state == "JobComplete":
        said["numberRecordsProcessed"] = len(job.rows)
    return said


def kind_of(method: str, path: str) -> str:
    """What a request is for, as faults name it."""
    if path.startswith("/sobjects"):
        return "describe" if path.endswith("/describe") else "objects"
    if path in ("/query", "/queryAll"):
        return "query"
    if path.startswith(("/query/", "/queryAll/")):
        return "more"
    if path == "/jobs/query" and method == "POST":
        return "create"
    if re.fullmatch(r"/jobs/query/\w+/results", path):
        return "results"
    if re.fullmatch(r"/jobs/query/\w+", path):
        return {"GET": "poll", "PATCH": "abort", "DELETE": "delete"}[method]
    raise Refused(404, "NOT_FOUND")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    org: Org

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that ends is what some faults are."""


@contextmanager
def served(org: Org) -> Iterator[Org]:
    """The org, answering on loopback."""
    with Server(("127.0.0.1", 0), Handler) as server:
        server.org = org
        org.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield org
        server.shutdown()
        thread.join()
