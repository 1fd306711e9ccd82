"""How the lake stands: what was delivered, what became of it, what was refused and why, without naming a patient."""

import json
import shutil
from datetime import UTC, date, datetime

import pytest

from carti_lake import Lake
from carti_lake.storage import LakeError
from tests.rows import account, visit

CANARY = "CANARY-4711"
NOW = datetime(2026, 4, 2, 12, tzinfo=UTC)
REFUSED = [
    visit("V3", visit_date="31/02/2026", claim_amount="abc", patient_id=CANARY),
    # An identifier may stand in a column that nobody declared, and in a declared one under another name's key.
    visit("V4", claim_status="??", **{"Patient Name": CANARY, "ssn": CANARY, "MRN": f'{{"claim_status":"{CANARY}"}}'}),
    visit(None, procedure_code=None, patient_id=CANARY),
    visit("V5", claim_paid='12 "dollars", \\ or so', patient_age="old"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two visits that are fine, one twice, four that are refused; and a CRM list."""
    folder = tmp_path_factory.mktemp("status") / "lake"
    lake = Lake(folder, clock=lambda: NOW, environment={})
    good = [visit("V1"), visit("V1"), visit("V2")]
    lake.load("ehr_visits", good + REFUSED, extract_date=date(2026, 4, 1))
    lake.load("ehr_visits", [visit("V2", claim_paid="70")], extract_date=date(2026, 4, 2))
    lake.load("salesforce_crm", [account("Ann Lee")], extract_date=date(2026, 4, 2))
    lake.run()
    return folder


@pytest.fixture
def lake(folder):
    """That lake three hours later, for reading only."""
    return Lake(folder, clock=lambda: datetime(2026, 4, 2, 15, tzinfo=UTC), environment={})


@pytest.fixture
def copy(folder, tmp_path):
    """A copy of that lake, to change."""
    shutil.copytree(folder, tmp_path / "lake")
    return Lake(tmp_path / "lake", clock=lambda: NOW, environment={})


def of_feed(lake, name):
    return next(feed for feed in lake.status()["feeds"] if feed["feed"] == name)


def test_every_delivered_row_is_accounted_for(lake):
    assert of_feed(lake, "ehr_visits") == {
        "feed": "ehr_visits",
        "batches": 2,
        "extract_date": date(2026, 4, 2),
        "delivered_rows": 8,
        "bronze_rows": 8,
        "silver_rows": 2,
        "superseded_rows": 1,
        "duplicate_rows": 1,
        "quarantined_rows": 4,
        "balanced": True,
    }
    assert of_feed(lake, "ehr_medications")["delivered_rows"] == 0


def test_the_last_release_and_its_age(lake):
    release = lake.status()["release"]
    assert (release["number"], release["age_hours"], release["data_as_of"]) == (1, 3.0, date(2026, 4, 2))
    assert release["rows"]["silver.visits"] == 2


def test_an_empty_lake_has_a_status_too(tmp_path):
    state = Lake(tmp_path / "lake", environment={}).status()
    assert (state["release"], state["refused"], state["quarantine"]) == (None, None, [])
    assert {feed["balanced"] for feed in state["feeds"]} == {True}


def test_a_missing_key_of_the_pseudonyms_is_told(lake):
    assert "set CARTI_LAKE_PATIENT_KEY" in lake.status()["patient_key"]


def test_refused_rows_are_counted_by_the_rule_that_they_broke(lake):
    visits = next(one for one in lake.status()["quarantine"] if one["entity"] == "visits")
    assert visits["rules"] == {
        "claim_amount|unreadable": 1,
        "claim_paid|unreadable": 1,
        "claim_status|unreadable": 1,
        "patient_age|unreadable": 1,
        "visit_date|unreadable": 1,
        "visit_id|nullability": 1,
    }


def test_a_refused_row_shows_where_it_came_from_and_what_could_not_be_read(lake):
    rows = lake.quarantine("visits").sort("row_number").collect()
    assert rows.columns == ["entity", "rules", "batch_id", "row_number", "extract_date", "unreadable"]
    assert rows["row_number"].to_list() == [4, 5, 6, 7]
    shown = [json.loads(text) if text else None for text in rows["unreadable"]]
    assert shown[0] == {"visit_date": "31/02/2026", "claim_amount": "abc"}
    assert shown[2] is None
    assert shown[3] == {"claim_paid": '12 "dollars", \\ or so', "patient_age": "old"}


def test_a_refused_row_names_no_patient_in_whatever_column_one_stands(lake):
    assert CANARY not in lake.quarantine().collect().write_json()
    assert CANARY in lake.storage.scan("quarantine.visits").collect().write_json(), "the example holds the canary"


@pytest.mark.parametrize(
    ("rule", "rows"),
    [("visit_date|unreadable", [4]), ("visit_date", [4]), ("visit", []), ("claim_paid", [7]), (None, [4, 5, 6, 7])],
)
def test_refused_rows_of_one_rule_or_column(lake, rule, rows):
    assert lake.quarantine("visits", rule=rule).collect()["row_number"].sort().to_list() == rows


def test_an_entity_that_does_not_exist_is_told(lake):
    with pytest.raises(LakeError, match=r"There is no entity 'visitz'. Entities: providers, encounters"):
        lake.quarantine("visitz")


def test_a_corrected_redelivery_releases_a_refused_row(copy):
    copy.load("ehr_visits", [visit("V3", claim_paid="60")], extract_date=date(2026, 4, 3))
    assert copy.run(accept=["drift"]).release == 2
    assert copy.quarantine("visits").collect()["row_number"].sort().to_list() == [5, 6, 7]
    assert copy.scan("silver.visits").collect()["visit_id"].sort().to_list() == ["V1", "V2", "V3"]
    now = of_feed(copy, "ehr_visits")
    assert (now["silver_rows"], now["superseded_rows"], now["quarantined_rows"], now["balanced"]) == (3, 2, 3, True)


def test_a_refused_row_older_than_the_one_that_stands_is_superseded(copy):
    copy.load("ehr_visits", [visit("V2", claim_amount="abc")], extract_date=date(2026, 3, 30))
    copy.run(accept=["drift"])
    now = of_feed(copy, "ehr_visits")
    assert (now["silver_rows"], now["superseded_rows"], now["quarantined_rows"]) == (2, 2, 4)
