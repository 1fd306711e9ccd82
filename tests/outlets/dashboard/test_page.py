"""In a browser: every click changes the other views to what Polars computes, nothing is fetched, and it reads well."""

import hashlib
import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest

from carti_lake.disclosure import in_full
from carti_lake.metrics import METRICS
from carti_lake.metrics.names import reason as reason_in_words
from carti_lake.metrics.value import values
from carti_lake.outlets.charts.shown import Shown
from carti_lake.outlets.dashboard.cubes import KPIS
from carti_lake.outlets.dashboard.page import page
from carti_lake.outlets.headline import headlines
from carti_lake.outlets.history import needed
from carti_lake.outlets.published.frames import star
from carti_lake.outlets.workbook import write_workbook
from carti_lake.releases.release import Release
from carti_lake.tables.gold import GOLD

from .conftest import AS_OF, HOSTILE, checks_of, release_frames, shown

#: The newest year that is over: March is not.
YEAR = (date(2025, 3, 1), date(2026, 2, 1))
#: Of the newest months how many still move: March is not over, nor February's claims answered and referrals ended.
MOVING = dict.fromkeys(KPIS, 2) | dict.fromkeys(("visits", "no_show_rate", "top_box_rate"), 1)
Open = Callable[..., Any]

#: openpyxl leaves sparklines alone, and says so.
pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore:Sparkline Group extension")]


def asked(frames: dict[str, pl.DataFrame], metric: str, table: str | None = None, **kept: Any) -> float | None:
    """What Polars computes for a filter: a period, or members of a column."""
    rows = frames[table or METRICS[metric].mart.short_name]
    for column, members in kept.items():
        if column == "period":
            rows = rows.filter(pl.col("month").is_between(*members))
        else:
            rows = rows.filter(pl.col(column).is_in(members))
    value = values(METRICS[metric], rows.lazy()).collect()["value"].item()
    return None if value is None else float(value)


def tiles(tab: Any, part: str = "value") -> dict[str, float | None]:
    """The headline numbers."""
    pairs = f"tiles => tiles.map(one => [one.dataset.metric, one.dataset.{part} ?? null])"
    found = tab.eval_on_selector_all(".tile", pairs)
    return {metric: None if value is None else float(value) for metric, value in found}


def table(tab: Any, view: str) -> dict[str, list[float]]:
    """The numbers of a view's data table, by the first column."""
    tab.eval_on_selector(f"#{view} details", "one => { one.open = true }")
    tab.wait_for_selector(f"#{view} tbody tr", state="attached")
    rows = tab.eval_on_selector_all(
        f"#{view} tbody tr",
        "rows => rows.map(row => [row.cells[0].innerText, [...row.cells].filter(one => 'value' in one.dataset)"
        ".map(one => Number(one.dataset.value))])",
    )
    return {name: numbers for name, numbers in rows}


def agree(shown: dict[str, float | None], frames: dict[str, pl.DataFrame], **kept: Any) -> None:
    """The numbers of a period are those of its months that stay."""
    assert list(shown) == list(KPIS)
    for metric, value in shown.items():
        stay = {**kept, "period": staying(metric, *kept["period"])}
        assert value == pytest.approx(asked(frames, metric, **stay), rel=1e-12), metric


def staying(metric: str, first: date, last: date) -> tuple[date, date]:
    """The months of a period that will not move any more; the whole where all of it still moves."""
    newest = date(2026, 4 - MOVING[metric] - 1, 1)
    return first, last if first > newest else min(last, newest)


def agree_in_change(tab: Any, frames: dict[str, pl.DataFrame], **kept: Any) -> None:
    """What stood before is of the same months a year earlier, and what still moves stands apart."""
    before, apart = tiles(tab, "before"), tiles(tab, "apart")
    for metric in KPIS:
        first, last = staying(metric, *YEAR)
        then = (first.replace(year=first.year - 1), last.replace(year=last.year - 1))
        assert before[metric] == pytest.approx(asked(frames, metric, period=then, **kept), rel=1e-12), metric
        rest = ((last + timedelta(days=31)).replace(day=1), YEAR[1])
        moves = asked(frames, metric, period=rest, **kept) if last < YEAR[1] else None
        assert apart[metric] == (moves if moves is None else pytest.approx(moves, rel=1e-12)), metric


