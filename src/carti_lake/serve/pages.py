"""What a browser sees: a page to sign in on, and a first page with the viewer's providers and files. No scripts."""

from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import polars as pl
from fastapi import APIRouter, Request, Response
from starlette.responses import HTMLResponse, RedirectResponse

from carti_lake.serve import dashboard
from carti_lake.serve.problems import Problem
from carti_lake.serve.readers import address
from carti_lake.serve.request import context_of
from carti_lake.serve.sessions import COOKIE, DAY, cookie_in, same_origin

if TYPE_CHECKING:
    from carti_lake.serve.readers import Readers

#: A page is what this site sends and nothing more: no script at all, no frame, no form to elsewhere.
CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
_SAFE = {"Content-Security-Policy": CSP, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
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

STYLE = """
:root { font: 16px/1.5 "Liberation Sans", Arial, sans-serif; color: #1a1a1a; background: #fff }
body { max-width: 68rem; margin: 0 auto; padding: 2rem 1rem }
main.narrow { max-width: 24rem; margin: 12vh auto 0 }
h1 { font-size: 1.5rem; margin: 0 0 .25rem }
p.caption { color: #555; margin: 0 0 1.5rem }
p.error { color: #8a1c00; border-left: 4px solid #d55e00; padding-left: .75rem }
label, input, button { display: block; font: inherit }
input { width: 100%; box-sizing: border-box; padding: .5rem; margin: .25rem 0 1rem; border: 1px solid #767676 }
button { padding: .5rem 1.25rem; border: 0; background: #0072b2; color: #fff; cursor: pointer }
header { display: flex; justify-content: space-between; align-items: start }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 }
th, td { text-align: left; padding: .375rem .75rem .375rem 0; border-bottom: 1px solid #ddd }
th.number, td.number { text-align: right; font-variant-numeric: tabular-nums }
a { color: #0072b2 }
"""


def routes(readers: "Readers") -> APIRouter:
    """The pages; signing in goes through the same door as every other request."""
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
        page, policy = dashboard.page(context_of(request.scope))
        return HTMLResponse(page, headers={**_SAFE, "Content-Security-Policy": policy})

    return router


def _sign_in(error: str = "", status: int = 200) -> HTMLResponse:
    said = f'<p class="error" role="alert">{escape(error)}</p>' if error else ""
    welcome = '<p class="caption">Sign in with the key that you were given.</p>'
    return _page(
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
    rows = pl.DataFrame()
    if "gold.provider_summary" in visible.tables():
        table = visible.scan("gold.provider_summary").sort("provider_name", "provider_id")
        rows = table.select(*SHOWN).head(MOST_ROWS).collect()
    context.rows = rows.height
    links = []
    if "download" in context.viewer.scopes:
        links = ['<a href="/v1/workbook" download>Workbook</a>', '<a href="/v1/published">Files of whole tables</a>']
    if dashboard.installed():
        links.insert(0, '<a href="/dashboard">Dashboard</a>')
    links.append('<a href="/openapi.json">The API</a>')
    numbers = [name for name, dtype in rows.schema.items() if dtype.is_numeric()]
    head = "".join(f"<th{' class=number' * (name in numbers)}>{escape(title)}</th>" for name, title in SHOWN.items())
    body = "".join(f"<tr>{_cells(row)}</tr>" for row in rows.iter_rows(named=True))
    return _page(
        "Carti Lake",
        f"""<header><div><h1>Carti Lake</h1><p class="caption">{escape(context.release.caption)} · signed in as
{escape(context.viewer.name)}</p></div><form method="post" action="/sign-out"><button>Sign out</button></form></header>
<p>{" · ".join(links)}</p><table id="providers"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>""",
    )


def _cells(row: dict[str, object]) -> str:
    cells = []
    for name, value in row.items():
        if value is None or isinstance(value, str):
            cells.append(f"<td>{escape(value or '')}</td>")
        elif name.endswith("_rate"):
            cells.append(f'<td class="number">{value:.1%}</td>')
        else:
            cells.append(f'<td class="number">{value:,.0f}</td>')
    return "".join(cells)


def _page(title: str, body: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(
        f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/style.css"></head>
<body>{body}</body></html>""",
        status,
        _SAFE,
    )
