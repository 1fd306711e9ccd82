"""The releases as they stand: read again whenever the lake's table of releases has grown, without a restart."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from carti_lake.releases import release as stored
from carti_lake.releases.release import Release, ReleaseError
from carti_lake.releases.view import View
from carti_lake.serve.background import beside
from carti_lake.serve.cursor import Cursor, CursorError
from carti_lake.serve.problems import Problem, wrong_parameter
from carti_lake.store.errors import LakeError, translated
from carti_lake.store.storage import Storage

if TYPE_CHECKING:
    from deltalake import DeltaTable

    from carti_lake.lake import Lake


@dataclass(frozen=True)
class Known:
    """The releases at a moment.

    Attributes
    ----------
    version
        Of the lake's table of releases: grows with each release, lock and expiry; -1 before the first.
    releases
        Oldest first.
    """

    version: int
    releases: tuple[Release, ...]


class CurrentReleases:
    """What the service knows of the lake's releases; one read of ``known`` is consistent.

    Parameters
    ----------
    lake
        The lake.
    """

    def __init__(self, lake: "Lake") -> None:
        self.lake = lake
        self.known = Known(-1, ())
        #: Why the last look at the lake failed; None where it did not.
        self.fault: str | None = None
        self._table: DeltaTable | None = None

    def view(self, release: Release) -> View:
        """A release of the lake, as a reader sees it."""
        return View(self.lake.storage, release, self.lake.clock)

    def look(self) -> None:
        """Read the releases again if there is anything new."""
        storage = self.lake.storage
        if self.fault is None and self._unchanged(storage):
            return
        try:
            if self._table is None:
                self._table = storage.open(stored.TABLE)
            else:
                with translated(stored.TABLE):
                    self._table.update_incremental()
            version = -1 if self._table is None else self._table.version()
            if version != self.known.version:
                self.known = Known(version, tuple(stored.releases(storage)))
            self.fault = None
        except (LakeError, OSError) as error:
            self.fault, self._table = str(error), None

    def _unchanged(self, storage: Storage) -> bool:
        """Whether a local table surely has no further commit: a look at one file name, without deltalake.

        Deltalake keeps the interpreter to itself while it reads, and every answer would wait for it.
        """
        if self._table is None or storage.local is None:
            return False
        log = Path(storage.path(stored.TABLE)) / "_delta_log"
        return log.is_dir() and not (log / f"{self.known.version + 1:020}.json").exists()

    async def follow(self, every: float) -> None:
        """Look every so many seconds, until cancelled."""
        while True:
            await asyncio.sleep(every)
            await asyncio.to_thread(self.look)

    def pinned(self, query: bytes) -> Release:
        """The one release that a request reads: its cursor's, the one that it names, or the latest.

        Raises
        ------
        Problem
            404 where none stood then, 410 where its files are gone, 422 where the query names two, 503 before the
            first release.
        """
        found = self.known.releases
        if not found:
            raise Problem(503, "The lake has no release yet.", headers={"Retry-After": "60"})
        if b"release" not in query and b"as_of" not in query and b"cursor" not in query:
            return found[-1]
        named = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
        if "cursor" in named:
            return self._of_cursor(named)
        if "release" in named and "as_of" in named:
            raise wrong_parameter("as_of", "give as_of or release, not both")
        which = named.get("release", named.get("as_of"))
        return found[-1] if which is None else self.chosen(which)

    def chosen(self, which: str) -> Release:
        """The release of that number, lock or time; for the problems see `pinned`."""
        try:
            return stored.choose(self.known.releases, which, self.lake.clock())
        except stored.ExpiredError as error:
            raise Problem(410, str(error)) from error
        except ReleaseError as error:
            raise Problem(404, str(error)) from error

    def _of_cursor(self, named: Mapping[str, str]) -> Release:
        try:
            pinned = self.chosen(str(Cursor.read(named["cursor"]).release))
        except CursorError:
            raise wrong_parameter("cursor", "it is not one that this service made") from None
        for name in ("release", "as_of"):
            if name in named and self.chosen(named[name]) != pinned:
                raise wrong_parameter(name, f"the cursor goes on with release {pinned.number}")
        return pinned


@contextlib.asynccontextmanager
async def followed(current_releases: CurrentReleases, every: float) -> AsyncIterator[None]:
    """Look once, then go on looking until the block ends."""
    await asyncio.to_thread(current_releases.look)
    async with beside(current_releases.follow(every)):
        yield
