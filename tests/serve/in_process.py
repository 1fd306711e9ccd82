"""A client of an ASGI application in this process: its loop runs in a thread beside the test."""

import asyncio
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import httpx


@dataclass(frozen=True)
class Raw:
    """Headers, and the body as it was sent."""

    headers: httpx.Headers
    body: bytes


class InProcess(AbstractContextManager["InProcess"]):
    """Starts the application, sends requests, and ends it in order."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self) -> "InProcess":
        self._thread.start()
        self._run(self._start())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._run(self._end())
        self._run(self.loop.shutdown_default_executor())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.request("GET", path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.request("POST", path, **more)

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self._run(self._client.request(method, path, **more))

    def raw(self, path: str, **more: Any) -> "Raw":
        """A GET whose body is as it was sent, compressed or not."""
        return self._run(self._raw(path, **more))

    async def _raw(self, path: str, **more: Any) -> "Raw":
        async with self._client.stream("GET", path, **more) as answer:
            return Raw(answer.headers, b"".join([part async for part in answer.aiter_raw()]))

    def together(self, requests: list[tuple[str, str, dict[str, Any]]]) -> list[httpx.Response]:
        """Answers of requests that are under way at the same time."""

        async def all_of_them() -> list[httpx.Response]:
            return await asyncio.gather(
                *(self._client.request(method, path, **more) for method, path, more in requests)
            )

        return self._run(all_of_them())

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    async def _start(self) -> None:
        self._to_app: asyncio.Queue[Any] = asyncio.Queue()
        self._from_app: asyncio.Queue[Any] = asyncio.Queue()
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        self._life = asyncio.create_task(self.app(scope, self._to_app.get, self._from_app.put))
        await self._to_app.put({"type": "lifespan.startup"})
        assert (await self._from_app.get())["type"] == "lifespan.startup.complete"
        transport = httpx.ASGITransport(self.app)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://lake.test")

    async def _end(self) -> None:
        await self._client.aclose()
        await self._to_app.put({"type": "lifespan.shutdown"})
        assert (await self._from_app.get())["type"] == "lifespan.shutdown.complete"
        await self._life
