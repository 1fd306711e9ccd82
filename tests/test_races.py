"""Several processes at one lake: each extract lands once, one run at a time, readers see one release."""

from pathlib import Path

import pytest

from carti_lake import Lake
from carti_lake.pipeline.newest import OUTCOMES
from carti_lake.store.locks import BusyError, lake_lock
from tests.equality import assert_same, state
from tests.processes import together
from tests.strategies import Delivery, sequence
from tests.worlds.lakes import lake_in, load, stay, visit

pytestmark = pytest.mark.slow


def load_all(folder: Path, deliveries: list[Delivery]) -> int:
    """Load one after the other; gives the rows added."""
    lake = Lake(folder, environment={})
    return sum(
        one.rows
        for delivery in deliveries
        for one in lake.load(
            delivery.feed, delivery.frame, extract_date=delivery.extract_date, delivered_at=delivery.delivered_at
        )
    )


def load_visits(folder: Path, numbers: list[int], day: str) -> int:
    return load(lake_in(folder), "ehr_visits", map(visit, numbers), day)


def run(folder: Path) -> int | None:
    result = Lake(folder, environment={}).run(accept=["drift", "quality"])
    assert not result.failed, result.failed
    return result.release


def run_often(folder: Path, times: int) -> list[int | None]:
    return [run(folder) for _ in range(times)]


def optimize(folder: Path) -> int:
    return len(Lake(folder, environment={}).optimize())


def counts(folder: Path, times: int) -> list[tuple[int, int]]:
    """Visits as silver and as gold of one release count them, again and again."""
    seen = []
    for _ in range(times):
        view = Lake(folder, environment={}).at()
        silver = view.query("select count(*) from silver.visits").collect().item()
        gold = view.query("select sum(visits) from provider_monthly").collect().item()
        seen.append((silver, gold))
    return seen


def rows_in(folder: Path, feed: str) -> int:
    return lake_in(folder).storage.scan(f"bronze.{feed}").collect().height


@pytest.mark.parametrize("attempt", range(5))
def test_two_loads_of_one_extract_load_it_once(tmp_path, attempt):
    job = (load_visits, tmp_path / "lake", [1, 2, 3], "2026-03-01")

    assert sorted(together(job, job)) == [0, 3]
    assert rows_in(tmp_path / "lake", "ehr_visits") == 3


@pytest.mark.parametrize("attempt", range(3))
def test_two_extracts_of_one_feed_both_land(tmp_path, attempt):
    lake = tmp_path / "lake"

    assert together((load_visits, lake, [1, 2], "2026-03-01"), (load_visits, lake, [3], "2026-03-02")) == [2, 1]
    assert rows_in(lake, "ehr_visits") == 3


def test_many_loaders_of_the_same_extracts_load_each_once(tmp_path):
    deliveries = sequence(12, seed=1)
    rows = sum(len(one.rows) for one in deliveries)
    turns = [deliveries[start:] + deliveries[:start] for start in range(0, 12, 2)]

    added = together(*((load_all, tmp_path / "lake", turn) for turn in turns))

    assert sum(added) == rows
    assert sum(rows_in(tmp_path / "lake", feed) for feed in {one.feed for one in deliveries}) == rows


@pytest.mark.parametrize("attempt", range(3))
def test_of_two_runs_one_does_the_work(tmp_path, attempt):
    deliveries = sequence(10, seed=2)
    for folder in (tmp_path / "lake", tmp_path / "calm"):
        load_all(folder, deliveries)
    run(tmp_path / "calm")

    outcomes = together((run, tmp_path / "lake"), (run, tmp_path / "lake"))

    # The second comes too early, and says so, or so late that nothing is left to do.
    others = [one for one in outcomes if one != 1]
    assert len(others) == 1
    if others[0] is not None:
        assert isinstance(others[0], BusyError)
        assert "Another run is active" in str(others[0])
        assert "try again" in str(others[0])
    assert_same(state(lake_in(tmp_path / "calm")), state(lake_in(tmp_path / "lake")))


def test_a_busy_lake_names_who_holds_it(tmp_path):
    load_all(tmp_path / "lake", sequence(2, seed=3))
    lake = lake_in(tmp_path / "lake")
    with (
        lake_lock(lake.storage, "vacuum"),
        pytest.raises(BusyError, match=r"Another run is active on .*lake \(vacuum, process \d+\)"),
    ):
        lake.run()


def test_loads_while_the_lake_runs_and_is_optimised_are_taken_in_by_the_next_run(tmp_path):
    deliveries = sequence(20, seed=3)
    lake, calm = tmp_path / "lake", tmp_path / "calm"
    load_all(lake, deliveries[:8])
    load_all(calm, deliveries)
    run(calm)

    rows, numbers = together((load_all, lake, deliveries[8:14]), (run_often, lake, 3))
    assert rows == sum(len(one.rows) for one in deliveries[8:14])
    assert numbers[0] == 1
    rows, tables = together((load_all, lake, deliveries[14:]), (optimize, lake))
    assert rows == sum(len(one.rows) for one in deliveries[14:])
    assert tables > 0

    run(lake)
    assert_same(state(lake_in(calm)), state(lake_in(lake)))


def test_a_run_and_an_optimisation_never_work_at_once(tmp_path):
    lake = tmp_path / "lake"
    load_all(lake, sequence(8, seed=4))

    outcomes = together((run, lake), (optimize, lake), (optimize, lake))

    assert all(isinstance(one, int | BusyError) for one in outcomes), outcomes
    run(lake)
    balance = lake_in(lake).scan("gold.reconciliation").collect()
    assert (balance["bronze_rows"] == balance.select(OUTCOMES).sum_horizontal()).all()


def test_a_reader_never_sees_half_a_release(tmp_path):
    lake = tmp_path / "lake"
    load_visits(lake, [1, 2, 3], "2026-03-01")
    load(lake_in(lake), "sg2_patient_flow", [stay(1)], "2026-03-01")
    run(lake)
    load_visits(lake, [3, 4, 5, 6, 7], "2026-03-02")

    _, seen = together((run, lake), (counts, lake, 40))

    assert {(3, 3)} <= set(seen) <= {(3, 3), (7, 7)}
    assert counts(lake, 1) == [(7, 7)]
