"""Releases: what readers see, of which moment, and what keeps a bad one from them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from carti_lake.releases.release import ReleaseError
from tests.worlds.lakes import Clock, account, lake_in, load, visit


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """A lake with three releases, at noon of the 10th, 11th and 12th of March, of 1, 2 and 3 visits."""
    lake = lake_in(tmp_path_factory.mktemp("history") / "lake", Clock())
    for number in (1, 2, 3):
        load(lake, "ehr_visits", [visit(number, visit_date=f"2026-03-0{number}")], f"2026-03-0{number}")
        assert lake.run().release == number
        lake.clock.turn(days=1)
    return lake


def visits(view) -> int:
    return view.scan("silver.visits").collect().height


@pytest.mark.parametrize(
    ("when", "number"),
    [
        (None, 3),
        (2, 2),
        ("2", 2),
        ("2026-03-10", 1),
        (date(2026, 3, 11), 2),
        ("2026-03-11T11:59:59", 1),
        ("2026-03-11T12:00:00+00:00", 2),
        (datetime(2026, 3, 11, 12, tzinfo=UTC), 2),
        (datetime(2026, 3, 11, 12), 2),
        ("2026-03-13", 3),
    ],
)
def test_a_release_is_found_by_its_number_or_a_moment_at_which_it_stood(history, when, number):
    view = history.at(when)
    assert view.release.number == number
    assert visits(view) == number
    assert view.scan("gold.provider_summary").collect()["total_visits"].to_list() == [number]


@pytest.mark.parametrize(
    ("when", "complaint"),
    [
        (4, "There is no release 4; there are 1 to 3"),
        (0, "There is no release 0"),
        ("2026-03-09", r"No release stood at 2026-03-09; the first, 1, is of 2026-03-10 12:00 UTC"),
        ("2026-03-10T11:59", "No release stood at"),
        ("2026-03-14", "lies in the future; the newest release is 3 of 2026-03-12"),
        (date(2030, 1, 1), "lies in the future"),
        ("yesterday", "'yesterday' is neither a release number, nor the name of a lock, nor a date"),
        ("2026-02-30", "neither"),
    ],
)
def test_a_moment_or_number_out_of_range_is_an_error_not_a_guess(history, when, complaint):
    with pytest.raises(ReleaseError, match=complaint):
        history.at(when)


def test_before_the_first_run_there_is_nothing_to_read(tmp_path):
    lake = lake_in(tmp_path / "lake")
    load(lake, "ehr_visits", [visit(1)])
    with pytest.raises(ReleaseError, match=r"has no release yet\. Load extracts, then `carti-lake run`"):
        lake.scan("gold.provider_summary")


def test_a_release_says_what_it_holds_and_how_it_was_checked(history):
    release = history.releases()[1]
    assert release.caption == "release 2 · 2026-03-11 · data as of 2026-03-02"
    assert release.rows["silver.visits"] == 2
    audits = ["reconciliation", "keys", "integrity", "totals", "drift", "quality"]
    assert [audit.name for audit in release.audits] == audits
    assert all(audit.passed for audit in release.audits)


def test_readers_see_silver_and_gold_only(history):
    view = history.at()
    assert {"silver.visits", "silver.claims", "gold.provider_summary"} <= set(view.tables())
    assert {name.split(".")[0] for name in view.tables()} == {"silver", "gold"}
    for name in ("bronze.ehr_visits", "quarantine.visits", "releases"):
        with pytest.raises(ReleaseError, match="not for readers"):
            view.scan(name)
    assert not {"key_hash", "withdrawn"} & set(view.scan("silver.visits").collect_schema())


def test_a_table_that_nothing_has_filled_yet_is_named(history):
    with pytest.raises(ReleaseError, match=r"Release 3 has no silver\.medications; nothing has filled it yet"):
        history.at().scan("silver.medications")


def test_what_was_loaded_after_the_last_run_is_not_seen(tmp_path):
    lake = lake_in(tmp_path / "lake")
    load(lake, "ehr_visits", [visit(1)])
    lake.run()
    load(lake, "ehr_visits", [visit(2)], "2026-03-10")

    assert visits(lake.at()) == 1
    assert lake.run(accept=["drift"]).release == 2
    assert visits(lake.at()) == 2


def test_a_run_with_nothing_new_publishes_nothing(tmp_path):
    lake = lake_in(tmp_path / "lake")
    load(lake, "ehr_visits", [visit(1)])
    assert lake.run().release == 1
    assert lake.run().release is None
    assert len(lake.releases()) == 1


@pytest.fixture
def drifted(tmp_path):
    """A lake whose second run halves the visits of a month that was complete in the first release."""
    lake = lake_in(tmp_path / "lake", Clock())
    load(lake, "ehr_visits", [visit(number) for number in range(1, 5)], "2026-03-01")
    lake.run()
    load(lake, "ehr_visits", [visit(1, is_deleted="true"), visit(2, is_deleted="true")], "2026-03-02")
    lake.clock.turn(hours=1)
    return lake, lake.run()


def test_a_failed_audit_leaves_readers_on_the_last_release_and_says_why(drifted):
    lake, result = drifted

    assert result.release is None
    assert [audit.name for audit in result.failed] == ["drift"]
    assert "visits before 2026-03 went from 4.00 to 2.00 (-50.0%)" in result.failed[0].detail
    assert lake.at().release.number == 1
    assert visits(lake.at()) == 4
    refusal = lake.status()["refused"]
    assert refusal["at"] == lake.clock.now
    assert refusal["audits"][0].startswith("drift: visits before 2026-03")


def test_a_failed_audit_fails_again_until_a_person_accepts_it(drifted):
    lake, _ = drifted
    lake.clock.turn(hours=1)
    assert lake.run().failed
    lake.clock.turn(hours=1)

    accepted = lake.run(accept=["drift"])

    assert accepted.release == 2
    assert visits(lake.at()) == 2
    assert lake.releases()[-1].accepted == ("drift",)
    assert lake.status()["refused"] is None


def test_a_refused_run_is_mended_by_a_corrected_extract(drifted):
    lake, _ = drifted
    load(lake, "ehr_visits", [visit(1), visit(2)], "2026-03-03")
    lake.clock.turn(hours=1)

    assert lake.run().release == 2
    assert visits(lake.at()) == 4


def test_a_release_is_locked_under_a_name_and_found_by_it(history):
    history.lock("board-2026-q1", 2)
    try:
        assert history.at(release="board-2026-q1").release.number == 2
        assert history.releases()[1].locks == ("board-2026-q1",)
        with pytest.raises(ReleaseError, match="locks release 2 already; unlock it first"):
            history.lock("board-2026-q1")
    finally:
        history.clock.turn(minutes=1)
        assert history.unlock("board-2026-q1").number == 2
    with pytest.raises(ReleaseError, match="neither a release number, nor the name of a lock"):
        history.at("board-2026-q1")
    with pytest.raises(ReleaseError, match="No release is locked as 'board-2026-q1'"):
        history.unlock("board-2026-q1")


@pytest.mark.parametrize("name", ["", "12", "2026-01-31", "a b", "a/b", "20260131"])
def test_a_lock_is_not_called_as_a_release_or_a_date_is(history, name):
    with pytest.raises(ReleaseError, match="name"):
        history.lock(name)


def test_a_snapshot_feed_shows_in_each_release_the_list_of_its_day(tmp_path):
    lake = lake_in(tmp_path / "lake", Clock())
    load(lake, "salesforce_crm", [account("Ann Lee"), account("Bo Chan")], "2026-03-01")
    lake.run()
    lake.clock.turn(days=1)
    load(lake, "salesforce_crm", [account("Ann Lee")], "2026-03-02")
    lake.run()

    assert sorted(lake.at(1).scan("silver.crm_accounts").collect()["provider_name"]) == ["Ann Lee", "Bo Chan"]
    assert lake.at(2).scan("silver.crm_accounts").collect()["provider_name"].to_list() == ["Ann Lee"]
    assert lake.at(lake.clock.now - timedelta(days=1)).release.number == 1
