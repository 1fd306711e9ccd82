"""A FHIR R4 server that exports in bulk, written from the Bulk Data and SMART documents alone; faults on demand."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import jwt

Resource = dict[str, Any]
LINES = 3


def instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def outcome(code: str, severity: str = "error", text: str = "") -> Resource:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": code, "diagnostics": text}]}


@dataclass
class Job:
    polls: int
    files: dict[str, list[Resource]]
    manifest: Resource
    failed: str | None = None


@dataclass
class FhirServer:
    """What it holds, whom it knows, and what goes wrong next.

    Attributes
    ----------
    clock
        Its clock.
    keys
        Public keys by client; empty: it is open.
    faults
        What to do wrong, by the kind of request (``token``, ``kick-off``, ``status``, ``file``), the next first.
    asked
        Requests by kind; ``log`` has them with their headers.
    """

    clock: Callable[[], datetime]
    keys: dict[str, Any] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=dict)
    polls: int = 1
    gets: bool = True
    types: tuple[str, ...] = ("Encounter", "Patient", "Practitioner", "Claim", "ExplanationOfBenefit", "Appointment")
    version: str = "4.0.1"
    exports: bool = True
    signed_files: bool = True
    repeats: bool = False
    problems: list[Resource] = field(default_factory=list)
    groups: dict[str, set[str]] = field(default_factory=dict)
    held: dict[tuple[str, str], Resource] = field(default_factory=dict)
    deleted: dict[tuple[str, str], datetime] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    log: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    jobs: dict[str, Job] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)
    token_lasts: int = 1_000_000
    used: set[str] = field(default_factory=set)
    base: str = ""

    def put(self, resource: Resource, at: datetime | None = None) -> None:
        key = resource["resourceType"], resource["id"]
        self.deleted.pop(key, None)
        self.held[key] = {**resource, "meta": {"lastUpdated": instant(at or self.clock())}}

    def delete(self, kind: str, number: str, at: datetime | None = None) -> None:
        if self.held.pop((kind, number), None) is not None:
            self.deleted[kind, number] = at or self.clock()

    def fault(self, kind: str) -> str | None:
        waiting = self.faults.get(kind, [])
        return waiting.pop(0) if waiting else None

    def export(self, level: str, types: list[str], since: datetime | None) -> str:
        number = str(len(self.jobs) + 1)
        members = self.groups.get(level.removeprefix("Group/")) if level.startswith("Group/") else None
        moment = self.clock()
        chosen = [
            one
            for (kind, _), one in sorted(self.held.items())
            if kind in types and (since is None or changed(one) > since) and _belongs(one, members)
        ]
        gone = [key for key, at in self.deleted.items() if key[0] in types and since is not None and at > since]
        files: dict[str, list[Resource]] = {}
        output = []
        for kind in types:
            of_kind = [one for one in chosen if one["resourceType"] == kind]
            for place in range(0, len(of_kind), LINES):
                name = f"{kind}.{place // LINES}.ndjson"
                files[name] = of_kind[place : place + LINES]
                output.append({"type": kind, "url": f"{self.base}/files/{number}/{name}", "count": len(files[name])})
        if self.repeats and output:
            output += output[:1]
            files["again.ndjson"] = files[output[0]["url"].rpartition("/")[2]]
            output.append({"type": output[0]["type"], "url": f"{self.base}/files/{number}/again.ndjson"})
        removed = []
        if gone:
            entries = [{"request": {"method": "DELETE", "url": "/".join(key)}} for key in gone]
            files["deleted.ndjson"] = [{"resourceType": "Bundle", "type": "transaction", "entry": entries}]
            removed.append({"type": "Bundle", "url": f"{self.base}/files/{number}/deleted.ndjson"})
        wrong = []
        if self.problems:
            files["errors.ndjson"] = self.problems
            wrong.append({"type": "OperationOutcome", "url": f"{self.base}/files/{number}/errors.ndjson"})
        manifest = {
            "transactionTime": instant(moment),
            "request": "as asked",
            "requiresAccessToken": self.signed_files and bool(self.keys),
            "output": output,
            "deleted": removed,
            "error": wrong,
        }
        self.jobs[number] = Job(self.polls, files, manifest)
        return number

    def token(self, form: dict[str, list[str]]) -> tuple[int, Resource]:
        try:
            assertion = form["client_assertion"][0]
            client = str(jwt.decode(assertion, options={"verify_signature": False})["iss"])
            claims = jwt.decode(
                assertion,
                self.keys[client],
                algorithms=["RS384", "ES384"],
                audience=f"{self.base}/auth/token",
                options={"verify_exp": False, "require": ["iss", "sub", "aud", "exp", "jti"]},
            )
            ends = datetime.fromtimestamp(claims["exp"], UTC)
            right = (
                claims["sub"] == client
                and self.clock() < ends <= self.clock() + timedelta(minutes=5)
                and claims["jti"] not in self.used
                and form["grant_type"] == ["client_credentials"]
                and form["client_assertion_type"] == ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]
                and all(one.startswith("system/") for one in form["scope"][0].split())
            )
        except (jwt.PyJWTError, KeyError, TypeError):
            right = False
        if not right:
            return 400, {"error": "invalid_client", "error_description": "no such client"}
        self.used.add(claims["jti"])
        token = f"token-{len(self.tokens) + 1}-marked-4711"
        self.tokens[token] = self.token_lasts
        return 200, {"access_token": token, "token_type": "bearer", "expires_in": 300, "scope": form["scope"][0]}

    def lets_in(self, authorization: str | None) -> bool:
        if not self.keys:
            return True
        token = (authorization or "").removeprefix("Bearer ")
        if self.tokens.get(token, 0) <= 0:
            return False
        self.tokens[token] -= 1
        return True

    def capabilities(self) -> Resource:
        operation = [{"name": "export", "definition": "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export"}]
        rest = {"mode": "server", "resource": [{"type": kind} for kind in self.types]}
        return {
            "resourceType": "CapabilityStatement",
            "fhirVersion": self.version,
            "rest": [{**rest, **({"operation": operation} if self.exports else {})}],
        }


def changed(resource: Resource) -> datetime:
    return datetime.fromisoformat(resource["meta"]["lastUpdated"])


def _belongs(resource: Resource, members: set[str] | None) -> bool:
    subject = resource.get("subject", {}).get("reference", f"Patient/{resource['id']}")
    return members is None or resource["resourceType"] == "Practitioner" or subject.rpartition("/")[2] in members


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    #: Headers and body go out together: apart, each answer waits for an acknowledgement.
    wbufsize = 1 << 16
    server: "_Http"

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.answer()

    do_POST = do_DELETE = do_GET

    def answer(self) -> None:
        fhir = self.server.fhir
        url = urlsplit(self.path)
        path = unquote(url.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fhir.log.append((self.command, self.path, {key.lower(): value for key, value in self.headers.items()}))
        kind = _kind(self.command, path)
        fhir.asked[kind] += 1
        fault = fhir.fault(kind)
        if fault in ("429", "500", "503"):
            self.say(int(fault), {} if fault == "500" else outcome("throttled"), {"Retry-After": "0"})
        elif fault == "drop":
            self.close_connection = True
        elif kind == "configuration":
            self.say(200, {"token_endpoint": f"{fhir.base}/auth/token", "capabilities": ["permission-v2"]})
        elif kind == "token":
            self.say(*fhir.token(parse_qs(body.decode())))
        elif kind == "capabilities":
            self.say(200, fhir.capabilities())
        elif (kind != "file" or (fhir.signed_files and fhir.keys)) and not fhir.lets_in(self.headers["Authorization"]):
            self.say(401, outcome("login"))
        elif kind == "file" and not fhir.signed_files and self.headers["Authorization"]:
            self.say(400, outcome("security"))
        elif kind == "kick-off":
            self.kick_off(path, parse_qs(url.query), body)
        else:
            self.of_job(kind, path, fault)

    def kick_off(self, path: str, query: dict[str, list[str]], body: bytes) -> None:
        fhir = self.server.fhir
        if "respond-async" not in self.headers.get("Prefer", ""):
            return self.say(400, outcome("invalid"))
        if self.command == "GET" and not fhir.gets:
            return self.say(405, outcome("not-supported"))
        if self.command == "POST":
            listed = json.loads(body)["parameter"]
            types = [one["valueString"] for one in listed if one["name"] == "_type"]
            since = next((one["valueInstant"] for one in listed if one["name"] == "_since"), None)
        else:
            types = query["_type"][0].split(",")
            since = query["_since"][0] if "_since" in query else None
        level = path.removeprefix("/fhir").removesuffix("/$export").strip("/")
        number = fhir.export(level, types, datetime.fromisoformat(since) if since else None)
        self.say(202, {}, {"Content-Location": f"{fhir.base}/fhir/jobs/{number}"})

    def of_job(self, kind: str, path: str, fault: str | None) -> None:
        fhir = self.server.fhir
        number, _, name = path.split("/", 3)[-1].partition("/")
        if kind == "file":
            number, _, name = path.removeprefix("/files/").partition("/")
        job = fhir.jobs.get(number)
        if fault == "expired":
            fhir.jobs.pop(number, None)
            job = None
        if job is None or (kind == "file" and name not in job.files) or fault == "missing":
            self.say(404, outcome("not-found"))
        elif kind == "end":
            del fhir.jobs[number]
            self.say(202, {})
        elif kind == "file":
            text = "".join(json.dumps(one) + "\n" for one in job.files[name]).encode()
            self.send_file(text, fault)
        elif fault == "failed":
            self.say(500, outcome("processing", text="MRN-marked-4711"))
        elif job.polls > 0:
            job.polls -= 1
            self.say(202, {}, {"Retry-After": "1", "X-Progress": "half"})
        else:
            self.say(200, job.manifest, {"Expires": "Mon, 22 Jul 2030 23:59:59 GMT"})

    def send_file(self, text: bytes, fault: str | None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/fhir+ndjson")
        if fault == "cut":
            # Nothing tells that it is not all: no length, and the end of the connection is the end of the file.
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text[: len(text) // 2] if fault in ("half", "cut") else text)
        self.close_connection = fault in ("half", "cut")

    def say(self, status: int, said: Resource, headers: dict[str, str] | None = None) -> None:
        text = json.dumps(said).encode()
        self.send_response(status)
        kind = "application/fhir+json" if "resourceType" in said else "application/json"
        for key, value in {"Content-Type": kind, "Content-Length": str(len(text)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(text)


def _kind(method: str, path: str) -> str:
    if path == "/auth/token":
        return "token"
    if path.endswith("smart-configuration"):
        return "configuration"
    if path == "/fhir/metadata":
        return "capabilities"
    if path.endswith("$export"):
        return "kick-off"
    if path.startswith("/files/"):
        return "file"
    return "end" if method == "DELETE" else "status"


class _Http(ThreadingHTTPServer):
    fhir: FhirServer
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed in the middle is none of ours."""


@contextmanager
def served(fhir: FhirServer) -> Iterator[FhirServer]:
    """The server on loopback, while the block lasts."""
    http = _Http(("127.0.0.1", 0), _Handler)
    http.fhir = fhir
    fhir.base = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield fhir
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
