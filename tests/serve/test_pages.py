"""A browser signs in with a key, sees its own rows, and takes the workbook away; other sites' pages can do nothing."""

import contextlib
import re
import socket
import threading
import time
from html import escape
from types import SimpleNamespace
from urllib.parse import urlsplit

import openpyxl
import polars as pl
import pytest
import uvicorn

from carti_lake.serve import boards, dashboard, sessions
from carti_lake.serve.app import create_app
from carti_lake.serve.page import CSP
from carti_lake.serve.pages import SHOWN
from tests.doubles.readers import see
from tests.serve.conftest import PATIENT, key, service


def signed_in(client, name="few"):
    """The cookie of a browser that has signed in."""
    answer = client.post("/sign-in", data={"key": name}, headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == "/"
    return answer.headers["set-cookie"]


def with_cookie(cookie, **more):
    return {"Cookie": cookie.partition(";")[0], **more}


def test_a_browser_without_a_session_is_shown_the_door(client):
    answer = client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    page = client.get("/sign-in")
    assert page.status_code == 200
    assert 'type="password"' in page.text
    assert "<script" not in page.text


def test_the_cookie_is_for_this_site_and_not_for_scripts(client):
    cookie = signed_in(client)
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    name, value = cookie.partition(";")[0].split("=", 1)
    assert name == sessions.COOKIE
    assert len(value) >= 40
    # It is drawn anew each time, so nothing of the key can be in it.
    assert value not in signed_in(client)


def test_over_tls_the_cookie_is_never_sent_in_the_clear(client):
    answer = client.post("https://lake.test/sign-in", data={"key": "few"})
    assert "Secure" in answer.headers["set-cookie"]


def test_pages_run_no_scripts_and_are_not_kept(client):
    for path, headers in (("/sign-in", {}), ("/files", with_cookie(signed_in(client)))):
        answer = client.get(path, headers=headers)
        policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert policy["form-action"] == "'self'"
        assert "script-src" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_first_page_shows_the_viewers_rows_alone(client, served):
    names = served.lake.scan("gold.dim_provider").collect()
    mine = names.filter(pl.col("provider_id").is_in([*served.viewers["few"].providers]))["provider_name"]
    page = client.get("/files", headers=with_cookie(signed_in(client))).text
    assert {*re.findall(r'<th role="rowheader" scope="row">([^<]+)', page.partition('id="providers"')[2])} == {*mine}
    assert served.lake.at().release.caption in page


def test_a_wrong_key_is_told_so_and_gets_no_cookie(client):
    answer = client.post("/sign-in", data={"key": "<script>"})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert "unknown, expired or revoked" in answer.text
    assert "<script" not in answer.text


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.test"}]
)
def test_another_sites_page_can_do_nothing(client, headers):
    assert client.post("/sign-in", data={"key": "few"}, headers=headers).status_code == 403
    cookie = signed_in(client)
    assert client.post("/sign-out", headers=with_cookie(cookie, **headers)).status_code == 403
    context = client.post("/v1/predictions/opportunity", json={"rows": [{}]}, headers=with_cookie(cookie, **headers))
    assert context.status_code == 403
    own = {"Sec-Fetch-Site": "same-origin"}
    context = client.post("/v1/predictions/opportunity", json={"rows": [{}]}, headers=with_cookie(cookie, **own))
    assert context.status_code == 200


def test_who_signs_out_is_out(client):
    cookie = signed_in(client)
    assert client.get("/v1/summary", headers=with_cookie(cookie)).status_code == 200
    answer = client.post("/sign-out", headers=with_cookie(cookie))
    assert answer.status_code == 303
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert client.get("/v1/summary", headers=with_cookie(cookie)).status_code == 401


def test_a_session_ends_with_its_key_and_with_the_day(served, monkeypatch):
    monkeypatch.setattr("carti_lake.serve.readers.TRUSTED_FOR", 0.0)
    now = [0.0]
    monkeypatch.setattr(sessions.time, "monotonic", lambda: now[0])
    with service(served) as client:
        cookie = signed_in(client)
        for _ in range(17):
            now[0] += 1700
            last = client.get("/v1/summary", headers=with_cookie(cookie)).status_code
        assert last == 401
        idle = signed_in(client)
        now[0] += 1801
        assert client.get("/v1/summary", headers=with_cookie(idle)).status_code == 401
        revoked = signed_in(client)
        viewer = served.viewers.pop("few")
        try:
            assert client.get("/v1/summary", headers=with_cookie(revoked)).status_code == 401
        finally:
            served.viewers["few"] = viewer


@pytest.fixture(scope="module")
def address(served):
    """A server of the service on loopback."""
    app = create_app(served.lake, authenticate=served.viewers.get, see=see, write=len, settings=PATIENT)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, port=port, lifespan="on", log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 30
    while not server.started and time.monotonic() < until:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(30)


