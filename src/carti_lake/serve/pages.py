"""What a browser sees: a page to sign in on, and a first page with the viewer's providers and files. No scripts."""

from collections.abc import Callable
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import polars as pl
from fastapi import APIRouter, Request, Response
from starlette.responses import HTMLResponse, RedirectResponse

from carti_lake.metrics.names import plain
from carti_lake.serve import dashboard, downloads
from carti_lake.serve.api_page import api_page
from carti_lake.serve.page import SAFE, STYLE, links, page, table
from carti_lake.serve.problems import Problem
from carti_lake.serve.readers import address
from carti_lake.serve.request import RequestContext, context_of
from carti_lake.serve.sessions import COOKIE, DAY, cookie_in, same_origin
from carti_lake.tables import TABLES

if TYPE_CHECKING:
    from carti_lake.serve.boards import Boards
    from carti_lake.serve.readers import Readers

#: Columns of the first page's table, and their headings.
SHOWN = {
    "provider_name": "Provider",
    "specialty": "Specialty",
    "total_visits": "Visits",
    "total_claim_amount": "Billed charges, USD",
    "denial_rate": "Denial rate",
    "referrals_received": "Referrals received",
}
MOST_ROWS = 200
#: Endings of the files of whole tables, as people call them.
KINDS = {"csv": "CSV", "parquet": "Parquet"}
SIGN_OUT = '<form method="post" action="/sign-out"><button>Sign out</button></form>'


def routes(readers: "Readers", boards: "Boards", document: Callable[[], dict[str, Any]]) -> APIRouter:
    """The pages; signing in goes through the same door as every other request.

    Parameters
    ----------
    readers
        Who signs in, and out.
    boards
        The dashboards.
    document
        The OpenAPI document.
    """
    router = APIRouter(include_in_schema=False)

    @router.get("/style.css")
    async def style() -> Response:
        return Response(STYLE, media_type="text/css", headers={"Cache-Control": "public, max-age=3600"})

    @router.get("/sign-in")
    async def sign_in_page() -> Response:
        return _sign_in()

    @router.post("/sign-in")
    async def sign_in(request: Request) -> Response:
        if not same_origin(dict(request.scope["headers"])):
            raise Problem(403, "Another site's page may not sign you in.")
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        key = form.get("key", [""])[0].strip()
        try:
            context_of(request.scope).viewer = await readers.admit(key, address(request.scope))
        except Problem as problem:
            said = "This key is unknown, expired or revoked." if problem.status == 401 else problem.detail
            return _sign_in(said, problem.status)
        answer = RedirectResponse("/", 303, headers={"Cache-Control": "no-store"})
        answer.set_cookie(
            COOKIE,
            readers.sessions.start(key),
            max_age=int(DAY),
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return answer

    @router.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        headers = dict(request.scope["headers"])
        if not same_origin(headers):
            raise Problem(403, "Another site's page may not sign you out.")
        readers.sessions.end(cookie_in(headers))
        answer = RedirectResponse("/sign-in", 303, headers={"Cache-Control": "no-store"})
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return answer

    @cache
    def in_words() -> Response:
        return page("The API", api_page(document()))

    @router.get("/api")
    def api() -> Response:
        return in_words()

    @router.get("/files")
    def files(request: Request) -> Response:
        return _first_page(request)

    if not dashboard.installed():
        router.add_api_route("/", files)
        return router

    @router.get("/")
    async def first() -> Response:
        return RedirectResponse("/dashboard", 303, headers={"Cache-Control": "no-store"})

    @router.get("/dashboard")
    def board(request: Request) -> Response:
        context = context_of(request.scope)
        context.needs("read")
        html, policy = dashboard.served(boards.page(context.opened), links(ways(context, "/dashboard")) + SIGN_OUT)
        return HTMLResponse(html, headers={**SAFE, "Content-Security-Policy": policy})

    return router


def release_in_address(context: RequestContext) -> str:
    """What an address says so that it is of the viewer's release: nothing of the latest."""
    assert context.known is not None
    latest = context.release.number == context.known.releases[-1].number
    return "" if latest else f"?release={context.release.number}"


def ways(context: RequestContext, here: str) -> dict[str, str]:
    """Where the viewer can go on from a page, of the same release."""
    assert context.viewer is not None
    which = release_in_address(context)
    places = {"/dashboard": "Dashboard"} if dashboard.installed() else {}
    places["/files"] = "Files"
    if "download" in context.viewer.scopes:
        places["/v1/workbook"] = "Workbook"
    return {f"{place}{which}": words for place, words in places.items() if place != here} | {"/api": "The API"}


def _sign_in(error: str = "", status: int = 200) -> HTMLResponse:
    said = f'<p class="error" role="alert">{escape(error)}</p>' if error else ""
    welcome = '<p class="caption">Sign in with the key that you were given.</p>'
    return page(
        "Sign in",
        f"""<main class="narrow"><h1>Carti Lake</h1>{welcome}{said}
<form method="post" action="/sign-in"><label for="key">Key</label>
<input id="key" name="key" type="password" autocomplete="off" required autofocus>
<button>Sign in</button></form></main>""",
        status,
    )


def _first_page(request: Request) -> HTMLResponse:
    context = context_of(request.scope)
    assert context.viewer is not None
    visible = context.opened
    rows, total = pl.DataFrame(), 0
    if "gold.provider_summary" in visible.tables():
        found = visible.scan("gold.provider_summary").sort("provider_name", "provider_id").select(*SHOWN).collect()
        rows, total = found.head(MOST_ROWS), found.height
    context.rows = rows.height
    head = {title: rows.schema.get(name, pl.String()).is_numeric() for name, title in SHOWN.items()}
    cells = [[_cell(name, value) for name, value in row.items()] for row in rows.iter_rows(named=True)]
    more = f"<p>The first {rows.height:,} of {total:,} providers; /v1/summary has them all.</p>"
    none = "<p>There is no provider in this release that you may see.</p>"
    shown = none if rows.is_empty() else table(head, cells, identity="providers") + more * (total > rows.height)
    whole = _whole_tables(context) if "download" in context.viewer.scopes else ""
    return page(
        "Carti Lake",
        f"""<header><div><h1>Carti Lake</h1><p class="caption">{escape(context.release.caption)} · signed in as
{escape(context.viewer.name)}</p></div>{SIGN_OUT}</header>
{links(ways(context, "/files"))}<main>{whole}<h2>Providers</h2>{shown}</main>""",
    )


def _whole_tables(context: RequestContext) -> str:
    """The tables that the viewer may take away, as spreadsheets read them and as programs do."""
    which = release_in_address(context)
    rows = [
        [
            f"{escape(plain(name))}<br><small>{escape(TABLES[full].purpose())}</small>",
            *(f'<a href="/v1/published/{name}.{ending}{which}" download>{kind}</a>' for ending, kind in KINDS.items()),
        ]
        for name, full in downloads.tables(context).items()
    ]
    return f"<h2>Whole tables</h2>{table(dict.fromkeys(('Table', *KINDS.values()), False), rows, identity='tables')}"


def _cell(name: str, value: object) -> str:
    if value is None or isinstance(value, str):
        return escape(value or "-")
    return f"{value:.1%}" if name.endswith("_rate") else f"{value:,.0f}"