def settled(tab: Any, act: Callable[[], Any]) -> None:
    """Do something, and wait until the page has been drawn anew."""
    before = tab.get_attribute("body", "data-updates")
    act()
    tab.wait_for_selector(f"body:not([data-updates='{before}'])")


def worst_point(tab: Any) -> Any:
    return tab.locator("#ranking .mark-symbol.role-mark").first.locator("path").last


def by_member(frames: dict[str, pl.DataFrame], metric: str, mart: str, column: str, **kept: Any) -> dict[str, float]:
    members = frames[mart][column].unique().sort().to_list()
    found = {one: asked(frames, metric, mart, **{**kept, column: [one]}) for one in members}
    return {one: value for one, value in found.items() if value is not None}


def test_it_opens_with_the_newest_year_and_the_year_before(
    full_page: Path, open_page: Open, frames: dict[str, pl.DataFrame]
) -> None:
    tab = open_page(full_page)
    agree(tiles(tab), frames, period=YEAR)
    agree_in_change(tab, frames)
    assert "Mar 2025 \N{EN DASH} Jan 2026" in tab.inner_text("[data-metric=leakage_rate] .change")
    assert re.fullmatch(r"Feb 2026: .* %, still moves", tab.inner_text("[data-metric=leakage_rate] .apart"))
    assert tab.locator("[data-metric=visits] .apart").count() == 0
    months = table(tab, "trend")
    visits = frames["provider_monthly"].group_by("month").agg(pl.col("visits").sum()).sort("month")
    assert list(months.values())[:26] == [[count] for count in visits["visits"]]
    assert months["Apr 2026"] == [1100.0]
    assert "Hatched: provisional" in tab.inner_text("#trend .notes")
    assert tab.locator("#trend path[fill='url(#hatching)']").count() == 1


def test_a_click_on_a_provider_filters_every_view(
    full_page: Path, open_page: Open, frames: dict[str, pl.DataFrame]
) -> None:
    """The worst of the ranking is the last row: its point, clicked, leaves its numbers in the other views."""
    tab = open_page(full_page)
    steady = staying("remittance_denial_rate", *YEAR)
    rates = by_member(frames, "remittance_denial_rate", "provider_monthly", "provider_id", period=steady)
    worst = max(rates, key=lambda one: rates[one])
    ranking = table(tab, "ranking")
    assert [numbers[0] for numbers in ranking.values()] == pytest.approx(sorted(rates.values()))
    settled(tab, lambda: worst_point(tab).click(force=True))
    agree(tiles(tab), frames, period=YEAR, provider_id=[worst])
    payers = table(tab, "payers")
    of_worst = {"period": steady, "provider_id": [worst]}
    expected = by_member(frames, "remittance_denial_rate", "claims_monthly", "payer", **of_worst)
    assert {name.lower().replace(" ", "_"): numbers[0] for name, numbers in payers.items()} == pytest.approx(expected)
    reasons = table(tab, "denials")
    kept = frames["denials_monthly"].filter(pl.col("month").is_between(*steady), provider_id=worst)
    charges = pl.col("initially_denied_charges", "overturned_charges").sum().cast(pl.Float64)
    sums = kept.group_by("denial_reason").agg(charges)
    assert {name: (numbers[0], numbers[3]) for name, numbers in reasons.items()} == {
        reason_in_words(reason): pytest.approx((ever, paid)) for reason, ever, paid in sums.iter_rows()
    }
    assert len(table(tab, "ranking")) == len(rates)  # its own view keeps the others, to choose more
    assert tab.locator("#chips .chip").count() == 1
    settled(tab, lambda: worst_point(tab).click(force=True))
    agree(tiles(tab), frames, period=YEAR)


