"""What was known then: nothing that came later changes a feature."""

from datetime import date, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from carti_lake.models import denial, no_show, opportunity, readmission
from carti_lake.models.history import as_known_then, before
from carti_lake.models.model import Known
from carti_lake.tables.silver import Appointments, EarlierAnswers, Encounters, Visits
from tests.rows import held

START = date(2026, 1, 1)
#: Releases stood on these days.
FIRST, SECOND = START + timedelta(days=60), START + timedelta(days=90)
days = st.integers(0, 120).map(lambda place: START + timedelta(days=place))


def events(*rows: tuple[str, date]) -> pl.LazyFrame:
    return pl.LazyFrame(rows, schema={"who": pl.String, "date": pl.Date}, orient="row")


def asked(*rows: tuple[str, date]) -> pl.LazyFrame:
    return pl.LazyFrame(rows, schema={"who": pl.String, "instant": pl.Date}, orient="row")


people = st.sampled_from("AB")
drawn_events = st.lists(st.tuples(people, days), max_size=30)


@given(drawn_events, st.lists(st.tuples(people, days), min_size=1, max_size=10), st.integers(1, 100))
def test_events_count_in_the_days_before_and_not_on_the_day(happened, wanted, back):
    found = before(asked(*wanted), events(*happened), ["who"], {"n": pl.len()}, back).collect()
    expected = sorted(
        (who, at, sum(one == who and at - timedelta(days=back) <= day < at for one, day in happened))
        for who, at in wanted
    )
    assert sorted(found.select("who", "instant", "n").rows()) == expected


@given(drawn_events, drawn_events, days)
def test_later_events_change_nothing(happened, later, at):
    future = [(who, max(day, at)) for who, day in later]
    one, other = (
        before(asked(("A", at)), events(*rows), ["who"], {"n": pl.len()}).collect()
        for rows in (happened, [*happened, *future])
    )
    assert one.equals(other)


def test_each_instant_is_told_by_the_release_that_stood_then():
    known = [Known(FIRST, 1, {"t": events(("A", START))}), Known(SECOND, 2, {"t": events(("A", START), ("A", FIRST))})]
    days = pl.Series([START + timedelta(days=day) for day in (30, 60, 75, 90, 100)])
    subjects = pl.LazyFrame({"subject_id": ["1", "2", "3", "4", "5"], "who": "A", "instant": days})
    subjects = subjects.with_columns(target=True, decided="instant")
    known.append(Known(START + timedelta(days=110), 3, known[-1].tables))
    found = as_known_then(
        known,
        lambda tables: subjects,
        lambda rows, tables: before(rows, tables["t"], ["who"], {"n": pl.len()}),
        lambda tables, day: tables,
    )
    # Until the second release stands, its correction of January is not known.
    assert found.sort("instant")["n"].to_list() == [1, 1, 1, 1, 2]


statuses = st.sampled_from(["completed", "no_show", "cancelled", "booked"])
appointments = st.lists(st.tuples(st.integers(1, 3), days, st.integers(0, 30), statuses), min_size=1, max_size=25)


def appointment_rows(drawn, first=0):
    return [
        {
            "appointment_id": f"A{first + place}",
            "patient_key": patient,
            "provider_id": "lee",
            "booked_date": booked,
            "appointment_date": booked + timedelta(days=ahead),
            "appointment_status": status,
        }
        for place, (patient, booked, ahead, status) in enumerate(drawn)
    ]


@given(appointments, appointments)
def test_no_show_features_of_the_past_stay_when_the_future_comes(past, future):
    """Rows booked after the release, and another outcome of what was still to come, change no feature of before."""
    now = held(Appointments, *appointment_rows(past))
    later = [
        (patient, FIRST + timedelta(days=1 + (booked - START).days), ahead, s) for patient, booked, ahead, s in future
    ]
    then = held(Appointments, *appointment_rows(past), *appointment_rows(later, first=1_000))
    first = Known(FIRST, 1, {no_show.APPOINTMENTS: now})
    second = Known(FIRST + timedelta(days=200), 2, {no_show.APPOINTMENTS: then})
    features = [feature.name for feature in no_show.FEATURES]

    def told(known):
        rows = no_show.examples(known).filter(pl.col("instant") <= FIRST, pl.col("subject_date") <= FIRST)
        return rows.sort("subject_id").select("subject_id", *features)

    assert told([first]).equals(told([first, second]))


