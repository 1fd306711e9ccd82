"""What is wrong with the rows, by month: findings of the rows that stand, rules of those that were refused."""

from datetime import date

import pytest

from carti_lake.pipeline.gold.quality import findings, refusals
from carti_lake.tables.gold import Reconciliation
from carti_lake.tables.quarantine import QUARANTINE
from carti_lake.tables.silver import Campaigns, Encounters, Referrals, Visits
from tests.rows import APRIL, MARCH, held


def reported(rows, entity):
    """By rule and month: checked, failed, dollars."""
    found = findings(rows, entity).collect()
    assert set(found["severity"]) <= {"warn"}
    return {
        (row["rule"], row["month"]): (row["checked"], row["failed"], row["failed_amount"])
        for row in found.iter_rows(named=True)
    }


def test_a_payment_on_a_claim_that_was_not_paid_is_reported_with_its_dollars():
    visits = held(
        Visits,
        {"claim_status": "denied", "claim_amount": 100, "claim_paid": 80, "visit_month": MARCH},
        {"claim_status": "pending", "claim_amount": 100, "claim_paid": 20, "visit_month": MARCH},
        {"claim_status": "pending", "claim_amount": 100, "claim_paid": 0, "visit_month": MARCH},
        {"claim_status": "paid", "claim_amount": 100, "claim_paid": 130, "visit_month": MARCH},
        {"claim_status": "denied", "claim_amount": 100, "claim_paid": 99, "visit_month": MARCH, "withdrawn": True},
        {"claim_status": "denied", "claim_amount": 100, "claim_paid": 5, "visit_month": APRIL},
        service_line="lung",
    )
    assert reported(visits, Visits) == {
        ("payment_on_unpaid_claim", MARCH): (3, 2, 100),
        ("payment_on_unpaid_claim", APRIL): (1, 1, 5),
        ("payment_above_charges", MARCH): (4, 1, 130),
        ("payment_above_charges", APRIL): (1, 0, 0),
        ("missing_service_line", MARCH): (4, 0, None),
        ("missing_service_line", APRIL): (1, 0, None),
    }


@pytest.mark.parametrize(
    ("entity", "rows", "found"),
    [
        (
            Encounters,
            [
                {"admission_date": date(2026, 3, 2), "discharge_date": date(2026, 3, 5), "length_of_stay": 3},
                {"admission_date": date(2026, 3, 2), "discharge_date": date(2026, 3, 5), "length_of_stay": 4},
                {"admission_date": date(2026, 3, 2), "discharge_date": None, "length_of_stay": 9},
            ],
            {("length_of_stay_disagrees", MARCH): (2, 1, None)},
        ),
        (
            Referrals,
            [
                {"referral_status": "completed", "first_visit_date": None},
                {"referral_status": "completed", "first_visit_date": date(2026, 3, 9)},
                {"referral_status": "lost", "first_visit_date": None},
            ],
            {("completed_without_visit", MARCH): (2, 1, None)},
        ),
        (Campaigns, [{"campaign_id": "C1"}], {}),
    ],
)
def test_other_findings(entity, rows, found):
    month = {entity.partition_by: MARCH} if entity.partition_by else {}
    assert reported(held(entity, *rows, **month), entity) == found


def test_each_broken_rule_of_a_refused_row_counts_against_what_was_delivered():
    refused = QUARANTINE["visits"]
    quarantine = held(
        refused,
        {"rules": "visit_date|unreadable,claim_amount|min", "extract_date": date(2026, 3, 6)},
        {"rules": "visit_date|unreadable", "extract_date": date(2026, 3, 9)},
        {"rules": "patient_key|nullability", "extract_date": date(2026, 4, 1)},
    )
    batches = held(
        Reconciliation,
        {"batch_id": "a", "feed": "ehr_visits", "extract_date": date(2026, 3, 6), "bronze_rows": 10},
        {"batch_id": "b", "feed": "ehr_visits", "extract_date": date(2026, 3, 9), "bronze_rows": 5},
        {"batch_id": "c", "feed": "ehr_visits", "extract_date": date(2026, 4, 1), "bronze_rows": 7},
        {"batch_id": "d", "feed": "providers", "extract_date": date(2026, 4, 1), "bronze_rows": 100},
    )
    rows = refusals(quarantine, batches, Visits).sort("month", "rule").collect()
    assert set(rows["severity"]) == {"quarantine"}
    assert rows.select("rule", "month", "category", "checked", "failed").rows() == [
        ("claim_amount|min", MARCH, "plausibility", 15, 1),
        ("visit_date|unreadable", MARCH, "conformance", 15, 2),
        ("patient_key|nullability", APRIL, "completeness", 7, 1),
    ]
    assert rows["description"].to_list() == [
        "claim_amount: out of its range",
        "visit_date: the delivered value cannot be read",
        "patient_key: missing",
    ]


def test_a_rule_between_columns_is_described_by_its_own_words():
    quarantine = held(
        QUARANTINE["encounters"], {"rules": "discharged_after_admission", "extract_date": date(2026, 3, 6)}
    )
    rows = refusals(quarantine, held(Reconciliation, {"feed": "sg2_patient_flow", "extract_date": MARCH}), Encounters)
    assert rows.select("description").collect().item() == "Plausibility: nobody is discharged before the admission."
