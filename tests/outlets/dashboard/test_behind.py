"""In a browser: the rows behind a mark add up to it; each view follows each filter, or says that it does not."""

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from carti_lake.outlets.dashboard.page import page

from .conftest import months, release_frames, shown
from .test_page import settled

pytestmark = pytest.mark.browser
Open = Callable[..., Any]
#: The newest year that is over, without the month whose claims are still answered.
YEAR = months(13)[:11]


def lines(tab: Any) -> list[list[str]]:
    rows: list[list[str]] = tab.eval_on_selector_all(
        "#behind tbody tr", "all => all.map(one => [...one.cells].map(cell => cell.dataset.value ?? cell.textContent))"
    )
    return rows


def test_the_rows_behind_a_provider_are_the_marts(
    full_page: Path, open_page: Open, frames: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    tab = open_page(full_page)
    settled(tab, lambda: tab.select_option("#line", label="Lung"))
    tab.eval_on_selector("#ranking details", "one => { one.open = true }")
    tab.focus("#ranking tr[data-member=P003] [data-behind]")
    tab.keyboard.press("Enter")
    wanted = frames["provider_monthly"].filter(
        pl.col("month").is_in(YEAR), provider_id=pl.lit("P003"), service_line=pl.lit("lung")
    )
    told = {row[0]: row[1:] for row in lines(tab)}
    assert told.keys() == {f"{month:%b %Y}" for month in YEAR}
    for row in wanted.iter_rows(named=True):
        answered = row["denied_claims"] + row["paid_claims"]
        assert told[f"{row['month']:%b %Y}"] == [
            *("Chioma Obi, MD", "Lung", str(row["denied_claims"])),
            str(answered),
        ]
    above, below = wanted["denied_claims"].sum(), wanted["denied_claims"].sum() + wanted["paid_claims"].sum()
    assert tab.inner_text("#behind p:first-of-type") == (
        f"11 rows of gold.provider_monthly; together {above:,} of {below:,}, {100 * above / below:.1f} %."
    )
    with tab.expect_download() as started:
        tab.click("#behind [data-take]")
    started.value.save_as(tmp_path / "rows.csv")
    rows = list(csv.reader((tmp_path / "rows.csv").read_text("utf-8-sig").splitlines()))
    assert len(rows) == 12 and rows[0][:3] == ["Month", "Provider", "Service line"]
    tab.keyboard.press("Escape")
    assert not tab.is_visible("#behind")
    assert tab.evaluate("document.activeElement.closest('tr').dataset.member") == "P003"


def test_a_mark_opens_its_rows_and_keeps_the_choice(full_page: Path, open_page: Open) -> None:
    tab = open_page(full_page)
    # Each of the two clicks is a choice, and the second takes the first one back.
    tab.dblclick("#trend .mark-rect path >> nth=20")
    tab.wait_for_selector("#behind[open]")
    assert re.match(r"Visits rendered: rows behind \w+ 20\d\d$", tab.inner_text("#behind h2"))
    assert len(lines(tab)) == 18
    tab.click("#behind [data-close]")
    assert tab.locator("#chips .chip").count() == 0
    tab.eval_on_selector("#quality details", "one => { one.open = true }")
    tab.click("#quality [data-behind] >> nth=0")
    assert "of gold.data_quality; together " in tab.inner_text("#behind p:first-of-type")
    assert len({row[0] for row in lines(tab)}) == 1 and len({row[1] for row in lines(tab)}) == 1


def test_a_page_for_the_public_has_no_rows_behind(open_page: Open, tmp_path: Path) -> None:
    file = tmp_path / "public.html"
    file.write_text(page(shown(release_frames(), in_full=False), {}), "utf-8")
    tab = open_page(file)
    tab.eval_on_selector_all("details", "all => all.forEach(one => { one.open = true })")
    tab.wait_for_selector("#leakage tbody button")
    assert tab.locator("[data-behind]").count() == 0 and "rows behind a mark" not in tab.inner_text("footer")
    tab.dblclick("#trend .mark-rect path >> nth=3")
    assert not tab.is_visible("#behind")


#: A member of each axis, and the views that are about that axis: they show all of it, with the choice marked.
CHOICES = {
    "month": ("trend", "2026-01"),
    "line": ("leakage", "lung"),
    "provider": ("ranking", "P003"),
    "payer": ("payers", "medicaid"),
    "reason": ("denials", "co_50"),
    "table": ("checks", "silver.visits"),
}


@pytest.mark.parametrize("axis", CHOICES)
def test_every_view_follows_every_filter_or_says_that_it_does_not(axis: str, full_page: Path, open_page: Open) -> None:
    tab = open_page(full_page)
    numbers = """cards => Object.fromEntries(cards.map((card) => [card.id, [
      JSON.stringify([...card.querySelectorAll("tbody td")].map((one) => one.textContent)),
      ...[".notes", ".words", ".badge"].map((one) => card.querySelector(one).textContent),
    ]]))"""
    tab.eval_on_selector_all("details", "all => all.forEach(one => { one.open = true })")
    tab.wait_for_selector("#quality tbody button")
    before = tab.eval_on_selector_all(".card", numbers)
    view, member = CHOICES[axis]
    settled(tab, lambda: tab.click(f'#{view} tr[data-member="{member}"] th button >> nth=0'))
    after = tab.eval_on_selector_all(".card", numbers)
    title = {"line": "service line", "reason": "denial reason"}.get(axis, axis)
    own = {"table": {"quality"}, "month": {"quality", "trend"}, "line": {"returns"}}.get(axis, set())
    for name, (told, notes, words, badge) in after.items():
        follows = told != before[name][0]
        here = re.search(rf"not counted by [^.]*\b{title}\b", notes)
        says = bool(here and badge) or title in words
        assert follows or says or name in {view, *own}, (name, notes)
        assert not (follows and here), name