@pytest.mark.browser
@pytest.mark.server
def test_a_real_browser_signs_in_sees_its_rows_and_takes_the_workbook(browser, address, served, tmp_path):
    names = served.lake.scan("gold.dim_provider").collect()
    mine = {*names.filter(pl.col("provider_id").is_in([*served.viewers["few"].providers]))["provider_name"]}
    told, asked = [], []
    with contextlib.closing(browser.new_context()) as context:
        page = context.new_page()
        page.on("console", lambda message: told.append(message.text))
        page.on("request", lambda request: asked.append(urlsplit(request.url).netloc))
        page.goto(address)
        assert page.url == f"{address}/sign-in"
        page.fill("#key", "wrong")
        page.click("button")
        assert "revoked" in page.text_content("[role=alert]")
        page.fill("#key", "few")
        page.press("#key", "Enter")
        page.wait_for_url(re.compile(r"/(dashboard)?$"))
        page.goto(f"{address}/files")
        assert {*page.locator("#providers tbody th").all_text_contents()} == mine
        assert page.evaluate("document.cookie") == ""
        (cookie,) = page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        with page.expect_download() as coming:
            page.click("text=Workbook")
        coming.value.save_as(tmp_path / "workbook.xlsx")
        book = openpyxl.load_workbook(tmp_path / "workbook.xlsx")
        cells = {cell for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row}
        assert mine <= cells
        assert not ({*names["provider_name"]} - mine) & cells
        page.click("text=Sign out")
        page.wait_for_url(f"{address}/sign-in")
        page.goto(f"{address}/")
        assert page.url == f"{address}/sign-in"
    # The wrong key's, and nothing that the policy of contents had to forbid.
    assert [*filter(lambda line: "401" not in line, told)] == []
    assert {*asked} == {urlsplit(address).netloc}


@pytest.mark.browser
@pytest.mark.server
@pytest.mark.parametrize("path", ["/files", "/api", "/v1/nothing", "/dashboard"])
def test_a_phone_shows_each_page_without_scrolling_sideways(browser, address, path):
    with contextlib.closing(browser.new_context(viewport={"width": 390, "height": 844})) as context:
        page = context.new_page()
        asked = []
        page.on("request", lambda request: asked.append(urlsplit(request.url).netloc))
        page.goto(f"{address}/sign-in")
        page.fill("#key", "all")
        page.press("#key", "Enter")
        page.wait_for_url(re.compile(r"/(dashboard)?$"))
        page.goto(f"{address}{path}")
        page.locator("h1").wait_for()
        for details in page.locator("main details:visible").all()[:3]:
            details.locator("summary").click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        low = page.locator("nav a:visible, button:visible").evaluate_all(
            "all => all.filter(one => one.getBoundingClientRect().height < 24).map(one => one.outerHTML)"
        )
        assert low == []
    assert {*asked} == {urlsplit(address).netloc}


@pytest.mark.browser
@pytest.mark.server
def test_a_phone_names_each_number_of_a_provider(browser, address):
    with contextlib.closing(browser.new_context(viewport={"width": 390, "height": 844})) as context:
        page = context.new_page()
        page.set_extra_http_headers({"X-API-Key": "all"})
        page.goto(f"{address}/files")
        row = page.locator("#providers tbody tr").first
        assert row.locator("th").is_visible()
        named = row.locator("td").evaluate_all("all => all.map(one => getComputedStyle(one, '::before').content)")
        assert named == [f'"{title}"' for title in [*SHOWN.values()][1:]]
        below = row.locator("th, td").evaluate_all("all => all.map(one => one.getBoundingClientRect().top)")
        assert below == sorted(below)
        assert len({*below}) == len(SHOWN)
        # Blocks are a table still, for whoever hears them.
        assert page.get_by_role("row").count() > 1
        assert (
            page.locator("#providers").get_by_role("rowheader").count() == page.locator("#providers tbody tr").count()
        )


@pytest.mark.browser
@pytest.mark.server
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/sign-in", "/files", "/api", "/v1/nothing"])
def test_no_page_keeps_anybody_out(browser, address, path, scheme):
    from axe_playwright_python.sync_playwright import Axe

    with contextlib.closing(browser.new_context(color_scheme=scheme, bypass_csp=True)) as context:
        page = context.new_page()
        page.set_extra_http_headers({"X-API-Key": "few"})
        page.goto(f"{address}{path}")
        found = Axe().run(page).response["violations"]
        assert [(one["id"], one["impact"]) for one in found if one["impact"] in ("serious", "critical")] == []


