"""Who asks, how often, and of which release: settled once, before anything is read."""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from limits import parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter
from starlette.responses import RedirectResponse

from carti_lake.releases.view import View
from carti_lake.serve.audit_writer import AuditWriter
from carti_lake.serve.current import CurrentReleases
from carti_lake.serve.problems import Problem
from carti_lake.serve.request import context_of
from carti_lake.serve.sessions import Sessions, cookie_in, same_origin
from carti_lake.serve.single_flight import SingleFlight

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from carti_lake.access import Viewer, Visible
    from carti_lake.releases.release import Release

#: Whoever a key or a token belongs to; None for a wrong, expired or revoked one.
Authenticate = Callable[[str], "Viewer | None"]
See = Callable[[View, "Viewer"], "Visible"]

#: Pages for everybody: they tell nothing of the lake.
OPEN = frozenset({"/healthz", "/readyz", "/openapi.json", "/sign-in", "/sign-out", "/style.css", "/api"})
#: Pages on which a browser without a session is shown where to sign in.
PAGES = frozenset({"/", "/files", "/dashboard"})
#: Seconds for which a key that was found good is not looked up again: so long may a revoked one live.
TRUSTED_FOR = 10.0
#: Keys whose viewers are kept at hand, and releases as somebody sees them: those may hold what outlets show of them.
MOST_VIEWERS, MOST_OPENED = 256, 64


class Readers:
    """ASGI layer that gives every request its viewer and its release, or refuses it.

    Parameters
    ----------
    app
        The application.
    standing
        The lake's releases.
    authenticate, see
        What a key or token is worth, and what its viewer may see of a release; both may be slow.
    audit
        Where answers are noted.
    sessions
        Browsers that have signed in.
    rate, refusals
        How many requests a viewer may send, and how often a client address may be refused, e.g. ``100/second``.
    """

    def __init__(
        self,
        app: "ASGIApp",
        current_releases: CurrentReleases,
        authenticate: Authenticate,
        see: See,
        audit: AuditWriter,
        sessions: Sessions,
        *,
        rate: str,
        refusals: str,
    ) -> None:
        self.app = app
        self.current_releases = current_releases
        self.authenticate = authenticate
        self.see = see
        self.audit = audit
        self.sessions = sessions
        self.rate, self.refusals = parse(rate), parse(refusals)
        self.limiter = FixedWindowRateLimiter(MemoryStorage())
        self._trusted: OrderedDict[bytes, tuple[float, Viewer]] = OrderedDict()
        self._opened: OrderedDict[tuple[int, Viewer], Visible] = OrderedDict()
        # A key whose trust has ended is looked up once, however many requests bear it just then.
        self._found: SingleFlight[bytes, Viewer | None] = SingleFlight()
        self._seen: SingleFlight[tuple[int, Viewer], Visible] = SingleFlight()

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Pass the request on, once it is known whose it is."""
        if scope["type"] == "http" and scope["path"] not in OPEN:
            context = context_of(scope)
            self.audit.refuse_if_full()
            try:
                context.viewer = viewer = await self._viewer(scope)
            except Problem as problem:
                if scope["path"] in PAGES and problem.status == 401:
                    await RedirectResponse("/sign-in", 303, {"Cache-Control": "no-store"})(scope, receive, send)
                    return
                raise
            if not await self.limiter.hit(self.rate, "viewer", viewer.name):
                raise _too_many(self.rate)
            context.known = self.current_releases.known
            if scope["path"] != "/metrics":
                context.visible = await self._visible(self.current_releases.pinned(scope["query_string"]), viewer)
                context.at = partial(self._at, viewer)
        await self.app(scope, receive, send)

    def have_come(self) -> "list[Viewer]":
        """Those who have read any release, as far as it is remembered."""
        return [*dict.fromkeys(viewer for _, viewer in [*self._opened])]

    async def admit(self, credential: str, client: str) -> "Viewer":
        """The viewer of a key, a token, or the credential of a browser that has signed in.

        Raises
        ------
        Problem
            401, or 429 where this address has been refused too often: nobody guesses keys for long.
        """
        digest = hashlib.sha256(credential.encode("utf-8", "surrogateescape")).digest()
        until, trusted = self._trusted.get(digest, (0.0, None))
        if trusted is not None and time.monotonic() < until:
            return trusted
        if not await self.limiter.test(self.refusals, "client", client):
            raise _too_many(self.refusals)
        viewer = None
        if credential:
            viewer = await self._found(digest, lambda: asyncio.to_thread(self.authenticate, credential))
        if viewer is None:
            self._trusted.pop(digest, None)
            await self.limiter.hit(self.refusals, "client", client)
            raise Problem(
                401,
                "Send a key or token that is neither expired nor revoked, as Authorization: Bearer … or X-API-Key.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        self._trusted[digest] = time.monotonic() + TRUSTED_FOR, viewer
        self._trusted.move_to_end(digest)
        if len(self._trusted) > MOST_VIEWERS:
            self._trusted.popitem(last=False)
        return viewer

    async def _viewer(self, scope: "Scope") -> "Viewer":
        headers = dict(scope["headers"])
        credential = credential_in(headers)
        if not credential:
            credential = self.sessions.credential(cookie_in(headers))
            if credential and scope["method"] not in ("GET", "HEAD") and not same_origin(headers):
                raise Problem(403, "Another site's page may not act for you.")
        return await self.admit(credential, address(scope))

    async def _visible(self, release: "Release", viewer: "Viewer") -> "Visible":
        place = (release.number, viewer)
        found = self._opened.get(place)
        if found is None:
            view = self.current_releases.view(release)
            found = self._opened[place] = await self._seen(place, lambda: asyncio.to_thread(self.see, view, viewer))
            if len(self._opened) > MOST_OPENED:
                self._opened.popitem(last=False)
        return found

    def _at(self, viewer: "Viewer", which: str) -> "Visible":
        return self.see(self.current_releases.view(self.current_releases.chosen(which)), viewer)


def _too_many(rate: object) -> Problem:
    return Problem(429, f"Too many requests; {rate} are allowed. Wait, then go on.", headers={"Retry-After": "1"})


def credential_in(headers: dict[bytes, bytes]) -> str:
    """The key or token that a request bears; empty without any."""
    bearer = headers.get(b"authorization", b"").decode("latin-1")
    scheme, _, token = bearer.partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return headers.get(b"x-api-key", b"").decode("latin-1")


def address(scope: "Scope") -> str:
    """The client's address, as the server or the proxy before it tells."""
    client = scope.get("client")
    return client[0] if client else "unknown"
