"""The audit log: whatever is done to it shows."""

import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import polars as pl
import pytest
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake

from carti_lake.access import audit_log as audit
from carti_lake.access import grant, keys
from carti_lake.store import write
from carti_lake.store.errors import ConflictError, LakeError
from carti_lake.store.storage import Storage
from carti_lake.upkeep import vacuum
from tests.processes import together
from tests.worlds.lakes import lake_in

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


def rewritten(storage, change, table="audit", **more):
    """Write the whole table anew, as somebody with the files at hand could."""
    path = storage.path(table)
    rows = pl.read_delta(path)
    write_deltalake(path, change(rows.sort(rows.columns[0])).to_arrow(), mode="overwrite", **more)


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
    assert audit.verify(storage).faults == (
        "entry 4 does not follow from the one before it",
        "the log tells of other entries than those that are there",
    )


@pytest.mark.parametrize("gone", [1, 3])
def test_a_removed_entry_shows(storage, gone):
    rewritten(storage, lambda rows: rows.filter(pl.col("seq") != gone))
    assert any("is missing" in fault for fault in audit.verify(storage).faults)


def test_a_trail_that_was_cut_short_shows_by_its_log(storage):
    rewritten(storage, lambda rows: rows.head(3))
    assert audit.verify(storage).faults == (
        "the log tells of 5 entries, 3 are there",
        "the log tells of other entries than those that are there",
    )


def test_a_trail_that_was_cut_short_with_its_number_shows_by_what_its_commits_said(storage):
    number = CommitProperties(app_transactions=[Transaction(audit.NUMBERING, 3)])
    rewritten(storage, lambda rows: rows.head(3), commit_properties=number)
    assert audit.verify(storage).faults == ("the log tells of other entries than those that are there",)


def test_a_trail_that_was_written_anew_shows_by_what_was_noted_elsewhere(storage, tmp_path):
    noted = audit.verify(storage).head
    other = Storage(str(tmp_path / "other"))
    audit.append(other, [entry(1), entry(2)])
    assert audit.verify(other).faults == ()
    assert audit.verify(other, noted).faults == ("the entry that was noted elsewhere is not in the audit log any more",)


def test_entries_that_changed_places_show(storage):
    swap = {2: 3, 3: 2}
    rewritten(storage, lambda rows: rows.with_columns(seq=pl.col("seq").replace(swap)))
    assert audit.verify(storage).faults


def written(uri, writer):
    """Five batches of two entries each."""
    for number in range(5):
        first = 10 * writer + 2 * number
        audit.append(Storage(uri), [entry(first), entry(first + 1)])


def test_several_processes_make_one_chain(tmp_path):
    assert together(*((written, str(tmp_path), writer) for writer in range(2))) == [None, None]
    found = audit.verify(Storage(str(tmp_path)))
    assert (found.entries, found.faults) == (20, ())
    rows = audit.entries(Storage(str(tmp_path))).sort("seq")["rows"].to_list()
    assert sorted(rows) == list(range(20))
    # Each writer's entries stand in its own order.
    assert [one for one in rows if one < 10] == list(range(10))


def test_threads_make_one_chain(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda writer: written(str(tmp_path), writer), range(4)))
    found = audit.verify(Storage(str(tmp_path)))
    assert (found.entries, found.faults) == (40, ())


def test_a_batch_that_landed_although_its_writer_was_told_otherwise_stands_once(storage, monkeypatch):
    append, failed = write.append, []

    def landing(*arguments, **more):
        version = append(*arguments, **more)
        if not failed:
            failed.append(version)
            raise ConflictError("the connection broke")
        return version

    monkeypatch.setattr(write, "append", landing)
    head = audit.append(storage, [entry(6), entry(7)])
    assert failed
    assert audit.verify(storage) == audit.Verdict(7, head, ())


def test_a_log_that_has_forgotten_the_head_is_no_end(storage):
    path = storage.path("audit")
    count = CommitProperties(app_transactions=[Transaction(audit.NUMBERING, 5)])
    write_deltalake(f"{path}-new", pl.read_delta(path).to_arrow(), commit_properties=count)
    shutil.rmtree(path)
    shutil.move(f"{path}-new", path)
    audit.append(storage, [entry(6)])
    assert audit.verify(storage).faults == ()


