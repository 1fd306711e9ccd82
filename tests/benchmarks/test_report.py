"""The page of results: from figures that are made up, every ratio and every missed target."""

import re
import subprocess

import pytest

from benchmarks import aging, report, targets
from benchmarks.whole_job import Result

JOBS = [
    Result(visits, tool, kind, seconds * visits, cpu * visits, memory)
    for visits in (1_000, 2_000)
    for tool, kind, seconds, cpu, memory in (
        ("floor", "copies", 0.01, 0.02, 1.0),
        ("pandas", "visits", 0.05, 0.05, 3.0),
        ("pandas", "everything", 0.12, 0.12, 4.0),
    )
] + [
    Result(1_000, "lake", "everything", 40.0, 60.0, 1.0, {"load": 60.0}),
    Result(2_000, "lake", "everything", 100.0, 80.0, 3.0, {"load": 30.0, "silver.visits": 49.5, "audit": 0.5}),
]
AGED = aging.Result(
    [aging.Day(1, 365, 1.0, 1.0, 4.0, 0.5), aging.Day(3, 1_095, 1.0, 1.1, 4.2, 0.7)],
    aging.Rebuild(100.0, 200.0),
    [aging.Travel("silver.visits", 0.1, 0.1)],
)


def test_every_target_is_judged_at_the_size_that_it_is_for():
    verdicts = {one.question: one for one in (*targets.of_whole_job(JOBS), *targets.of_aging(AGED))}
    floor = [one for question, one in verdicts.items() if "over the floor" in question]
    assert [(one.measured, one.met) for one in floor] == [(3.0, False), (2.0, True)]
    everything = verdicts["pandas, everything: times as long as the lake, 2,000 visits"]
    assert (everything.measured, everything.met) == (2.4, True)
    memory = verdicts["the lake's memory over pandas', everything, 2,000 visits"]
    assert memory.missed_by == pytest.approx(1.5)
    day = verdicts["a day at 3 years over copying the months that it touches, processor time"]
    assert day.measured == pytest.approx(6.0)
    assert not any("DuckDB" in question for question in verdicts)


def test_a_share_that_is_to_be_large_is_missed_when_it_is_small():
    slow = targets.Verdict("times as long", 2.0, 0.5, at_most=False)
    assert (slow.met, slow.missed_by, slow.wanted) == (False, 4.0, "at least 2")
    assert slow.found == "0.50, missed by a factor of 4.0"


def test_the_page_tells_the_missed_targets_and_what_holds_them():
    page = report.page("Commit abc1234 of 2026-01-01", JOBS, AGED, 10, 3)
    assert "do not edit. Commit abc1234 of 2026-01-01." in page
    missed = page.partition("## Missed targets\n\n")[2]
    assert missed.startswith(
        "- **whole job over the floor, processor time, 1,000 visits**: 3 instead of at most 2.5, missed by a factor of"
    )
    assert "met" not in missed.partition("\n\n")[0].split()
    assert page.rstrip().endswith((report.HERE / "NOTES.md").read_text().strip())


def test_where_the_time_goes_adds_up_and_names_small_steps_together():
    section = report.steps_section(JOBS)
    assert section.splitlines()[4:] == [
        "| `silver.visits` | 49.50 | 61.9% | 1.24 |",
        "| load | 30.00 | 37.5% | 0.75 |",
        "| all others | 0.50 | 0.6% | 0.01 |",
        "| the whole job | 80.00 | 100.0% | 2.00 |",
        "| the floor | 40.00 | 50.0% | 1.00 |",
    ]


def test_results_name_the_commit_and_whether_files_differ_from_it(tmp_path):
    def git(*arguments):
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    git("init")
    (tmp_path / "file").write_text("one")
    git("add", "file")
    git("commit", "--message", "one", "--date", "2026-01-02T12:00:00")
    named = report.commit(tmp_path)
    assert named.startswith("Commit ") and " of 20" in named and "changes" not in named
    (tmp_path / "file").write_text("two")
    assert report.commit(tmp_path) == f"{named} with changes"


def test_a_copy_without_its_history_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert report.commit(tmp_path) == "A copy without its history"


def test_the_results_that_are_on_record_name_their_commit():
    assert re.search(r"[Cc]ommits? [0-9a-f]{7}", (report.HERE / "RESULTS.md").read_text())
