"""What `repair` mends ends equal to a lake that was never disturbed; what it cannot, it names exactly."""

import json
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from carti_lake import Lake
from carti_lake.store.errors import LakeError
from carti_lake.upkeep import repair
from tests.equality import assert_same, state
from tests.worlds.rows import visit

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def lake_at(folder: Path) -> Lake:
    return Lake(folder, clock=lambda: NOW, environment={})


def load(lake: Lake, day: int) -> None:
    rows = [visit("V1", claim_paid=str(day)), visit(f"V1{day}"), visit(f"bad {day}", claim_amount="abc")]
    lake.load("ehr_visits", rows, extract_date=date(2026, 4, day))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A release of two batches."""
    lake = lake_at(tmp_path_factory.mktemp("repair") / "lake")
    load(lake, 1)
    load(lake, 2)
    assert not lake.run().failed
    return lake


@pytest.fixture
def lake(whole, tmp_path):
    """A copy of that lake."""
    shutil.copytree(whole.uri, tmp_path / "lake")
    return lake_at(tmp_path / "lake")


def log(lake: Lake, table: str) -> Path:
    return Path(lake.storage.path(table)) / "_delta_log"


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0x15
    file.write_bytes(content)


def first_file(lake: Lake, table: str) -> Path:
    """The data file that the table's first batch or commit added."""
    for commit in sorted(log(lake, table).glob("*.json")):
        for line in commit.read_text("utf-8").splitlines():
            if "add" in (action := json.loads(line)):
                return Path(lake.storage.path(table)) / action["add"]["path"]
    raise AssertionError(table)


def problems(lake: Lake) -> list[str]:
    return [one.problem for one in lake.verify() if one.problem]


def test_a_whole_lake_needs_no_repair(lake):
    assert repair.plan(lake.storage) == []
    assert lake.repair() == []


@pytest.mark.parametrize("left", [0, 100])
def test_a_commit_that_never_ended_is_set_aside(lake, whole, left):
    newest = max(log(lake, "bronze.ehr_visits").glob("*.json"))
    torn = newest.with_name(f"{int(newest.stem) + 1:020}.json")
    torn.write_bytes(newest.read_bytes()[:left])
    with pytest.raises(LakeError, match=torn.name):
        lake.run()
    (step,) = lake.repair()
    assert step.table == "bronze.ehr_visits"
    assert f"Set aside {torn.name}, a write that never ended" in step.remedy
    assert [path.name for path in (Path(lake.uri) / repair.ASIDE).rglob("*.json")] == [torn.name]
    assert problems(lake) == []
    assert lake.run().release is None


def test_damaged_silver_and_gold_are_rebuilt_to_the_same_rows(lake, whole):
    flip(first_file(lake, "silver.visits"))
    first_file(lake, "gold.provider_monthly").unlink()
    (commit, *_) = sorted(log(lake, "gold.claims_open").glob("*.json"))
    flip(commit)
    planned = repair.plan(lake.storage)
    assert {step.table for step in planned} == {"silver.visits", "gold.provider_monthly", "gold.claims_open"}
    assert problems(lake) != []
    assert {step.remedy for step in lake.repair()} == {"Rebuild it from bronze."}
    assert problems(lake) == []
    assert_same(state(whole), state(lake))


def test_a_damaged_batch_is_named_and_loaded_again(lake, whole):
    flip(first_file(lake, "bronze.ehr_visits"))
    step, *others = lake.repair()
    assert step.remedy == "Keep its whole batches and rebuild. Load again: frame of 2026-04-01."
    # What is left of the data may not pass the audits alone.
    assert {one.table for one in others} <= {"releases"}
    assert lake.storage.scan("silver.visits").collect().height == 2
    load(lake, 1)
    assert lake.run(accept=["drift"]).release is not None
    assert problems(lake) == []
    assert_same(state(whole), state(lake))


def test_a_batch_whose_commit_was_deleted_is_named(lake, whole):
    max(log(lake, "bronze.ehr_visits").glob("*.json")).unlink()
    with pytest.raises(LakeError, match="the commits between are gone"):
        lake.run()
    steps = lake.repair()
    assert steps[0].problem == "1 batches are gone that gold counts"
    assert "of 2026-04-02" in steps[0].remedy
    load(lake, 2)
    assert lake.run(accept=["drift"]).release is not None
    assert_same(state(whole), state(lake))


def test_a_checkpoint_that_cannot_be_read_is_set_aside_for_the_commits(lake, whole):
    handle = lake.storage.open("silver.visits")
    handle.create_checkpoint()
    (checkpoint,) = log(lake, "silver.visits").glob("*.checkpoint.parquet")
    checkpoint.write_bytes(checkpoint.read_bytes()[:50])
    (step,) = lake.repair()
    assert step.remedy.startswith("Set its checkpoints aside")
    assert_same(state(whole), state(lake))


def test_what_only_people_can_bring_back_is_told(lake):
    commit = sorted(log(lake, "releases").glob("*.json"))[0]
    flip(commit)
    (step,) = repair.plan(lake.storage)
    assert step.table == "releases"
    assert step.mend is None
    assert commit.name in step.problem
    assert "Restore the folder from a backup" in step.remedy