def test_every_outlet_heads_with_the_same_numbers(
    frames: dict[str, pl.DataFrame], full_page: Path, open_page: Open, tmp_path: Path
) -> None:
    """Dashboard, workbook and the tables of Power BI: of the same months, against the same months before."""
    release = Release(12, datetime(2026, 3, 21, tzinfo=UTC), AS_OF, {}, {}, (), (), (), False)
    book = openpyxl.load_workbook(write_workbook(in_full(frames), release, tmp_path / "board.xlsx"))
    header, *rows = book["KPIs"].iter_rows(values_only=True)
    told = {row[header.index("Metric id")]: dict(zip(header, row, strict=True)) for row in rows}
    published = {name: rows.collect() for name, rows in star(in_full(frames), release, full_counts=True).items()}
    tab = open_page(full_page)
    shown, before, apart = (tiles(tab, part) for part in ("value", "before", "apart"))
    for metric in KPIS:
        row = told[metric]
        assert (shown[metric], before[metric]) == pytest.approx((row["Value"], row["Before"])), metric
        assert apart[metric] == (row["Still moving"] and pytest.approx(row["Still moving"])), metric
        months = published["dim_date"].filter(pl.all_horizontal(needed(METRICS[metric])), "newest_period")["month"]
        for value, shift in ((shown[metric], "0mo"), (before[metric], "-12mo")):
            asked_of = months.unique().dt.offset_by(shift).to_list()
            rows_of = published["provider_monthly"].filter(pl.col("month").is_in(asked_of))
            assert value == pytest.approx(float(values(METRICS[metric], rows_of.lazy()).collect()["value"].item())), (
                metric
            )
        ratio = METRICS[metric].unit == "ratio"
        size = 100 * (row["Change"] if ratio else row["Relative change"])
        arrow = "=" if abs(size) < 0.05 else "▲" if size > 0 else "▼"
        written = f"{arrow} {abs(size):.1f} {'pts' if ratio else '%'}"
        assert tab.inner_text(f"[data-metric={metric}] .change b") == written
        if arrow != "=":
            assert row["Better or worse"] in tab.inner_text(f"[data-metric={metric}] .change")


@pytest.mark.parametrize("newest", [1, 2])
def test_a_month_that_still_moves_is_compared_with_nothing(full_page: Path, open_page: Open, newest: int) -> None:
    tab = open_page(full_page)
    look_at(tab, {1: "Mar 2026", 2: "Feb 2026"}[newest])
    for metric, before in tiles(tab, "before").items():
        told = tab.inner_text(f"[data-metric={metric}] .change")
        assert (before is None) == ("still moves" in told) == (newest <= MOVING[metric]), metric
        assert not (before is None and ("▲" in told or "▼" in told))


@pytest.mark.parametrize("kept", [{}, {"line": "Lung"}, {"to": "Mar 2026"}, {"from": "Mar 2026"}, {"from": "Feb 2024"}])
@pytest.mark.parametrize("metric", ["remittance_denial_rate", "leakage_rate"])
def test_a_view_of_a_headline_number_is_of_its_months(
    full_page: Path, open_page: Open, metric: str, kept: dict[str, str]
) -> None:
    """What all of a ranking come to is what the tile says: both without the months that still move, in words."""
    tab = open_page(full_page)
    tab.select_option("#rank-by", metric)
    for control, label in kept.items():
        settled(tab, lambda control=control, label=label: tab.select_option(f"#{control}", label=label))
    (tile,) = (value for name, value in tiles(tab).items() if name == metric)
    for view in ["ranking", *(["payers"] if metric == "remittance_denial_rate" and "line" not in kept else [])]:
        cases = [numbers[1:3] for numbers in table(tab, view).values()]
        if view == "ranking":
            assert sum(above for above, _ in cases) / sum(below for _, below in cases) == pytest.approx(tile)
        notes = tab.inner_text(f"#{view} .notes")
        assert ("still moves, not compared" in tab.inner_text(f"[data-metric={metric}] .change")) == (
            "Mar 2026 will still move" in notes and "Of " not in notes
        )
        assert "will still move" in notes
    if metric == "leakage_rate":
        parts = [numbers[1:] for numbers in table(tab, "leakage").values()]
        shown_of = sum(one + other for one, other, _ in parts) / sum(made for *_, made in parts)
        assert "line" in kept or shown_of == pytest.approx(tile)


