"""In a browser: axe-core finds nothing, by day and by night, on a screen and on a phone; marks are read in words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from axe_playwright_python.base import AXE_FILE_PATH

from .conftest import HOSTILE

pytestmark = pytest.mark.browser
Open = Callable[..., Any]
#: WCAG 2.2 to level AA, and what axe's authors hold for good practice.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def findings(tab: Any) -> list[str]:
    tab.evaluate(Path(AXE_FILE_PATH).read_text("utf-8"))
    found = tab.evaluate(
        """async (tags) => (await axe.run(document, {
          runOnly: { type: "tag", values: tags }, resultTypes: ["violations"],
        })).violations""",
        RULES,
    )
    return [f"{one['id']} ({one['impact']}): {one['nodes'][0]['html'][:200]}" for one in found]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(full_page: Path, open_page: Open, scheme: str, width: int) -> None:
    tab = open_page(full_page, width, color_scheme=scheme)
    tab.eval_on_selector("#ranking details", "one => { one.open = true }")
    tab.wait_for_selector("#ranking [data-behind]")
    assert findings(tab) == []
    tab.click("#ranking [data-behind]")
    assert tab.is_visible("#behind table")
    assert findings(tab) == []


def test_marks_are_read_in_words(full_page: Path, open_page: Open, frames: dict[str, pl.DataFrame]) -> None:
    tab = open_page(full_page)
    read = tab.eval_on_selector_all(
        ".chart",
        """charts => Object.fromEntries(charts.map((chart) => [
          chart.parentElement.id,
          [...chart.querySelectorAll("[role=graphics-symbol]:not([aria-roledescription$=container])")]
            .filter((one) => !one.closest("[aria-hidden=true]")).map((one) => one.getAttribute("aria-label")),
        ]))""",
    )
    assert {name for name, words in read.items() if not words} == set()
    february = frames["provider_monthly"].filter(pl.col("month") == pl.date(2026, 2, 1))["visits"].sum()
    assert f"Feb 2026, Visits rendered {february:,}" in read["trend"]
    assert any(words.startswith("Apr 2026, Forecast 1,100, 95 % 1,060 to 1,150") for words in read["trend"])
    assert any(words.startswith(f"{HOSTILE}, Remittance denial rate ") for words in read["ranking"])
    every = [words for some in read.values() for words in some]
    # No field's name, and no digit that nobody could hear out.
    assert [words for words in every if ";" in words.replace(HOSTILE, "") or "undefined" in words] == []
    assert all(one.get_attribute("role") == "group" for one in tab.query_selector_all(".chart"))