def test_a_correction_in_a_later_release_is_not_known_before():
    rows = appointment_rows([(1, START, 10, "completed"), (1, START + timedelta(days=40), 10, "completed")])
    corrected = [{**rows[0], "appointment_status": "no_show"}, rows[1]]
    first = Known(FIRST, 1, {no_show.APPOINTMENTS: held(Appointments, *rows)})
    second = Known(SECOND, 2, {no_show.APPOINTMENTS: held(Appointments, *corrected)})
    missed = {row["subject_id"]: row["missed"] for row in no_show.examples([first, second]).iter_rows(named=True)}
    assert missed["A1"] == 0


def test_a_payers_answer_counts_from_the_day_it_is_given():
    base = {"patient_key": 1, "rendering_provider_id": "lee", "payer": "plan", "service_line": "lung"}
    answered = [
        {
            **base,
            "visit_id": f"V{place}",
            "visit_date": START,
            "claim_status": "denied",
            "claim_submitted_date": START,
            "claim_paid_date": START + timedelta(days=20),
        }
        for place in range(12)
    ]
    waiting = [
        {**base, "visit_id": name, "visit_date": START, "claim_status": "paid", "claim_submitted_date": day}
        for name, day in (("early", START + timedelta(days=10)), ("late", START + timedelta(days=30)))
    ]
    tables = {denial.VISITS: held(Visits, *answered, *waiting), denial.EARLIER: held(EarlierAnswers)}
    found = denial.examples([Known(SECOND, 1, tables)])
    share = dict(found.select("subject_id", "provider_share").rows())
    assert (share["early"], share["late"]) == (None, 1.0)


def test_a_stay_before_counts_once_it_has_ended():
    stay = {
        "patient_key": 1,
        "attending_provider_id": "lee",
        "admission_type": "emergency",
        "principal_diagnosis_code": "C50.9",
        "discharge_disposition": "home",
        "patient_age": 60,
        "extract_date": START + timedelta(days=200),
    }

    def at(place):
        return START + timedelta(days=place)

    spans = [(0, 10), (5, 50), (40, 45), (190, 195)]
    rows = [
        {**stay, "encounter_id": f"E{place}", "admission_date": at(since), "discharge_date": at(until)}
        for place, (since, until) in enumerate(spans)
    ]
    known = Known(START + timedelta(days=200), 1, {readmission.ENCOUNTERS: held(Encounters, *rows)})
    found = readmission.examples([known]).sort("subject_id")
    assert dict(found.select("subject_id", "stays").rows()) == {"E0": 0, "E1": 2, "E2": 1}
    assert dict(found.select("subject_id", "target").rows()) == {"E0": True, "E1": False, "E2": False}


def test_every_look_at_an_open_opportunity_is_one_example():
    from carti_lake.tables.silver import Campaigns, Opportunities, Referrals

    deal = {"opportunity_id": "O1", "provider_id": "lee", "amount": 100, "created_date": START}
    tables = {opportunity.REFERRALS: held(Referrals), opportunity.CAMPAIGNS: held(Campaigns)}

    def stood(**values):
        return {**tables, opportunity.OPPORTUNITIES: held(Opportunities, {**deal, **values})}

    open_ = {"is_closed": False, "is_won": False}
    known = [
        Known(FIRST, 1, stood(stage_name="Proposal", **open_)),
        Known(SECOND, 2, stood(stage_name="Negotiation", **open_)),
        Known(SECOND + timedelta(days=30), 3, stood(stage_name="Won", is_closed=True, is_won=True, close_date=SECOND)),
    ]
    found = opportunity.examples(known)
    assert found.select("stage_name", "age", "target").rows() == [("Proposal", 60, True), ("Negotiation", 90, True)]
    alone = opportunity.examples(known[-1:])
    assert alone.select("stage_name", "age", "instant", "target").rows() == [(None, None, START, True)]
