"""What the readmission model sees: stays at discharge, and the patient's stays that had ended."""

import polars as pl

from carti_lake.models import readmission
from carti_lake.models.model import Known
from carti_lake.tables.silver import Encounters
from tests.worlds.known import day, silver

NOW = 200


def stay(number, admitted, discharged, **values):
    return {
        "encounter_id": f"E{number}",
        "patient_key": 1,
        "attending_provider_id": "lee",
        "admission_type": "emergency",
        "principal_diagnosis_code": "C50.9",
        "discharge_disposition": "home",
        "patient_age": 60,
        "extract_date": day(NOW),
        "admission_date": day(admitted),
        "discharge_date": day(discharged),
        **values,
    }


def known(place, *rows):
    return Known(day(place), place, {readmission.ENCOUNTERS: silver(Encounters, *rows, extract_date=day(place))})


def test_a_stay_before_counts_once_it_has_ended():
    rows = [stay(0, 0, 10), stay(1, 5, 50), stay(2, 40, 45), stay(3, 190, 195)]
    found = readmission.examples([known(NOW, *rows)]).sort("subject_id")
    assert found.select("subject_id", "stays", "target").rows() == [("E0", 0, True), ("E1", 2, False), ("E2", 1, False)]


def test_who_came_back_is_known_no_earlier_than_who_did_not():
    found = readmission.examples([known(NOW, stay(0, 0, 10), stay(1, 12, 20), stay(2, 190, 195))]).sort("subject_id")
    assert found.select("target", "decided").rows() == [(True, day(40)), (False, day(50))]


def test_deaths_and_transfers_are_neither_learned_from_nor_scored():
    rows = [
        stay(1, 180, 190, patient_key=1),
        stay(2, 180, 190, patient_key=2, discharge_disposition="expired"),
        stay(3, 0, 9, patient_key=3, discharge_disposition="transfer_to_hospital"),
        stay(4, 185, 199, patient_key=4),
    ]
    assert readmission.examples([known(NOW, *rows)]).is_empty()
    (scores,) = readmission.MODEL.score(known(NOW, *rows), None, "")
    assert scores.collect()["subject_id"].to_list() == ["E1", "E4"]


def test_who_came_back_already_is_scored_for_the_newer_stay_alone():
    rows = [stay(1, 170, 180), stay(2, 185, 190), stay(3, 100, 169, patient_key=2)]
    (scores,) = readmission.MODEL.score(known(NOW, *rows), None, "")
    assert scores.select("subject_id", "subject_date").collect().rows() == [("E2", day(190))]


def test_a_later_release_changes_what_became_of_a_stay_and_not_how_it_looked():
    first = known(100, stay(1, 80, 90, treatment_cost=100), stay(2, 50, 60))
    second = known(
        NOW,
        stay(1, 80, 90, treatment_cost=900, discharge_disposition="nursing"),
        stay(2, 50, 60, admission_type="elective"),
        stay(3, 95, 97),
        stay(4, 190, 195),
    )
    (row,) = readmission.examples([first, second]).filter(pl.col("subject_id") == "E1").iter_rows(named=True)
    assert (row["target"], row["disposition"], round(row["cost"], 3)) == (True, "home", 4.615)
    assert (row["stays"], row["unplanned"]) == (1, 1)
