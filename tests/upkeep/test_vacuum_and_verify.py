"""Upkeep removes nothing that a kept release needs; damage is found, named, and mended as the message says."""

import os
import shutil
from pathlib import Path

import pytest

from carti_lake.releases import publish
from carti_lake.releases.release import ReleaseError
from carti_lake.store.errors import ConflictError, LakeError
from carti_lake.upkeep import vacuum
from tests.equality import assert_same, state
from tests.worlds.lakes import Clock, lake_in, load, provider, stay, visit

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Three releases, a day apart."""
    lake = lake_in(tmp_path_factory.mktemp("whole") / "lake", Clock())
    for number in (1, 2, 3):
        fill(lake, number)
        assert lake.run(accept=["drift"]).release == number
        lake.clock.turn(days=1)
    return lake


@pytest.fixture
def lake(whole, tmp_path, monkeypatch):
    """A copy of it. Nobody else writes there, so that vacuum may take files of a moment ago."""
    monkeypatch.setattr(vacuum, "KEPT_HOURS", 0)
    return lake_in(shutil.copytree(whole.uri, tmp_path / "lake"), Clock(whole.clock.now))


def fill(lake, number):
    load(lake, "ehr_visits", [visit(9, claim_amount=f"{number}00"), visit(number)], f"2026-03-0{number}")


def charges(view) -> int:
    return int(view.scan("gold.provider_summary").collect()["total_claim_amount"].item())


def test_optimise_joins_files_and_changes_no_row(lake):
    before = state(lake)

    done = {one.table: (one.files_before, one.files_after) for one in lake.optimize()}

    assert done["silver.visits"][1] == 1
    assert all(after <= before for before, after in done.values())
    assert_same(before, state(lake))
    assert [charges(lake.at(number)) for number in (1, 2, 3)] == [200, 400, 600]
    assert lake.run().changed == ()


def test_vacuum_keeps_the_newest_release_the_locked_and_the_young(lake):
    lake.lock("board", 1)
    lake.optimize()

    removed = sum(one.files_before for one in lake.vacuum(keep_days=0))

    assert removed > 0
    assert [charges(lake.at(which)) for which in ("board", 3)] == [200, 600]
    with pytest.raises(ReleaseError, match=r"Release 2 cannot be read any more.* Readable: 1, 3"):
        lake.at(2)
    lake.unlock("board")
    lake.vacuum(keep_days=3)
    assert charges(lake.at(1)) == 200
    lake.vacuum(keep_days=0)
    with pytest.raises(ReleaseError, match=r"Release 1 cannot be read any more"):
        lake.at(1)


def test_a_lock_set_while_a_vacuum_chooses_is_not_lost(lake, monkeypatch):
    seen = publish.releases

    def lock_meanwhile(storage):
        found = seen(storage)
        monkeypatch.setattr(publish, "releases", seen)
        lake.lock("board", 1)
        return found

    monkeypatch.setattr(publish, "releases", lock_meanwhile)
    with pytest.raises(ConflictError, match="another process wrote to the table first"):
        lake.vacuum(keep_days=0)
    lake.vacuum(keep_days=0)

    assert charges(lake.at("board")) == 200


def test_a_vacuum_that_ends_while_a_lock_is_set_is_not_overlooked(lake, monkeypatch):
    chosen = lake.at(1).release
    lake.vacuum(keep_days=0)
    with pytest.raises(ReleaseError, match="removed files of release 1; it cannot be kept"):
        publish.lock(lake.storage, chosen, "board", lake.clock())


def test_a_dry_run_of_vacuum_removes_nothing(lake):
    lake.optimize()
    assert sum(one.files_before for one in lake.vacuum(keep_days=0, dry_run=True)) > 0
    assert [charges(lake.at(number)) for number in (1, 2, 3)] == [200, 400, 600]


def test_vacuum_sweeps_what_killed_writers_left(lake, tmp_path):
    left = tmp_path / "lake" / "silver" / "visits" / "part-1.parquet#1"
    left.write_bytes(b"half")
    os.utime(left, (0, 0))
    lake.vacuum()
    assert not left.exists()


@pytest.mark.slow
def test_a_directory_that_changes_after_a_vacuum_re_attributes_all_visits(lake):
    for day, name in (("2026-03-04", "Cy Diaz"), ("2026-03-05", "Di Eng")):
        load(lake, "sg2_patient_flow", [stay(1, referral_provider=name)], day)
        lake.run(accept=["drift"])
    lake.optimize()
    lake.vacuum(keep_days=0)

    load(lake, "providers", [provider("Ann Lee", "1234567893")], "2026-03-06")
    lake.run(accept=["drift"])

    assert set(lake.scan("silver.visits").collect()["rendering_provider_id"]) == {"1234567893"}


def data_file(lake, table) -> Path:
    """The newest data file that the latest release reads."""
    version = lake.at().release.versions.get(table)
    uris = lake.storage.open(table, version).file_uris()
    return max((Path(uri) for uri in uris), key=lambda path: path.stat().st_mtime_ns)


def truncate(lake, table):
    path = data_file(lake, table)
    path.write_bytes(path.read_bytes()[:100])


def remove(lake, table):
    data_file(lake, table).unlink()


def flip_a_byte(lake, table):
    path = data_file(lake, table)
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)


def problems(lake) -> dict[str, str]:
    return {check.table: check.problem for check in lake.verify() if check.problem}


def test_a_whole_lake_verifies(lake):
    assert problems(lake) == {}
    assert {check.table for check in lake.verify()} >= {"bronze.ehr_visits", "silver.visits", "gold.provider_summary"}


@pytest.mark.slow
@pytest.mark.parametrize("damage", [truncate, remove, flip_a_byte])
@pytest.mark.parametrize("table", ["silver.visits", "gold.provider_summary"])
def test_a_damaged_table_is_found_and_rebuilt_as_the_message_says(lake, table, damage):
    expected = state(lake)
    damage(lake, table)

    found = problems(lake)
    assert set(found) == {table}
    assert "`carti-lake repair` mends it" in found[table]

    assert [step.table for step in lake.repair()] == [table]
    assert problems(lake) == {}
    assert_same(expected, state(lake))
    assert charges(lake.at()) == 600


@pytest.mark.parametrize("damage", [truncate, remove])
def test_reading_a_damaged_table_never_gives_wrong_rows(lake, damage):
    damage(lake, "silver.visits")
    with pytest.raises(BaseException) as error:
        lake.scan("silver.visits").collect()
    assert not isinstance(error.value, AssertionError)
    assert "MRN-" not in str(error.value)


def test_damaged_bronze_is_told_from_what_can_be_rebuilt_and_loaded_again(lake):
    expected = state(lake)
    truncate(lake, "bronze.ehr_visits")

    assert "load the feed's extracts again, then `carti-lake run --full`" in problems(lake)["bronze.ehr_visits"]

    shutil.rmtree(Path(lake.storage.path("bronze.ehr_visits")))
    for number in (3, 1, 2):
        fill(lake, number)
    assert not lake.run(full=True, accept=["drift"]).failed
    assert_same(expected, state(lake))


def test_an_empty_last_commit_is_named_with_its_remedy(lake):
    expected = state(lake)
    log = Path(lake.storage.path("silver.visits")) / "_delta_log"
    empty = log / f"{lake.storage.open('silver.visits').version() + 1:020}.json"
    empty.touch()

    with pytest.raises(LakeError, match=rf"silver.visits: commit {empty.name} is empty .* Remove {empty.name}"):
        lake.run()
    assert lake.scan("silver.visits").collect().height > 0
    assert f"Remove {empty.name}" in problems(lake)["silver.visits"]

    empty.unlink()
    assert lake.run().changed == ()
    assert_same(expected, state(lake))


def test_a_commit_that_cannot_be_read_is_named(lake):
    log = Path(lake.storage.path("gold.provider_summary")) / "_delta_log"
    max(log.glob("*.json")).write_text('{"commitInfo": {')
    assert "`carti-lake repair` mends it" in problems(lake)["gold.provider_summary"]
    with pytest.raises(LakeError, match="provider_summary"):
        lake.run()
