"""Problems as pages for people: a browser is sent HTML, a program the problem details as they are."""

import json
from html import escape
from typing import TYPE_CHECKING, Any

from carti_lake.serve.formats import liking
from carti_lake.serve.page import links, page
from carti_lake.serve.problems import MEDIA_TYPE

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Headers that the page says itself.
_SAID_BY_THE_PAGE = frozenset({b"content-type", b"content-length", b"content-security-policy", b"cache-control"})


class ProblemPages:
    """ASGI layer around everything: whichever layer found the problem, a browser shows it as a page.

    Parameters
    ----------
    app
        Answers problems as ``application/problem+json``.
    """

    def __init__(self, app: "ASGIApp") -> None:
        self.app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Pass the request on, and turn a problem into a page where a browser asked."""
        if scope["type"] != "http" or not for_people(dict(scope["headers"]).get(b"accept", b"").decode("latin-1")):
            await self.app(scope, receive, send)
            return
        begun: Message | None = None
        body = bytearray()

        async def sending(message: "Message") -> None:
            nonlocal begun
            if message["type"] == "http.response.start" and _is_problem(message):
                begun = message
            elif begun is None:
                await send(message)
            else:
                body.extend(message.get("body", b""))
                if message.get("more_body", False):
                    return
                # A HEAD that was answered from below has no body to make a page of.
                if body:
                    await _send_page(begun, bytes(body), scope["method"], send)
                else:
                    await send(begun)
                    await send(message)

        await self.app(scope, receive, sending)


def for_people(accept: str) -> bool:
    """Whether an ``Accept`` header likes HTML better than JSON: browsers' do, no program's."""
    liked = liking(accept)
    html = max(liked.get(one, 0.0) for one in ("text/html", "text/*"))
    return html > max(liked.get(one, 0.0) for one in (MEDIA_TYPE, "application/json", "application/*", "*/*"))


def problem_page(problem: dict[str, Any]) -> str:
    """What a problem says, and where to go on, as HTML."""
    parts = [str(one["detail"]) for one in problem.get("errors", [])]
    # One fault is in the detail already.
    listed = f"<ul>{''.join(f'<li>{escape(one)}</li>' for one in parts)}</ul>" if len(parts) > 1 else ""
    on = {"/sign-in": "Sign in"} if problem["status"] == 401 else {"/": "First page", "/files": "Files"}
    return f"""<main class="narrow"><h1>{escape(_words(problem))}</h1>
<p role="alert">{escape(str(problem["detail"]))}</p>{listed}{links({**on, "/api": "The API"})}
<p class="caption">{problem["status"]} {escape(str(problem["title"]))}</p></main>"""


def _words(problem: dict[str, Any]) -> str:
    """The status in words for people who never read a list of them."""
    known = {
        401: "Please sign in",
        403: "This is not for you to see",
        404: "There is nothing here",
        410: "This release is gone",
        422: "This question cannot be read",
        429: "Too many requests",
        500: "Something went wrong",
        503: "Not available just now",
    }
    return known.get(problem["status"], str(problem["title"]))


def _is_problem(message: "Message") -> bool:
    # Compressed it is left as it is: no problem of ours is that long.
    headers = dict(message["headers"])
    return headers.get(b"content-type", b"").startswith(MEDIA_TYPE.encode()) and b"content-encoding" not in headers


async def _send_page(begun: "Message", body: bytes, method: str, send: "Send") -> None:
    problem = json.loads(body)
    answer = page(_words(problem), problem_page(problem), begun["status"])
    kept = [one for one in begun["headers"] if one[0] not in _SAID_BY_THE_PAGE]
    await send({"type": "http.response.start", "status": begun["status"], "headers": [*kept, *answer.raw_headers]})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else bytes(answer.body)})
