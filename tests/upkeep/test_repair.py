"""What `repair` mends ends equal to a lake that was never disturbed; what it cannot, it names exactly."""

import json
import shutil
from pathlib import Path

import pytest

from carti_lake import Lake
from carti_lake.store import newest
from carti_lake.store.errors import LakeError
from carti_lake.upkeep import repair
from tests.equality import assert_same, state
from tests.worlds.damaged import lake_at, load, log

pytestmark = pytest.mark.slow


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


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0x15
    file.write_bytes(content)


def first_file(lake: Lake, table: str, *, last: bool = False) -> Path:
    """A data file that the table's first batch or commit added, or its last."""
    for commit in sorted(log(lake, table).glob("*.json"), reverse=last):
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
    # As in a lake of an earlier version, which kept no copy.
    shutil.rmtree(Path(lake.uri) / newest.FOLDER)
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


@pytest.mark.parametrize("table", ["releases", "bronze.ehr_visits"])
def test_an_acknowledged_commit_that_is_gone_from_the_end_is_noticed_and_put_back(lake, whole, table):
    lake.lock("board")
    load(lake, 3)
    gone = max(log(lake, table).glob("*.json"))
    before = gone.read_bytes()
    gone.unlink()
    with pytest.raises(LakeError, match=r"was acknowledged: the last commits are gone, .*carti-lake repair --plan"):
        lake.run()
    if table == "releases":
        with pytest.raises(LakeError, match="the last commits are gone"):
            lake.at()
    assert [one for one in problems(lake) if "was acknowledged" in one]
    (step,) = lake.repair()
    assert step.remedy == f"Put {gone.name} back from its copy."
    assert gone.read_bytes() == before
    assert problems(lake) == []
    assert lake.releases()[0].locks == ("board",)
    assert lake.storage.scan("bronze.ehr_visits").collect()["batch_id"].n_unique() == 3


@pytest.mark.parametrize("copied", [True, False])
@pytest.mark.parametrize("table", ["bronze.ehr_visits", "silver.visits", "gold.provider_monthly", "releases"])
def test_a_newest_commit_of_which_the_checkpoint_alone_is_left(lake, table, copied):
    """Delta reads such a table, and refuses every write to it."""
    lake.storage.open(table).create_checkpoint()
    gone = max(log(lake, table).glob("*.json"))
    gone.unlink()
    for copy in () if copied else (Path(lake.uri) / newest.FOLDER).rglob("*.json"):
        copy.unlink()
    with pytest.raises(LakeError, match=rf"{table}: {gone.name} of its log is gone, its checkpoint alone is there"):
        lake.run()
    by_people = [step for step in lake.repair() if step.mend is None]
    # What bronze's commit said of its batch is nowhere else.
    assert any("of 2026-04-02" in step.remedy for step in by_people) == (table.startswith("bronze.") and not copied)
    for day in (1, 2, 3):
        load(lake, day)
    assert not lake.run(accept=["drift", "quality"], full=True).failed
    assert problems(lake) == []
    undisturbed = lake_at(Path(lake.uri).parent / "undisturbed")
    for day in (1, 2, 3):
        load(undisturbed, day)
    undisturbed.run()
    assert_same(state(undisturbed), state(lake))


def test_where_more_is_gone_than_is_kept_bronze_names_what_to_load(lake):
    for day in (3, 4):
        load(lake, day)
    *_, first, second = sorted(log(lake, "bronze.ehr_visits").glob("*.json"))
    first.unlink()
    second.unlink()
    (step,) = lake.repair()
    assert step.remedy.startswith("The 2 commits after")
    assert "frame of 2026-04-04" in step.remedy
    assert problems(lake) == []
    for day in (3, 4):
        load(lake, day)
    assert lake.run(accept=["drift"]).release == 2


def test_releases_are_made_anew_of_what_the_tables_commits_say(lake):
    for day in (3, 4):
        load(lake, day)
        assert not lake.run(accept=["drift", "quality"]).failed
    known, rows = lake.releases(), lake.at(release=2).scan("silver.visits").collect().sort("visit_id")
    flip(sorted(log(lake, "releases").glob("*.json"))[2])
    (step,) = lake.repair()
    assert "releases 1 to 2" in step.remedy
    again = lake.releases()
    assert [(one.number, one.versions, one.rows, one.ids, one.data_as_of) for one in again] == [
        (one.number, one.versions, one.rows, one.ids, one.data_as_of) for one in known[:2]
    ]
    assert lake.at(release=2).scan("silver.visits").collect().sort("visit_id").equals(rows)
    assert problems(lake) == []
    # The last one comes back with the next run.
    assert lake.run(accept=["drift", "quality"]).release == 3
    assert lake.releases()[-1].versions == known[-1].versions


def test_releases_of_which_no_commit_tells_are_set_aside_and_published_anew(lake, whole):
    first = log(lake, "releases") / f"{0:020}.json"
    first.write_bytes(b"")
    (step,) = lake.repair()
    assert "The next run publishes that anew" in step.remedy
    assert [path.name for path in (Path(lake.uri) / repair.ASIDE).rglob("*.json") if not path.stat().st_size] == [
        first.name
    ]
    assert lake.run().release == 1
    assert problems(lake) == []
    assert_same(state(lake), state(whole))


