"""Answers that are kept: the finished bytes of a read, by release, viewer, question and format, in bounded memory.

A read is a function of what its key names. So an answer is worked out once, however many ask at the same moment; and
its ETag is the key's hash, which changes when the release or what this viewer sees of it does, and for nothing else.
"""

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from carti_lake import __version__
from carti_lake.serve.formats import WORTH_COMPRESSING, compressed, encoding, negotiate
from carti_lake.serve.request import context_of
from carti_lake.serve.single_flight import SingleFlight

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

Headers = list[tuple[bytes, bytes]]

#: Paths whose answers tell of several releases: the list of them, what lies between two, and why numbers changed since
#: the newest locked one.
OF_SEVERAL = ("/v1/releases", "/v1/changes", "/v1/explain", "/dashboard")
#: Paths whose answers are kept.
READS = ("/v1/", "/providers", "/predictions/", "/dashboard")
#: Types that are compressed in themselves.
DENSE = (b"application/vnd.apache.parquet", b"application/vnd.openxmlformats", b"image/png")
VARY = (b"vary", b"Accept, Accept-Encoding, Authorization, X-API-Key, Cookie")
_MAY_KEEP = (b"cache-control", b"private, no-cache")


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer."""

    status: int
    headers: Headers
    body: bytes
    rows: int | None
    route: str
    etag: bytes


class Answers:
    """ASGI layer that keeps the answers of the application below it.

    Parameters
    ----------
    app
        Answers a GET whose scope holds the request's release and viewer.
    most_bytes
        Bodies that are kept; the answers that were least recently asked for go first.
    """

    def __init__(self, app: "ASGIApp", most_bytes: int) -> None:
        self.app = app
        self.most_bytes = most_bytes
        self.bytes = 0
        self._kept: OrderedDict[tuple[object, ...], Answer] = OrderedDict()
        self._once: SingleFlight[tuple[object, ...], Answer] = SingleFlight()

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer a request: from memory, or by the application."""
        path: str = scope.get("path", "")
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or not path.startswith(READS):
            await self.app(scope, receive, send)
            return
        context = context_of(scope)
        headers = dict(scope["headers"])
        how = encoding(headers.get(b"accept-encoding", b"").decode("latin-1"))
        assert context.known is not None and context.viewer is not None
        key = (
            context.release.number,
            context.known.version if path.startswith(OF_SEVERAL) else None,
            context.opened.fingerprint,
            context.viewer.scopes,
            path,
            scope["query_string"],
            negotiate(headers.get(b"accept", b"").decode("latin-1")),
            how,
        )
        answer = self._kept.get(key)
        context.kept = answer is not None
        if answer is None:
            answer = await self._once(key, lambda: self._worked_out(key, scope, how))
        else:
            self._kept.move_to_end(key)
        context.rows, context.route = answer.rows, answer.route
        held = headers.get(b"if-none-match")
        if answer.status == 200 and held is not None and _matches(held, answer.etag):
            await _send(send, 304, [one for one in answer.headers if not one[0].startswith(b"content-")], b"")
        else:
            await _send(send, answer.status, answer.headers, b"" if scope["method"] == "HEAD" else answer.body)

    async def _worked_out(self, key: tuple[object, ...], scope: "Scope", how: str | None) -> Answer:
        answer = await self._ask(scope, how, _etag(key))
        if answer.status == 200 and len(answer.body) <= self.most_bytes // 8:
            self._kept[key] = answer
            self.bytes += len(answer.body)
            while self.bytes > self.most_bytes:
                self.bytes -= len(self._kept.popitem(last=False)[1].body)
        return answer

    async def _ask(self, scope: "Scope", how: str | None, etag: bytes) -> Answer:
        status, headers, parts = 500, Headers(), []

        async def receive() -> "Message":
            return {"type": "http.request", "body": b"", "more_body": False}

        async def collect(message: "Message") -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status, headers = message["status"], list(message["headers"])
            else:
                parts.append(message.get("body", b""))

        inner = {**scope, "method": "GET"}
        await self.app(inner, receive, collect)
        context = context_of(scope)
        route = getattr(inner.get("route"), "path", "")
        body = b"".join(parts)
        kind = next((value for name, value in headers if name == b"content-type"), b"")
        if how is not None and len(body) >= WORTH_COMPRESSING and not kind.startswith(DENSE):
            body = await asyncio.to_thread(compressed, body, how)
            headers.append((b"content-encoding", how.encode()))
        if status == 200:
            headers += [(b"etag", etag), *([_MAY_KEEP] if not kind.startswith(b"text/html") else [])]
        headers = [one for one in headers if one[0] != b"content-length"]
        headers += [VARY, (b"content-length", str(len(body)).encode())]
        return Answer(status, headers, body, context.rows, route, etag)


async def _send(send: "Send", status: int, headers: Headers, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})


def _etag(key: tuple[object, ...]) -> bytes:
    ordered = [sorted(one) if isinstance(one, frozenset) else one for one in (__version__, *key)]
    return b'"' + hashlib.blake2b(repr(ordered).encode(), digest_size=16).hexdigest().encode() + b'"'


def _matches(held: bytes, etag: bytes) -> bool:
    """Whether ``If-None-Match`` names it; weakly, as RFC 9110 has it for this header."""
    return held.strip() == b"*" or any(one.strip().removeprefix(b"W/") == etag for one in held.split(b","))
