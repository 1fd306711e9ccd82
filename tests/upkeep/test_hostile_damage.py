"""Damage that no test drew by chance: each is told as an error or does no harm, and repair leaves the lake whole."""

import json
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from carti_lake import Lake
from carti_lake.store import newest
from carti_lake.store.errors import LakeError
from carti_lake.store.storage import data_files
from carti_lake.upkeep import repair
from carti_lake.upkeep.backup import backup
from tests.worlds.damaged import lake_at, log, two_releases

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Two releases, a batch that waits, and checkpoints."""
    lake = two_releases(tmp_path_factory.mktemp("hostile") / "lake")
    for table in ("silver.visits", "gold.provider_monthly", "bronze.ehr_visits"):
        lake.storage.open(table).create_checkpoint()
    return lake


@pytest.fixture
def lake(whole, tmp_path):
    """A copy of that lake."""
    shutil.copytree(whole.uri, tmp_path / "lake")
    return lake_at(tmp_path / "lake")


def last(lake: Lake, table: str) -> Path:
    return max(log(lake, table).glob("*.json"))


def file(lake: Lake, table: str) -> Path:
    return Path(data_files(lake.storage.open(table))[0])


def without_checkpoints(lake: Lake, table: str) -> list[Path]:
    for path in [*log(lake, table).glob("*.parquet"), *log(lake, table).glob("_last*")]:
        path.unlink()
    return sorted(log(lake, table).glob("*.json"))


def pointer_cut(lake):
    pointer = log(lake, "silver.visits") / "_last_checkpoint"
    pointer.write_bytes(pointer.read_bytes()[:10])


def pointer_to_nowhere(lake):
    pointer = log(lake, "gold.provider_monthly") / "_last_checkpoint"
    pointer.write_text(json.dumps({**json.loads(pointer.read_text("utf-8")), "version": 77}), "utf-8", newline="\n")


def checkpoint_of_another_table(lake):
    for table in ("silver.visits", "bronze.ehr_visits"):
        [checkpoint] = log(lake, table).glob("*.checkpoint.parquet")
        shutil.copy(next(log(lake, "gold.provider_monthly").glob("*.checkpoint.parquet")), checkpoint)


def two_commits_swapped(lake):
    for table in ("bronze.ehr_visits", "gold.provider_summary"):
        (_, one, other, *_) = without_checkpoints(lake, table)
        content = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(content)


def no_text(lake):
    for table in ("bronze.ehr_visits", "gold.provider_summary"):
        commit = last(lake, table)
        commit.write_bytes(commit.read_bytes().replace(b"delta-rs", b"delta\xffrs"))


def file_of_another_table(lake):
    there = file(lake, "gold.provider_monthly")
    there.write_bytes((file(lake, "silver.visits").read_bytes() * 9)[: there.stat().st_size])


def file_grown(lake):
    there = file(lake, "gold.provider_monthly")
    there.write_bytes(there.read_bytes() + bytes(7))


def link_to_itself(lake):
    there = file(lake, "gold.provider_monthly")
    there.unlink()
    there.symlink_to(there)
    folder = Path(lake.storage.path("gold.provider_summary"))
    shutil.rmtree(folder)
    folder.symlink_to(folder)


def folders_for_files(lake):
    there, commit = file(lake, "gold.provider_monthly"), last(lake, "gold.provider_summary")
    for path in (there, commit):
        path.unlink()
        path.mkdir()


def log_is_gone(lake):
    shutil.rmtree(log(lake, "silver.visits"))


def file_for_a_table(lake):
    folder = Path(lake.storage.path("silver.visits"))
    shutil.rmtree(folder)
    folder.write_text("x", "utf-8", newline="\n")


def lines_end_as_on_windows(lake):
    for commit in log(lake, "gold.provider_summary").glob("*.json"):
        commit.write_bytes(commit.read_bytes().replace(b"\n", b"\r\n"))


def another_file_named(lake):
    commit = last(lake, "gold.provider_summary")
    commit.write_bytes(commit.read_bytes().replace(b'"path":"part-', b'"path":"../provider_monthly/part-'))


def gap(lake):
    commit = last(lake, "gold.provider_summary")
    shutil.copy(commit, commit.with_name(f"{int(commit.stem) + 5:020}.json"))


def left_by_programs_that_share_folders(lake):
    for table in ("bronze.ehr_visits", "silver.visits", "gold.provider_summary"):
        for name in (f"{1:020} (conflicted copy).json", f"{2:020} 2.json", f"{3:020}.json.bak", "0notes.json"):
            (log(lake, table) / name).write_bytes(b"")


def nothing_remembered(lake):
    for memory in Path(lake.uri).glob(".compared-*"):
        memory.write_bytes(b"\xff\0[")
    shutil.rmtree(Path(lake.uri) / newest.FOLDER)
    (Path(lake.uri) / newest.FOLDER).write_bytes(b"x")


HARMLESS = [pointer_cut, left_by_programs_that_share_folders, nothing_remembered]
HARMFUL = [
    pointer_to_nowhere,
    checkpoint_of_another_table,
    two_commits_swapped,
    no_text,
    file_of_another_table,
    file_grown,
    *([] if sys.platform == "win32" else [link_to_itself]),
    folders_for_files,
    log_is_gone,
    file_for_a_table,
    lines_end_as_on_windows,
    another_file_named,
    gap,
]
#: Repair is lived through where each way of mending is another one.
MENDED = {checkpoint_of_another_table, no_text, folders_for_files, log_is_gone, file_for_a_table}


def rows(lake: Lake, table: str):
    return lake.scan(table).collect().sort("provider_id" if table.startswith("gold") else "visit_id")


def told(lake: Lake) -> list[str]:
    return [one.problem for one in lake.verify() if one.problem]


@pytest.mark.parametrize("damage", [*HARMLESS, *HARMFUL], ids=lambda one: one.__name__)
def test_no_damage_gives_a_wrong_number_or_an_error_that_says_nothing(lake, whole, tmp_path, damage):
    damage(lake)
    for table in ("silver.visits", "gold.provider_monthly", "gold.provider_summary"):
        try:
            assert rows(lake, table).equals(rows(whole, table))
        except LakeError as error:
            assert table in str(error)
    problems, steps = told(lake), repair.plan(lake.storage)
    if damage in HARMLESS:
        assert (problems, steps) == ([], [])
        backup(lake.storage, str(tmp_path / "copy"), str)
        assert not lake.run(accept=["drift", "quality"]).failed
        return
    assert problems
    assert [step for step in steps if step.mend is None] == []
    with pytest.raises(LakeError, match=r"carti-lake repair|restore its folder"):
        backup(lake.storage, str(tmp_path / "copy"), str)
    if damage not in MENDED:
        return
    lake.repair()
    assert told(lake) == []
    lake.run(accept=["drift", "quality"])
    assert rows(lake, "silver.visits")["visit_id"].to_list() == ["V1", "V11", "V12", "V13"]


def test_a_clock_that_was_set_back_loses_nothing(lake):
    early = lake_at(Path(lake.uri), now=datetime(2020, 1, 1, tzinfo=UTC))
    assert early.run(accept=["drift", "quality"]).release == 3
    assert [one.number for one in lake.releases()] == [1, 2, 3]
    assert rows(lake, "silver.visits").height == 4
    early.vacuum(keep_days=0)
    assert told(lake) == []