def test_nothing_to_write_writes_nothing(storage):
    before = DeltaTable(storage.path("audit")).version()
    assert audit.append(storage, []) == audit.verify(storage).head
    assert DeltaTable(storage.path("audit")).version() == before


def test_another_time_zone_is_the_same_time(storage):
    local = NOW.astimezone(timezone(timedelta(hours=-5)))
    audit.append(storage, [audit.Entry(local, "ann", "read", "/")])
    assert audit.verify(storage).faults == ()


@pytest.fixture
def granted(storage):
    for viewer, seen in (("ann", ["P1"]), ("bob", None)):
        more = {"service_lines": None, "exact": False, "scopes": ["read"], "until": date(2027, 1, 1)}
        grant(storage, viewer, providers=seen, who="root", why="asked for", now=NOW, **more)
    keys.create(storage, "ann", days=3, scopes=["read"], who="root", now=NOW)
    assert audit.verify(storage).faults == ()
    return storage


def test_a_policy_that_was_changed_by_hand_shows(granted):
    rewritten(granted, lambda rows: rows.with_columns(exact=pl.lit(True)), "access")
    assert audit.verify(granted).faults == (
        "2 changes of access that the audit log tells of are gone, or are not as they were",
        "change 1 of access is not as the audit log tells of it",
        "change 2 of access is not as the audit log tells of it",
    )


def test_a_policy_that_was_put_in_by_hand_shows(granted):
    rewritten(
        granted,
        lambda rows: pl.concat([rows, rows.tail(1).with_columns(change=pl.lit(3, pl.Int64), viewer=pl.lit("eve"))]),
        "access",
    )
    assert audit.verify(granted).faults == ("change 3 of access is not as the audit log tells of it",)


def crash_before_the_entry(storage, monkeypatch, change):
    """Make a change, and die between its commit and its entry."""

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as here:
        here.setattr(audit, "append", die)
        with pytest.raises(KeyboardInterrupt):
            change()


EVE = {"providers": None, "service_lines": None, "exact": False, "scopes": ["read"], "until": None}
ROOT = {"who": "root", "now": NOW}


def test_a_change_whose_entry_a_crash_prevented_is_told_afterwards_by_whoever_says_so(granted, monkeypatch):
    crash_before_the_entry(granted, monkeypatch, lambda: grant(granted, "eve", **EVE, **ROOT, why="asked for"))
    crash_before_the_entry(granted, monkeypatch, lambda: keys.create(granted, "eve", days=3, scopes=None, **ROOT))
    # Later changes do not tell of it by the way: a row that somebody put in would be taken for one as well.
    keys.create(granted, "bob", days=3, scopes=None, **ROOT)
    found = audit.verify(granted)
    assert found.faults == (
        "change 3 of access is not as the audit log tells of it",
        "change 2 of api_keys is not as the audit log tells of it",
    )
    assert [(one.table, one.change, one.viewer, one.who) for one in found.unsealed] == [
        ("access", 3, "eve", "root"),
        ("api_keys", 2, "eve", "root"),
    ]
    audit.seal(granted, "access", 3, who="ann", why="the power failed", now=NOW)
    assert audit.verify(granted).faults == ("change 2 of api_keys is not as the audit log tells of it",)
    audit.seal(granted, "api_keys", 2, who="ann", why="the power failed", now=NOW)
    assert audit.verify(granted).faults == audit.verify(granted).unsealed == ()
    newest = audit.entries(granted).head(2).select("who", "action", "resource").rows()
    assert newest == [
        ("ann", "key", "sealed afterwards: change 2 of eve: the power failed"),
        ("ann", "policy", "sealed afterwards: change 3 of eve: the power failed"),
    ]


@pytest.mark.parametrize(
    ("table", "change", "why", "said"),
    [
        ("access", 3, " ", "Say why"),
        ("access", 2, "x", "is none that only lacks its entry"),
        ("access", 9, "x", "is none that only lacks its entry"),
        ("silver.visits", 3, "x", "is none that only lacks its entry"),
    ],
)
def test_nothing_else_is_told_afterwards(granted, monkeypatch, table, change, why, said):
    crash_before_the_entry(granted, monkeypatch, lambda: grant(granted, "eve", **EVE, **ROOT, why="asked for"))
    before = audit.entries(granted)
    with pytest.raises(LakeError, match=said):
        audit.seal(granted, table, change, who="ann", why=why, now=NOW)
    assert audit.entries(granted).equals(before)


