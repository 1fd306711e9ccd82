"""Who comes back within 30 days of a cancer stay, each case worked out by hand."""

from datetime import date, timedelta

import polars as pl
import pytest

from carti_lake.pipeline.gold.readmissions import readmissions
from carti_lake.tables.silver import Encounters
from tests.worlds.rows import APRIL, MARCH, Row, held

#: The index stay of every example, and the unplanned one 10 days later.
INDEX = {
    "encounter_id": "E1",
    "patient_key": 1,
    "attending_provider_id": "lee",
    "service_line": "lung",
    "admission_date": date(2026, 3, 1),
    "discharge_date": date(2026, 3, 5),
    "admission_type": "elective",
    "principal_diagnosis_code": "C34.90",
    "discharge_disposition": "home",
    "patient_age": 64,
    "extract_date": date(2026, 12, 31),
}
#: Not cancer, so that it is no index stay itself.
BACK = {
    **INDEX,
    "encounter_id": "E2",
    "admission_date": date(2026, 3, 15),
    "discharge_date": date(2026, 3, 16),
    "admission_type": "emergency",
    "principal_diagnosis_code": "J18.9",
}
#: Another patient's stay for something else, which says that the data reach to June.
LATER = {**BACK, "encounter_id": "E9", "patient_key": 9, "admission_date": date(2026, 6, 1), "discharge_date": None}


def found(*stays: Row) -> list[tuple[int, int, int]]:
    """(index stays, readmissions, followed too briefly) of each row."""
    rows = readmissions(held(Encounters, *stays)).sort("month", "provider_id").collect()
    return rows.select("index_stays", "readmissions", "followed_too_briefly").rows()


def test_an_unplanned_stay_within_30_days_is_a_readmission():
    assert found(INDEX, BACK, LATER) == [(1, 1, 0)]


def test_who_does_not_come_back_is_an_index_stay_without_one():
    assert found(INDEX, LATER) == [(1, 0, 0)]
    assert found(INDEX, {**BACK, "patient_key": 2}, LATER) == [(1, 0, 0)]


@pytest.mark.parametrize(("days", "readmitted"), [(0, 1), (30, 1), (31, 0)])
def test_the_30th_day_counts(days, readmitted):
    back = {**BACK, "admission_date": INDEX["discharge_date"] + timedelta(days)}
    back["discharge_date"] = back["admission_date"]
    assert found(INDEX, back, LATER) == [(1, readmitted, 0)]


@pytest.mark.parametrize(
    "change",
    [
        {"admission_type": "elective"},
        {"admission_type": None},
        {"principal_diagnosis_code": "C79.51"},  # metastatic
        {"principal_diagnosis_code": "C7B.02"},
        {"principal_diagnosis_code": "Z51.11"},  # chemotherapy
        {"principal_diagnosis_code": "Z51.0"},  # radiation
        {"withdrawn": True},
    ],
    ids=str,
)
def test_what_is_no_unplanned_readmission(change):
    # The elective stay for metastatic cancer would be an index stay of its own.
    rows = readmissions(held(Encounters, INDEX, {**BACK, **change}, LATER)).collect()
    assert rows["readmissions"].sum() == 0
    assert rows["index_stays"].sum() == 1 + str(change.get("principal_diagnosis_code")).startswith("C")


@pytest.mark.parametrize("kind", ["urgent", "emergency"])
@pytest.mark.parametrize("diagnosis", ["C34.90", "Z51.5", None])
def test_what_is_an_unplanned_readmission(kind, diagnosis):
    rows = readmissions(
        held(Encounters, INDEX, {**BACK, "admission_type": kind, "principal_diagnosis_code": diagnosis}, LATER)
    )
    assert rows.collect()["readmissions"].sum() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"patient_age": 17},
        {"patient_age": None},
        {"principal_diagnosis_code": "J18.9"},
        {"principal_diagnosis_code": "D05.10"},  # in situ
        {"principal_diagnosis_code": None},
        {"discharge_disposition": "expired"},
        {"discharge_disposition": "transferred_to_another_hospital"},
        {"discharge_disposition": "left_against_medical_advice"},
        {"discharge_date": None},
        {"withdrawn": True},
    ],
    ids=str,
)
def test_what_is_no_index_stay(change):
    assert found({**INDEX, **change}, BACK, LATER) == []


def test_a_stay_without_a_disposition_is_taken_as_discharged_alive():
    assert found({**INDEX, "discharge_disposition": None}, BACK, LATER) == [(1, 1, 0)]


def test_a_stay_counts_once_however_often_its_patient_comes_back():
    again = {**BACK, "encounter_id": "E3", "admission_date": date(2026, 3, 20), "discharge_date": date(2026, 3, 21)}
    assert found(INDEX, BACK, again, LATER) == [(1, 1, 0)]


def test_a_readmission_for_cancer_is_an_index_stay_itself():
    back = {**BACK, "principal_diagnosis_code": "C34.90"}
    again = {**BACK, "encounter_id": "E3", "admission_date": date(2026, 4, 2), "discharge_date": date(2026, 4, 9)}
    # 2 April lies within 30 days of both discharges, on 5 and on 16 March.
    assert found(INDEX, back, again, LATER) == [(2, 2, 0)]


def test_a_stay_of_no_night_does_not_follow_itself():
    day_case = {**INDEX, "discharge_date": INDEX["admission_date"], "admission_type": "urgent"}
    assert found(day_case, LATER) == [(1, 0, 0)]
    # Of two on one day, the second follows the first, and not the other way round.
    assert found(day_case, {**day_case, "encounter_id": "E2"}, LATER) == [(2, 1, 0)]


def test_an_index_stay_needs_30_days_of_data():
    def reaching(day: date) -> list[tuple[int, int, int]]:
        return found(INDEX, BACK, {**LATER, "admission_date": day})

    # Discharged on 5 March: until 4 April the data are silent about the 30th day, whoever came back before.
    assert reaching(date(2026, 4, 3)) == [(0, 0, 1)]
    assert reaching(date(2026, 4, 4)) == [(1, 1, 0)]


def test_a_mistyped_future_date_does_not_stand_for_follow_up():
    extract = {"extract_date": date(2026, 3, 20)}
    typo = {**LATER, **extract, "admission_date": date(2062, 3, 1)}
    assert found({**INDEX, **extract}, {**BACK, **extract}, typo) == [(0, 0, 1)]


def test_rows_stand_by_month_of_discharge_attending_provider_and_service_line():
    nobodys = {**INDEX, "encounter_id": "E3", "patient_key": 3, "attending_provider_id": None, "service_line": None}
    april = {**INDEX, "encounter_id": "E4", "patient_key": 4, "discharge_date": date(2026, 4, 1)}
    rows = readmissions(held(Encounters, INDEX, BACK, nobodys, april, LATER)).sort("month", "provider_id").collect()
    assert rows.rows() == [
        (MARCH, "lee", "lung", 1, 1, 0),
        (MARCH, "unknown", "unknown", 1, 0, 0),
        (APRIL, "lee", "lung", 1, 0, 0),
    ]


def test_no_rows_give_no_rows():
    none = readmissions(held(Encounters)).collect()
    assert isinstance(none, pl.DataFrame)
    assert none.is_empty()
