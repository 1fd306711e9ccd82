"""``explain``."""

import json
from pathlib import Path

import polars as pl
import pytest

from .conftest import Type

RATE = ("explain", "gross_collection_rate", "--from", "1", "--to", "3")


def test_the_parts_are_printed_between_the_releases(carti_lake: Type, here: Path) -> None:
    printed = carti_lake(*RATE).out
    lines = printed.splitlines()
    assert lines[:2] == ["Gross collection rate", "Network"]
    order = ["release 1 · ", "New rows", "Late rows", "Reattribution", "Definition change", "release 3 · ", "Next: "]
    places = [printed.index(text) for text in order]
    assert places == sorted(places)


def test_json_holds_parts_that_sum_to_the_change(carti_lake: Type, here: Path) -> None:
    found = json.loads(carti_lake(*RATE, "--json").out)
    for name in ("numerator", "denominator", "value"):
        change = found["to"][name] - found["from"][name]
        assert sum(part[name] for part in found["parts"]) == pytest.approx(change, abs=1e-6)
    assert sum(part["rows"] for part in found["parts"]) > 0
    assert found["provider"] is None


def test_the_rows_of_a_part_are_one_command_away(carti_lake: Type, here: Path) -> None:
    part = next(one for one in json.loads(carti_lake(*RATE, "--json").out)["parts"] if one["cause"] == "new_rows")
    rows = json.loads(carti_lake(*RATE, "--cause", "new_rows", "--json").out)
    assert len(rows) == part["rows"] > 0
    assert sum(row["denominator"] for row in rows) == pytest.approx(part["denominator"])
    assert carti_lake(*RATE, "--rows", "-o", "rows.csv").code == 0
    written = pl.read_csv("rows.csv")
    assert set(written["cause"]) >= {"new_rows"}
    assert not [name for name in written.columns if "patient" in name]
    printed = carti_lake(*RATE, "--cause", "new_rows").out
    assert f"{len(rows):,} rows; together numerator" in printed
    assert carti_lake(*RATE, "--cause", "definition_change").out == "No rows.\n"


def test_a_provider_is_meant_by_id_or_name(carti_lake: Type, here: Path) -> None:
    sql = "SELECT provider_id, provider_name FROM dim_provider WHERE in_directory ORDER BY provider_id LIMIT 1"
    one = json.loads(carti_lake("query", sql, "--json").out)[0]
    by_id = json.loads(carti_lake(*RATE, "--provider", one["provider_id"], "--json").out)
    by_name = json.loads(carti_lake(*RATE, "--provider", one["provider_name"], "--json").out)
    assert by_id == by_name
    assert by_id["provider"] == {"id": one["provider_id"], "name": one["provider_name"]}


@pytest.mark.parametrize("ending", ["png", "svg", "json"])
def test_a_waterfall_is_drawn(carti_lake: Type, here: Path, ending: str) -> None:
    ended = carti_lake(*RATE, "-o", f"waterfall.{ending}")
    assert (ended.code, ended.err) == (0, f"Wrote waterfall.{ending}\n")
    assert Path(f"waterfall.{ending}").stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [
        (("explain", "gross_colection_rate", "--from", "1", "--to", "2"), 2, "Did you mean gross_collection_rate"),
        ((*RATE, "--cause", "late"), 2, "choose one of new_rows, late_rows"),
        ((*RATE, "-o", "waterfall.pdf"), 2, "a waterfall is .png, .svg or .json"),
        (("explain", "win_rate", "--from", "1"), 2, "--to"),
        (("explain", "win_rate", "--from", "3", "--to", "1"), 1, "from the earlier to the later one"),
        (("explain", "win_rate", "--from", "1", "--to", "99"), 1, "There is no release 99"),
        ((*RATE, "--provider", "Dr. Nobody"), 1, "know no provider 'Dr. Nobody'"),
    ],
)
def test_what_cannot_be_done_says_why(
    carti_lake: Type, here: Path, arguments: tuple[str, ...], code: int, hint: str
) -> None:
    ended = carti_lake(*arguments)
    assert ended.code == code
    assert hint in ended.err
