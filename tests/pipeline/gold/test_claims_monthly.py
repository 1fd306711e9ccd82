"""The claims marts, every column worked out by hand."""

from datetime import date
from decimal import Decimal

import pytest

from carti_lake.pipeline.gold.claims_monthly import (
    billed,
    claims_activity,
    claims_lag,
    claims_monthly,
    claims_open,
    denials_monthly,
)
from carti_lake.tables.gold.dimensions import UNDATED
from carti_lake.tables.silver import EarlierAnswers, Visits
from tests.worlds.rows import APRIL, MARCH, held

CELL = {"month": MARCH, "provider_id": "lee", "payer": "blue", "service_line": "breast"}


def claim(number, status, amount, paid=None, **values):
    """A claim of Dr. Lee's, of March."""
    return {
        "visit_id": f"V{number}",
        "key_hash": number,
        "rendering_provider_id": "lee",
        "visit_month": MARCH,
        "payer": "blue",
        "service_line": "breast",
        "claim_status": status,
        "claim_amount": amount,
        "claim_paid": paid,
        **values,
    }


def answered(number, status, day, told=date(2026, 3, 31), **values):
    """How such a claim was answered before."""
    return {
        "visit_id": f"V{number}",
        "key_hash": number,
        "visit_month": MARCH,
        "claim_status": status,
        "claim_paid_date": day,
        "extract_date": told,
        **values,
    }


CLAIMS = [
    claim(1, "paid", 100, 80, contractual_adjustment=15, claim_submitted_date=date(2026, 3, 6)),
    claim(2, "paid", 50, 50, claim_submitted_date=date(2026, 3, 30)),  # denied on 20 April, and overturned
    claim(
        3,
        "denied",
        40,
        7,  # a payment, which is no cash
        claim_submitted_date=date(2026, 4, 1),
        claim_paid_date=date(2026, 4, 2),
        denial_reason="authorization",
    ),
    claim(4, "denied", 8, 0, extract_date=date(2026, 5, 3)),  # its denial's day was not delivered, but the extract's
    claim(5, "pending", 30, 1, claim_submitted_date=date(2026, 3, 31)),
    claim(6, "reversed", 20, 0, claim_submitted_date=date(2026, 3, 9)),
    claim(7, None, 5, 5),  # a visit that carries no claim
    claim(8, "paid", 500, 500, withdrawn=True),
]
EARLIER = [
    answered(2, "denied", date(2026, 4, 20), denial_reason="authorization"),
    answered(2, "paid", date(2026, 4, 25)),
    answered(6, "paid", date(2026, 4, 20)),
    answered(8, "denied", date(2026, 4, 2), denial_reason="coding"),
]


def with_extract(claims):
    return held(Visits, *claims, extract_date=date(2026, 3, 31))


def rows(make, claims=CLAIMS, earlier=EARLIER):
    made = make(billed(with_extract(claims), held(EarlierAnswers, *earlier))).collect()
    return made.sort(made.columns).to_dicts()


def test_claims_by_their_status_and_by_their_first_answer():
    assert rows(claims_monthly) == [
        {
            **CELL,
            "claims": 6,
            "submitted_claims": 5,
            "paid_claims": 2,
            "denied_claims": 2,
            "pending_claims": 1,
            "reversed_claims": 1,
            "gross_charges": Decimal(248),
            "paid_charges": Decimal(150),
            "denied_charges": Decimal(48),
            "pending_charges": Decimal(30),
            "reversed_charges": Decimal(20),
            "payments_as_delivered": Decimal(138),
            "payments": Decimal(130),
            "contractual_claims": 1,
            "contractual_charges": Decimal(100),
            "contractual_adjustments": Decimal(15),
            "contractual_payments": Decimal(80),
            "initially_denied_claims": 3,
            "initially_denied_charges": Decimal(98),
            "overturned_claims": 1,
            "overturned_charges": Decimal(50),
        }
    ]


def test_denials_by_the_reason_of_the_first_one():
    assert rows(denials_monthly) == [
        {
            **CELL,
            "denial_reason": "authorization",
            "initially_denied_claims": 2,
            "initially_denied_charges": Decimal(90),
            "denied_claims": 1,
            "denied_charges": Decimal(40),
            "overturned_claims": 1,
            "overturned_charges": Decimal(50),
        },
        {
            **CELL,
            "denial_reason": "unknown",
            "initially_denied_claims": 1,
            "initially_denied_charges": Decimal(8),
            "denied_claims": 1,
            "denied_charges": Decimal(8),
            "overturned_claims": 0,
            "overturned_charges": Decimal(0),
        },
    ]


