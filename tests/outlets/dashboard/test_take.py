"""In a browser: what is chosen can be sent and taken away, found by name, and reached by hand and by ear."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from carti_lake.outlets.dashboard.page import page

from .conftest import HOSTILE, release_frames, shown
from .test_page import look_at, settled, tiles

pytestmark = pytest.mark.browser
Open = Callable[..., Any]
NONE = "\N{EN DASH}"


def test_what_is_chosen_stands_in_the_address_and_survives_a_reload(full_page: Path, open_page: Open) -> None:
    tab = open_page(full_page)
    assert "#" not in tab.url
    settled(tab, lambda: tab.select_option("#line", label="Lung"))
    settled(tab, lambda: tab.select_option("#provider", label="Chioma Obi, MD"))
    settled(tab, lambda: tab.click("[data-metric=no_show_rate]"))
    look_at(tab, "Jan 2026")
    settled(tab, lambda: tab.select_option("#rank-by", "leakage_rate"))
    assert tab.url.partition("#")[2] == (
        "from=2026-01&to=2026-01&line=lung&provider=P003&metric=no_show_rate&rank=leakage_rate"
    )
    before = tiles(tab)
    tab.reload()
    tab.wait_for_selector("body[data-updates]")
    assert tiles(tab) == before
    assert tab.inner_text("#trend h2") == "No-show rate by month"
    assert tab.inner_text("#ranking h2") == "Providers by referral leakage"
    assert "Jan 2026" in tab.inner_text("#in-force")
    settled(tab, lambda: tab.click("#reset"))
    assert tab.url.partition("#")[2] == "metric=no_show_rate&rank=leakage_rate"
    settled(tab, lambda: tab.evaluate("location.hash = 'line=nowhere&provider=P001&from=1999-01&metric=constructor'"))
    assert tab.inner_text("#chips .chip") == "Provider Bo Lindqvist, DO \N{MULTIPLICATION SIGN}"
    assert tab.locator(".tile[aria-pressed=true]").get_attribute("data-metric") == "visits"


def test_every_view_is_taken_as_csv_and_as_a_picture(full_page: Path, open_page: Open, tmp_path: Path) -> None:
    tab = open_page(full_page)
    views = tab.eval_on_selector_all(".card", "all => all.map(one => one.id)")
    assert len(views) == 9
    for view in views:
        # A browser holds back the downloads of a page that starts many in a moment.
        tab = open_page(full_page)
        with tab.expect_download() as started:
            tab.click(f"#{view} [data-take=csv]")
        assert started.value.suggested_filename == f"{view}-release-12.csv"
        started.value.save_as(tmp_path / "view.csv")
        with (tmp_path / "view.csv").open(encoding="utf-8-sig", newline="") as file:
            header, *rows = csv.reader(file)
        tab.eval_on_selector(f"#{view} details", "one => { one.open = true }")
        tab.wait_for_selector(f"#{view} tbody tr", state="attached")
        assert header == tab.eval_on_selector_all(
            f"#{view} thead th:not(.open)", "all => all.map(one => one.textContent)"
        )
        told = tab.eval_on_selector_all(
            f"#{view} tbody tr",
            """rows => rows.map(row => [...row.cells].filter(one => !one.matches(".open"))
              .map(one => one.dataset.value ?? one.textContent))""",
        )
        assert [[cell.removeprefix("'") for cell in row] for row in rows] == [
            ["" if cell == NONE else cell for cell in row] for row in told
        ], view
        with tab.expect_download() as started:
            tab.click(f"#{view} [data-take=png]")
        started.value.save_as(tmp_path / "view.png")
        picture = (tmp_path / "view.png").read_bytes()
        assert picture.startswith(b"\x89PNG") and len(picture) > 3000, view
        assert int.from_bytes(picture[16:20]) > 600, view


def test_a_name_is_no_formula_in_the_csv(open_page: Open, tmp_path: Path) -> None:
    frames = release_frames(1, ("lung",), 14)
    rows = frames["dim_provider"].with_columns(
        provider_name=pl.when(provider_id="P000").then(pl.lit('=cmd|"x"')).otherwise("provider_name")
    )
    file = tmp_path / "formula.html"
    file.write_text(page(shown(frames | {"dim_provider": rows}), {}), "utf-8")
    tab = open_page(file)
    with tab.expect_download() as started:
        tab.click("#ranking [data-take=csv]")
    started.value.save_as(tmp_path / "view.csv")
    assert '\n"\'=cmd|""x""",' in (tmp_path / "view.csv").read_text("utf-8")


def test_a_provider_is_found_by_a_part_of_the_name(open_page: Open, tmp_path: Path, full_page: Path) -> None:
    assert not open_page(full_page).is_visible("#find")
    file = tmp_path / "many.html"
    file.write_text(page(shown(release_frames(14, ("lung",), 14)), {}), "utf-8")
    tab = open_page(file)
    tab.fill("#find", "CHIOMA")
    offered = tab.eval_on_selector_all(
        "#provider option", "all => all.filter(one => !one.hidden).map(one => one.textContent)"
    )
    assert offered == ["All providers", "Chioma Obi, MD"]
    settled(tab, lambda: tab.press("#find", "Enter"))
    assert "Chioma Obi, MD" in tab.inner_text("#chips")
    tab.fill("#find", "")
    shown_again = tab.eval_on_selector_all("#provider option", "all => all.filter(one => !one.hidden).length")
    assert shown_again == 15  # fourteen, and all


