"""The waterfall's bars lead from one release's number to the other's."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from carti_lake.metrics import METRICS
from carti_lake.outlets.waterfall import change_text, number_text, waterfall
from carti_lake.releases.explain import Cause, Explanation, Part
from tests.worlds.releases import release


def explanation(metric: str, numerators: Any, denominators: Any, **changes: Any) -> Explanation:
    parts = tuple(Part(cause, int(cause in changes), *changes.get(cause, (0, 0, 0.0))) for cause in Cause)
    releases = release(1, date(2026, 3, 1)), release(2, date(2026, 3, 2))
    return Explanation(METRICS[metric], None, *releases, numerators, denominators, parts, pl.DataFrame())


RATE = explanation("denial_rate", (20, 30), (100, 100), late_rows=(15, 0, 0.15), withdrawn_rows=(-5, 0, -0.05))


def bars(chart: Any) -> list[dict[str, Any]]:
    drawn = chart.to_dict()
    bar = next(layer for layer in drawn["layer"] if layer["mark"]["type"] == "bar")
    return list(drawn["datasets"][bar["data"]["name"]])


def test_each_bar_begins_where_the_last_one_ends() -> None:
    drawn = bars(waterfall(RATE))
    assert [bar["label"] for bar in drawn] == ["Late rows", "Withdrawn rows"]
    assert [(bar["start"], bar["end"]) for bar in drawn] == [
        pytest.approx((0.2, 0.35)),
        pytest.approx((0.35, 0.3)),
    ]
    assert [bar["said"] for bar in drawn] == ["+15.00 pp", "-5.00 pp"]
    assert drawn[0]["color"] != drawn[1]["color"]


def test_the_rows_stand_in_the_order_of_the_causes_between_the_releases() -> None:
    sort = waterfall(RATE).to_dict()["layer"][0]["encoding"]["y"]["sort"]
    assert [label.strip() for label in sort] == ["Release 1", "Late rows", "Withdrawn rows", "Release 2"]


def test_without_a_ratio_the_numerator_is_drawn() -> None:
    chart = waterfall(explanation("denial_rate", (0, 30), (0, 100), new_rows=(30, 100, None)))
    assert [bar["said"] for bar in bars(chart)] == ["+30"]
    assert "its denominator is zero" in chart.to_dict()["title"]["subtitle"][1]


def test_where_nothing_changed_there_is_no_bar() -> None:
    chart = waterfall(explanation("denial_rate", (20, 20), (100, 100)))
    assert "bar" in [layer["mark"]["type"] for layer in chart.to_dict()["layer"]]
    assert bars(chart) == []


@pytest.mark.parametrize(
    ("value", "unit", "number", "change"),
    [
        (0.4364, "ratio", "43.64%", "+43.64 pp"),
        (-1234.5, "USD", "-$1,234.50", "-$1,234.50"),
        (1234, "count", "1,234", "+1,234"),
        (4.25, "days", "4.25", "+4.25"),
        (0, "ratio", "0.00%", "0.00 pp"),
        (None, "ratio", "no value", "no value"),
    ],
)
def test_numbers_are_written_for_people(value: Any, unit: str, number: str, change: str) -> None:
    assert number_text(value, unit) == number
    assert change_text(value, unit) == change