def look_at(tab: Any, month: str) -> None:
    """That month alone."""
    # A period that would end before it began is turned round.
    for end in ("to", "from", "to"):
        if tab.eval_on_selector(f"#{end}", "one => one.selectedOptions[0].text") != month:
            settled(tab, lambda end=end: tab.select_option(f"#{end}", label=month))


def test_a_click_on_a_month_looks_at_it_alone(
    full_page: Path, open_page: Open, frames: dict[str, pl.DataFrame]
) -> None:
    tab = open_page(full_page)
    third = (date(2024, 4, 1), date(2024, 4, 1))
    settled(tab, lambda: tab.locator("#trend .mark-rect.role-mark path").nth(2).click())
    agree(tiles(tab), frames, period=third)
    agree(tiles(tab, "before"), frames, period=(date(2024, 3, 1), date(2024, 3, 1)))
    assert {name: one[0] for name, one in table(tab, "leakage").items()} == pytest.approx(
        {
            k.title(): v
            for k, v in by_member(frames, "leakage_rate", "provider_monthly", "service_line", period=third).items()
        }
    )


def test_a_click_on_a_service_line_filters_every_view(
    full_page: Path, open_page: Open, frames: dict[str, pl.DataFrame]
) -> None:
    tab = open_page(full_page)
    settled(tab, lambda: tab.locator("#leakage .mark-rect.role-mark path").first.click())
    rates = by_member(frames, "leakage_rate", "provider_monthly", "service_line", period=staying("leakage_rate", *YEAR))
    line = max(rates, key=lambda one: rates[one])
    agree(tiles(tab), frames, period=YEAR, service_line=[line])
    assert table(tab, "trend")["Apr 2026"] == [370.0]  # the line's own forecast
    flow = frames["referral_flow"].filter(pl.col("month").is_between(*YEAR), service_line=line)
    pairs = flow.group_by("referring_provider_id", "rendering_provider_id")
    largest = pairs.agg(pl.col("referrals").sum())["referrals"]
    tab.eval_on_selector("#flow details", "one => { one.open = true }")
    found = tab.eval_on_selector_all("#flow td.n", "cells => cells.map(one => Number(one.dataset.value))")
    assert found == largest.sort(descending=True).to_list()[:100]
    returns = tab.eval_on_selector_all("#returns .headline b", "all => all.map(one => one.innerText)")
    returns_asked = ("roi_as_delivered", "campaign_roi", "realised_roi")
    wanted = [asked(frames, metric, service_line=[line]) for metric in returns_asked]
    assert [
        float(text.strip(" %").replace(",", "").replace("\N{MINUS SIGN}", "-")) for text in returns
    ] == pytest.approx([100 * value for value in wanted if value is not None], abs=0.5)


def test_a_payer_filters_what_is_divided_by_payer_and_the_rest_says_so(
    full_page: Path, open_page: Open, frames: dict[str, pl.DataFrame]
) -> None:
    tab = open_page(full_page)
    settled(tab, lambda: tab.select_option("#payer", label="Medicaid"))
    found = tiles(tab)
    for metric in ("gross_charges", "payments", "remittance_denial_rate", "net_collection_rate"):
        kept = {"period": staying(metric, *YEAR), "payer": ["medicaid"]}
        assert found[metric] == pytest.approx(asked(frames, metric, "claims_monthly", **kept))
    assert found["visits"] is None and "not divided by payer" in tab.inner_text("[data-metric=visits]")
    assert tab.inner_text("#leakage .badge") == "Shows all payers"
    kept = {"period": staying("remittance_denial_rate", *YEAR), "payer": ["medicaid"]}
    providers = by_member(frames, "remittance_denial_rate", "claims_monthly", "provider_id", **kept)
    assert [one[0] for one in table(tab, "ranking").values()] == pytest.approx(sorted(providers.values()))


