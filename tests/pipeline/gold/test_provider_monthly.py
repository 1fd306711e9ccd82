"""Counts and sums by provider, month and service line, each worked out by hand."""

from decimal import Decimal

import polars as pl

from carti_lake.pipeline.gold.provider_monthly import provider_monthly
from carti_lake.tables.silver import Appointments, ClaimsOfLines, Encounters, Referrals, Visits
from tests.worlds.rows import APRIL, MARCH, held


def cells(visits=(), encounters=(), referrals=(), appointments=()):
    """Rows by (provider, month, service line)."""
    rows = provider_monthly(
        held(Visits, *visits),
        held(Encounters, *encounters),
        held(Referrals, *referrals),
        held(Appointments, *appointments),
        held(ClaimsOfLines),
    ).collect()
    keyed = rows.rows_by_key(["provider_id", "month", "service_line"], named=True, unique=True)
    return {key: dict(row) for key, row in keyed.items()}


def measures(cell):
    """What a cell counts, without its zeros."""
    return {name: value for name, value in cell.items() if value}


def claim(status, amount, paid, **values):
    return {
        "rendering_provider_id": "lee",
        "visit_month": MARCH,
        "service_line": "breast",
        "patient_key": 1,
        "claim_status": status,
        "claim_amount": amount,
        "claim_paid": paid,
        **values,
    }


def test_claims_add_up_by_their_status():
    found = cells(
        visits=[
            claim("paid", 100, 80, contractual_adjustment=15),
            claim("paid", 50, 50),
            claim("denied", 40, 7, patient_key=2),  # a payment on a denied claim is kept and is no cash
            claim("pending", 30, None),
            claim("reversed", 20, 0),
            claim(None, None, None, patient_key=3),
        ]
    )
    assert measures(found["lee", MARCH, "breast"]) == {
        "visits": 6,
        "visit_patients": 3,
        "claims": 5,
        "paid_claims": 2,
        "denied_claims": 1,
        "pending_claims": 1,
        "gross_charges": Decimal(240),
        "paid_charges": Decimal(150),
        "denied_charges": Decimal(40),
        "payments_as_delivered": Decimal(137),
        "payments": Decimal(130),
        "contractual_claims": 1,
        "contractual_charges": Decimal(100),
        "contractual_adjustments": Decimal(15),
        "contractual_payments": Decimal(80),
    }


def test_each_provider_month_and_service_line_is_a_cell():
    found = cells(
        visits=[
            claim("paid", 1, 1),
            claim("paid", 2, 2, visit_month=APRIL),
            claim("paid", 4, 4, service_line=None),
            claim("paid", 8, 8, rendering_provider_id="diaz"),
        ]
    )
    assert {key: cell["payments"] for key, cell in found.items()} == {
        ("lee", MARCH, "breast"): 1,
        ("lee", APRIL, "breast"): 2,
        ("lee", MARCH, "unknown"): 4,
        ("diaz", MARCH, "breast"): 8,
    }


def test_a_stay_counts_for_who_referred_not_for_who_attended():
    stay = {
        "referring_provider_id": "diaz",
        "attending_provider_id": "lee",
        "admission_month": MARCH,
        "service_line": "lung",
    }
    found = cells(
        encounters=[
            {**stay, "length_of_stay": 3, "satisfaction_score": Decimal("90"), "treatment_cost": 1000},
            {**stay, "length_of_stay": 5, "satisfaction_score": Decimal("89.9"), "treatment_cost": None},
            {**stay, "length_of_stay": None, "satisfaction_score": None, "treatment_cost": 500},
        ]
    )
    assert found.keys() == {("diaz", MARCH, "lung")}
    assert measures(found["diaz", MARCH, "lung"]) == {
        "stays": 3,
        "length_of_stay_count": 2,
        "length_of_stay_days": 8,
        "satisfaction_count": 2,
        "satisfaction_sum": Decimal("179.9"),
        "top_box_count": 1,
        "treatment_cost_count": 2,
        "treatment_cost": Decimal(1500),
    }


def test_a_referral_counts_once_in_each_role():
    referral = {
        "referring_provider_id": "diaz",
        "rendering_provider_id": "lee",
        "referral_month": MARCH,
        "service_line": "lung",
    }
    found = cells(
        referrals=[
            {**referral, "referral_status": "completed", "network_status": "in_network"},
            {**referral, "referral_status": "completed", "network_status": "out_of_network"},
            {**referral, "referral_status": "lost", "network_status": None},
            # Seen elsewhere and lost: one leak, not two.
            {**referral, "referral_status": "lost", "network_status": "out_of_network", "rendering_provider_id": None},
            {**referral, "referral_status": "scheduled", "network_status": "in_network"},
        ]
    )
    assert measures(found["diaz", MARCH, "lung"]) == {
        "referrals_made": 5,
        "referrals_made_out_of_network": 2,
        "referrals_made_lost": 1,
    }
    assert measures(found["lee", MARCH, "lung"]) == {"referrals_received": 4, "referrals_completed": 1}


def test_appointments_that_were_not_to_take_place_do_not_count():
    one = {"provider_id": "lee", "appointment_month": MARCH, "service_line": "lung"}
    statuses = ["completed", "completed", "no_show", "cancelled", "booked"]
    found = cells(appointments=[{**one, "appointment_status": status} for status in statuses])
    assert measures(found["lee", MARCH, "lung"]) == {"appointments": 3, "no_shows": 1}


def test_withdrawn_rows_do_not_count():
    assert cells(visits=[claim("paid", 1, 1, withdrawn=True)]) == {}


def test_facts_of_every_kind_meet_in_one_row():
    found = cells(
        visits=[claim("paid", 1, 1)],
        encounters=[{"referring_provider_id": "lee", "admission_month": MARCH, "service_line": "breast"}],
        appointments=[
            {
                "provider_id": "lee",
                "appointment_month": MARCH,
                "service_line": "breast",
                "appointment_status": "no_show",
            }
        ],
    )
    assert len(found) == 1
    cell = found["lee", MARCH, "breast"]
    assert (cell["visits"], cell["stays"], cell["no_shows"]) == (1, 1, 1)


def test_no_rows_give_no_rows():
    inputs = (Visits, Encounters, Referrals, Appointments, ClaimsOfLines)
    empty = provider_monthly(*map(held, inputs)).collect()
    assert isinstance(empty, pl.DataFrame)
    assert empty.is_empty()
