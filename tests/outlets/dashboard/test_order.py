"""In a browser: every ordered view stands in the order of its data table, after whatever was chosen before."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .test_page import settled

pytestmark = pytest.mark.browser
Open = Callable[..., Any]

ORDERED = ("ranking", "payers", "leakage", "denials", "returns", "checks", "quality")


def rows_of_table(tab: Any, view: str) -> list[str]:
    """Names of the rows of a view's data table, once each."""
    tab.eval_on_selector(f"#{view} details", "one => { one.open = true }")
    tab.wait_for_selector(f"#{view} tbody tr", state="attached")
    column = 1 if view == "quality" else 0
    names = tab.eval_on_selector_all(
        f"#{view} tbody tr", f"rows => rows.map(row => row.cells[{column}].textContent.trim())"
    )
    return list(dict.fromkeys(names))


def rows_of_chart(tab: Any, view: str) -> list[str]:
    """Names beside the chart's rows, from the top."""
    names: list[str] = tab.eval_on_selector_all(
        f"#{view} .role-axis-label text[text-anchor=end]",
        """all => all.map((one) => [one.getBoundingClientRect().top, one.textContent])
          .sort((one, other) => one[0] - other[0]).map(([, text]) => text)""",
    )
    return names


def agree(tab: Any, where: str) -> None:
    for view in ORDERED:
        if not tab.is_visible(f"#{view} .words"):
            drawn, told = rows_of_chart(tab, view), rows_of_table(tab, view)
            # A long name is cut in the chart.
            assert [one.removesuffix("…") for one in drawn] == [
                one[: len(cut) - 1] if cut.endswith("…") else one for one, cut in zip(told, drawn, strict=True)
            ], (view, where)


def test_every_view_is_in_the_order_of_its_table(full_page: Path, open_page: Open) -> None:
    tab = open_page(full_page)
    agree(tab, "at first")
    orders = set()
    for metric in tab.eval_on_selector_all("#rank-by option", "all => all.map(one => one.value)"):
        tab.select_option("#rank-by", metric)
        agree(tab, metric)
        orders.add(tuple(rows_of_chart(tab, "ranking")))
    for control, place in (("line", "0"), ("payer", "2"), ("provider", "2")):
        settled(tab, lambda control=control, place=place: tab.select_option(f"#{control}", place))
        agree(tab, f"{control} {place}")
        orders.add(tuple(rows_of_chart(tab, "ranking")))
    settled(tab, lambda: tab.click("#reset"))
    for end in ("from", "to", "from"):
        tab.select_option(f"#{end}", label="Jul 2024")
    agree(tab, "a month")
    assert len(orders) > 3
