"""Work that several requests ask for at the same moment, done once for all of them."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class SingleFlight(Generic[K, V]):
    """What is being worked out, by what it is."""

    def __init__(self) -> None:
        self._underway: dict[K, asyncio.Task[V]] = {}

    async def __call__(self, key: K, work: Callable[[], Coroutine[Any, Any, V]]) -> V:
        """Await the work under way for this key, or begin it; whoever gives up waiting takes it from nobody else."""
        task = self._underway.get(key)
        if task is None:
            task = self._underway[key] = asyncio.create_task(work())
            task.add_done_callback(lambda _: self._underway.pop(key, None))
        return await asyncio.shield(task)
