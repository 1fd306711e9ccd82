"""Quality of a release: thresholds take effect without a run, a check can stop a release, failing rows name nobody."""

import shutil
from datetime import UTC, date, datetime

import polars as pl
import pytest

from carti_lake import Lake
from carti_lake.releases.quality import QualityError
from carti_lake.tables import Thresholds
from tests.worlds.lakes import referral
from tests.worlds.rows import provider, stay, visit

pytestmark = pytest.mark.slow

NOW = datetime(2026, 5, 1, 9, tzinfo=UTC)
PAID = "payment_on_unpaid_claim"
DENIED = {"claim_status": "Denied", "claim_paid": "5.00"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Ten visits in March, of which three are denied, one of them with a payment; one release."""
    folder = tmp_path_factory.mktemp("quality") / "lake"
    lake = Lake(folder, clock=lambda: NOW, environment={})
    denied = [visit(f"D{n}", patient_id=f"MRN-77{n}", claim_status="Denied", claim_paid="0") for n in range(2)]
    paid = [visit(f"V{n}", patient_id=f"MRN-55{n}") for n in range(7)]
    deliver(lake, *paid, *denied, visit("D2", patient_id="MRN-999", **DENIED), day=3)
    return folder


@pytest.fixture
def lake(folder, tmp_path):
    """A copy of that lake."""
    shutil.copytree(folder, tmp_path / "lake")
    return Lake(tmp_path / "lake", clock=lambda: NOW, environment={})


def deliver(lake, *rows, day, accept=()):
    lake.load("ehr_visits", list(rows), extract_date=date(2026, 4, day))
    # So few rows always drift.
    return lake.run(accept=["drift", *accept])


def standing(view, check=PAID):
    """The check's row in the report."""
    [row] = view.quality().filter(rule=check, table_name="silver.visits").to_dicts()
    return row


def test_the_report_tells_what_was_checked_what_failed_and_what_it_comes_to(lake):
    row = standing(lake)
    assert (row["checked"], row["passed"], row["failed"], row["not_applicable"]) == (3, 2, 1, 7)
    assert (row["share"], row["failed_amount"], row["status"], row["trend"]) == (1 / 3, 5, "warn", [1 / 3])
    assert lake.quality()["status"].to_list() == sorted(
        lake.quality()["status"].to_list(), key=["block", "warn", "ok", "not applicable"].index
    )


def test_a_threshold_takes_effect_at_once_and_is_on_record(lake):
    releases = len(lake.releases())
    lake.set_thresholds(PAID, Thresholds(warn=0.2, block=0.3), why="Agreed with finance", who="ann")
    assert standing(lake)["status"] == "block"
    lake.set_thresholds(PAID, Thresholds(warn=0.4, block=0.5), why="Too strict", who="bob")
    assert standing(lake)["status"] == "ok"
    assert standing(lake)["set_by"] == "bob"
    lake.set_thresholds(PAID, None, why="Back again", who="ann")
    assert (standing(lake)["status"], standing(lake)["set_by"]) == ("warn", None)
    assert len(lake.releases()) == releases
    record = lake.storage.scan("thresholds").sort("change").collect()
    assert record.select("rule", "declared", "warn", "block", "at", "who", "why").rows() == [
        (PAID, False, 0.2, 0.3, NOW, "ann", "Agreed with finance"),
        (PAID, False, 0.4, 0.5, NOW, "bob", "Too strict"),
        (PAID, True, 0.0, None, NOW, "ann", "Back again"),
    ]


def test_a_change_of_thresholds_stores_no_results(lake):
    before = lake.storage.open("gold.data_quality").version()
    lake.set_thresholds(PAID, Thresholds(warn=0.2, block=0.3), why="Stricter")
    lake.run(accept=["quality"])
    assert lake.storage.open("gold.data_quality").version() == before


def test_a_check_that_blocks_keeps_readers_on_the_last_good_release(lake):
    lake.set_thresholds(PAID, Thresholds(warn=0.2, block=0.4), why="Stricter")
    assert lake.run().release == 2
    refused = deliver(lake, visit("D3", **DENIED), day=4)
    assert refused.release is None
    [audit] = refused.failed
    assert audit.name == "quality"
    assert audit.detail == (
        f"silver.visits {PAID}, 2026-03: 2 of 4 fail (50.0%; blocks from 40.0%): "
        "A denied or pending claim shows a payment; it is kept as delivered and not counted as cash"
    )
    assert lake.at().release.number == 2
    assert (standing(lake)["status"], standing(lake)["failed"]) == ("warn", 1)
    candidate = standing(lake.candidate())
    assert (candidate["status"], candidate["failed"], candidate["trend"]) == ("block", 2, [1 / 3, 1 / 3, 1 / 2])
    assert lake.candidate().failing(PAID).collect().height == 2


def test_what_was_accepted_once_is_not_asked_about_again(lake):
    lake.set_thresholds(PAID, Thresholds(warn=0.2, block=0.4), why="Stricter")
    assert deliver(lake, visit("D3", **DENIED), day=4, accept=["quality"]).release == 2
    assert lake.at().release.accepted == ("drift", "quality")
    assert standing(lake)["status"] == "block"
    assert deliver(lake, visit("D4", **DENIED), day=5).release == 3
    other_month = visit("D5", visit_date="2026-02-05", **DENIED)
    assert [one.name for one in deliver(lake, other_month, day=6).failed] == ["quality"]


def test_a_stricter_threshold_stops_the_next_run(lake):
    lake.set_thresholds(PAID, Thresholds(warn=0.2, block=0.3), why="Stricter")
    assert [one.name for one in lake.run().failed] == ["quality"]
    lake.set_thresholds(PAID, None, why="Not so strict")
    assert lake.run().release == 2


@pytest.mark.slow
def test_the_trend_has_what_each_of_the_last_eight_releases_said(lake):
    for day in range(4, 13):
        deliver(lake, visit(f"N{day}", claim_status="Denied", claim_paid="0"), day=day)
    assert lake.at().release.number == 10
    assert standing(lake)["trend"] == [1 / denied for denied in range(5, 13)]
    assert standing(lake.at(release=2))["trend"] == [1 / 3, 1 / 4]
    assert standing(lake.at(release=2))["failed"] == 1


def test_a_check_has_no_share_in_a_release_that_did_not_know_it(lake):
    lake.load("sg2_patient_flow", [stay("P1")], extract_date=date(2026, 4, 4))
    lake.run()
    [row] = lake.quality().filter(table_name="silver.encounters", rule="service_line|missing").to_dicts()
    assert row["trend"] == [None, 0]


def text_of(rows):
    return rows.collect().write_csv()


def test_failing_rows_are_exactly_those_and_name_no_patient(lake):
    deliver(lake, visit("D3", patient_id="MRN-888", **DENIED), day=4)
    failing = lake.at().failing(PAID)
    assert sorted(failing.collect()["visit_id"]) == ["D2", "D3"]
    assert lake.at(release=1).failing(PAID).collect()["visit_id"].to_list() == ["D2"]
    assert failing.collect_schema().names() == [
        *("visit_id", "claim_status", "claim_paid", "rendering_provider_id", "batch_id", "row_number", "extract_date")
    ]
    keys = {str(key) for key in lake.scan("silver.visits").collect()["patient_key"]}
    assert not [name for name in (*keys, "MRN-888", "MRN-999") if name in text_of(failing)]


@pytest.mark.parametrize("entity", ["visits", "encounters", "referrals"])
def test_no_check_shows_a_patient(lake, entity):
    lake.load("sg2_patient_flow", [stay("MRN-4711")], extract_date=date(2026, 4, 4))
    lake.load("salesforce_referrals", [referral(1, patient_id="MRN-4711")], extract_date=date(2026, 4, 4))
    lake.run()
    checks = lake.quality().filter(table_name=f"silver.{entity}")["rule"]
    assert checks.len() > 5
    for check in checks:
        assert not {"patient_id", "patient_key"} & set(
            lake.at().failing(f"{entity}.{check}").collect_schema().names()
        ), check


def test_rows_of_a_repeated_number_are_all_but_the_first(lake):
    again = [visit("C1", claim_id="7"), visit("C2", claim_id="7"), visit("C3", claim_id="8")]
    again.append(visit("C4", claim_id="7", visit_date="2026-02-05"))
    deliver(lake, *again, day=4)
    assert lake.at().failing("claim_id|repeated").collect().height == 1
    assert standing(lake, "claim_id|repeated")["failed"] == 1


def test_where_a_column_is_not_delivered_no_row_fails_for_want_of_it(lake):
    assert standing(lake, "payer|missing")["status"] == "not applicable"
    assert lake.at().failing("payer|missing").collect().is_empty()
    deliver(lake, visit("C1", payer="Aetna"), day=4)
    assert lake.at().failing("payer|missing").collect().height == standing(lake, "payer|missing")["failed"] == 10


def test_the_same_holds_for_a_table_without_months(lake):
    lake.load("providers", [provider("Ann Lee"), provider("Bo Diaz")], extract_date=date(2026, 4, 4))
    lake.run()
    assert lake.at().failing("providers.specialty|missing").collect().is_empty()
    lake.load("providers", [provider("Ann Lee", specialty="Urology")], extract_date=date(2026, 4, 5))
    lake.run()
    assert lake.at().failing("providers.specialty|missing").collect().height == 1


def test_rows_that_a_rule_refused_are_those_in_quarantine(lake):
    deliver(lake, visit("X1", patient_id="MRN-1", visit_date="soon"), day=4)
    refused = lake.at().failing("visits.visit_date|unreadable").collect()
    assert refused["rules"].to_list() == ["visit_date|unreadable"]
    assert "MRN-1" not in refused.write_csv()
    assert standing(lake, "visit_date|unreadable")["failed"] == 1


def test_failing_extract_days_are_shown_with_what_was_usual(lake):
    for day in range(4, 12):
        lake.load("ehr_visits", [visit(f"E{day}-{n}") for n in range(10)], extract_date=date(2026, 4, day))
    deliver(lake, visit("E12"), day=12)
    assert standing(lake, "extracts|volume")["failed"] == 1
    rows = lake.at().failing("visits.extracts|volume").collect()
    assert rows.select("extract_date", "rows", "smallest", "largest").rows() == [(date(2026, 4, 12), 1, 10, 10)]


def test_results_follow_a_correction_and_a_withdrawal(lake):
    deliver(lake, visit("D2", claim_status="Denied", claim_paid="0"), day=4)
    assert (standing(lake)["checked"], standing(lake)["failed"]) == (3, 0)
    deliver(lake, visit("D1", is_deleted="true"), day=5)
    assert (standing(lake)["checked"], standing(lake)["failed"]) == (2, 0)


def test_an_unchanged_month_is_not_counted_again(lake, monkeypatch):
    from carti_lake.runner import quality

    counted = []
    original = quality.findings

    def watched(rows, entity):
        counted.append(rows.select("visit_month").unique().collect()["visit_month"].to_list())
        return original(rows, entity)

    monkeypatch.setattr(quality, "findings", watched)
    deliver(lake, visit("A1", visit_date="2026-04-02"), day=4)
    assert counted == [[date(2026, 4, 1)]]
    assert standing(lake)["checked"] == 3


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ("payment_on_unpayed_claim", r"no check 'payment_on_unpayed_claim'. Did you mean .*payment_on_unpaid_claim"),
        ("service_line|missing", r"Several tables have a check .*visits\.service_line\|missing"),
        ("visits.extracts|later", r"no check"),
    ],
)
def test_an_unclear_check_is_refused_with_what_it_may_have_meant(lake, check, said):
    with pytest.raises(QualityError, match=said):
        lake.at().failing(check)
    with pytest.raises(QualityError, match=said):
        lake.set_thresholds(check, Thresholds(0.1, 0.2), why="?")


