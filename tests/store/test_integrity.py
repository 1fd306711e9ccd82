"""Damage is named with table and remedy, and the remedy works without lying about the past."""

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from carti_lake import Lake
from carti_lake.releases.release import ReleaseError
from carti_lake.store.errors import CorruptTableError
from tests.equality import assert_same, state
from tests.worlds.rows import visit

NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two releases: what was paid for V1 is corrected; one row is refused."""
    folder = tmp_path_factory.mktemp("integrity") / "lake"
    lake = Lake(folder, clock=lambda: NOW, environment={})
    for day, amount in ((1, "80"), (2, "95")):
        rows = [visit("V1", claim_paid=amount), visit(f"bad {day}", claim_amount="abc")]
        lake.load("ehr_visits", rows, extract_date=date(2026, 4, day))
        lake.run()
    return folder


@pytest.fixture
def lake(folder, tmp_path):
    """A copy of that lake."""
    shutil.copytree(folder, tmp_path / "lake")
    return Lake(tmp_path / "lake", clock=lambda: NOW, environment={})


def data_file(lake, table):
    return Path(sorted(lake.storage.open(table).file_uris())[-1])


def problems(lake, table=None):
    return [f"{one.table}: {one.problem}" for one in lake.verify(table) if one.problem]


@pytest.mark.parametrize(
    ("left", "told"),
    [
        (None, r"data file .*\.parquet is missing"),
        (100, r"data file .*\.parquet has 100 bytes, the log records \d+"),
        (0, r"data file .*\.parquet has 0 bytes, the log records \d+"),
    ],
)
def test_a_damaged_data_file_is_named_with_its_table_and_remedy(lake, left, told):
    file = data_file(lake, "silver.visits")
    content = file.read_bytes()
    file.unlink()
    if left is not None:
        file.write_bytes(content[:left])
    told = rf"silver.visits.*{told}\. `carti-lake repair` mends it"
    with pytest.raises(CorruptTableError, match=told):
        lake.scan("silver.visits")
    lake.load("ehr_visits", [visit("V1", claim_paid="50")], extract_date=date(2026, 4, 3))
    with pytest.raises(CorruptTableError, match=told):
        lake.run()


def test_a_flipped_byte_is_found_by_the_recorded_hash(lake):
    assert problems(lake) == []
    file = data_file(lake, "gold.provider_summary")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert f"{file.name}: not the bytes that were written. " in problems(lake, "gold.provider_summary")[0]


@pytest.mark.parametrize("table", ["silver.visits", "quarantine.visits", "gold.provider_monthly"])
def test_after_the_repair_earlier_releases_do_not_read_rows_of_the_table_made_anew(lake, table):
    before = state(lake)
    shutil.rmtree(lake.storage.path(table))
    assert lake.run(full=True).release == 3
    assert problems(lake) == []
    assert_same(before, state(lake))
    with pytest.raises(ReleaseError, match=r"Release 2 cannot be read any more.*Readable: 3"):
        lake.at(2)


def test_a_release_whose_table_is_gone_is_not_read_as_empty(lake):
    shutil.rmtree(lake.storage.path("silver.visits"))
    with pytest.raises(
        CorruptTableError, match=r"silver.visits, version \d+: its folder is gone. `carti-lake repair` mends it"
    ):
        lake.scan("silver.visits")
