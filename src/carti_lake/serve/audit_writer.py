"""Who read what, for the audit log: noted while answering, written in batches beside it, and all of it at the end."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime

from carti_lake.access.audit_log import Entry
from carti_lake.serve.background import beside
from carti_lake.serve.problems import Problem
from carti_lake.serve.request import RequestContext

_LOG = logging.getLogger("carti_lake.serve")

#: Seconds between two batches: a commit each, and what a killed process loses.
EVERY = 5.0
#: How often it is tried to write the last ones.
AT_THE_END = 5
#: Entries that may wait to be written; with more, nothing is answered: nobody reads unseen.
MOST_WAITING = 200_000


class AuditWriter:
    """Entries on their way to the audit log.

    Parameters
    ----------
    write
        Writes entries down for good, in their order; may be slow, and may fail: they are then written with the next.
    clock
        Gives the present (UTC).
    """

    def __init__(self, write: Callable[[Sequence[Entry]], object], clock: Callable[[], datetime]) -> None:
        self.write = write
        self.clock = clock
        self._waiting: list[Entry] = []
        self._writing = asyncio.Lock()

    def refuse_if_full(self) -> None:
        """Answer nothing that could not be written down.

        Raises
        ------
        Problem
            503.
        """
        if len(self._waiting) >= MOST_WAITING:
            raise Problem(503, "The audit log cannot be written just now.", headers={"Retry-After": "5"})

    def note(self, context: RequestContext, status: int) -> None:
        """Note an answer; those that concern nobody's numbers are left out."""
        if context.viewer is None and status not in (401, 403):
            return
        action = "failed" if status >= 500 else "refused" if status >= 400 else "read"
        if context.route == "/sign-in" and action == "read":
            action = "sign-in"
        release = context.visible.release.number if context.visible else None
        who = context.viewer.name if context.viewer else ""
        entry = Entry(self.clock(), who, action, context.route, release, context.rows, context.id)
        # Worked out with each answer: all those of a batch at once would hold answers up.
        entry.digest  # noqa: B018
        self._waiting.append(entry)

    @contextlib.asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Write batches until the block ends, and then what is left."""
        try:
            async with beside(self._go_on()):
                yield
        finally:
            await self._write_the_rest()

    async def _go_on(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            # Once begun, a batch is written to its end, whatever ends meanwhile.
            await asyncio.shield(self._write_down())

    async def _write_the_rest(self) -> None:
        for _ in range(AT_THE_END):
            await self._write_down()
            if not self._waiting:
                return
            await asyncio.sleep(EVERY)
        _LOG.error("entries of the audit log are lost", extra={"fields": {"entries": len(self._waiting)}})

    async def _write_down(self) -> None:
        async with self._writing:
            batch, self._waiting = self._waiting, []
            if not batch:
                return
            try:
                await asyncio.to_thread(self.write, batch)
            except Exception as error:
                _LOG.error("the audit log cannot be written", extra={"fields": {"error": type(error).__name__}})
                self._waiting = batch + self._waiting
