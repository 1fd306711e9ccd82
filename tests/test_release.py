"""What readers see: one audited release at a time, today's or an earlier one, whole or not at all."""

import shutil
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from carti_lake import Lake
from carti_lake.lake import secret_from
from carti_lake.release import ReleaseError
from carti_lake.storage import LakeError
from tests.rows import account, provider, stay, visit

CANARY = "CANARY-4711"
FIRST, SECOND, THIRD = (datetime(2026, 4, day, 12, tzinfo=UTC) for day in (1, 8, 15))
NOW = datetime(2026, 4, 20, 12, tzinfo=UTC)


def lake_at(folder, when, **environment):
    """The lake, opened at that moment."""
    return Lake(folder, clock=lambda: when, environment=environment)


def paid(view):
    """By visit, what was paid for it."""
    return dict(view.scan("silver.visits").select("visit_id", "claim_paid").sort("visit_id").collect().iter_rows())


@pytest.fixture(scope="module")
def three_releases(tmp_path_factory):
    """Three releases: V1 to V4; V1 corrected; V2 withdrawn, and V5 added."""
    folder = tmp_path_factory.mktemp("release") / "lake"
    first = lake_at(folder, FIRST)
    visits = [visit("V1", patient_id=CANARY), visit("V2"), visit("V3"), visit("V4"), visit("bad", patient_id=" ")]
    first.load("ehr_visits", visits, extract_date=FIRST.date())
    first.load("sg2_patient_flow", [stay(CANARY), stay("P2")], extract_date=FIRST.date())
    first.load("salesforce_crm", [account("Ann Lee"), account("Bo Diaz")], extract_date=FIRST.date())
    assert first.run().release == 1
    second = lake_at(folder, SECOND)
    second.load("ehr_visits", [visit("V1", patient_id=CANARY, claim_paid="95")], extract_date=SECOND.date())
    assert second.run().release == 2
    third = lake_at(folder, THIRD)
    third.load(
        "ehr_visits",
        [{"visit_id": "V2", "is_deleted": "true"} | dict.fromkeys(visit("V2").keys() - {"visit_id"}), visit("V5")],
        extract_date=THIRD.date(),
    )
    assert third.run().release == 3
    return folder


@pytest.fixture
def lake(three_releases):
    """That lake, for reading only."""
    return lake_at(three_releases, NOW)


@pytest.fixture
def copy(three_releases, tmp_path):
    """A copy of that lake, to change."""
    shutil.copytree(three_releases, tmp_path / "lake")
    return lake_at(tmp_path / "lake", NOW)


ONE = {"V1": 80, "V2": 80, "V3": 80, "V4": 80}
TWO = ONE | {"V1": 95}
THREE = {"V1": 95, "V3": 80, "V4": 80, "V5": 80}


@pytest.mark.parametrize(
    ("which", "seen"),
    [
        (None, THREE),
        (1, ONE),
        (2, TWO),
        ("2", TWO),
        (date(2026, 4, 1), ONE),  # a day means its end
        (date(2026, 4, 7), ONE),
        (date(2026, 4, 8), TWO),
        ("2026-04-14", TWO),
        ("2026-04-15T11:59:59+00:00", TWO),
        ("2026-04-15T12:00:00+00:00", THREE),
        (SECOND, TWO),
        (NOW, THREE),
        (NOW.date(), THREE),
    ],
)
def test_a_reader_goes_back_to_the_release_that_stood_then(lake, which, seen):
    assert paid(lake.at(which)) == seen


@pytest.mark.parametrize(
    ("which", "message"),
    [
        (datetime(2026, 4, 1, 11, tzinfo=UTC), "No release stood at .*; the first, 1, is of 2026-04-01 12:00 UTC"),
        ("2025-12-31", "No release stood at 2025-12-31"),
        (date(2026, 4, 21), "lies in the future; the newest release is 3 of 2026-04-15"),
        ("2126-01-01", "lies in the future"),
        (4, "There is no release 4; there are 1 to 3"),
        (0, "There is no release 0"),
        ("board-2026-q1", "'board-2026-q1' is neither a release number, nor the name of a lock, nor a date"),
        ("2026-02-31", "'2026-02-31' is neither"),
    ],
)
def test_what_no_release_answers_is_an_error_that_says_why(lake, which, message):
    with pytest.raises(ReleaseError, match=message):
        lake.at(which)


