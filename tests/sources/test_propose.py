"""Maps proposed for foreign files."""

import tomllib
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carti_lake.sources.extract import ExtractError
from carti_lake.sources.map_file import parse
from carti_lake.sources.map_text import map_text
from carti_lake.sources.propose import Candidate, propose
from carti_lake.sources.sample import sample
from carti_lake.tables.feeds import (
    FEEDS,
    EhrAppointments,
    EhrMedications,
    EhrVisits,
    ProvidersFeed,
    SalesforceOpportunities,
)
from tests.worlds.lakes import lake_in


def proposed(rows: dict[str, list[Any]], feed: Any = EhrVisits) -> dict[str, Candidate]:
    frame = pl.DataFrame(rows, schema=dict.fromkeys(rows, pl.String))
    return {one.column: one for one in propose(frame, feed, "v.csv").candidates}


def test_names_and_words_for_them_are_known() -> None:
    headers = ["Visit No", "MRN", "Date of service", "ICD-10", "CPT", "Rendering", "Billed", "Paid", "Status"]
    found = proposed({header: [] for header in headers})
    assert {column: one.sources[0] for column, one in found.items()} == dict(
        zip(
            ["visit_id", "patient_id", "visit_date", "diagnosis_code", "procedure_code", "provider_name",
             "claim_amount", "claim_paid", "claim_status"],
            headers,
            strict=True,
        )
    )  # fmt: skip
    assert not any(one.doubts for one in found.values())


def test_values_speak_against_a_name_and_for_a_code() -> None:
    found = proposed({"Status": ["Paid"], "claim_amount": ["Dana Ortiz"], "Problem": ["C50.911"]})
    assert found["claim_amount"].doubts == ["taken by its name", "0% of 1 values look like it"]
    assert "claim_paid" not in proposed({"Paid amount": ["Dana Ortiz"]})
    assert found["diagnosis_code"].sources == ("Problem",)
    assert found["diagnosis_code"].doubts == ["taken by its values"]


def test_two_headers_that_might_be_one_column_are_both_named() -> None:
    found = proposed({"Rendering provider": ["A"], "Physician": ["B"]})
    assert found["provider_name"].doubts == ["or is it Physician?"]


def test_words_of_a_status_are_mapped_where_a_spelling_or_the_header_tells() -> None:
    found = proposed({"No-show": ["Yes", "No", "No"]}, EhrAppointments)["appointment_status"]
    assert found.words == {"No": (None, 2), "Yes": ("no_show", 1)}
    found = proposed({"Status": ["Cancelled.", "Complete", "waitlist"]}, EhrAppointments)["appointment_status"]
    assert found.words == {"Complete": ("completed", 1), "waitlist": (None, 1)}


def test_the_order_of_dates_is_proven_or_asked_for() -> None:
    found = proposed({"engage_date": ["20-10-16"], "close_date": ["01-03-17"]}, SalesforceOpportunities)
    assert (found["created_date"].date_order, found["close_date"].date_order) == ("dmy", "either")
    assert found["close_date"].doubts == ["no value tells whether the day or the month comes first"]


def test_first_and_last_names_make_one_and_references_lose_their_type() -> None:
    found = proposed({"First Name": ["Dana"], "Last Name": ["Ortiz"], "NPI": ["1234567893"]}, ProvidersFeed)
    assert found["provider_name"].sources == ("First Name", "Last Name")
    found = proposed({"subject.reference": ["Patient/17", "Patient/18"]}, EhrMedications)
    assert (found["patient_id"].sources, found["patient_id"].strip) == (("subject.reference",), "Patient/")


def test_what_is_missing_is_listed_and_never_invented() -> None:
    told = propose(pl.DataFrame({"MRN": ["1"], "Colour": ["red"]}), EhrVisits, "v.csv")
    assert told.missing["claim_amount"]
    assert not told.missing["visit_date"]
    assert told.unused == ["Colour"]
    text = map_text(told)
    assert "#   visit_date (cannot be absent: every row would be refused)" in text
    assert tomllib.loads(text) == {"MRN": "patient_id"}


HEADERS = [
    "MRN",
    "Patient Name",
    "Zip",
    "Provider",
    "Status",
    "DOS",
    "Billed",
    "odd [x].y",
    'with "quotes"',
    "subject.a",
]
SECRET = st.text(min_size=1, max_size=8).map("q{}q".format)


@given(st.sampled_from(list(FEEDS.values())), st.lists(st.sampled_from(HEADERS), unique=True, min_size=1), st.data())
def test_a_proposal_is_a_map_and_tells_no_value(feed: Any, headers: list[str], data: st.DataObject) -> None:
    values = {header: data.draw(st.lists(SECRET, min_size=31, max_size=31, unique=True)) for header in headers}
    text = map_text(propose(pl.DataFrame(values), feed, "v.csv"))
    parse(tomllib.loads(text), "map.toml")
    assert not any(value in text for column in values.values() for value in column)


def test_a_proposed_map_loads_its_file(tmp_path: Path) -> None:
    path = tmp_path / "visits_2026-04-01.csv"
    path.write_text(
        "Export of April;;;;;;;;\n"
        "Visit No;MRN;DOS;ICD-10;CPT;Rendering;Billed;Paid;Status\n"
        "1;P-100;25.03.2026;C34.90;99214;Ortiz, Dana MD;1.210,00;0;Pending\n"
    )
    text = map_text(propose(sample(path, tmp_path, path.name), EhrVisits, path.name))
    lake = lake_in(tmp_path / "lake")
    lake.load("ehr_visits", path, mapping=tomllib.loads(text))
    row = lake.storage.scan("bronze.ehr_visits").collect().row(0, named=True)
    assert (row["visit_date"].isoformat(), row["claim_amount"]) == ("2026-03-25", 1210.0)


def test_a_file_without_headers_is_refused_without_its_values(tmp_path: Path) -> None:
    path = tmp_path / "v.csv"
    path.write_text("P-1734,2026-01-02,C50.911,99213,Dana Ortiz\n" * 3)
    with pytest.raises(ExtractError, match="no row of headers is found") as error:
        sample(path, tmp_path, path.name)
    assert "1734" not in str(error.value)
