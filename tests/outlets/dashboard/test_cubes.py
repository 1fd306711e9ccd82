"""Sums in the page are those of the marts, packed without loss, and never crossed where crossing is not published."""

import gzip
from base64 import b64decode
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carti_lake import disclosure
from carti_lake.metrics import METRICS
from carti_lake.outlets.dashboard import cubes as made
from carti_lake.outlets.dashboard.cubes import Cube, cubes
from carti_lake.outlets.dashboard.encode import encoded


def decoded(cube: dict[str, Any], numbers: str, column: str) -> list[float | None]:
    """A column as the page's own program reads it."""
    packed = gzip.decompress(b64decode(numbers))
    (one,) = [one for one in cube["columns"] if one["id"] == column]
    rows = cube["rows"]
    values: list[float | None] = []
    for row in range(rows):
        stored = sum(packed[one["at"] + byte * rows + row] << 8 * byte for byte in range(one["width"]))
        none = one["gaps"] and stored == 0
        values.append(None if none else (stored + one["least"] - one["gaps"]) / one["scale"])
    return values


@given(st.lists(st.one_of(st.none(), st.integers(-(2**45), 2**45)), max_size=30), st.integers(0, 4))
def test_numbers_come_back_as_they_were(numbers: list[int | None], digits: int) -> None:
    scaled = [None if one is None else Decimal(one) / 10**digits for one in numbers]
    cells = pl.DataFrame({"x/above": pl.Series(scaled, dtype=pl.Decimal(38, 4))})
    (cube,), text = encoded([Cube("some", (), cells)], {})
    assert decoded(cube, text, "x/above") == [None if one is None else float(one) for one in scaled]


def test_equal_columns_are_stored_once() -> None:
    some = list(range(1000))
    cells = pl.DataFrame({"month": [0] * 1000, "a/above": some, "b/above": some})
    (cube,), _ = encoded([Cube("some", ("month",), cells)], {"month": [0]})
    places = {one["id"]: one["at"] for one in cube["columns"]}
    assert places["a/above"] == places["b/above"]


def test_every_cube_adds_up_to_its_metrics(frames: dict[str, pl.DataFrame]) -> None:
    found = {cube.name: cube for cube in cubes(disclosure.in_full(frames), in_full=True)}
    for name in ("provider_monthly", "claims_monthly", "marketing_roi"):
        for column in found[name].cells.columns:
            metric, _, part = column.partition("/")
            if part:
                term = METRICS[metric].terms()["numerator" if part == "above" else "denominator"]
                assert found[name].cells[column].sum() == frames[name].select(term).item(), column


def test_without_full_counts_nothing_but_campaigns_is_crossed(frames: dict[str, pl.DataFrame]) -> None:
    found = cubes(disclosure.publication(frames), in_full=False)
    assert {cube.name: cube.axes for cube in found} == {
        "network": (),
        "provider_summary": ("provider",),
        "network_by_month": ("month",),
        "network_by_service_line": ("line",),
        "network_by_payer": ("payer",),
        "denials_by_reason": ("reason",),
        "marketing_roi": ("line", "campaign"),
    }
    (campaigns,) = [cube for cube in found if cube.name == "marketing_roi"]
    assert not [column for column in campaigns.cells.columns if column.startswith("realised_roi")]


def test_what_is_hidden_is_in_no_sum(frames: dict[str, pl.DataFrame]) -> None:
    published = disclosure.publication(frames)
    hidden = published.tables["network_by_month"].with_columns(denied_claims=None)
    published.tables["network_by_month"] = hidden
    (cube,) = [cube for cube in cubes(published, in_full=False) if cube.name == "network_by_month"]
    assert cube.masked
    assert cube.cells["remittance_denial_rate/above"].null_count() == cube.cells.height
    assert cube.cells["visits/above"].to_list() == hidden.sort("month")["visits"].to_list()


def test_a_mart_of_too_many_cells_is_there_in_parts(
    frames: dict[str, pl.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(made, "MOST_CELLS", 1000)
    found = [cube for cube in cubes(disclosure.in_full(frames), in_full=True) if cube.name == "claims_monthly"]
    assert [cube.axes for cube in found] == [("month", "payer", "provider"), ("month", "payer", "line")]
    for cube in found:
        assert cube.cells["claims/above"].sum() == frames["claims_monthly"]["claims"].sum()


def test_bytes_do_not_depend_on_the_order_of_rows(frames: dict[str, pl.DataFrame]) -> None:
    order = np.random.default_rng(1).permutation(frames["claims_monthly"].height)
    shuffled = {**frames, "claims_monthly": frames["claims_monthly"][order]}
    (one,) = [cube for cube in cubes(disclosure.in_full(frames), in_full=True) if cube.name == "claims_monthly"]
    (two,) = [cube for cube in cubes(disclosure.in_full(shuffled), in_full=True) if cube.name == "claims_monthly"]
    assert one.cells.equals(two.cells)