def test_activity_counts_in_the_month_in_which_it_happened():
    def cell(month, submitted, submitted_charges, denied, denied_charges):
        return {
            **CELL,
            "activity_month": month,
            "submitted_claims": submitted,
            "submitted_charges": Decimal(submitted_charges),
            "initially_denied_claims": denied,
            "initially_denied_charges": Decimal(denied_charges),
        }

    assert rows(claims_activity) == [
        cell(MARCH, 4, 200, 0, 0),
        cell(APRIL, 1, 40, 2, 90),
        cell(date(2026, 5, 1), 0, 0, 1, 8),
    ]


def test_a_denial_delivered_again_keeps_its_first_reason_and_day():
    again = claim(1, "denied", 40, 0, claim_paid_date=date(2026, 5, 5), denial_reason="coding")
    before = answered(1, "denied", date(2026, 4, 2), denial_reason="eligibility")
    assert [row["denial_reason"] for row in rows(denials_monthly, [again], [before])] == ["eligibility"]
    assert [row["activity_month"] for row in rows(claims_activity, [again], [before])] == [APRIL]


def test_the_lag_of_a_claim_is_that_of_its_first_answer():
    claims = [
        claim(1, "paid", 100, 80, claim_paid_date=date(2026, 3, 20)),
        claim(2, "paid", 50, 50, claim_paid_date=date(2026, 5, 30)),  # overturned: answered on 20 April
        claim(3, "reversed", 40, 0, claim_paid_date=date(2026, 5, 30)),  # paid on 20 March
        claim(4, "paid", 40, 0),
        claim(5, "pending", 30),
        claim(6, "pending", 30),  # once denied, now open again
    ]
    earlier = [
        answered(2, "denied", date(2026, 4, 20)),
        answered(2, "paid", date(2026, 5, 2)),
        answered(3, "paid", date(2026, 3, 20)),
        answered(6, "denied", date(2026, 3, 20)),
    ]
    assert rows(claims_lag, claims, earlier) == [
        {"month": MARCH, "adjudicated_date": date(2026, 3, 20), "adjudicated_claims": 2},
        {"month": MARCH, "adjudicated_date": date(2026, 4, 20), "adjudicated_claims": 1},
    ]


def test_open_claims_keep_their_day_of_submission():
    waiting = [
        claim(1, "pending", 30, claim_submitted_date=date(2026, 3, 31)),
        claim(2, "pending", 12, claim_submitted_date=date(2026, 3, 31)),
        claim(3, "pending", 5),
        claim(4, "denied", 9, claim_submitted_date=date(2026, 3, 31)),
    ]
    assert rows(claims_open, waiting, []) == [
        {**CELL, "submitted_date": UNDATED, "open_claims": 1, "open_charges": Decimal(5)},
        {**CELL, "submitted_date": date(2026, 3, 31), "open_claims": 2, "open_charges": Decimal(42)},
    ]


def test_each_month_provider_payer_and_service_line_is_a_cell():
    found = rows(
        claims_monthly,
        [
            claim(1, "paid", 1, 1),
            claim(2, "paid", 2, 2, visit_month=APRIL),
            claim(3, "paid", 4, 4, rendering_provider_id="diaz"),
            claim(4, "paid", 8, 8, payer=None),
            claim(5, "paid", 16, 16, service_line=None),
        ],
        [],
    )
    assert {tuple(row[name] for name in CELL): row["payments"] for row in found} == {
        (MARCH, "lee", "blue", "breast"): 1,
        (APRIL, "lee", "blue", "breast"): 2,
        (MARCH, "diaz", "blue", "breast"): 4,
        (MARCH, "lee", "unknown", "breast"): 8,
        (MARCH, "lee", "blue", "unknown"): 16,
    }


@pytest.mark.parametrize("make", [claims_monthly, denials_monthly, claims_activity, claims_lag, claims_open])
def test_no_claims_give_no_rows(make):
    assert rows(make, [claim(1, None, 5, 5)], []) == []
