"""The outermost layer: a request id, the headers of every answer, one line of log, and figures for Prometheus."""

import asyncio
import json
import logging
import os
import time
import traceback
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from carti_lake.serve.problems import Problem
from carti_lake.serve.request import PLACE, RequestContext

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOG = logging.getLogger("carti_lake.serve")
#: Set to see the traceback of an unexpected error; it may quote rows.
DEBUG = "CARTI_LAKE_DEBUG"
#: On every answer: its type is what it says.
SAFE = (b"x-content-type-options", b"nosniff")
#: On every answer but pages, which say what they need.
CSP = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
#: What clients make up would each be a figure of its own.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
#: Made once: json.dumps would make one for each line.
_encoded = json.JSONEncoder(default=str).encode
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Figures:
    """What Prometheus reads."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self.requests = Counter("carti_lake_requests", "Requests by route and status", labels, registry=self.registry)
        self.seconds = Histogram(
            "carti_lake_request_seconds", "Time to answer", ("route",), buckets=_BUCKETS, registry=self.registry
        )
        # Finding them takes longer than counting.
        self.requests_of, self.seconds_of = cache(self.requests.labels), cache(self.seconds.labels)
        self.kept = Counter("carti_lake_answers_at_hand", "Answers from memory", registry=self.registry)
        self.release = Gauge("carti_lake_release", "Number of the latest release", registry=self.registry)
        self.memory = Gauge("carti_lake_answer_bytes", "Bytes of answers kept", registry=self.registry)

    def text(self) -> bytes:
        """All figures, as Prometheus reads them."""
        return generate_latest(self.registry)

    media_type = CONTENT_TYPE_LATEST


class Observed:
    """ASGI layer around everything; whatever happens below it, the client gets an answer and the log a line.

    Parameters
    ----------
    app
        The application.
    figures
        What it counts into.
    audit
        Told of every answer and its status.
    """

    def __init__(self, app: "ASGIApp", figures: Figures, audit: "Callable[[RequestContext, int], None]") -> None:
        self.app = app
        self.figures = figures
        self.audit = audit

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer, and tell of it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        context = scope[PLACE] = RequestContext()
        began = time.perf_counter()
        status, size = 0, 0

        async def sending(message: "Message") -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message["headers"]
                headers += [(b"x-request-id", context.id.encode()), SAFE]
                if not any(name == CSP[0] for name, _ in headers):
                    headers.append(CSP)
            else:
                size += len(message.get("body", b""))
            await send(message)

        failed: str | None = None
        try:
            await self.app(scope, receive, sending)
        except Problem as problem:
            if not status:
                await problem.response()(scope, receive, sending)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            # A damaged data file panics inside the reader, past every `except Exception`.
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            failed = _where(error)
            if os.environ.get(DEBUG):
                traceback.print_exception(error)
            if not status:
                unexpected = Problem(500, f"Unexpected error; the service's log has it under {context.id}.")
                await unexpected.response()(scope, receive, sending)
        finally:
            self._tell(scope, context, status, size, time.perf_counter() - began, failed)

    def _tell(
        self, scope: "Scope", context: RequestContext, status: int, size: int, seconds: float, failed: str | None
    ) -> None:
        route = context.route = context.route or getattr(scope.get("route"), "path", "") or "(none)"
        self.audit(context, status)
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self.figures.requests_of(method, route, status).inc()
        self.figures.seconds_of(route).observe(seconds)
        if context.kept:
            self.figures.kept.inc()
        line = {
            "request": context.id,
            "method": scope["method"],
            "route": route,
            "status": status,
            "ms": round(seconds * 1000, 2),
            "bytes": size,
            "viewer": context.viewer.name if context.viewer else None,
            "release": context.visible.release.number if context.visible else None,
            "rows": context.rows,
            "kept": context.kept,
        }
        LOG.log(logging.ERROR if failed else logging.INFO, "answered", extra={"fields": line | _fault(failed)})


def _fault(failed: str | None) -> dict[str, str]:
    return {"error": failed} if failed else {}


def _where(error: BaseException) -> str:
    """Kind and place of an error; its words may quote rows."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" in {frames[-1].filename.rpartition('/')[2]}, line {frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"


class JsonLines(logging.Formatter):
    """A log record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, what happened, and the record's own fields; of an error its kind and place alone."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[1]:
            line["error"] = _where(record.exc_info[1])
        return _encoded(line)
