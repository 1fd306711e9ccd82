"""The whole way on an S3-compatible server: extracts from the bucket, a lake in the bucket."""

import time
from datetime import timedelta

import polars as pl
import pytest

from carti_lake.releases.release import ReleaseError
from carti_lake.store import locks
from carti_lake.store.errors import ConflictError
from carti_lake.store.locks import BusyError
from carti_lake.upkeep import vacuum
from tests.equality import assert_same, state
from tests.processes import together
from tests.worlds.lakes import Clock, lake_in, load, provider, referral, stay, visit

pytestmark = pytest.mark.server


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def lake(s3, s3_uri, clock):
    return lake_in(f"{s3_uri}/lake", clock, s3)


def test_extracts_in_a_bucket_become_a_release_in_a_bucket(lake, s3, s3_uri, clock, tmp_path):
    for day in ("2026-03-01", "2026-03-02"):
        rows = pl.DataFrame([visit(1, visit_date=day), visit(2, visit_date="31/02/2026")])
        rows.write_csv(f"{s3_uri}/in/ehr_visits_{day}.csv", storage_options=s3)

    loaded = lake.load("ehr_visits", f"{s3_uri}/in/*.csv")

    assert [(one.name, str(one.extract_date), one.rows) for one in loaded] == [
        ("ehr_visits_2026-03-01.csv", "2026-03-01", 2),
        ("ehr_visits_2026-03-02.csv", "2026-03-02", 2),
    ]
    assert [one.rows for one in lake.load("ehr_visits", f"{s3_uri}/in")] == [0, 0]
    assert lake.run().release == 1
    assert lake.query("select provider_name, total_visits from provider_summary").collect().rows() == [
        ("Dr. Ann Lee", 1)
    ]
    assert lake.quarantine("visits").collect().height == 1
    assert lake.status()["release"]["number"] == 1
    assert not [check for check in lake.verify() if check.problem]


def test_a_lake_in_a_bucket_holds_what_a_lake_in_a_folder_holds(lake, clock, tmp_path):
    folder = lake_in(tmp_path / "lake", clock)
    for one in (lake, folder):
        load(one, "providers", [provider("Ann Lee", "1234567893", aliases="A. Lee")])
        load(one, "ehr_visits", [visit(1), visit(2, provider_name="Lee, Ann"), visit(3)])
        one.run()
        load(one, "ehr_visits", [visit(1, visit_date="2026-01-09"), visit(2, is_deleted="true")], "2026-03-10")
        load(one, "sg2_patient_flow", [stay(1), stay(2, length_of_stay="x")])
        load(one, "salesforce_referrals", [referral(1)])
        assert not one.run(accept=["drift"]).failed

    assert_same(state(folder), state(lake))


def test_releases_are_read_as_of_and_kept_by_a_lock_and_removed_by_vacuum(lake, clock, monkeypatch):
    monkeypatch.setattr(vacuum, "KEPT_HOURS", 0)
    for number in (1, 2, 3):
        load(lake, "ehr_visits", [visit(number)], f"2026-03-0{number}")
        assert lake.run(accept=["drift"]).release == number
        clock.turn(days=1)
    lake.lock("board", 1)

    assert all(done.files_after <= done.files_before for done in lake.optimize())
    lake.vacuum(keep_days=0)

    assert [lake.at(release=which).scan("silver.visits").collect().height for which in ("board", 3)] == [1, 3]
    assert lake.at(clock.now - timedelta(days=3)).release.number == 1
    with pytest.raises(ReleaseError, match=r"Release 2 cannot be read any more.* Readable: 1, 3"):
        lake.at(release=2)
    load(lake, "ehr_visits", [visit(4)], "2026-03-04")
    assert lake.run(accept=["drift"]).release == 4
    assert lake.scan("gold.provider_summary").collect()["total_visits"].to_list() == [4]


def load_visits(uri, options, numbers, day):
    return load(lake_in(uri, options=options), "ehr_visits", [visit(number) for number in numbers], day)


def test_processes_that_load_the_same_extracts_load_each_once(s3, s3_uri):
    uri = f"{s3_uri}/lake"
    jobs = [(load_visits, uri, s3, [day], f"2026-03-0{day}") for day in (1, 2, 1, 2)]

    assert sorted(together(*jobs), key=str) == [0, 0, 1, 1]
    assert lake_in(uri, options=s3).storage.scan("bronze.ehr_visits").collect().height == 2


def test_a_run_holds_the_lake_by_a_lease_that_ends_with_it(lake):
    load(lake, "ehr_visits", [visit(1)])
    with (
        locks.lake_lock(lake.storage, "run"),
        pytest.raises(BusyError, match=r"Another run is active .* ends in 3\d\d\d s at the latest"),
    ):
        lake.run()
    assert lake.run().release == 1
    with pytest.raises(RuntimeError), locks.lake_lock(lake.storage, "run"):
        raise RuntimeError("the run fails")
    assert lake.run().release is None


def test_a_lease_of_a_process_that_died_runs_out(lake, monkeypatch):
    died = locks.lake_lock(lake.storage, "run")
    died.__enter__()
    with pytest.raises(BusyError):
        lake.optimize()
    later = time.time() + locks.LEASE_SECONDS + 1
    monkeypatch.setattr(locks.time, "time", lambda: later)

    with locks.lake_lock(lake.storage, "run"):
        # The first one was only slow: what it ends is not the lease of its successor.
        died.__exit__(None, None, None)
        with pytest.raises(BusyError):
            lake.optimize()


def test_of_two_processes_at_one_moment_one_is_busy(lake, monkeypatch):
    storage = lake.storage
    with locks.lake_lock(storage, "run"):
        pass
    stale = storage.open("releases")
    with locks.lake_lock(storage, "first"):
        monkeypatch.setattr(locks, "transaction", lambda handle, name: None)
        monkeypatch.setattr(type(storage), "create", lambda *_, **__: stale)
        with pytest.raises(BusyError, match="has just started"), locks.lake_lock(storage, "second"):
            pass
        monkeypatch.undo()


def test_a_bucket_that_is_not_there_is_named(s3):
    lake = lake_in("s3://no-such-bucket/lake", options=s3)
    with pytest.raises(Exception, match=r"bucket") as error:
        load(lake, "ehr_visits", [visit(1)])
    assert not isinstance(error.value, ConflictError)
