"""Extracts loaded under a map: what bronze and silver then hold, and what is refused."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from carti_lake.lake import Lake
from carti_lake.sources.extract import ExtractError
from carti_lake.sources.map_file import read_mapping
from carti_lake.store.log import commits

DAY = date(2026, 4, 1)
ROW = {
    "visit_id": "V-1",
    "patient_id": "P-1",
    "visit_date": "2026-03-01",
    "diagnosis_code": "C34.90",
    "procedure_code": "99213",
    "provider_name": "Dana Ortiz",
    "claim_amount": "100",
    "claim_paid": "80",
    "claim_status": "Paid",
}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake", environment={"CARTI_LAKE_PATIENT_KEY": "k" * 32})


def bronze(lake: Lake, feed: str = "ehr_visits") -> pl.DataFrame:
    return lake.storage.scan(f"bronze.{feed}").sort("delivered_at", "row_number").collect()


def silver(lake: Lake, *columns: str) -> list[tuple[Any, ...]]:
    lake.run(accept=["quality", "drift"])
    return lake.scan("silver.visits").select(columns).sort(columns).collect().rows()


def refused(lake: Lake, mapping: dict[str, Any], *rows: dict[str, str], feed: str = "ehr_visits") -> str:
    with pytest.raises(ExtractError) as error:
        lake.load(feed, list(rows or [ROW]), mapping=mapping)
    return str(error.value)


def without(*columns: str, **others: str) -> dict[str, str]:
    return {name: value for name, value in {**ROW, **others}.items() if name not in columns}


def test_constants_and_absent_columns_stand_for_required_ones(lake: Lake) -> None:
    rows = [without("claim_status", "claim_paid", "diagnosis_code")]
    said = {
        "absent": ["claim_paid", "diagnosis_code"],
        "constants": {"claim_status": "pending", "claim_paid_date": DAY},
    }
    lake.load("ehr_visits", rows, mapping=said)
    assert silver(lake, "claim_status", "claim_paid", "diagnosis_code", "claim_paid_date") == [
        ("pending", None, None, DAY)
    ]


def test_words_are_mapped_and_what_was_delivered_is_kept(lake: Lake) -> None:
    rows = [
        without(visit_id=f"V-{place}", claim_status=word) for place, word in enumerate(["Paid in full", "22", "odd"])
    ]
    said = {"columns": {"claim_status": {"values": {"paid in full": "paid", "22": "reversed"}}}}
    lake.load("ehr_visits", rows, mapping=said)
    found = bronze(lake)
    assert found["claim_status"].to_list() == ["paid", "reversed", "odd"]
    assert [json.loads(one) if one else None for one in found["rescued"]] == [
        {"claim_status as delivered": "Paid in full"},
        {"claim_status as delivered": "22"},
        None,
    ]
    assert silver(lake, "visit_id", "claim_status") == [("V-0", "paid"), ("V-1", "reversed")]
    assert lake.quarantine("visits").collect()["rules"].to_list() == ["claim_status|unreadable"]


def test_one_header_may_be_several_columns(lake: Lake) -> None:
    won = {"Won": True, "Lost": False}
    said = {
        "absent": ["amount"],
        "columns": {
            "stage_name": {"from": "deal"},
            "is_won": {"from": "deal", "values": won},
            "is_closed": {"from": "deal", "values": dict.fromkeys(won, True)},
        },
    }
    lake.load("salesforce_opportunities", [{"opportunity_id": "1", "deal": "Lost"}], mapping=said)
    assert bronze(lake, "salesforce_opportunities").select("stage_name", "is_won", "is_closed").rows() == [
        ("Lost", False, True)
    ]


def test_paths_into_nested_json_and_frames(lake: Lake, tmp_path: Path) -> None:
    nested = {
        **without("patient_id", "provider_name"),
        "subject": {"reference": "Patient/17"},
        "who": [{"name": {"given": "Dana", "family": "Ortiz"}}],
    }
    said = {
        "columns": {
            "patient_id": {"from": "subject.reference", "strip": "Patient/"},
            "provider_name": {"from": ["who[0].name.given", "who[0].name.family"]},
        }
    }
    (tmp_path / "visits_2026-04-01.ndjson").write_text(json.dumps(nested) + "\n")
    lake.load("ehr_visits", tmp_path / "visits_2026-04-01.ndjson", mapping=said)
    lake.load("ehr_visits", [nested], mapping=said)
    assert bronze(lake).select("patient_id", "provider_name").rows() == [("17", "Dana Ortiz")] * 2


@pytest.mark.parametrize(
    ("source", "near"),
    [
        ("subject.referense", " (near subject.reference)"),
        ("who[0].nane.given", " (near who[0].name)"),
        ("who[0].name.prefix", ""),
        ("who.name", ""),
    ],
)
def test_a_path_that_no_value_has_is_told(lake: Lake, tmp_path: Path, source: str, near: str) -> None:
    nested = {**without("payer"), "subject": {"reference": "Aetna"}, "who": [{"name": {"given": "Dana"}}]}
    said = {"columns": {"payer": {"from": source}}}
    (tmp_path / "visits_2026-04-01.ndjson").write_text(json.dumps(nested) + "\n")
    pl.DataFrame([nested]).write_parquet(tmp_path / "visits_2026-04-02.parquet")
    for extract in (tmp_path / "visits_2026-04-01.ndjson", tmp_path / "visits_2026-04-02.parquet", [nested]):
        (loaded,) = lake.load("ehr_visits", extract, mapping=said)
        assert f"the map names paths that no value has: {source}{near}" in loaded.notes
    right = {"columns": {"payer": {"from": "subject.reference"}}}
    (loaded,) = lake.load("ehr_visits", tmp_path / "visits_2026-04-01.ndjson", mapping=right)
    assert not [note for note in loaded.notes if "no value has" in note]


def test_how_all_values_are_written(lake: Lake) -> None:
    said = {"defaults": {"date_order": "dmy", "decimal": ",", "null_words": ["NIL"]}}
    lake.load("ehr_visits", [without(visit_date="03.09.25", claim_amount="1.234,50", payer="nil")], mapping=said)
    assert silver(lake, "visit_date", "claim_amount", "payer") == [(date(2025, 9, 3), Decimal("1234.50"), None)]


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"Rendring NPI": "provider_npi"}, 'there is no header "Rendring NPI", which the map maps to provider_npi'),
        ({"claim amonut": "claim_paid"}, 'did you mean "claim_amount"?'),
        ({"columns": {"payer": {"from": "plan.name"}}}, 'there is no header "plan.name"'),
        ({"columns": {"payer": {"values": {"A": "Aetna"}}}}, "says how payer is written, but no header is that column"),
        ({"constants": {"claim_sttus": "paid"}}, 'names the column "claim_sttus"'),
        ({"constants": {"claim_sttus": "paid"}}, 'did you mean "claim_status"?'),
        ({"constants": {"claim_status": "payed"}}, 'is "payed", which claim_status does not know; did you mean "paid"'),
        ({"columns": {"claim_status": {"values": {"1": "payd"}}}}, 'columns.claim_status.values."1" is "payd"'),
        (
            {"columns": {"claim_status": {"scale": 0.01}}},
            "columns.claim_status.scale is said of a number; claim_status is",
        ),
        ({"columns": {"claim_amount": {"date_order": "dmy"}}}, "date_order is said of a day; claim_amount is none"),
        ({"constants": {"is_deleted": "perhaps"}}, "is_deleted is true or false"),
        ({"constants": {"patient_age": "old"}}, "patient_age is a number"),
        ({"constants": {"claim_paid_date": "1 April"}}, "claim_paid_date is a day such as"),
        ({"constants": {"payer": "Aetna"}, "claim_paid": "payer"}, "says that payer is the same in every row, but"),
        ({"absent": ["claim_paid"]}, 'says that claim_paid is absent, but the header "claim_paid" delivers it'),
        ({"visit_id": "claim_id", "absent": ["visit_date"], "visit_date": "claim_paid_date"}, "cannot be absent"),
        ({"patient_id": "payer", "absent": ["patient_id"]}, "without it every row of ehr_visits would be refused"),
        ({"provider_name": "payer", "absent": ["provider_name"]}, '"provider_name" cannot be absent'),
    ],
)
def test_a_map_that_does_not_fit_is_refused(lake: Lake, said: dict[str, Any], complaint: str) -> None:
    assert complaint in refused(lake, said)
    assert lake.storage.open("bronze.ehr_visits") is None


def test_a_provider_may_be_named_by_number_alone(lake: Lake) -> None:
    said = {"provider_name": "provider_npi", "absent": ["provider_name"]}
    lake.load("ehr_visits", [without(provider_name="1234567893")], mapping=said)
    assert silver(lake, "rendering_provider_id") == [("1234567893",)]


def test_a_corrected_map_replaces_what_the_wrong_one_made(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "visits_2026-04-01.csv"
    path.write_text("No,Seq," + ",".join(ROW) + "\nA,7," + ",".join(ROW.values()) + "\n")
    wrong, right = ({"columns": {"visit_id": {"from": one}}} for one in ("Seq", "No"))
    first = lake.load("ehr_visits", path, mapping=wrong)
    assert json.loads(bronze(lake)["rescued"][0]) == {"No": "A", "visit_id (2)": "V-1"}
    assert silver(lake, "visit_id") == [("7",)]
    second = lake.load("ehr_visits", path, mapping=right)
    assert (second[0].rows, second[0].already, second[0].replaces) == (1, False, first[0].batch_id)
    assert silver(lake, "visit_id") == [("A",)]
    again = lake.load("ehr_visits", path, mapping=right)
    assert (again[0].rows, again[0].already) == (0, True)
    back = lake.load("ehr_visits", path, mapping=wrong)
    assert back[0].replaces == second[0].batch_id
    assert silver(lake, "visit_id") == [("7",)]
    lake.run(full=True, accept=["quality", "drift"])
    assert silver(lake, "visit_id") == [("7",)]


def test_a_corrected_map_of_a_snapshot_lists_what_it_reads_alone(lake: Lake) -> None:
    amounts = dict.fromkeys(["contact_count", "deals_value", "opportunity_value", "marketing_cost"], "1")
    rows = [{"Owner": "Kim Lee", "Physician": "Dana Ortiz", **amounts, "pipeline_stage": "Proposal"}]
    for header in ("Owner", "Physician"):
        lake.load("salesforce_crm", rows, mapping={header: "provider_name"}, extract_date=DAY)
        lake.run(accept=["quality", "drift"])
        names = lake.scan("silver.crm_accounts").select("provider_name").collect().to_series().to_list()
        assert names == ["Kim Lee" if header == "Owner" else "Dana Ortiz"]
    lake.run(full=True, accept=["quality", "drift"])
    assert lake.scan("silver.crm_accounts").select("provider_name").collect().item() == "Dana Ortiz"


def test_a_load_that_died_before_the_old_reading_was_withdrawn_is_finished_by_the_next(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from carti_lake.sources import batches

    wrong, right = ({"columns": {"visit_id": {"from": one}}} for one in ("Seq", "No"))
    rows = [{**without("visit_id"), "No": "A", "Seq": "7"}]
    lake.load("ehr_visits", rows, mapping=wrong, extract_date=DAY)
    with monkeypatch.context() as dying:
        dying.setattr(batches, "_withdraw", lambda *arguments: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            lake.load("ehr_visits", rows, mapping=right, extract_date=DAY)
    assert lake.load("ehr_visits", rows, mapping=right, extract_date=DAY)[0].already
    assert silver(lake, "visit_id") == [("A",)]


def test_the_commit_records_the_map(lake: Lake) -> None:
    lake.load("ehr_visits", [without("claim_status", state="P")], mapping={"state": "claim_status"})
    handle = lake.storage.open("bronze.ehr_visits")
    assert handle is not None
    (batch,) = [one.metadata["batch"] for one in commits(handle, -1) if "batch" in one.metadata]
    assert batch["map"]["says"] == {"headers": {"state": "claim_status"}}


def test_foreign_folders_with_a_map(lake: Lake, shared: Path) -> None:
    """A map with a typing error is refused with the header that was meant; one that fits is applied."""
    foreign = shared / "data/foreign"
    with pytest.raises(ExtractError, match='did you mean "Rendering NPI"'):
        lake.load(
            "ehr_visits",
            foreign / "map_typo/ehr_visits_2026-03-31.csv",
            mapping=read_mapping(foreign / "map_typo/map.toml"),
        )
    lines = foreign / "rif_lines"
    lake.load("ehr_visits", lines / "ehr_visits_2026-03-31.txt", mapping=read_mapping(lines / "map.toml"))
    assert bronze(lake)["claim_amount"].sum() == 615


WORDS = {
    "status_words": (
        "ehr_visits",
        "claim_status",
        {
            "Paid in full": "paid", "Partially Paid": "paid", "Adjudicated": "paid", "Closed": "paid", "1": "paid",
            "4": "denied", "22": "reversed", "Denied - CO16": "denied", "Appealed": "pending", "Write-off": "denied",
            "active": "pending", "BILLED": "pending",
        },
    ),
    "appt_words": (
        "ehr_appointments",
        "appointment_status",
        {
            "fulfilled": "completed", "NS": "no_show", "Left without seen": "no_show", "rescheduled": "cancelled",
            "entered-in-error": "cancelled", "pending": "booked", "checked-in": "completed", "proposed": "booked",
            "Canceled by patient": "cancelled", "waitlist": "booked",
        },
    ),
    "ref_words": (
        "salesforce_referrals",
        "referral_status",
        {
            "Open - Not Contacted": "new", "Working - Contacted": "new", "Closed - Converted": "completed",
            "Closed - Not Converted": "lost", "Closed Won": "completed", "active": "new", "revoked": "lost",
            "draft": "new", "Pending": "new", "Accepted": "scheduled", "Rejected": "lost",
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("folder", WORDS)
def test_every_word_of_a_foreign_status_can_be_mapped(lake: Lake, shared: Path, folder: str) -> None:
    feed, column, words = WORDS[folder]
    (path,) = (shared / "data/foreign" / folder).glob("*.csv")
    (before,) = lake.preview(feed, path)
    (after,) = lake.preview(feed, path, mapping={"columns": {column: {"values": words}}})
    assert before.rules[f"{column}|unreadable"] > 0
    assert (after.rows, after.refused) == (before.rows, 0)


def test_two_loads_of_one_content_under_two_maps_leave_one_reading(lake: Lake) -> None:
    rows = [{**without("visit_id"), "No": "A", "Seq": "7"}]
    maps = [{"columns": {"visit_id": {"from": one}}} for one in ("Seq", "No")]
    with ThreadPoolExecutor(2) as both:
        done = list(
            both.map(lambda said: Lake(lake.uri).load("ehr_visits", rows, mapping=said, extract_date=DAY)[0], maps)
        )
    assert sorted(one.replaces is None for one in done) == [False, True]
    last = next(place for place, one in enumerate(done) if one.replaces)
    assert silver(lake, "visit_id") == [("A" if last else "7",)]


ORDER = {"patient_id": "P-1", "ordered_date": "2026-03-01", "drug_code": "197604", "dose_unit": "g"}


@pytest.mark.parametrize(
    ("texts", "doses"),
    [
        (["0,125", "2,500"], [0.000125, 0.0025]),
        (["2250", "1125"], [2.25, 1.125]),
        (["2,500.5", "1,000"], [2.5005, 1.0]),
    ],
)
def test_what_a_map_scales_is_read_as_its_column_is_written(lake: Lake, texts: list[str], doses: list[float]) -> None:
    rows = [{**ORDER, "medication_id": f"M-{number}", "dose": text} for number, text in enumerate(texts)]
    lake.load("ehr_medications", rows, mapping={"columns": {"dose": {"scale": 0.001}}})
    assert bronze(lake, "ehr_medications")["dose"].to_list() == doses


@pytest.mark.parametrize(("scale", "percent"), [(1, [75, 0.5, 1]), (100, [75, 50, 100])])
@pytest.mark.parametrize("given", [["75%", "0.5", "1"], ["75", "0.5", "1"]])
def test_a_map_says_what_percent_are_where_nothing_else_tells(
    lake: Lake, given: list[str], scale: int, percent: list[float]
) -> None:
    plain = {"stage_name": "Open", "amount": "1", "created_date": "2026-03-01"}
    rows = [{**plain, "opportunity_id": f"O-{number}", "probability": text} for number, text in enumerate(given)]
    feed = "salesforce_opportunities"
    with pytest.raises(ExtractError, match=r"\(scale = 1 or scale = 100\). Say scale in a map"):
        lake.load(feed, rows)
    lake.load(feed, rows, mapping={"columns": {"probability": {"scale": scale}}})
    first = percent[0] if given[0] == "75%" else 75 * scale
    assert bronze(lake, feed)["probability"].to_list() == [first, *percent[1:]]


@pytest.mark.parametrize("text", ["2,500", "2.500"])
def test_what_a_map_scales_is_refused_where_nothing_tells_how_it_is_written(lake: Lake, text: str) -> None:
    row = {**ORDER, "medication_id": "M-1", "dose": text}
    said = refused(lake, {"columns": {"dose": {"scale": 0.001}}}, row, feed="ehr_medications")
    assert 'column "dose"' in said
    assert "Say decimal in a map" in said
    lake.load("ehr_medications", [row], mapping={"columns": {"dose": {"scale": 0.001, "decimal": text[1]}}})
    assert bronze(lake, "ehr_medications")["dose"].to_list() == [0.0025]
