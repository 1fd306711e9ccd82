"""Lakes that nobody drew: whatever was delivered, every outlet opens, for both audiences, and says what it lacks."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from carti_lake import Lake
from carti_lake.access.viewer import Audience
from carti_lake.metrics import METRICS
from carti_lake.metrics.value import undelivered
from carti_lake.outlets.charts import VIEWS, shown
from carti_lake.outlets.dashboard.cubes import SHOWN
from carti_lake.outlets.dashboard.page import page
from carti_lake.outlets.disclosure import opened
from carti_lake.outlets.published.publish import publish_of
from carti_lake.outlets.report.contents import contents
from carti_lake.outlets.report.file import typeset
from carti_lake.outlets.workbook import write_workbook
from carti_lake.releases.measure import delivered
from tests.worlds.lakes import Row, account, appointment, lake_in, load, opportunity, referral, stay, visit

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore:Sparkline Group extension"),
]
Feeds = dict[str, list[Row]]
RTL = "\u202eד״ר כהן"
NAMES = ("=1+1", "</script><b>'\"&", RTL, "Dr. " + "Very Long " * 25 + "Name", "#typst $x^2$ *bold*", "a|b\nc")


def visits(count: int = 40, **changes: Any) -> list[Row]:
    """Visits of three months, a part of them denied."""
    rows = []
    for number in range(1, count + 1):
        denied = {"claim_status": "Denied", "claim_paid": "0"} if number % 7 == 0 else {}
        own = {name: one(number) if callable(one) else one for name, one in changes.items()}
        rows.append(visit(number, visit_date=f"2026-0{1 + number % 3}-{1 + number % 5:02}", **{**denied, **own}))
    return rows


def referrals(count: int = 30, **changes: Any) -> list[Row]:
    return [referral(number, **changes) for number in range(1, count + 1)]


ODD: dict[str, Feeds] = {
    "one visit": {"ehr_visits": [visit()]},
    "no claims": {
        "ehr_visits": visits(claim_amount=None, claim_paid=None, claim_status=None),
        "salesforce_referrals": referrals(),
    },
    "CRM alone": {
        "salesforce_crm": [account("Dr. Ann Lee"), account("Dr. Bo Chan", marketing_cost=None)],
        "salesforce_opportunities": [opportunity(number) for number in range(12)],
    },
    "a month without visits": {
        "ehr_visits": [one for one in visits(60) if not (one["visit_date"] or "").startswith("2026-02")]
    },
    "names": {
        "ehr_visits": visits(90, provider_name=lambda number: NAMES[number % len(NAMES)]),
        "salesforce_referrals": [
            referral(number, referring_provider_name=NAMES[number % 6], rendering_provider_name=NAMES[-number % 6])
            for number in range(1, 60)
        ],
        "salesforce_crm": [account(name) for name in NAMES],
    },
    "no money": {"ehr_visits": visits(claim_amount=None, claim_paid=None)},
    "money below nothing": {
        "ehr_visits": visits(
            claim_amount=lambda number: "-120.50" if number % 4 == 0 else "100",
            claim_paid=lambda number: "-99" if number % 3 else "80",
        ),
        "salesforce_crm": [account("Dr. Ann Lee", deals_value="-3000")],
    },
    "months to come": {
        "ehr_visits": visits(30),
        "ehr_appointments": [
            appointment(number, appointment_date=f"2026-{3 + number % 9:02}-05", appointment_status="Scheduled")
            for number in range(1, 40)
        ],
        "sg2_patient_flow": [stay(number, admission_date="2026-03-01") for number in range(1, 15)],
    },
}


def made(folder: Path, feeds: Feeds) -> Lake:
    lake = lake_in(folder)
    for feed, rows in feeds.items():
        load(lake, feed, rows)
    lake.run()
    return lake


def odd(texts: Iterable[str]) -> list[str]:
    """Texts that say nothing to people: a number that is none, a sign before zero, a month that nobody had."""
    nothing = re.compile(r"\b(NaN|None|null|undefined|Infinity|inf|nan)\b|\u2212\$?0(\.0+)?( %|\b(?![.,]))|\b1900\b")
    return [text for text in texts if nothing.search(text)]


@pytest.mark.parametrize("audience", Audience)
@pytest.mark.parametrize("name", ODD)
def test_every_outlet_opens_and_says_what_it_lacks(
    name: str, audience: Audience, made_once: Callable[..., Path], tmp_path: Path, browser: Any
) -> None:
    feeds = ODD[name]
    folder = made_once(f"odd-{name}", lambda folder: made(folder / "lake", feeds))
    lake = Lake(folder / "lake", environment={})
    view = lake.at()
    why = {"full_counts": "a test"} if audience is Audience.INSIDE else {}
    had = delivered(view.tables(), view.scan)
    release = shown(view, **why)
    missing = {name: why_not for name, metric in SHOWN.items() if (why_not := undelivered(metric, had))}
    _looks_right(browser, page(release, missing), tmp_path)
    pack = contents(release, had, [], view.release.caption)
    said = [*pack["story"], *(str(text) for tile in pack["tiles"] for text in tile.values() if text)]
    assert not odd(said)
    assert all(tile["number"] != "\N{EN DASH}" or tile["months"] for tile in pack["tiles"])
    if name == "names":
        assert typeset(pack, [], view.release.at).startswith(b"%PDF")
    titles: list[Any] = [draw(release).title for draw in VIEWS.values()]
    assert not odd(text for title in titles for text in (title.text, *title.subtitle))
    book = openpyxl.load_workbook(
        write_workbook(opened(view, "workbook", **why), view.release, tmp_path / "book.xlsx", had)
    )
    header, *rows = book["KPIs"].iter_rows(values_only=True)
    assert len(rows) == len(METRICS)
    for row in rows:
        told = dict(zip(header, row, strict=True))
        assert (told["Value"] is None) == bool(told["Blank because"]), told
    cells = [str(one) for sheet in book for row in sheet.iter_rows(values_only=True) for one in row if one is not None]
    assert not [one for one in cells if one in ("nan", "None", "inf", "#NUM!", "#DIV/0!")]
    publish_of(view, str(tmp_path / "tables"), **why)
    for metric in METRICS.values():
        for one in view.metric(metric.id).collect().iter_rows(named=True):
            assert (one["value"] is None) == bool(one["reason"]), metric.id


def _looks_right(browser: Any, html: str, folder: Path) -> None:
    """In a browser: nothing to complain of, each tile a number or a reason, each view a picture or words."""
    file = folder / "page.html"
    file.write_text(html, "utf-8")
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
    tab = context.new_page()
    heard: list[str] = []
    tab.on("console", lambda message: heard.append(message.text))
    tab.on("pageerror", lambda error: heard.append(str(error)))
    tab.goto(file.as_uri())
    tab.wait_for_selector("body[data-updates]")
    texts = tab.eval_on_selector_all(
        ".tile, #story, .card .notes, .card .words, svg text", "all => all.map(one => one.textContent)"
    )
    assert not heard and not odd(texts)
    blank = tab.eval_on_selector_all(
        ".tile:has(.none)", "all => all.filter(one => !one.querySelector('.change').textContent.trim())"
    )
    empty = tab.eval_on_selector_all(
        ".card",
        "all => all.filter(one => one.querySelector('.words').hidden && !one.querySelector('.chart svg .role-mark *'))"
        ".map(one => one.id)",
    )
    assert not blank and not empty
    assert tab.evaluate("document.documentElement.scrollWidth") == 1280
    context.close()