def test_a_lake_without_a_release_says_how_to_make_one(tmp_path):
    with pytest.raises(ReleaseError, match="has no release yet"):
        lake_at(tmp_path / "lake", NOW).scan("gold.provider_summary")


def test_a_release_shows_the_tables_of_silver_and_gold_and_nothing_else(lake):
    shown = lake.at().tables()
    assert {"silver.visits", "silver.claims", "silver.encounters", "gold.provider_summary"} <= set(shown)
    assert {name.split(".")[0] for name in shown} == {"silver", "gold"}
    for name in ("bronze.ehr_visits", "quarantine.visits", "releases"):
        with pytest.raises(ReleaseError, match="is not for readers"):
            lake.scan(name)
    with pytest.raises(ReleaseError, match=r"Release 3 has no silver.medications; nothing has filled it yet"):
        lake.scan("medications")


def test_all_tables_of_a_release_belong_together(lake):
    for number, visits in ((1, ONE), (2, TWO), (3, THREE)):
        view = lake.at(number)
        summary = view.query("SELECT sum(total_visits), sum(total_claim_paid) FROM provider_summary").collect().row(0)
        monthly = view.query("SELECT sum(visits), sum(payments) FROM provider_monthly").collect().row(0)
        assert summary == monthly == (len(visits), sum(visits.values()))


def test_a_release_knows_what_it_is_made_of(lake):
    first, *_, newest = lake.releases()
    assert newest.caption == "release 3 · 2026-04-15 · data as of 2026-04-15"
    assert (first.rows["silver.visits"], newest.rows["silver.visits"]) == (4, 5)  # a withdrawn row is kept, unseen
    assert all(audit.passed for audit in newest.audits)
    assert {audit.name for audit in newest.audits} == {"reconciliation", "keys", "integrity", "totals", "drift"}


def test_a_run_with_nothing_new_publishes_nothing(copy):
    assert copy.run().release is None
    assert len(copy.releases()) == 3


def test_a_withdrawn_row_stays_away_although_an_older_one_comes_late(copy):
    copy.load("ehr_visits", [visit("V2", claim_paid="1")], extract_date=date(2026, 4, 10))
    copy.run()
    assert paid(copy) == THREE
    copy.load("ehr_visits", [visit("V2", claim_paid="2")], extract_date=date(2026, 4, 16))
    copy.run(accept=["drift"])
    assert paid(copy) == THREE | {"V2": 2}


def march_doubles(lake):
    """A delivery that more than doubles a month that was complete."""
    lake.load("ehr_visits", [visit(f"late {n}") for n in range(6)], extract_date=date(2026, 4, 17))


def test_a_failed_audit_leaves_readers_on_the_last_release_until_a_person_accepts_it(copy):
    march_doubles(copy)
    refused = copy.run()
    assert refused.release is None
    assert [audit.name for audit in refused.failed] == ["drift"]
    assert "visits before 2026-04 went from 4.00 to 10.00 (+150.0%)" in refused.failed[0].detail
    assert copy.at().release.number == 3
    assert paid(copy) == THREE
    assert "drift" in copy.status()["refused"]["audits"][0]

    assert copy.run().release is None, "it is refused again as long as nobody accepts it"
    accepted = copy.run(accept=["drift"])
    assert accepted.release == 4
    assert len(paid(copy)) == 10
    assert copy.releases()[-1].accepted == ("drift",)
    assert copy.status()["refused"] is None


def test_a_change_within_the_tolerance_passes(copy):
    copy.load("ehr_visits", [visit("V1", claim_amount="105")], extract_date=date(2026, 4, 17))
    assert copy.run().release == 4


def test_a_lock_names_a_release(copy):
    assert copy.lock("board-2026-q1", 2).number == 2
    assert paid(copy.at("board-2026-q1")) == paid(copy.at(release="board-2026-q1")) == TWO
    assert copy.releases()[1].locks == ("board-2026-q1",)
    with pytest.raises(ReleaseError, match="'board-2026-q1' locks release 2 already; unlock it first"):
        copy.lock("board-2026-q1")
    assert copy.unlock("board-2026-q1").number == 2
    with pytest.raises(ReleaseError, match="neither a release number, nor the name of a lock"):
        copy.at("board-2026-q1")
    with pytest.raises(ReleaseError, match="No release is locked as 'board-2026-q1'"):
        copy.unlock("board-2026-q1")
    assert copy.lock("board-2026-q1").number == 3


