"""Each view is a function of a notebook's rows too, and draws the interval that the lake computes."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from carti_lake.comparison.wilson import wilson
from carti_lake.outlets.dashboard import views
from carti_lake.outlets.dashboard.marks import number

SHARES = pl.DataFrame(
    {"member": ["a", "b", "c"], "label": ["A", "B", "C"], "above": [0, 7, 40], "below": [12, 70, 40], "average": 0.3}
).with_columns(value=pl.col("above") / pl.col("below"))
PARTS = pl.DataFrame({"member": "a", "label": "A", "part": "x", "place": 0, "value": [0.2], "total": [0.2]})
MONTHS = pl.DataFrame({"member": ["2026-01", "2026-02"], "label": ["Jan", "Feb"], "value": [3, 4]})
AHEAD = pl.DataFrame({"member": ["2026-03"], "forecast": [4.0], "lower_80": [3.0], "upper_80": [5.0]}).with_columns(
    lower_95=pl.lit(2.0), upper_95=pl.lit(6.0)
)
ENDS = pl.DataFrame({"member": ["a", "b"], "label": ["A", "B"], "side": [0, 1], "row": [0.5, 0.5], "value": [3, 3]})
LINKS = pl.DataFrame({"link": "1", "side": [0, 1], "row": [0.5, 0.5], "value": [3, 3], "share": 1.0, "outside": False})


def part(name: str) -> pl.DataFrame:
    return PARTS.with_columns(part=pl.lit(name))


@pytest.mark.parametrize(
    "chart",
    [
        lambda: views.trend(MONTHS, AHEAD),
        lambda: views.ranking(SHARES),
        lambda: views.leakage(part(views.LEAKS[0])),
        lambda: views.denials(part(views.DENIALS[0])),
        lambda: views.checks(part(views.STATUSES[0])),
        lambda: views.returns(part(views.RETURNS[0])),
        lambda: views.flow(LINKS, ENDS),
        lambda: views.quality(MONTHS.with_columns(pl.col("value") / 10)),
    ],
)
def test_it_draws_a_frames_rows(chart: Callable[[], Any]) -> None:
    import altair as alt
    import vl_convert

    made = chart()
    assert isinstance(made, alt.LayerChart)
    picture = vl_convert.vegalite_to_svg(made.properties(width=500).to_dict(), allowed_base_urls=[])
    assert "aria-roledescription" in picture
    assert "NaN" not in picture


def evaluated(browser: Any, expression: str, rows: list[dict[str, Any]], unit: str = "") -> list[Any]:
    """A Vega expression's value for each row, as a browser computes it."""
    functions = """
      const {sqrt, abs} = Math, isValid = (x) => x !== null && !Number.isNaN(x), measure_unit = unit;
      const test = (pattern, text) => new RegExp(pattern).test(text);
      const format = (x, how) => {
        const digits = Number(how.match(/[.](\\d)/)?.[1] ?? 0);
        return x.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
      };"""
    tab = browser.new_page()
    program = f"([rows, unit]) => {{ {functions} return rows.map((datum) => ({expression})) }}"
    found: list[Any] = tab.evaluate(program, [rows, unit])
    tab.close()
    return found


@pytest.mark.browser
def test_the_intervals_are_those_of_the_lake(browser: Any) -> None:
    steps = [step for layer in views.ranking(SHARES).to_dict()["layer"] for step in layer.get("transform", [])]
    sums = {step["as"]: step["calculate"] for step in steps if "calculate" in step}
    rows = [{"above": above, "below": below} for below in (1, 11, 400) for above in range(below + 1)]
    lower, upper = (evaluated(browser, sums[end], rows) for end in ("lower", "upper"))
    ends = wilson(pl.col("above"), pl.col("below"))
    expected = pl.DataFrame(rows).select(lower=ends[0], upper=ends[1])
    assert lower == pytest.approx(expected["lower"].to_list(), abs=1e-12)
    assert upper == pytest.approx(expected["upper"].to_list(), abs=1e-12)


@pytest.mark.browser
@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        ("USD", 1_234_567, "$1.2 M"),
        ("USD", -3_400_000_000, "\N{MINUS SIGN}$3.4 B"),
        ("USD", 941_200, "$941 k"),
        ("USD", -0.4, "$0"),
        ("ratio", 0.3141, "31.4 %"),
        ("ratio", 21.25, "2,125 %"),
        ("count", 4_321, "4,321"),
        ("count", 999_600, "1.0 M"),
        ("days", 4.25, "4.3"),
    ],
)
def test_numbers_are_written_as_people_read_them(browser: Any, unit: str, value: float, text: str) -> None:
    assert evaluated(browser, number("datum.value"), [{"value": value}], unit) == [text]