def test_filters_cross(full_page: Path, open_page: Open, frames: dict[str, pl.DataFrame]) -> None:
    tab = open_page(full_page)
    settled(tab, lambda: tab.select_option("#line", label="Lung"))
    settled(tab, lambda: tab.select_option("#provider", label="Chioma Obi, MD"))
    settled(tab, lambda: tab.select_option("#from", label="Jan 2025"))
    settled(tab, lambda: tab.select_option("#to", label="Jun 2025"))
    kept = {"period": (date(2025, 1, 1), date(2025, 6, 1)), "service_line": ["lung"], "provider_id": ["P003"]}
    agree(tiles(tab), frames, **kept)
    agree(tiles(tab, "before"), frames, **{**kept, "period": (date(2024, 7, 1), date(2024, 12, 1))})
    reason = frames["denials_monthly"].filter(
        pl.col("month").is_between(*kept["period"]), service_line="lung", provider_id="P003", denial_reason="co_16"
    )
    assert table(tab, "denials")["CO-16 information missing or wrong"][0] == pytest.approx(
        float(reason["initially_denied_charges"].sum())
    )
    settled(tab, lambda: tab.click("#reset"))
    agree(tiles(tab), frames, period=YEAR)


def test_a_keyboard_reaches_and_does_everything(
    full_page: Path, open_page: Open, frames: dict[str, pl.DataFrame]
) -> None:
    """From the top of the page by Tab alone: the filters, a tile, a data table, and a name in it that filters."""
    tab = open_page(full_page)
    seen = []
    for _ in range(40):
        tab.keyboard.press("Tab")
        seen.append(tab.evaluate("(one => one.id || one.dataset.metric || one.innerText)(document.activeElement)"))
        if seen[-1].startswith("Data table") and "Provider" in seen[-1]:
            break
    assert [one for one in seen if one in ("from", "to", "line", "provider", "payer", "reset", *KPIS)] == [
        *("from", "to", "line", "provider", "payer", "reset"),
        *KPIS,
    ]
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#ranking tbody button")
    tab.keyboard.press("Tab")
    while tab.evaluate("document.activeElement.tagName") != "BUTTON":
        tab.keyboard.press("Tab")
    first = tab.evaluate("document.activeElement.closest('tr').dataset.member")
    settled(tab, lambda: tab.keyboard.press("Enter"))
    agree(tiles(tab), frames, period=YEAR, provider_id=[first])
    assert "Visits rendered" in tab.inner_text("#live")
    tab.focus("[data-metric=no_show_rate]")
    settled(tab, lambda: tab.keyboard.press("Enter"))
    assert tab.inner_text("#trend h2") == "No-show rate by month"
    labels = tab.eval_on_selector_all(".chart", "all => all.map(one => one.getAttribute('aria-label'))")
    assert len(labels) == 9 and all(label and "data table" in label for label in labels)


def test_names_are_texts_whatever_they_hold(full_page: Path, open_page: Open) -> None:
    tab = open_page(full_page)
    assert HOSTILE in table(tab, "ranking")
    assert tab.locator("main img").count() == 0
    assert tab.title() == "Dashboard · release 12 · 2026-03-21"


def test_the_policy_lets_only_the_pages_own_programs_run(full_page: Path) -> None:
    text = full_page.read_text("utf-8")
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    programs = re.findall(r'<script type="module">(.*?)</script>', text, re.S)
    hashes = [b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in programs]
    assert len(programs) == 2 and re.findall(r"'sha256-([^']*)'", policy) == hashes
    assert policy.startswith("default-src 'none'; script-src 'sha256-") and "unsafe-eval" not in policy
    assert "http" not in re.sub(r"https?://(www\.w3\.org|vega\.github\.io|github\.com)\S*", "", policy)


