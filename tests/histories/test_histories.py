"""Hundreds of histories of faults, kills and rivals: nothing acknowledged is lost, and bugs of every kind are found."""

import os
import sys

import pytest

from tests.histories.bugs import BUGS
from tests.histories.many import many, one
from tests.processes import FORKS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="folders are no files there, and a file that is open stays"),
]

HISTORIES = 1000
PART = 50


def test_histories_lose_double_and_hold_up_nothing():
    parts = [(start, PART) for start in range(0, HISTORIES, PART)]
    with FORKS.Pool(os.cpu_count()) as pool:
        found = pool.map(many, parts, chunksize=1)
    assert sum(lived for lived, _ in found) == HISTORIES
    assert [wrong for _, part in found for wrong in part] == []


@pytest.mark.parametrize("seed", [1850, 4648, 7908, 16386])
def test_a_history_that_went_wrong_once(seed):
    assert one(seed) is None


def test_a_seed_is_one_history(tmp_path):
    from tests.histories.history import begin

    logs = []
    for place in ("first", "second"):
        history = begin(tmp_path / place, 3)
        history.live()
        logs.append([line.replace(place, "") for line in history.log])
    assert logs[0] == logs[1]
    assert len(logs[0]) > 3


#: By bug, a history that finds it; where the code has changed since, another one within the thousand.
FOUND_BY = {
    "no_file_is_synced": 16,
    "folders_are_not_synced": 16,
    "commits_are_not_synced": 16,
    "a_failed_sync_is_passed_over": 70,
    "a_release_is_published_before_its_tables_are_synced": 218,
    "an_error_of_the_commit_is_taken_for_success": 10,
    "a_conflict_is_taken_for_success": 15,
    "a_list_that_lags_is_trusted": 35,
    "releases_are_not_numbered_in_their_commits": 2,
    "a_run_publishes_what_it_has_not_taken_in": 8,
    "a_repair_sets_a_whole_commit_aside": 588,
    "a_vacuum_removes_what_a_writer_has_not_committed": 30,
    "a_vacuum_passes_over_locks": 5,
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(bug):
    known = FOUND_BY.get(bug, 0)
    with BUGS[bug]():
        assert any(one(seed) for seed in (known, *range(HISTORIES))), f"no history finds {bug}"
