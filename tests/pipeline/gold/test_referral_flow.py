"""Where referrals go and what follows from them, each column worked out by hand."""

from datetime import date
from decimal import Decimal

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from carti_lake.pipeline.gold.referral_flow import CELL, outcomes, referral_days, referral_flow, referral_revenue
from carti_lake.tables.gold import ReferralRevenue
from carti_lake.tables.silver import ClaimsOfLines, Referrals, Visits
from tests.worlds.rows import APRIL, MARCH, held

REFERRAL = {
    "referral_date": date(2026, 3, 10),
    "referral_month": MARCH,
    "patient_zip3": "722",
    "referring_provider_id": "diaz",
    "rendering_provider_id": "lee",
    "service_line": "lung",
    "referral_status": "completed",
    "network_status": "in_network",
}
VISIT = {
    "visit_date": date(2026, 3, 20),
    "visit_month": MARCH,
    "rendering_provider_id": "lee",
    "claim_status": "paid",
    "claim_amount": 100,
    "claim_paid": 80,
}
LUNG = (MARCH, "722", "diaz", "lee", "lung")


def flow(*referrals, visits=()):
    """Rows by cell, without their zeros."""
    made = held(Referrals, *({**REFERRAL, "referral_id": f"R{place}", **one} for place, one in enumerate(referrals)))
    brought = referral_revenue(held(Visits, *({**VISIT, **visit} for visit in visits)), made, held(ClaimsOfLines))
    rows = referral_flow(made, brought).collect()
    keyed = rows.rows_by_key(CELL, named=True, unique=True)
    return {key: {name: value for name, value in row.items() if value} for key, row in keyed.items()}


def test_each_referral_has_one_outcome_and_its_expected_dollars():
    found = flow(
        {"estimated_value": 100},
        {"network_status": "out_of_network", "estimated_value": 200},
        # Seen elsewhere and lost, or still open: it is out of network all the same.
        {"network_status": "out_of_network", "referral_status": "lost", "estimated_value": 400},
        {"network_status": "out_of_network", "referral_status": "scheduled", "estimated_value": None},
        {"network_status": None, "estimated_value": 800},
        {"network_status": None, "referral_status": "lost", "estimated_value": 1600},
        {"network_status": "in_network", "referral_status": "lost", "estimated_value": 3200},
        {"network_status": None, "referral_status": "new", "estimated_value": 6400},
        {"network_status": "in_network", "referral_status": "scheduled", "estimated_value": Decimal("0.5")},
    )
    assert found == {
        LUNG: {
            "referrals": 9,
            "completed_in_network": 1,
            "completed_network_unknown": 1,
            "out_of_network": 3,
            "never_completed": 2,
            "still_open": 2,
            "estimated_value": Decimal("12700.5"),
            "completed_in_network_value": 100,
            "completed_network_unknown_value": 800,
            "out_of_network_value": 200 + 400,
            "never_completed_value": 1600 + 3200,
            "still_open_value": Decimal("6400.5"),
            "valued_referrals": 8,
        }
    }


def test_days_to_the_first_visit_are_summed_over_those_who_came():
    found = flow(
        {"first_visit_date": date(2026, 3, 10)},
        {"first_visit_date": date(2026, 4, 9), "network_status": "out_of_network"},
        {"first_visit_date": None},
    )
    assert (found[LUNG]["first_visits"], found[LUNG]["days_to_first_visit"]) == (2, 0 + 30)


def test_what_no_source_delivers_is_a_member_of_its_own():
    found = flow({"patient_zip3": None, "rendering_provider_id": None, "service_line": None})
    assert list(found) == [(MARCH, "unknown", "diaz", "unknown", "unknown")]


def test_each_month_origin_provider_and_service_line_is_a_cell():
    changes = [
        {},
        {"referral_month": APRIL},
        {"patient_zip3": "716"},
        {"referring_provider_id": "chan"},
        {"rendering_provider_id": "chan"},
        {"service_line": "breast"},
    ]
    assert [cell["referrals"] for cell in flow(*changes, *changes[:1]).values()].count(1) == 5


def test_visits_that_name_the_referral_bring_charges_and_cash_to_its_month():
    found = flow(
        {"referral_id": "R1"},
        {"referral_id": "R2", "service_line": "breast"},
        visits=[
            {"referral_id": "R1"},
            {"referral_id": "R1", "visit_date": date(2026, 4, 2), "visit_month": APRIL, "claim_paid": 50},
            # Payments shown on a denied or a pending claim are no cash.
            {"referral_id": "R1", "claim_status": "denied", "claim_amount": 1000, "claim_paid": 7},
            {"referral_id": "R1", "claim_status": "pending", "claim_amount": 10000, "claim_paid": 7},
            {"referral_id": "R1", "claim_status": None, "claim_amount": None, "claim_paid": None},
            {"referral_id": "R2", "claim_amount": 3, "claim_paid": 2},
        ],
    )
    realised = {
        key[-1]: [cell.get(f"realised_{what}") for what in ("visits", "charges", "cash")] for key, cell in found.items()
    }
    assert realised == {"lung": [5, 100 + 100 + 1000 + 10000, 80 + 50], "breast": [1, 3, 2]}


