"""Limits on one request: how large its body may be, and how long it may take."""

import asyncio
from typing import TYPE_CHECKING

from carti_lake.serve.problems import Problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE", "QUERY"})


class Guarded:
    """ASGI layer that refuses large bodies and slow work.

    Parameters
    ----------
    app
        The application; it gets the whole body at once.
    most_body
        Bytes of the largest body.
    seconds
        For the whole request, the arrival of its body included.
    """

    def __init__(self, app: "ASGIApp", *, most_body: int, seconds: float) -> None:
        self.app = app
        self.most_body = most_body
        self.seconds = seconds

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Pass the request on within its limits."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self.seconds):
                if scope["method"] in _WITH_BODY:
                    receive = await self._whole(scope, receive)
                await self.app(scope, receive, send)
        except TimeoutError:
            raise Problem(
                503, f"This took longer than {self.seconds:g} seconds. Ask for less.", headers={"Retry-After": "5"}
            ) from None

    async def _whole(self, scope: "Scope", receive: "Receive") -> "Receive":
        declared = dict(scope["headers"]).get(b"content-length", b"")
        size = int(declared) if declared.isdigit() else 0
        body, more = bytearray(), True
        while more and size <= self.most_body:
            message = await receive()
            body += message.get("body", b"")
            size, more = max(size, len(body)), message.get("more_body", False)
        if size > self.most_body:
            raise Problem(413, f"The body is larger than {self.most_body} bytes.", headers={"Connection": "close"})
        given = False

        async def whole() -> "Message":
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        return whole