def test_the_focus_stays_where_it_was(full_page: Path, open_page: Open) -> None:
    tab = open_page(full_page)
    tab.eval_on_selector("#ranking details", "one => { one.open = true }")
    tab.focus("#ranking tbody tr:nth-child(2) button")
    where = "(one => one.closest('tr')?.dataset.member ?? one.id)(document.activeElement)"
    member = tab.evaluate(where)
    settled(tab, lambda: tab.keyboard.press("Enter"))
    assert tab.evaluate(where) == member
    tab.focus("#chips .chip")
    settled(tab, lambda: tab.keyboard.press("Enter"))
    assert tab.evaluate(where) == "reset"


@pytest.mark.parametrize("width", [1280, 390])
def test_targets_are_large_enough_for_a_finger(full_page: Path, open_page: Open, width: int) -> None:
    tab = open_page(full_page, width)
    settled(tab, lambda: tab.select_option("#line", label="Lung"))
    tab.eval_on_selector_all("details", "all => all.forEach(one => { one.open = true })")
    tab.wait_for_selector("#leakage tbody button")
    small = tab.eval_on_selector_all(
        "button, select, summary, input",
        """all => all.filter((one) => one.checkVisibility())
          .map((one) => [one.outerHTML.slice(0, 90), one.getBoundingClientRect()])
          .filter(([, box]) => box.height < 23.9 || box.width < 23.9).map(([text, box]) => `${text} ${box.height}`)""",
    )
    assert small == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out_by_day_and_by_night(full_page: Path, open_page: Open, scheme: str) -> None:
    """Contrast of 4.5, as WCAG 2.2 asks."""
    tab = open_page(full_page, color_scheme=scheme)
    faint = tab.eval_on_selector_all(
        "h1, h2, p, .tile span, .tile b, summary, button, select, li, #in-force",
        """all => {
          const bright = (color) => {
            const [r, g, b] = color.match(/[\\d.]+/g).map(Number).map((one) => one / 255)
              .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const behind = (one) => {
            for (let at = one; at; at = at.parentElement) {
              const color = getComputedStyle(at).backgroundColor;
              if (!/, 0\\)$/.test(color)) return color;
            }
            return "rgb(255, 255, 255)";
          };
          return all.filter((one) => one.checkVisibility() && !one.disabled && one.textContent.trim())
            .map((one) => {
              const [a, b] = [bright(getComputedStyle(one).color), bright(behind(one))].sort((x, y) => y - x);
              return [(a + 0.05) / (b + 0.05), one.outerHTML.slice(0, 80)];
            })
            .filter(([ratio]) => ratio < 4.5);
        }""",
    )
    assert faint == []


def test_by_night_a_chart_stands_on_its_cards_ground_and_no_word_speaks_of_dark(
    full_page: Path, open_page: Open
) -> None:
    tab = open_page(full_page, color_scheme="dark")
    tab.wait_for_selector("#quality .chart svg")
    grounds = tab.eval_on_selector_all(".chart svg", "all => all.map((one) => getComputedStyle(one).backgroundColor)")
    assert {*grounds} == {"rgba(0, 0, 0, 0)"}
    # By night, more is lighter.
    assert "darker" not in tab.inner_text("#quality .lead").lower()


def test_the_first_sentence_says_what_changed_and_what_is_not_known_yet(
    full_page: Path, open_page: Open, tmp_path: Path
) -> None:
    tab = open_page(full_page)
    said = tab.inner_text("#story")
    assert said.startswith("No headline number changed more than chance would since the period before.")
    assert said.endswith("Provisional: Feb 2026, in which claims are still answered or referrals still open.")
    frames = release_frames(2, ("lung",), 26)
    months = frames["provider_monthly"]
    worse = pl.when(pl.col("month") >= pl.date(2025, 3, 1)).then(2).otherwise(1)
    months = months.with_columns(no_shows=(pl.col("no_shows") * worse).cast(months.schema["no_shows"]))
    file = tmp_path / "worse.html"
    file.write_text(page(shown(frames | {"provider_monthly": months}), {}), "utf-8")
    tab = open_page(file)
    rate = tab.inner_text("[data-metric=no_show_rate] .number")
    assert tab.inner_text("#story").startswith("Since the same months one period before: no-show rate rose by ")
    assert f"points to {rate} (worse)" in tab.inner_text("#story")
    assert HOSTILE not in tab.inner_text("#story")
    begun = pl.when(pl.col("month") >= pl.date(2025, 3, 1)).then(pl.col("visits")).otherwise(0)
    months = months.with_columns(visits=begun, no_shows=frames["provider_monthly"]["no_shows"])
    file.write_text(page(shown(frames | {"provider_monthly": months}), {}), "utf-8")
    said = open_page(file).inner_text("#story")
    assert "visits" not in said and "\N{INFINITY}" not in said