@pytest.mark.parametrize("name", ["", "7", "2026-04-01", "a/b", "a b"])
def test_a_lock_s_name_cannot_be_taken_for_something_else(lake, name):
    with pytest.raises(ReleaseError, match="lock"):
        lake.lock(name)


def test_history_names_the_releases_that_hold_a_version(lake):
    history = lake.history("silver.visits")
    held_by = [one["releases"] for one in history if one["releases"]]
    assert held_by == [[3], [2], [1]]
    assert [one["version"] for one in history] == sorted((one["version"] for one in history), reverse=True)
    with pytest.raises(LakeError, match=r"silver.medications has no history"):
        lake.history("medications")


def test_diff_tells_inserted_updated_and_deleted_rows(lake):
    rows = lake.diff("silver.visits", 1, 3).collect()
    told = rows.select("change", "visit_id", "claim_paid_before", "claim_paid").rows()
    assert told == [
        ("deleted", "V2", 80, None),
        ("inserted", "V5", None, 80),
        ("updated", "V1", 80, 95),
    ]
    assert "claim_paid" in rows.row(2, named=True)["changed_columns"]
    assert lake.diff("silver.visits", 2, 2).collect().is_empty()


def test_diff_of_a_mart_shows_the_numbers_that_moved(lake):
    rows = lake.diff("provider_monthly", 1, 2).collect()
    assert rows["changed_columns"].to_list() == [["payments_as_delivered", "payments"]]
    assert rows.select("payments_before", "payments").row(0) == (Decimal(320), Decimal(335))


def test_diff_of_a_table_that_the_earlier_release_lacked_shows_all_of_it(copy):
    copy.load("providers", [provider("Ann Lee", npi="1234567893")], extract_date=date(2026, 4, 17))
    copy.run()
    assert copy.diff("silver.providers", 3, 4).collect()["change"].to_list() == ["inserted"]
    assert copy.diff("silver.providers", 4, 3).collect()["change"].to_list() == ["deleted"]


def test_no_patient_is_named_beyond_quarantine(three_releases):
    """The canary is in two feeds; no release table, history, release record or log holds it."""
    lake = lake_at(three_releases, NOW)
    for name in lake.at().tables():
        assert CANARY not in lake.scan(name).collect().write_json(), name
        assert CANARY not in str(lake.history(name))
    assert CANARY not in str(lake.status())
    assert CANARY not in lake.quarantine().collect().write_json()
    logs = [path for path in three_releases.rglob("*.json") if "bronze" not in path.parts]
    assert logs
    assert not [path for path in three_releases.rglob("*.json") if CANARY in path.read_text()]


def test_the_patients_key_changes_every_pseudonym(three_releases, tmp_path):
    shutil.copytree(three_releases, tmp_path / "lake")
    keyed = lake_at(tmp_path / "lake", NOW, CARTI_LAKE_PATIENT_KEY="a secret of ours")
    before = keyed.scan("silver.visits").select("visit_id", old="patient_key").collect()
    assert keyed.run().release == 4
    both = keyed.scan("silver.visits").collect().join(before, on="visit_id")
    assert both.height == 4
    assert (both["patient_key"] != both["old"]).all()
    assert both["patient_key"].n_unique() == both["old"].n_unique() == 2
    assert keyed.diff("provider_summary", 3, 4).collect().is_empty()
    assert keyed.status()["patient_key"] == "set"


def test_the_patients_key_may_stand_in_a_file(tmp_path):
    (tmp_path / "key").write_text("of ours\n")
    assert secret_from({"CARTI_LAKE_PATIENT_KEY_FILE": str(tmp_path / "key")}) == "of ours"
    assert secret_from({}) == ""
    with pytest.raises(LakeError, match=r"CARTI_LAKE_PATIENT_KEY_FILE names .*nowhere, which cannot be read"):
        secret_from({"CARTI_LAKE_PATIENT_KEY_FILE": str(tmp_path / "nowhere")})
