"""What the no-show model sees: appointments as they were booked, and nothing that came later."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from carti_lake.models import no_show
from carti_lake.models.model import Known
from carti_lake.tables.silver import Appointments
from tests.worlds.known import KNOWS_NOTHING, day, silver

FEATURES = [feature.name for feature in no_show.FEATURES]
#: Releases stood on these days.
FIRST, SECOND = 60, 90
statuses = st.sampled_from(["completed", "no_show", "cancelled", "booked"])
booked = st.tuples(
    st.integers(1, 3), st.integers(0, 55), st.integers(0, 30), statuses, st.sampled_from(["lee", "diaz"])
)
drawn_bookings = st.lists(booked, min_size=1, max_size=25)


def appointment(number, patient=1, since=0, ahead=10, status="completed", provider="lee", **values):
    return {
        "appointment_id": f"A{number}",
        "patient_key": patient,
        "provider_id": provider,
        "booked_date": day(since),
        "appointment_date": day(since + ahead),
        "appointment_status": status,
        **values,
    }


def known(place, *rows):
    return Known(day(place), place, {no_show.APPOINTMENTS: silver(Appointments, *rows)})


def told(*releases):
    """Examples booked by the first release and over by then, by appointment."""
    found = no_show.examples(list(releases))
    old = found.filter(pl.col("instant") <= day(FIRST), pl.col("subject_date") <= day(FIRST))
    return {row["subject_id"]: [row[name] for name in FEATURES] for row in old.iter_rows(named=True)}


@settings(max_examples=25)
@given(drawn_bookings, drawn_bookings, st.randoms(use_true_random=False))
def test_what_comes_later_changes_no_feature_of_before(past, future, random):
    """Later bookings, and a later release that tells the past otherwise, but for whether it was kept or missed."""
    rows = [appointment(number, *values) for number, values in enumerate(past)]
    told_anew = [
        {
            **row,
            "provider_id": random.choice(["lee", "diaz"]),
            "patient_age": random.randint(0, 90),
            "booked_date": row["booked_date"].replace(day=1),
            "appointment_status": {"completed": "no_show", "no_show": "completed"}.get(
                row["appointment_status"], row["appointment_status"]
            ),
        }
        for row in rows
    ]
    later = [
        appointment(1_000 + number, who, FIRST + 1 + since, *rest) for number, (who, since, *rest) in enumerate(future)
    ]
    assert told(known(FIRST, *rows)) == told(known(FIRST, *rows), known(SECOND + 60, *told_anew, *later))


def test_earlier_appointments_of_the_patient_count_until_the_day_of_the_booking():
    rows = [
        appointment(1, since=0, ahead=5, status="no_show"),
        appointment(2, since=0, ahead=10),
        appointment(3, since=10, ahead=20),
        appointment(4, since=11, ahead=20),
        appointment(5, patient=2, since=11, ahead=20),
    ]
    found = no_show.examples([known(FIRST, *rows)]).sort("subject_id")
    assert found.select("missed", "kept").rows() == [(0, 0), (0, 0), (1, 0), (1, 1), (0, 0)]


def test_outcomes_come_from_the_present():
    then, now = (
        appointment(1, since=50, ahead=20, status="booked"),
        appointment(1, since=50, ahead=20, status="no_show"),
    )
    found = no_show.examples([known(FIRST, then), known(SECOND, now)])
    assert found.select("subject_id", "target", "decided").rows() == [("A1", True, day(70))]


def test_a_booking_that_was_moved_counts_as_it_was_made():
    moved = appointment(1, since=50, ahead=35)
    found = no_show.examples([known(FIRST, appointment(1, since=50, ahead=15, status="booked")), known(SECOND, moved)])
    assert found.select("lead", "decided").rows() == [(15, day(85))]


def test_appointments_to_come_are_scored_whatever_is_known_of_their_booking():
    rows = [
        appointment(1, since=50, ahead=FIRST - 50 + 1, status="booked"),
        appointment(2, since=50, ahead=FIRST - 50, status="booked"),
        appointment(3, since=50, ahead=20, status="cancelled"),
        {**appointment(4, since=50, ahead=20, status="booked"), "booked_date": None},
    ]
    (scores,) = no_show.MODEL.score(known(FIRST, *rows), KNOWS_NOTHING, "v")
    found = scores.collect()
    assert found["subject_id"].to_list() == ["A1", "A4"]
    assert found.select("probability", "drivers", "model_version").rows() == [(0.5, None, "v")] * 2
