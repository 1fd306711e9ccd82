"""Delta tables under the lake: what holds whoever else writes, and what a damaged table says."""

import pytest
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from carti_lake.store.log import commits
from carti_lake.store.storage import Storage
from carti_lake.store.write import append
from carti_lake.tables.releases import Releases


@pytest.fixture
def storage(tmp_path):
    return Storage(str(tmp_path / "lake"))


def write(storage, number):
    handle = storage.create("releases", Releases, change_feed=False)
    return append(storage, handle, Releases.create_empty(), transactions={}, metadata={"number": number})


def numbers(handle, since):
    return [(commit.version, commit.metadata.get("number")) for commit in commits(handle, since)]


def test_the_commits_of_an_open_table_are_its_own_though_others_have_written_since(storage):
    for number in (1, 2, 3):
        write(storage, number)
    handle = storage.open("releases")
    for number in (4, 5, 6):
        write(storage, number)

    assert numbers(handle, 0) == [(1, 1), (2, 2), (3, 3)]
    assert numbers(handle, 2) == [(3, 3)]
    assert numbers(handle, 3) == []
    assert numbers(storage.open("releases", 4), 2) == [(3, 3), (4, 4)]
    assert numbers(storage.open("releases"), 4) == [(5, 5), (6, 6)]


def test_a_table_that_another_process_creates_at_the_same_moment_is_simply_there(storage, monkeypatch):
    create = DeltaTable.create

    def late(*arguments, **options):
        create(*arguments, **options)
        raise CommitFailedError("Protocol changed since last commit")

    monkeypatch.setattr(DeltaTable, "create", late)

    assert storage.create("releases", Releases).version() == 0
