"""Browsers that have signed in: a random cookie each, good in this process and for a working day."""

import secrets
import time
from collections import OrderedDict

COOKIE = "carti_lake"
#: Seconds after which a browser must sign in again, and of idleness after which it must.
DAY, IDLE = 8 * 3600.0, 1800.0
MOST = 10_000


class Sessions:
    """What each cookie stands for. Nothing is written down: after a restart people sign in again.

    The credential is kept, so that revoking it ends the session as well.
    """

    def __init__(self) -> None:
        self._open: OrderedDict[str, tuple[float, float, str]] = OrderedDict()

    def start(self, credential: str) -> str:
        """A new cookie for a credential that was found good."""
        cookie = secrets.token_urlsafe(32)
        now = time.monotonic()
        self._open[cookie] = now, now, credential
        if len(self._open) > MOST:
            self._open.popitem(last=False)
        return cookie

    def credential(self, cookie: str) -> str:
        """What the cookie stands for; empty where it is none of ours, or too old."""
        began, used, credential = self._open.get(cookie, (0.0, 0.0, ""))
        now = time.monotonic()
        if not credential or now - began > DAY or now - used > IDLE:
            self.end(cookie)
            return ""
        self._open[cookie] = began, now, credential
        return credential

    def end(self, cookie: str) -> None:
        """Forget the cookie."""
        self._open.pop(cookie, None)


def cookie_in(headers: dict[bytes, bytes]) -> str:
    """Our cookie in a request's headers; empty without it."""
    for part in headers.get(b"cookie", b"").decode("latin-1").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return value
    return ""


def same_origin(headers: dict[bytes, bytes]) -> bool:
    """Whether a page of this very site sent the request, or no page did: nobody else's page may act for its reader."""
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site in (b"same-origin", b"none")
    origin = headers.get(b"origin")
    return origin is None or origin.partition(b"://")[2] == headers.get(b"host")
