"""A backup holds all that the lake holds, copies only what is new, and comes back as it was."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from carti_lake import Lake
from carti_lake.store.errors import DamagedFileError, LakeError
from carti_lake.upkeep.backup import backup, restore
from tests.equality import assert_same, state
from tests.worlds.rows import visit

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def lake_at(folder: Path) -> Lake:
    return Lake(folder, clock=lambda: NOW, environment={})


def load(lake: Lake, day: int) -> None:
    lake.load("ehr_visits", [visit("V1", claim_paid=str(day)), visit(f"V1{day}")], extract_date=date(2026, 4, day))


def quiet(step: str) -> None:
    pass


def test_a_lake_comes_back_with_its_releases_and_locks(tmp_path):
    lake = lake_at(tmp_path / "lake")
    load(lake, 1)
    lake.run()
    lake.lock("board")
    first = backup(lake.storage, str(tmp_path / "copy"), quiet)
    assert sum(one.files for one in first) > 50
    assert sum(one.files for one in backup(lake.storage, str(tmp_path / "copy"), quiet)) == 0
    load(lake, 2)
    lake.run(accept=["drift"])
    again = {one.name: one.files for one in backup(lake.storage, str(tmp_path / "copy"), quiet)}
    assert again["bronze.ehr_visits"] == 2
    assert again["bronze.ehr_visits"] < next(one.files for one in first if one.name == "bronze.ehr_visits")

    restored = lake_at(tmp_path / "restored")
    restore(restored.storage, str(tmp_path / "copy"), quiet)
    assert_same(state(lake), state(restored))
    assert [(one.number, one.locks) for one in restored.releases()] == [(1, ("board",)), (2, ())]
    assert restored.at(release="board").scan("silver.visits").collect().height == 2
    assert [one.problem for one in restored.verify() if one.problem] == []
    assert restored.run().release is None

    with pytest.raises(LakeError, match=r"holds tables\. Restore into a folder of its own"):
        restore(lake.storage, str(tmp_path / "copy"), quiet)
    with pytest.raises(LakeError, match="it is no backup"):
        restore(lake_at(tmp_path / "other").storage, str(tmp_path / "nothing"), quiet)

    file = Path(sorted(lake.storage.open("silver.visits").file_uris())[0])
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(DamagedFileError, match="does not hold the bytes that were written"):
        backup(lake.storage, str(tmp_path / "copy"), quiet)
