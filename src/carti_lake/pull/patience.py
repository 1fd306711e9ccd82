"""Servers over HTTP: what passes by itself, how long they ask to wait, and the client's own notes kept quiet."""

import contextlib
import logging
from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

#: Answers that another try may mend.
PASSING = frozenset((408, 429, 500, 502, 503, 504))
#: Clients whose own notes name addresses and headers.
TALKATIVE = ("httpx", "httpcore")


def retry_after(answer: "httpx.Response", now: datetime) -> float | None:
    """Seconds that an answer asks to wait, None where it does not say; a moment counts by the server's own clock."""
    said = answer.headers.get("Retry-After", "").strip()
    if said.isdecimal():
        return float(said)
    try:
        since = parsedate_to_datetime(answer.headers["Date"]) if "Date" in answer.headers else now
        return max(0.0, (parsedate_to_datetime(said) - since).total_seconds())
    except (TypeError, ValueError):
        return None


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the client's own notes, which name addresses, out of the log."""
    loggers = [logging.getLogger(one) for one in TALKATIVE]
    levels = [one.level for one in loggers]
    try:
        for one in loggers:
            one.setLevel(logging.WARNING)
        yield
    finally:
        for one, level in zip(loggers, levels, strict=True):
            one.setLevel(level)
