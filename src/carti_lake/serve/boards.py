"""Dashboards that are ready: made once a release is seen, before anybody asks, and kept in the lake.

One file for all who see the same rows, always of the latest release: as many files as there are kinds of viewers.
"""

import asyncio
import gzip
import hashlib
import logging
import threading
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from carti_lake.serve import dashboard
from carti_lake.store.errors import LakeError
from carti_lake.store.files import read_file, write_file

if TYPE_CHECKING:
    from carti_lake.access import Viewer, Visible
    from carti_lake.releases.release import Release
    from carti_lake.releases.view import View
    from carti_lake.serve.current import CurrentReleases

_LOG = logging.getLogger("carti_lake.serve")

#: Where the pages stand in the lake: beside its tables, and readable for those who read them.
FOLDER = "dashboards"
#: Pages made ahead for one release; who comes beyond them waits for the own one.
MOST_AHEAD = 64
_PACKAGE = Path(__file__).parents[1]
_ENDINGS = frozenset({".py", ".js", ".css", ".html"})


class Boards:
    """The dashboards of the latest release, by what their viewers see.

    Parameters
    ----------
    current_releases
        The lake's releases.
    see
        A release as a viewer may see it.
    expected
        Those who may come.
    """

    def __init__(
        self,
        current_releases: "CurrentReleases",
        see: "Callable[[View, Viewer], Visible]",
        expected: "Callable[[], Iterable[Viewer]]",
    ) -> None:
        self.current_releases = current_releases
        self.see = see
        self.expected = expected
        self._making: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def page(self, visible: "Visible") -> str:
        """The page, from the lake where it stands there; whoever asks while it is made waits for it."""
        known = self.current_releases.known.releases
        latest = bool(known) and known[-1].number == visible.release.number
        since = dashboard.before(visible, known)
        name = f"{FOLDER}/{visible.fingerprint}.html.gz"
        made_of = _made_of(visible.release, since, visible.fingerprint)
        with self._making[name]:
            html = self._kept(visible, name, made_of) if latest else None
            if html is None:
                html = dashboard.page(visible, since)
                if latest:
                    self._keep(visible, name, made_of, html)
        return html

    async def kept_ready(self, every: float) -> None:
        """Make the pages of each new release, looking every so many seconds, until cancelled."""
        ready = -1
        while True:
            known = self.current_releases.known.releases
            if known and known[-1].number != ready:
                ready = known[-1].number
                await asyncio.to_thread(self.make_ahead, known[-1])
            await asyncio.sleep(every)

    def make_ahead(self, release: "Release") -> None:
        """Make the release's pages for those who may come, one after the other."""
        try:
            view = self.current_releases.view(release)
            seen = {one.fingerprint: one for one in (self.see(view, viewer) for viewer in self.expected())}
            for visible in [*seen.values()][:MOST_AHEAD]:
                # To show a suppressed page is to publish the release: nobody does that by waiting.
                if visible.viewer.exact:
                    self.page(visible)
        except Exception as error:
            # The page is then made for whoever asks, who is told what is wrong.
            _LOG.warning("a dashboard is not ready", extra={"fields": {"error": type(error).__name__}})

    def _kept(self, visible: "Visible", name: str, made_of: bytes) -> str | None:
        try:
            held = read_file(visible.storage, name) or b""
            page = gzip.decompress(held[len(made_of) + _DIGEST :]) if held.startswith(made_of) else b""
        except (LakeError, OSError, EOFError, zlib.error):
            return None
        return page.decode() if page and held[len(made_of) :].startswith(_digest(page)) else None

    def _keep(self, visible: "Visible", name: str, made_of: bytes, html: str) -> None:
        page = html.encode()
        try:
            write_file(visible.storage, name, made_of + _digest(page) + gzip.compress(page, 6, mtime=0))
        except (LakeError, OSError) as error:
            _LOG.warning("a dashboard cannot be kept", extra={"fields": {"error": type(error).__name__}})


_DIGEST = 32


def _digest(page: bytes) -> bytes:
    return hashlib.sha256(page).digest()


def _made_of(release: "Release", since: "Release | None", fingerprint: str) -> bytes:
    """What a page is a function of: the release, the one that it is compared with, what is seen, and this package."""
    number = since.number if since else None
    parts = (release.number, release.at.isoformat(), sorted(release.versions.items()), number, fingerprint, _code())
    return _digest(repr(parts).encode())


@cache
def _code() -> str:
    files = sorted(path for path in _PACKAGE.rglob("*") if path.suffix in _ENDINGS)
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()
