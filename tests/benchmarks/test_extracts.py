"""The extracts that the benchmarks measure with."""

import polars as pl
import pytest

from benchmarks import extracts
from benchmarks.jobs import name_key

VOLUME = extracts.Volume(visits_a_month=3_000, months=3)


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        extracts.write_month(VOLUME, 1, folder)
        extracts.write_others(VOLUME, folder)
    assert {path.name: path.read_bytes() for path in first.iterdir()} == {
        path.name: path.read_bytes() for path in second.iterdir()
    }


def test_a_month_delivers_its_visits_and_the_last_months_again(tmp_path):
    january, february = (
        pl.read_csv(extracts.write_month(VOLUME, number, tmp_path), infer_schema=False) for number in (0, 1)
    )
    again = february.join(january, on="visit_id", how="semi")
    assert january.height == VOLUME.visits_a_month
    assert february.height == VOLUME.visits_a_month + again.height
    assert again.height / VOLUME.visits_a_month == pytest.approx(extracts.REDELIVERED, abs=0.03)


def test_the_days_of_a_month_deliver_each_of_its_visits_once(tmp_path):
    days = [pl.read_csv(extracts.write_day(VOLUME, 1, day, tmp_path), infer_schema=False) for day in range(29)]
    new = pl.concat(days).filter(pl.col("visit_id").str.slice(1).cast(pl.Int64) >= 1_000_000_000 + 3_000)
    assert new["visit_id"].sort().to_list() == [f"V{1_000_000_000 + n}" for n in range(3_000, 6_000)]


def test_the_three_spellings_of_a_provider_mean_one():
    assert {name_key(name) for name in ("Dr. Anna Ashberg", "ASHBERG, ANNA", "anna  ashberg MD")} == {"anna ashberg"}