def test_a_table_of_which_nothing_was_acknowledged_is_set_aside(tmp_path):
    lake = lake_at(tmp_path / "lake")
    load(lake, 1)
    load(lake, 2)
    # As if both loads had failed to sync, and the power then took the first commit.
    shutil.rmtree(Path(lake.uri) / newest.FOLDER / "bronze")
    (log(lake, "bronze.ehr_visits") / f"{0:020}.json").write_bytes(b"")
    (step,) = (one for one in lake.repair() if one.table == "bronze.ehr_visits")
    assert "Load its extracts again" in step.remedy
    load(lake, 1)
    assert lake.run().release == 1


def zeros(file: Path) -> None:
    """What a power cut leaves of a file whose length, but not whose bytes, had come to the disk."""
    file.write_bytes(bytes(file.stat().st_size))


@pytest.mark.parametrize("damage", [Path.unlink, zeros])
def test_what_no_release_names_is_set_aside_and_written_again(lake, damage):
    lake.lock("board")
    load(lake, 3)
    lake.run(accept=["drift", "quality"])
    max(log(lake, "releases").glob("*.json")).unlink()
    for copy in (Path(lake.uri) / newest.FOLDER / "releases").rglob("*.json"):
        copy.unlink()
    damage(first_file(lake, "silver.visits", last=True))
    with pytest.raises(LakeError, match=r"silver.visits: data file .*carti-lake"):
        lake.run()
    (step,) = lake.repair()
    assert "which no release names; the next run repeats it" in step.remedy
    assert problems(lake) == []
    assert lake.at(release="board").scan("silver.visits").collect().height > 0
    assert lake.run(accept=["drift", "quality"]).release == 2
    undisturbed = lake_at(Path(lake.uri).parent / "undisturbed")
    for day in (1, 2, 3):
        load(undisturbed, day)
    undisturbed.run()
    assert_same(state(undisturbed), state(lake))


def test_a_commit_of_silver_that_gold_alone_remembers_is_not_passed_over(lake):
    load(lake, 3)
    lake.run(accept=["drift", "quality"])
    max(log(lake, "releases").glob("*.json")).unlink()
    for copy in (Path(lake.uri) / newest.FOLDER / "releases").rglob("*.json"):
        copy.unlink()
    known = lake.at().release.versions["silver.visits"]
    for commit in log(lake, "silver.visits").glob("*.json"):
        if int(commit.stem) > known:
            commit.unlink()
    with pytest.raises(LakeError, match=rf"silver.visits: its log ends with version {known}, and .* has taken in"):
        lake.run()
    assert "which no release names" in lake.repair()[0].remedy
    load(lake, 4)
    assert lake.run(accept=["drift", "quality"]).release == 2
    undisturbed = lake_at(Path(lake.uri).parent / "undisturbed")
    for day in (1, 2, 3, 4):
        load(undisturbed, day)
    undisturbed.run()
    assert_same(state(undisturbed), state(lake))


def test_what_only_people_can_bring_back_is_told(lake):
    lake.set_thresholds("payment_on_unpaid_claim", None, why="as declared")
    commit = sorted(log(lake, "thresholds").glob("*.json"))[0]
    commit.write_bytes(commit.read_bytes()[:100])
    (step,) = repair.plan(lake.storage)
    assert step.table == "thresholds"
    assert step.mend is None
    assert commit.name in step.problem
    assert "Restore the folder from a backup" in step.remedy


@pytest.mark.parametrize("table", ["bronze.ehr_visits", "releases"])
@pytest.mark.parametrize("damaged", ["copy", "copy, no JSON", "commit"])
def test_a_copy_that_differs_from_its_commit_is_found_and_the_right_one_is_kept(lake, table, damaged):
    [copy] = (Path(lake.uri) / newest.FOLDER / table.replace(".", "/")).rglob("*.json")
    commit = log(lake, table) / copy.name
    content = commit.read_bytes()
    # The word says who wrote the commit: nothing that Delta reads by.
    wrong = content.replace(b'"clientVersion":"delta-rs', b'"clientVersion":"delta-rz')
    assert wrong != content
    file = commit if damaged == "commit" else copy
    file.write_bytes(wrong[1:] if damaged == "copy, no JSON" else wrong)
    (told,) = (one for one in lake.verify() if one.problem)
    assert (told.table, commit.name in told.problem) == (table, True)
    (step,) = repair.plan(lake.storage)
    assert file.read_bytes() != content
    lake.repair()
    if table == "releases" and damaged != "copy, no JSON":
        # No hash vouches for what vouches for all others.
        assert "Nothing tells which of them is right" in step.remedy
        return
    assert commit.read_bytes() == copy.read_bytes() == content
    assert problems(lake) == []
    assert ("back from its copy" if file == commit else "Make the copy anew") in step.remedy
    assert [path.name for path in (Path(lake.uri) / repair.ASIDE).rglob("*.json")] == [file.name]


def test_a_copy_that_a_power_cut_tore_is_no_damage(lake):
    for left in (0, 50):
        for copy in (Path(lake.uri) / newest.FOLDER).rglob("*.json"):
            copy.write_bytes(copy.read_bytes()[:left] + bytes(100))
        assert problems(lake) == []
        assert repair.plan(lake.storage) == []