def test_without_full_counts_one_filter_at_a_time(
    frames: dict[str, pl.DataFrame], open_page: Open, tmp_path: Path
) -> None:
    file = tmp_path / "published.html"
    release = shown(frames, in_full=False)
    file.write_text(page(release, {}), "utf-8")
    tab = open_page(file)
    assert [tab.is_disabled(f"#{one}") for one in ("line", "provider", "payer")] == [True] * 3
    assert "One filter at a time" in tab.inner_text("#hint") and "1 to 10 people" in tab.inner_text("#hint")
    assert "Not in this page" in tab.inner_text("#flow .words")
    settled(tab, lambda: tab.click("#hint button"))
    settled(tab, lambda: tab.select_option("#line", label="Lung"))
    row = release.published.tables["network_by_service_line"].filter(service_line="lung")
    assert tiles(tab)["visits"] == row["visits"].item() and tiles(tab)["leakage_rate"] == row["leakage_rate"].item()
    assert tab.is_disabled("#provider") and not tab.is_disabled("#line")
    assert tab.inner_text("#trend .badge") == "Shows all service lines"


def _hide(release: Shown, months: Iterable[date], *columns: str) -> None:
    rows = release.published.tables["network_by_month"]
    hidden = pl.col("month").is_in(list(months))
    release.published.tables["network_by_month"] = rows.with_columns(
        pl.when(~hidden).then(pl.col(name)).alias(name) for name in columns
    )


def test_a_hidden_month_is_left_out_of_number_and_comparison_and_the_months_are_said(
    frames: dict[str, pl.DataFrame], open_page: Open, tmp_path: Path
) -> None:
    release = shown(frames, in_full=False)
    _hide(release, [date(2025, 6, 1), date(2024, 9, 1)], "payments")
    file = tmp_path / "public.html"
    file.write_text(page(release, {}), "utf-8")
    tab = open_page(file)
    assert tab.inner_text("#in-force") == "Mar 2025 \N{EN DASH} Feb 2026"
    period = date(2025, 3, 1), date(2026, 2, 1)
    (row,) = headlines(release.published, AS_OF, period, [METRICS["payments"]]).to_dicts()
    assert not {date(2025, 6, 1), date(2025, 9, 1)} & {*row["months"]} and len(row["months"]) >= 6
    assert tiles(tab)["payments"] == pytest.approx(row["value"])
    tile = tab.locator("[data-metric=payments]")
    assert float(tile.get_attribute("data-before") or 0) == pytest.approx(row["before"])
    assert f"({len(row['months'])} months)" in tile.inner_text()


def test_where_two_tiles_would_be_blank_all_months_stand_at_first_and_none_looks_final(
    frames: dict[str, pl.DataFrame], open_page: Open, tmp_path: Path
) -> None:
    release = shown(frames, in_full=False)
    _hide(release, [date(2025, month, 1) for month in range(3, 13)], "payments", "no_shows")
    file = tmp_path / "public.html"
    file.write_text(page(release, {}), "utf-8")
    tab = open_page(file)
    assert tab.inner_text("#in-force") == "Feb 2024 \N{EN DASH} Mar 2026"
    visits = frames["provider_monthly"].filter(pl.col("month") < AS_OF.replace(day=1))["visits"].sum()
    assert tiles(tab)["visits"] == visits


