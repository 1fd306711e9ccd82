"""The audit trail: whatever is done to it shows."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from carti_lake import audit
from carti_lake.storage import Storage

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def entry(number: int, **more):
    return audit.Entry(
        NOW, "ann", "read", f"/v1/summary {number}", release=3, rows=number, request=f"R{number}", **more
    )


@pytest.fixture
def storage(tmp_path):
    storage = Storage(str(tmp_path))
    audit.append(storage, [entry(1), entry(2)])
    audit.append(storage, [entry(3)])
    audit.append(storage, [entry(4), entry(5)])
    return storage


def rewritten(storage, change):
    """Write the whole table anew, as somebody with the files at hand could."""
    path = storage.path("audit")
    rows = pl.read_delta(path).sort("seq")
    write_deltalake(path, change(rows).to_arrow(), mode="overwrite")


def test_entries_stand_in_their_order_and_the_chain_holds(storage):
    found = audit.verify(storage)
    assert (found.entries, found.faults) == (5, ())
    rows = audit.entries(storage).sort("seq")
    assert rows["seq"].to_list() == [1, 2, 3, 4, 5]
    assert rows["previous"].to_list() == ["", *rows["hash"].to_list()[:-1]]
    assert audit.verify(storage, rows["hash"][2]).faults == ()


@pytest.mark.parametrize(
    ("column", "value"), [("who", "bob"), ("rows", 99), ("at", datetime(2020, 1, 1, tzinfo=UTC)), ("release", None)]
)
def test_a_changed_entry_shows(storage, column, value):
    rewritten(
        storage,
        lambda rows: rows.with_columns(
            pl.when(pl.col("seq") == 3).then(pl.lit(value, rows.schema[column])).otherwise(pl.col(column)).alias(column)
        ),
    )
    assert audit.verify(storage).faults == ("entry 3 is not as it was written",)


def test_a_changed_entry_with_a_new_hash_shows_by_the_next(storage):
    def forge(rows):
        changed = rows.with_columns(who=pl.when(pl.col("seq") == 3).then(pl.lit("bob")).otherwise("who"))
        third = changed.row(2, named=True)
        return changed.with_columns(hash=pl.when(pl.col("seq") == 3).then(pl.lit(audit._hash(third))).otherwise("hash"))

    rewritten(storage, forge)
    assert audit.verify(storage).faults == ("entry 4 does not follow from the one before it",)


@pytest.mark.parametrize("gone", [1, 3])
def test_a_removed_entry_shows(storage, gone):
    rewritten(storage, lambda rows: rows.filter(pl.col("seq") != gone))
    assert any("is missing" in fault for fault in audit.verify(storage).faults)


def test_a_trail_that_was_cut_short_shows_by_its_log(storage):
    rewritten(storage, lambda rows: rows.head(3))
    assert audit.verify(storage).faults == ("the log tells of 5 entries, 3 are there",)


def test_a_trail_that_was_written_anew_shows_by_what_was_noted_elsewhere(storage, tmp_path):
    noted = audit.verify(storage).head
    other = Storage(str(tmp_path / "other"))
    audit.append(other, [entry(1), entry(2)])
    assert audit.verify(other).faults == ()
    assert audit.verify(other, noted).faults == ("the entry that was noted elsewhere is not in the trail any more",)


def test_entries_that_changed_places_show(storage):
    swap = {2: 3, 3: 2}
    rewritten(storage, lambda rows: rows.with_columns(seq=pl.col("seq").replace(swap)))
    assert audit.verify(storage).faults


def test_many_writers_make_one_chain(tmp_path):
    def write(writer):
        storage = Storage(str(tmp_path))
        for number in range(5):
            audit.append(storage, [entry(10 * writer + number)])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    found = audit.verify(Storage(str(tmp_path)))
    assert (found.entries, found.faults) == (20, ())


def test_the_chain_goes_on_after_commits_that_are_no_entries(storage):
    DeltaTable(storage.path("audit")).optimize.compact()
    DeltaTable(storage.path("audit")).create_checkpoint()
    audit.append(storage, [entry(6)])
    assert audit.verify(storage) == audit.Verdict(6, audit.entries(storage)["hash"][0], ())


def test_an_empty_trail_is_whole(tmp_path):
    assert audit.verify(Storage(str(tmp_path))) == audit.Verdict(0, "", ())