BROWSERS = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(
    ("path", "who", "status"),
    [
        ("/nothing", "all", 404),
        ("/v1/summary", "", 401),
        ("/v1/workbook", "reader", 403),
        ("/v1/claims?a=1", "all", 422),
    ],
)
def test_a_browser_reads_what_went_wrong_on_a_page_and_a_program_as_json(client, path, who, status):
    page = client.get(path, headers=key(who, Accept=BROWSERS))
    assert page.status_code == status
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["content-security-policy"] == CSP
    assert "<script" not in page.text
    for accept in ("application/json", "*/*", "text/csv", "application/json, text/html", "text/html;q=0.5, */*"):
        told = client.get(path, headers=key(who, Accept=accept))
        assert told.headers["content-type"] == "application/problem+json"
        assert escape(told.json()["detail"]) in page.text
    assert client.request("HEAD", path, headers=key(who, Accept=BROWSERS)).content == b""


def test_a_problem_page_says_each_fault_and_nothing_is_markup(client):
    rows = {"rows": [{"<b>": 1, "denial_rate": 2, "avg_cost": "much"}]}
    page = client.post("/v1/predictions/opportunity", json=rows, headers=key(Accept=BROWSERS))
    assert page.status_code == 422
    assert page.text.count("<li>") >= 3
    assert "<b>" not in page.text


def test_programs_and_browsers_that_ask_at_once_each_get_their_own_form(client):
    asks = [("GET", "/v1/claims?a=1", {"headers": key(Accept=accept)}) for accept in (BROWSERS, "*/*") * 3]
    kinds = [answer.headers["content-type"].partition(";")[0] for answer in client.together(asks)]
    assert kinds == ["text/html", "application/problem+json"] * 3


def test_the_api_page_tells_of_every_operation_and_loads_nothing_from_elsewhere(client):
    page = client.get("/api")
    document = client.get("/openapi.json").json()
    asks = {f"{method.upper()} {escape(path)}" for path, found in document["paths"].items() for method in found}
    assert {*re.findall(r"<summary><code>([^<]+)</code>", page.text)} == asks
    for operations in document["paths"].values():
        for operation in operations.values():
            assert all(f"<code>{escape(one['name'])}</code>" in page.text for one in operation.get("parameters", []))
    assert "<script" not in page.text
    assert not re.search(r'(?:src|href)="(?!/|data:)', page.text)


def test_a_page_of_an_earlier_release_leads_to_files_of_the_same(client):
    page = client.get("/files?release=1", headers=key())
    assert 'href="/v1/workbook?release=1"' in page.text
    latest = client.get("/files", headers=key()).text
    assert 'href="/v1/workbook"' in latest
    named = {one: client.get(f"/v1/published{one}", headers=key()).json()["files"] for one in ("", "?release=1")}
    assert re.findall(r'href="/v1/published/([^"?]+)" download', latest) != []
    assert {*re.findall(r'href="/v1/published/([^"?]+)" download', latest)} == {*named[""]}
    assert {*re.findall(r'href="/v1/published/([^"]+)[?]release=1" download', page.text)} == {*named["?release=1"]}
    assert "<br><small>One row per provider: " in latest


def test_who_may_not_take_files_away_is_led_to_none(client):
    page = client.get("/files", headers=key("reader")).text
    assert "/v1/workbook" not in page
    assert "/v1/published" not in page


def test_a_long_list_says_that_it_is_cut(client, monkeypatch):
    monkeypatch.setattr("carti_lake.serve.pages.MOST_ROWS", 5)
    page = client.get("/files", headers=key()).text
    assert page.partition('id="providers"')[2].count('role="rowheader"') == 5
    assert re.search(r"The first 5 of \d+ providers", page)


def test_a_key_in_a_header_opens_the_page_of_files_too(client):
    assert client.get("/files", headers=key("few")).status_code == 200


def test_the_dashboard_stands_first_where_it_is_installed(served, monkeypatch):
    seen = []

    # What is made here is nobody else's page.
    monkeypatch.setattr(boards, "FOLDER", "dashboards-of-a-test")

    def page(shown, missing, why):
        seen.append(shown)
        policy = "default-src 'none'; script-src 'sha256-abc'"
        return f'<html><meta http-equiv="Content-Security-Policy" content="{policy}"><body>Board</body></html>'

    outlet = {"cubes": SimpleNamespace(SHOWN={}, KPIS=[]), "page": SimpleNamespace(page=page)}
    monkeypatch.setattr(dashboard, "installed", lambda: True)
    monkeypatch.setattr(dashboard, "import_module", lambda name: outlet[name.rpartition(".")[2]])
    with service(served) as client:
        assert client.get("/", headers=key("few")).headers["location"] == "/dashboard"
        assert client.get("/dashboard").headers["location"] == "/sign-in"
        board = client.get("/dashboard", headers=key("few"))
        assert client.get("/dashboard", headers=key("few")).content == board.content
    for place in ("/files", "/v1/workbook", "/api", "/sign-out"):
        assert f'="{place}"' in board.text
    assert board.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'sha256-abc'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    assert board.headers["cache-control"] == "no-store"
    (shown,) = seen
    assert {*shown.table("dim_provider")["provider_id"]} == served.viewers["few"].providers