@pytest.mark.parametrize(
    "tamper",
    [
        # A change that an entry tells of, altered: the old one is missed.
        lambda rows: rows.with_columns(exact=pl.lit(True)),
        # One that is put in under a number that is taken.
        lambda rows: pl.concat([rows, rows.tail(1).with_columns(viewer=pl.lit("eve"))]),
        # One that is put in for another that is taken out.
        lambda rows: rows.with_columns(viewer=pl.col("viewer").replace("bob", "eve")),
    ],
)
def test_whoever_tampers_finds_nothing_to_hide_behind(granted, tamper):
    rewritten(granted, tamper, "access")
    assert audit.verify(granted).unsealed == ()
    with pytest.raises(LakeError, match="The audit log is not whole"):
        audit.seal(granted, "access", 2, who="mallory", why="the power failed", now=NOW)


def test_a_key_that_was_removed_by_hand_shows(granted):
    rewritten(granted, lambda rows: rows.clear(), "api_keys")
    assert audit.verify(granted).faults == (
        "1 changes of api_keys that the audit log tells of are gone, or are not as they were",
    )


def test_the_chain_goes_on_after_commits_that_are_no_entries(storage):
    DeltaTable(storage.path("audit")).optimize.compact()
    DeltaTable(storage.path("audit")).create_checkpoint()
    audit.append(storage, [entry(6)])
    assert audit.verify(storage) == audit.Verdict(6, audit.entries(storage)["hash"][0], ())


def test_upkeep_beside_a_service_that_writes_leaves_the_chain_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(vacuum, "KEPT_HOURS", 0)
    lake = lake_in(tmp_path / "lake")
    noted = audit.append(lake.storage, [entry(1), entry(2)])
    with ThreadPoolExecutor(1) as pool:
        # More commits than lie between two checkpoints.
        writing = pool.submit(lambda: [audit.append(lake.storage, [entry(number)]) for number in range(3, 63)])
        while not writing.done():
            (done,) = lake.optimize("audit")
            assert (done.table, done.files_after < 60) == ("audit", True)
        assert len(writing.result()) == 60
    lake.optimize("audit")
    # Nobody else writes, so that it may take files of a moment ago.
    assert sum(one.files_before for one in lake.vacuum(keep_days=0) if one.table == "audit") > 60
    assert len(list((tmp_path / "lake/audit").glob("*.parquet"))) == 1
    assert any((tmp_path / "lake/audit/_delta_log").glob("*.checkpoint.parquet"))
    found = audit.verify(lake.storage, noted)
    assert (found.entries, found.faults) == (62, ())
    assert audit.append(lake.storage, [entry(63)]) == audit.verify(lake.storage, found.head).head
    rewritten(lake.storage, lambda rows: rows.head(60))
    assert "the log tells of other entries than those that are there" in audit.verify(lake.storage).faults


def test_the_log_of_a_trail_forgets_what_is_older_than_a_week_and_the_chain_goes_on(storage):
    log = Path(storage.path("audit")) / "_delta_log"
    for number in range(6, 66):
        audit.append(storage, [entry(number)])
    noted, before = audit.verify(storage).head, {path.name for path in log.glob("*.json")}
    for path in log.iterdir():
        os.utime(path, times=(time.time() - 8 * 86_400,) * 2)
    for number in range(66, 126):
        audit.append(storage, [entry(number)])
    kept = {path.name for path in log.glob("*.json")}
    # What came after the last checkpoint of a week ago is needed to read the table of that day.
    assert len(before) > 60 and len(before & kept) < 20
    assert audit.verify(storage, noted) == audit.Verdict(125, audit.entries(storage)["hash"][0], ())
    rewritten(storage, lambda rows: rows.filter(pl.col("seq") != 20))
    assert any("entry 20 is missing" in fault for fault in audit.verify(storage).faults)


def test_an_empty_trail_is_whole(tmp_path):
    assert audit.verify(Storage(str(tmp_path))) == audit.Verdict(0, "", ())
