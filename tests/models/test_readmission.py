"""What the readmission model sees: stays at discharge, and the patient's stays that had ended."""

from dataclasses import replace
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.models import readmission_days
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


def asked(now):
    """Stays that are scored, with their discharges."""
    found = readmission.to_score(now.tables, now.as_of).select("subject_id", "subject_date")
    return sorted(found.collect().rows())


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
    assert asked(known(NOW, *rows)) == [("E1", day(190)), ("E4", day(199))]


def test_who_came_back_already_is_scored_for_the_newer_stay_alone():
    rows = [stay(1, 170, 180), stay(2, 185, 190), stay(3, 100, 169, patient_key=2)]
    assert asked(known(NOW, *rows)) == [("E2", day(190))]


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


def test_a_stay_is_asked_about_until_the_day_before_its_window_ends():
    for since, there in ((0, True), (29, True), (30, False), (31, False)):
        assert bool(asked(known(NOW, stay(1, 100, NOW - since)))) is there


def left(probability, days, by):
    frame = pl.DataFrame({"p": [probability], "d": [days]})
    return frame.select(readmission.remaining(pl.col("p"), pl.col("d"), by)).item()


def test_what_remains_is_the_share_of_those_who_have_not_come_back():
    """Of 100 discharged 20 come back, half of them by day 10: of the 90 left 10 will."""
    by = [0.0] * 10 + [0.5] * 20 + [1.0]
    assert [left(0.2, at, by) for at in (0, 9, 10, 29, 30)] == pytest.approx([0.2, 0.2, 1 / 9, 1 / 9, 0.0])


@given(st.floats(0, 1), st.lists(st.integers(0, 30), min_size=1, max_size=40))
def test_what_remains_falls_from_the_risk_at_discharge_to_nothing(probability, after):
    by = readmission.returned_by(pl.DataFrame({"after": after}))
    falling = [left(probability, at, by) for at in range(30) if probability * by[at] < 1]
    assert all(0 <= one <= probability + 1e-12 for one in falling)
    assert all(later <= earlier + 1e-9 for earlier, later in pairwise(falling))
    assert by[30] == 1.0


NETWORK = replace(readmission_days.NETWORK, seed=21, patients=7_000, visits_per_day=180)


def test_predicted_and_observed_agree_on_every_day_after_the_discharge():
    """Trained on a year, asked each third day of the months that follow, as runs would: within three points."""
    stays = readmission_days.delivered(NETWORK)
    trained = readmission.train([readmission_days.stood(stays, readmission_days.TRAINED)], 0)
    told = readmission_days.by_days(readmission_days.asked(stays, trained, NETWORK.end))
    assert [one["predicted"] for one in told] == pytest.approx([one["observed"] for one in told], abs=0.03)
    # On the card as well, of the stays that were held out.
    card = trained.evaluation.filter(pl.col("metric").is_in(["predicted", "observed"]))
    both = card.pivot("metric", index="split", values="value")
    assert both.height == len(readmission.PERIODS)
    assert (both["predicted"] - both["observed"]).abs().max() < 0.03
    assert told[-1]["predicted"] < 0.5 * told[0]["predicted"]