@pytest.mark.parametrize(
    ("wanted", "why", "said"),
    [
        (Thresholds(2, None), "x", "2 % is 0.02"),
        (Thresholds(0.1, -0.1), "x", "from 0 to 1"),
        (Thresholds(0.3, 0.2), "x", "before it warns"),
        (Thresholds(None, 0.2), "x", "before it warns"),
        (Thresholds(0.1, 0.2), "  ", "Say why"),
    ],
)
def test_senseless_thresholds_are_refused(lake, wanted, why, said):
    with pytest.raises(QualityError, match=said):
        lake.set_thresholds(PAID, wanted, why=why)
    assert lake.thresholds(PAID) == Thresholds(0.0, None)


def test_a_place_that_is_no_lake_is_not_made_one(tmp_path):
    nowhere = Lake(tmp_path / "typo", clock=lambda: NOW, environment={})
    with pytest.raises(QualityError, match="has checked nothing yet"):
        nowhere.set_thresholds(PAID, Thresholds(0.1, 0.2), why="x")
    assert not (tmp_path / "typo").exists()


def test_a_full_rebuild_keeps_the_thresholds_and_the_counts(lake):
    lake.set_thresholds(PAID, Thresholds(warn=0.9, block=None), why="Known")
    before = lake.quality().drop("trend")
    lake.run(full=True)
    assert lake.quality().drop("trend").equals(before.with_columns(set_by=before["set_by"]))
    assert lake.storage.scan("gold.data_quality").select(pl.len()).collect().item() > 0


@pytest.mark.slow
def test_a_column_that_stops_coming_fails_and_one_that_never_came_does_not(lake):
    def months():
        rows = lake.at().quality_by_month("visits.payer|missing").sort("month")
        return rows.select(pl.col("month").dt.month(), "passed", "failed", "not_applicable").rows()

    deliver(lake, visit("A1", visit_date="2026-04-02"), day=4)
    assert months() == [(3, 0, 0, 10), (4, 0, 0, 1)]
    deliver(lake, visit("F1", visit_date="2026-02-02", payer="Aetna"), day=5)
    assert months() == [(2, 1, 0, 0), (3, 0, 10, 0), (4, 0, 1, 0)]
    assert lake.at().failing("visits.payer|missing").collect().height == 11
    deliver(lake, visit("F1", visit_date="2026-02-02"), visit("A1", visit_date="2026-04-02", payer="Aetna"), day=6)
    assert months() == [(2, 0, 0, 1), (3, 0, 0, 10), (4, 1, 0, 0)]
    before = lake.storage.scan("gold.data_quality").sort(pl.all()).collect()
    lake.run(full=True, accept=["drift"])
    assert lake.storage.scan("gold.data_quality").sort(pl.all()).collect().equals(before)