def test_what_is_hidden_says_so(frames: dict[str, pl.DataFrame], open_page: Open, tmp_path: Path) -> None:
    release = shown(frames, in_full=False)
    lines = release.published.tables["network_by_service_line"]
    lung = pl.col("service_line") == "lung"
    blank = ["referrals_made", "referrals_made_out_of_network", "referrals_made_lost"]
    release.published.tables["network_by_service_line"] = lines.with_columns(
        pl.when(~lung).then(pl.col(name)).alias(name) for name in blank
    )
    file = tmp_path / "hidden.html"
    file.write_text(page(release, {}), "utf-8")
    tab = open_page(file)
    tab.eval_on_selector("#leakage details", "one => { one.open = true }")
    assert tab.inner_text("#leakage tr[data-member=lung]").split() == ["Lung", *["hidden"] * 4]
    hidden = sum("hidden" in line for line in tab.inner_text("#leakage tbody").splitlines())
    assert tab.locator("#leakage .mark-text text", has_text="hidden").count() == hidden >= 1
    assert "1 to 10 people" in tab.inner_text("#leakage .notes")


@pytest.mark.parametrize("in_full", [True, False])
def test_an_empty_lake_says_what_is_missing(open_page: Open, tmp_path: Path, in_full: bool) -> None:
    nothing = {name: pl.DataFrame(schema=one.dtypes()) for name, one in GOLD.items()}
    file = tmp_path / "empty.html"
    why = "no visits: the feed ehr_visits was never loaded"
    release = shown(nothing, in_full=in_full)
    bare = type(release)(release.published, release.line, None, None, in_full)
    file.write_text(page(bare, dict.fromkeys(KPIS, why)), "utf-8")
    tab = open_page(file)
    assert set(tiles(tab).values()) == {None} and "not delivered" in tab.inner_text("[data-metric=visits]")
    assert tab.inner_text("#trend .words") == f"{why[0].upper()}{why[1:]}."
    shown_words = tab.eval_on_selector_all(".words", "all => all.filter(one => !one.hidden).map(one => one.innerText)")
    assert len(shown_words) == 9 and all(shown_words)


def test_feeds_that_are_missing_leave_the_others_whole(open_page: Open, tmp_path: Path) -> None:
    frames = release_frames(2, ("lung",), 14)
    for name in ("claims_monthly", "denials_monthly", "referral_flow", "marketing_roi", "forecasts", "dim_provider"):
        del frames[name]
    file = tmp_path / "some.html"
    file.write_text(page(shown(frames), {"leakage_rate": "no referrals"}), "utf-8")
    tab = open_page(file)
    assert tiles(tab)["visits"] is not None
    assert "No forecast: not enough data or no model trained." in tab.inner_text("#trend .notes")
    assert tab.inner_text("#leakage .words") == "No referrals."
    assert [tab.is_visible(f"#{one} .words") for one in ("payers", "denials", "flow", "returns")] == [True] * 4


def test_the_same_release_gives_the_same_bytes(frames: dict[str, pl.DataFrame], full_page: Path) -> None:
    shuffled = {name: frame.sample(fraction=1, shuffle=True, seed=5) for name, frame in frames.items()}
    assert page(shown(shuffled), {}) == full_page.read_text("utf-8")


def test_a_large_network_fits(tmp_path: Path, open_page: Open) -> None:
    """400 providers x 36 months x 8 service lines, every cell filled, and claims by payer beside them."""
    lines = tuple(f"line_{number}" for number in range(8))
    frames = release_frames(400, lines, 36)
    file = tmp_path / "large.html"
    file.write_text(page(shown(frames), {}), "utf-8")
    assert file.stat().st_size < 5_000_000
    tab = open_page(file)
    agree(tiles(tab), frames, period=YEAR)
    names = tab.eval_on_selector_all("#ranking .role-axis-label text", "all => all.map(one => one.textContent)")
    best_and_worst = [name for name in names if not name.endswith("%")]
    assert len(best_and_worst) == 17 and best_and_worst[8] == "… 384 more …"


def test_the_page_is_json_that_no_name_breaks_out_of(full_page: Path) -> None:
    text = full_page.read_text("utf-8")
    parts = re.findall(r'<script type="application/json" id="(\w+)">([^<]*)</script>', text)
    assert [name for name, _ in parts] == ["page", "specs"]
    assert HOSTILE in json.loads(parts[0][1])["axes"]["provider"]["labels"]
    assert AS_OF.isoformat() not in parts[0][1] and checks_of().height == 8