def test_visits_of_no_referral_or_before_it_bring_nothing():
    found = flow(
        {"referral_id": "R1"},
        {"referral_id": "gone", "withdrawn": True},
        visits=[
            {"referral_id": None},
            {"referral_id": "R9"},
            {"referral_id": "gone"},
            {"referral_id": "R1", "withdrawn": True},
            {"referral_id": "R1", "visit_date": date(2026, 3, 9)},
            {"referral_id": "R1", "visit_date": date(2026, 3, 10)},
        ],
    )
    assert (found[LUNG]["realised_visits"], found[LUNG]["referrals"]) == (1, 1)


def test_revenue_is_kept_by_month_of_visit_and_month_of_referral():
    made = held(Referrals, {**REFERRAL, "referral_id": "R1"})
    visits = [{"visit_date": date(2026, month, 20), "visit_month": date(2026, month, 1)} for month in (3, 3, 5)]
    rows = referral_revenue(
        held(Visits, *({**VISIT, "referral_id": "R1", **visit} for visit in visits)), made, held(ClaimsOfLines)
    )
    found = rows.sort("visit_month").select("month", "visit_month", "realised_visits", "realised_cash").collect()
    assert found.rows() == [(MARCH, MARCH, 2, 160), (MARCH, date(2026, 5, 1), 1, 80)]


def test_days_are_counted_by_month_service_line_and_network():
    first = {"first_visit_date": date(2026, 3, 14)}
    made = held(
        Referrals,
        {**REFERRAL, **first},
        {**REFERRAL, **first},
        {**REFERRAL, "first_visit_date": date(2026, 3, 15)},
        {**REFERRAL, **first, "network_status": None, "service_line": None},
        {**REFERRAL, "first_visit_date": None},
        {**REFERRAL, **first, "withdrawn": True},
    )
    assert sorted(referral_days(made).collect().rows()) == [
        (MARCH, "lung", "in_network", 4, 2),
        (MARCH, "lung", "in_network", 5, 1),
        (MARCH, "unknown", "unknown", 4, 1),
    ]


def test_no_rows_give_no_rows():
    assert referral_flow(held(Referrals), held(ReferralRevenue)).collect().is_empty()
    assert referral_days(held(Referrals)).collect().is_empty()
    assert referral_revenue(held(Visits), held(Referrals), held(ClaimsOfLines)).collect().is_empty()


def test_exactly_one_outcome_holds_whatever_is_delivered():
    networks, statuses = ["in_network", "out_of_network", None], ["new", "scheduled", "completed", "lost"]
    every = held(Referrals, *({"network_status": n, "referral_status": s} for n in networks for s in statuses))
    assert every.select(pl.sum_horizontal(outcomes().values())).collect().to_series().to_list() == [1] * 12


referrals = st.fixed_dictionaries(
    {
        "month": st.integers(1, 5),
        "day": st.integers(1, 28),
        "patient_zip3": st.sampled_from(["722", None]),
        "rendering_provider_id": st.sampled_from(["lee", None]),
        "withdrawn": st.booleans(),
    }
)
visits = st.fixed_dictionaries(
    {"month": st.integers(1, 6), "day": st.integers(1, 28), "referral_id": st.sampled_from(["R0", "R1", "R2", None])}
)


def dated(role, month, day, **rest):
    return {f"{role}_date": date(2026, month, day), f"{role}_month": date(2026, month, 1), **rest}


@settings(max_examples=60)
@given(st.lists(referrals, min_size=3, max_size=3), referrals, st.lists(visits, max_size=8))
def test_a_changed_referral_touches_no_visits_of_earlier_months(made, changed, seen):
    """What lets a run leave them alone: months before the referral's old and new one keep their rows."""

    def revenue(rows):
        rows = [{**REFERRAL, "referral_id": f"R{n}", **dated("referral", **one)} for n, one in enumerate(rows)]
        return referral_revenue(
            held(Visits, *({**VISIT, **dated("visit", **one)} for one in seen)),
            held(Referrals, *rows),
            held(ClaimsOfLines),
        ).collect()

    first = date(2026, min(made[0]["month"], changed["month"]), 1)
    before, after = (
        sorted(revenue(rows).filter(pl.col("visit_month") < first).rows()) for rows in (made, [changed, *made[1:]])
    )
    assert before == after
