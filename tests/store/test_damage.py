"""Flipped, cut and deleted bytes in every kind of file: an error that names it, or right numbers."""

import random
import shutil
from pathlib import Path

import polars as pl
import pytest

from carti_lake import Lake
from carti_lake.store.errors import CorruptTableError, DamagedFileError, DamagedLogError, LakeError
from carti_lake.store.integrity import refuse_damaged
from tests.worlds.damaged import lake_at, two_releases

DAMAGES = ("flip", "flip", "flip", "cut", "delete", "empty")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Two releases, and a batch that waits."""
    return two_releases(tmp_path_factory.mktemp("damage") / "lake")


@pytest.fixture
def lake(whole, tmp_path):
    """A copy of that lake."""
    shutil.copytree(whole.uri, tmp_path / "lake")
    return lake_at(tmp_path / "lake")


def data_file(lake: Lake, table: str) -> Path:
    return Path(sorted(lake.storage.open(table).file_uris())[-1])


def flip(file: Path, place: int | None = None) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2 if place is None else place] ^= 0x15
    file.write_bytes(content)


def test_a_run_does_not_build_on_changed_bytes_of_silver(lake):
    file = data_file(lake, "silver.visits")
    flip(file)
    with pytest.raises(
        DamagedFileError, match=rf"silver.visits: data file .*{file.name} does not hold the bytes.*carti-lake repair"
    ):
        lake.run()


def test_a_batch_that_waits_is_hashed_in_its_own_commit(lake):
    file = data_file(lake, "bronze.ehr_visits")
    flip(file)
    (problem,) = [one.problem for one in lake.verify("bronze.ehr_visits") if one.problem]
    assert f"{file.name}: not the bytes that were written" in problem
    with pytest.raises(DamagedFileError, match=rf"bronze.ehr_visits: data file .*{file.name}.*restore"):
        lake.run()


def test_a_query_of_changed_bytes_is_refused(lake):
    flip(data_file(lake, "gold.provider_summary"))
    with pytest.raises(DamagedFileError, match=r"gold.provider_summary: data file .* does not hold the bytes"):
        lake.query("SELECT sum(total_visits) FROM provider_summary")


def test_what_was_compared_is_not_read_again_on_this_machine(lake, monkeypatch):
    lake.scan("gold.provider_summary")
    monkeypatch.setattr("carti_lake.store.hashes.sha256", lambda path: pytest.fail(f"{path} is read again"))
    lake.scan("gold.provider_summary")


def test_lost_commits_that_a_release_knows_end_the_run(lake):
    log = Path(lake.storage.path("silver.visits")) / "_delta_log"
    max(log.glob("*.json")).unlink()
    with pytest.raises(DamagedLogError, match=r"silver.visits: its log ends with version \d+, the newest release read"):
        lake.run()


def damage(file: Path, how: str, draw: random.Random) -> None:
    size = file.stat().st_size
    if how == "flip":
        flip(file, draw.randrange(size))
    elif how == "delete":
        file.unlink()
    else:
        content = file.read_bytes()
        file.write_bytes(content[: draw.randrange(size) if how == "cut" else 0])


def kinds(lake: Lake, view) -> list[tuple[str, Path]]:
    """Each table that readers see, with each file from which its release is read."""
    found = []
    for table, version in view.release.versions.items():
        if not table.startswith(("silver", "gold")):
            continue
        folder = Path(lake.storage.path(table))
        found += [(table, file) for file in sorted((folder / "_delta_log").glob("*.json")) if int(file.stem) <= version]
        found += [(table, Path(file)) for file in sorted(lake.storage.open(table, version).file_uris())]
    return found


def outcome(lake: Lake, table: str) -> tuple[str, pl.DataFrame | None]:
    view = lake.at(release=2)
    try:
        refuse_damaged(lake.storage, {table: view.release.versions[table]})
        return "", lake.storage.scan(table, view.release.versions[table]).collect()
    except LakeError as error:
        return str(error), None


@pytest.mark.parametrize(
    ("seed", "times"), [(1, 40), pytest.param(2, 500, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_no_damage_gives_wrong_numbers_or_a_panic(lake, seed, times):
    draw = random.Random(seed)
    view = lake.at(release=2)
    places = kinds(lake, view)
    assert {table.split(".")[0] for table, _ in places} == {"silver", "gold"}
    told = 0
    for _ in range(times):
        table, file = draw.choice(places)
        before = lake.storage.scan(table, view.release.versions[table]).collect()
        content = file.read_bytes()
        how = draw.choice(DAMAGES)
        damage(file, how, draw)
        error, rows = outcome(lake, table)
        if rows is None:
            told += 1
            assert table in error
            assert file.name in error, (how, error)
        else:
            assert rows.equals(before), (table, file, how)
        file.write_bytes(content)
    assert told > times * 0.8


@pytest.mark.parametrize("how", ["cut", "empty", "delete", "flip"])
def test_a_damaged_log_of_releases_is_named(lake, how):
    log = Path(lake.storage.path("releases")) / "_delta_log"
    commits = sorted(log.glob("*.json"))
    damage(commits[1], how, random.Random(3))
    with pytest.raises(CorruptTableError, match=rf"releases: .*{commits[1].name}"):
        lake.at()
    assert any(commits[1].name in one.problem for one in lake.verify() if one.table == "releases")
