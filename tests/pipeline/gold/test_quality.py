"""What is wrong with the data, by month: findings of standing rows, rules of refused ones, and the extracts."""

from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carti_lake.pipeline.gold.quality import deliveries, fails, findings, refusals, spared, with_unknown
from carti_lake.tables import ENTITIES
from carti_lake.tables.gold import DataQuality, Reconciliation
from carti_lake.tables.quarantine import QUARANTINE
from carti_lake.tables.silver import (
    Appointments,
    Campaigns,
    ClaimLines,
    CrmAccounts,
    Encounters,
    Medications,
    Opportunities,
    ProviderReferences,
    Providers,
    Referrals,
    UnknownReferences,
    Visits,
)
from tests.worlds.rows import APRIL, MARCH, held

TOLD = date(2026, 3, 20)
EARLY, LATE = date(2026, 3, 5), date(2026, 3, 9)
UNDATED = date(1900, 1, 1)


def every_finding(rows, entity):
    """Results of all passes."""
    return pl.concat(findings(rows, entity))


def counted(entity, rule, *rows):
    """Passed, failed and not applicable of a check over the rows of a month."""
    month = {entity.partition_by: MARCH} if entity.partition_by else {}
    every = spared(every_finding(held(entity, *rows, extract_date=TOLD, **month), entity), entity)
    found = every.filter(pl.col("rule") == rule).collect()
    assert found["month"].to_list() == [MARCH if month else UNDATED]
    return found.select("passed", "failed", "not_applicable").row(0)


def test_a_payment_on_a_claim_that_was_not_paid_is_reported_with_its_dollars():
    visits = held(
        Visits,
        {"claim_status": "denied", "claim_amount": 100, "claim_paid": 80, "visit_month": MARCH},
        {"claim_status": "pending", "claim_amount": 100, "claim_paid": 20, "visit_month": MARCH},
        {"claim_status": "pending", "claim_amount": 100, "claim_paid": 0, "visit_month": MARCH},
        {"claim_status": "paid", "claim_amount": 100, "claim_paid": 130, "visit_month": MARCH},
        {"claim_status": "denied", "claim_amount": 100, "claim_paid": 99, "visit_month": MARCH, "withdrawn": True},
        {"claim_status": "denied", "claim_amount": 100, "claim_paid": 5, "visit_month": APRIL},
    )
    found = every_finding(visits, Visits).filter(pl.col("rule").str.starts_with("payment_")).sort("rule", "month")
    columns = ("rule", "month", "checked", "passed", "failed", "not_applicable", "failed_amount")
    assert found.select(columns).collect().rows() == [
        ("payment_above_charges", MARCH, 4, 3, 1, 0, 130),
        ("payment_above_charges", APRIL, 1, 1, 0, 0, 0),
        ("payment_on_unpaid_claim", MARCH, 3, 1, 2, 1, 100),
        ("payment_on_unpaid_claim", APRIL, 1, 0, 1, 0, 5),
    ]
    assert set(found.collect()["severity"]) == {"warn"}


@pytest.mark.parametrize(
    ("entity", "rule", "passes", "fails", "spared"),
    [
        (Visits, "service_line|missing", {"service_line": "lung"}, {}, None),
        (Visits, "service_line|placeholder", {"service_line": "lung"}, {"service_line": "unknown"}, {}),
        (Visits, "payer|missing", {"claim_status": "paid", "payer": "aetna"}, {"claim_status": "paid"}, {}),
        (
            Visits,
            "denial_reason|missing",
            {"claim_status": "denied", "denial_reason": "coding"},
            {"claim_status": "denied"},
            {"claim_status": "paid"},
        ),
        (
            Visits,
            "claim_submitted_date|missing",
            {"claim_status": "paid", "claim_submitted_date": EARLY},
            {"claim_status": "pending"},
            {},
        ),
        (
            Visits,
            "claim_paid_date|missing",
            {"claim_status": "denied", "claim_paid_date": EARLY},
            {"claim_status": "paid"},
            {"claim_status": "pending"},
        ),
        (
            Visits,
            "allowed_amount|missing",
            {"claim_status": "paid", "allowed_amount": 70},
            {"claim_status": "paid"},
            {"claim_status": "denied"},
        ),
        (Visits, "visit_date|future", {"visit_date": TOLD}, {"visit_date": TOLD + timedelta(days=1)}, {}),
        (
            Visits,
            "claim_submitted_date|before_visit_date",
            {"visit_date": EARLY, "claim_submitted_date": EARLY},
            {"visit_date": LATE, "claim_submitted_date": EARLY},
            {"visit_date": LATE},
        ),
        (
            Visits,
            "claim_paid_date|before_claim_submitted_date",
            {"claim_submitted_date": EARLY, "claim_paid_date": LATE},
            {"claim_submitted_date": LATE, "claim_paid_date": EARLY},
            {"claim_paid_date": EARLY},
        ),
        (
            Encounters,
            "length_of_stay_disagrees",
            {"admission_date": EARLY, "discharge_date": LATE, "length_of_stay": 4},
            {"admission_date": EARLY, "discharge_date": LATE, "length_of_stay": 5},
            {"admission_date": EARLY, "length_of_stay": 9},
        ),
        (Encounters, "service_line|missing", {"service_line": "lung"}, {}, None),
        (Encounters, "service_line|placeholder", {"service_line": "lung"}, {"service_line": "n_a"}, {}),
        (Encounters, "principal_diagnosis_code|missing", {"principal_diagnosis_code": "C61"}, {}, None),
        (
            Encounters,
            "discharge_disposition|missing",
            {"discharge_date": LATE, "discharge_disposition": "home"},
            {"discharge_date": LATE},
            {},
        ),
        (Encounters, "satisfaction_score|missing", {"satisfaction_score": 90}, {}, None),
        (Encounters, "admission_date|future", {"admission_date": TOLD}, {"admission_date": date(2027, 1, 1)}, {}),
        (
            Referrals,
            "completed_without_visit",
            {"referral_status": "completed", "first_visit_date": LATE},
            {"referral_status": "completed"},
            {"referral_status": "lost"},
        ),
        (Referrals, "rendering_provider_id|missing", {"rendering_provider_id": "1234567893"}, {}, None),
        (Referrals, "service_line|missing", {"service_line": "lung"}, {}, None),
        (Referrals, "service_line|placeholder", {"service_line": "lung"}, {"service_line": "tbd"}, {}),
        (
            Referrals,
            "network_status|missing",
            {"referral_status": "completed", "network_status": "in_network"},
            {"referral_status": "completed"},
            {"referral_status": "new"},
        ),
        (Referrals, "patient_zip3|missing", {"patient_zip3": "722"}, {}, None),
        (Referrals, "referral_date|future", {"referral_date": TOLD}, {"referral_date": date(2027, 1, 1)}, {}),
        (Opportunities, "is_won|missing", {"is_won": False}, {}, None),
        (Opportunities, "is_closed|missing", {"is_closed": False}, {}, None),
        (Opportunities, "amount|missing", {"amount": 0}, {}, None),
        (Opportunities, "created_date|missing", {"created_date": EARLY}, {}, None),
        (Opportunities, "created_date|future", {"created_date": TOLD}, {"created_date": date(2027, 1, 1)}, {}),
        (
            Opportunities,
            "close_date|before_created_date",
            {"created_date": EARLY, "close_date": LATE},
            {"created_date": LATE, "close_date": EARLY},
            {"created_date": LATE},
        ),
        (Campaigns, "actual_cost|missing", {"actual_cost": 0}, {}, None),
        (Campaigns, "start_date|missing", {"start_date": EARLY}, {}, None),
        (
            Campaigns,
            "end_date|before_start_date",
            {"start_date": EARLY, "end_date": LATE},
            {"start_date": LATE, "end_date": EARLY},
            {"start_date": LATE},
        ),
        (CrmAccounts, "marketing_cost|missing", {"marketing_cost": 1}, {}, None),
        (CrmAccounts, "opportunity_value|missing", {"opportunity_value": 1}, {}, None),
        (CrmAccounts, "pipeline_stage|missing", {"pipeline_stage": "Won"}, {}, None),
        (Appointments, "service_line|missing", {"service_line": "lung"}, {}, None),
        (Appointments, "booked_date|missing", {"booked_date": EARLY}, {}, None),
        (
            Appointments,
            "visit_id|missing",
            {"appointment_status": "completed", "visit_id": "V1"},
            {"appointment_status": "completed"},
            {"appointment_status": "no_show"},
        ),
        (
            Appointments,
            "appointment_date|before_booked_date",
            {"booked_date": EARLY, "appointment_date": LATE},
            {"booked_date": LATE, "appointment_date": EARLY},
            {"appointment_date": LATE},
        ),
        (Appointments, "booked_date|future", {"booked_date": TOLD}, {"booked_date": date(2027, 1, 1)}, {}),
        (
            ClaimLines,
            "adjustment_reason|missing",
            {"adjustment_amount": 5, "adjustment_reason": "45"},
            {"adjustment_amount": 5},
            {},
        ),
        (ClaimLines, "remittance_date|future", {"remittance_date": TOLD}, {"remittance_date": date(2027, 1, 1)}, {}),
        (Medications, "total_cost|missing", {"total_cost": 5}, {}, None),
        (Medications, "provider_id|missing", {"provider_id": "1234567893"}, {}, None),
        (Medications, "ordered_date|future", {"ordered_date": TOLD}, {"ordered_date": date(2027, 1, 1)}, {}),
        (Providers, "npi|missing", {"npi": "1234567893"}, {}, None),
        (Providers, "npi|several_names", {"npi": "1234567893"}, {"npi": "1234567893", "other_names": "lee ann"}, {}),
        (
            ProviderReferences,
            "reference_npi|several_names",
            {"reference_npi": "1234567893", "reference_name": "Ann Lee"},
            {"reference_npi": "1234567893", "reference_name": "Ann Lee", "other_names": "eve moss"},
            {"reference_npi": "", "reference_name": "Ann Lee"},
        ),
        (
            ClaimLines,
            "reversal_without_payer",
            {"claim_status": "reversed", "payer": "medicare"},
            {"claim_status": "reversed"},
            {"claim_status": "denied"},
        ),
        (Providers, "network_status|missing", {"network_status": "in_network"}, {}, None),
        (Providers, "service_line|missing", {"service_line": "lung"}, {}, None),
        (Providers, "specialty|missing", {"specialty": "Urology"}, {}, None),
    ],
)
def test_each_finding_knows_what_passes_what_fails_and_what_it_is_not_about(entity, rule, passes, fails, spared):
    rows = [passes, passes, fails] if spared is None else [passes, passes, fails, spared, spared, spared]
    assert counted(entity, rule, *rows) == (2, 1, 0 if spared is None else 3)


@pytest.mark.parametrize(
    ("entity", "column"), [(Visits, "claim_id"), (Providers, "provider_name")], ids=["visits", "providers"]
)
def test_of_rows_that_bear_one_number_all_but_the_first_fail(entity, column):
    rows = [{column: "1"}, {column: "1"}, {column: "1"}, {column: "2"}, {}, {}]
    assert counted(entity, f"{column}|repeated", *rows) == (2, 2, 2)


def test_a_number_may_come_again_in_another_month():
    visits = held(Visits, {"claim_id": "1", "visit_month": MARCH}, {"claim_id": "1", "visit_month": APRIL})
    found = every_finding(visits, Visits).filter(pl.col("rule") == "claim_id|repeated").collect()
    assert found["failed"].to_list() == [0, 0]


def test_every_finding_has_an_example_above():
    tried = {(case[0], case[1]) for case in _cases()} | {
        (Visits, "payment_on_unpaid_claim"),
        (Visits, "payment_above_charges"),
        (Visits, "claim_id|repeated"),
        (Providers, "provider_name|repeated"),
    }
    owning = [(table, table.own_findings()) for table in ENTITIES.values()]
    owning.append((ProviderReferences, ProviderReferences.findings()))
    assert {(table, one.id) for table, own in owning for one in own if one.refers is None} == tried


def _cases():
    [mark] = test_each_finding_knows_what_passes_what_fails_and_what_it_is_not_about.pytestmark
    return mark.args[1]


def test_a_column_that_no_row_has_is_one_that_its_source_does_not_deliver():
    assert counted(Visits, "service_line|missing", {}, {}) == (0, 0, 2)
    assert counted(Referrals, "completed_without_visit", {"referral_status": "completed"}) == (0, 0, 1)


def test_a_column_counts_from_the_first_month_that_has_it_and_then_in_every_month():
    lines = {date(2026, 1, 1): None, date(2026, 2, 1): None, MARCH: "lung", APRIL: None}
    visits = held(Visits, *({"visit_month": month, "service_line": line} for month, line in lines.items()))
    found = spared(every_finding(visits, Visits), Visits).filter(pl.col("rule") == "service_line|missing").sort("month")
    assert found.select("passed", "failed", "not_applicable").collect().rows() == [
        (0, 0, 1),
        (0, 0, 1),
        (1, 0, 0),
        (0, 1, 0),
    ]


def test_unknown_references_fail_where_somebody_delivers_what_is_named():
    visits = held(
        Visits,
        {"referral_id": "R1", "visit_month": MARCH},
        {"referral_id": "R9", "visit_month": MARCH},
        {"visit_month": MARCH},
        {"referral_id": "R9", "visit_month": APRIL},
    )
    rule = {"table_name": "silver.visits", "rule": "referral_id|unknown"}
    unknown = held(UnknownReferences, {**rule, "month": MARCH, "reference": 9, "rows": 1})
    counted = (
        every_finding(visits, Visits).filter(pl.col("rule") == "referral_id|unknown").sort("month", descending=True)
    )

    def numbers(lacking):
        rows = with_unknown(counted, unknown if not lacking else unknown.clear(), lacking).sort("month")
        return rows.select("passed", "failed", "not_applicable").collect().rows()

    assert numbers([]) == [(1, 1, 1), (1, 0, 0)]
    assert numbers(["referral_id|unknown"]) == [(0, 0, 3), (0, 0, 1)]


def test_an_entity_without_rows_has_no_results():
    assert every_finding(held(Visits), Visits).collect().is_empty()


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "visit_month": st.sampled_from([MARCH, APRIL]),
                "visit_date": st.sampled_from([EARLY, date(2027, 1, 1)]),
                "extract_date": st.just(TOLD),
                "service_line": st.sampled_from([None, "lung", "unknown"]),
                "claim_status": st.sampled_from([None, "paid", "denied"]),
                "claim_paid": st.sampled_from([None, 0, 120]),
                "claim_amount": st.sampled_from([None, 100]),
                "claim_id": st.sampled_from([None, "1", "2"]),
                "claim_submitted_date": st.sampled_from([None, EARLY, LATE]),
                "claim_paid_date": st.sampled_from([None, EARLY, LATE]),
                "withdrawn": st.booleans(),
            }
        ),
        max_size=12,
    )
)
def test_passed_failed_and_not_applicable_are_the_rows(rows):
    found = spared(every_finding(held(Visits, *rows), Visits), Visits).collect()
    assert (found["checked"] == found["passed"] + found["failed"]).all()
    assert found.select(pl.col("passed", "failed", "not_applicable").min()).min_horizontal().item() in (None, 0)
    standing = [row["visit_month"] for row in rows if not row["withdrawn"]]
    sums = found.select("rule", "month", pl.sum_horizontal("passed", "failed", "not_applicable"))
    assert sorted(sums.rows()) == sorted(
        (one.id, month, standing.count(month)) for one in Visits.findings() for month in set(standing)
    )


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
    rows = refusals(quarantine, batches, Visits).sort("rule", "month").collect()
    assert set(rows["severity"]) == {"quarantine"}
    # A rule that refused a row in one month is shown to have refused none in the other.
    assert rows.select("rule", "month", "category", "checked", "passed", "failed").rows() == [
        ("claim_amount|min", MARCH, "plausibility", 15, 14, 1),
        ("claim_amount|min", APRIL, "plausibility", 7, 7, 0),
        ("patient_key|nullability", MARCH, "completeness", 15, 15, 0),
        ("patient_key|nullability", APRIL, "completeness", 7, 6, 1),
        ("visit_date|unreadable", MARCH, "conformance", 15, 13, 2),
        ("visit_date|unreadable", APRIL, "conformance", 7, 7, 0),
    ]
    assert rows["description"].unique(maintain_order=True).to_list() == [
        "claim_amount: out of its range",
        "patient_key: missing",
        "visit_date: the delivered value cannot be read",
    ]


@pytest.mark.parametrize(
    ("entity", "rule", "category", "words"),
    [
        (Encounters, "discharged_after_admission", "plausibility", "nobody is discharged before the admission."),
        (Opportunities, "won_is_closed", "conformance", "a won opportunity is closed."),
    ],
)
def test_a_rule_between_columns_is_described_and_sorted_by_its_own_words(entity, rule, category, words):
    quarantine = held(QUARANTINE[entity.short_name], {"rules": rule, "extract_date": date(2026, 3, 6)})
    batches = held(Reconciliation, {"feed": entity.feed.short_name, "extract_date": MARCH, "bronze_rows": 1})
    rows = refusals(quarantine, batches, entity)
    assert rows.select("category", "description").collect().row(0) == (category, f"{category.capitalize()}: {words}")


def batches(feed, *days):
    """Batches of a feed: extract date and rows."""
    return [
        {"batch_id": f"{feed}{n}", "feed": feed, "extract_date": day, "bronze_rows": rows}
        for n, (day, rows) in enumerate(days)
    ]


def of_extracts(rule, *delivered):
    """By table and month: passed, failed, not applicable extract days."""
    rows = deliveries(held(Reconciliation, *delivered), ENTITIES).filter(pl.col("rule") == rule).collect()
    assert rows.columns == DataQuality.column_names()
    assert set(rows["severity"]) == {"extract"}
    return {
        (row["table_name"], row["month"]): (row["passed"], row["failed"], row["not_applicable"])
        for row in rows.iter_rows(named=True)
    }


def daily(first, *rows):
    return [(first + timedelta(days=day), count) for day, count in enumerate(rows)]


@pytest.mark.parametrize(
    ("rows", "failed"), [(50, 0), (49, 1), (240, 0), (241, 1)], ids=["half", "under half", "double", "over double"]
)
def test_a_day_far_off_the_smallest_and_the_largest_of_the_days_before_is_unusual(rows, failed):
    week = [100, 110, 120, 100, 110, 120, 100]
    visits = batches("ehr_visits", *daily(date(2026, 3, 2), *week, rows))
    assert of_extracts("extracts|volume", *visits) == {("silver.visits", MARCH): (1 - failed, failed, 7)}


def test_the_parts_of_a_day_are_one_day():
    whole = batches("ehr_visits", *daily(date(2026, 3, 2), *[100] * 7, 90))
    parts = batches("ehr_visits", *daily(date(2026, 3, 2), *[100] * 7, 45), (date(2026, 3, 9), 45))
    assert of_extracts("extracts|volume", *whole) == of_extracts("extracts|volume", *parts)


@pytest.mark.parametrize(("newest", "failed"), [(9, 0), (10, 0), (11, 1)], ids=["in time", "two days", "late"])
def test_a_feed_is_late_when_it_lags_by_over_twice_its_own_rhythm(newest, failed):
    visits = batches("ehr_visits", *daily(date(2026, 3, 1), *[10] * 8))
    others = batches("sg2_patient_flow", (date(2026, 3, newest), 5))
    assert of_extracts("extracts|late", *visits, *others) == {
        ("silver.visits", UNDATED): (1 - failed, failed, 0),
        ("silver.encounters", UNDATED): (0, 0, 1),
    }


def test_a_monthly_feed_has_a_month_and_more():
    months = [(date(2025 + month // 12, month % 12 + 1, 1), 10) for month in range(8)]
    directory = batches("providers", *months)
    in_time = batches("ehr_visits", (date(2025, 9, 30), 5))
    late = batches("ehr_visits", (date(2025, 10, 15), 5))
    assert of_extracts("extracts|late", *directory, *in_time)["silver.providers", UNDATED] == (1, 0, 0)
    assert of_extracts("extracts|late", *directory, *late)["silver.providers", UNDATED] == (0, 1, 0)


def delivery(rule, *batches):
    """Failed, checked and dollars of a check of deliveries, by month, over batches of visits."""
    rows = held(
        Reconciliation,
        *({"feed": "ehr_visits", "batch_id": f"b{n}", "duplicate_rows": 0, **one} for n, one in enumerate(batches)),
    )
    found = deliveries(rows, ENTITIES).filter(pl.col("rule") == rule).sort("month")
    return found.select("failed", "checked", "failed_amount").collect().rows()


def test_a_batch_refused_as_good_as_whole_fails_however_small_and_other_batches_do_not_hide_it():
    good = {"extract_date": EARLY, "bronze_rows": 1_000, "quarantined_rows": 20}
    bad = {"extract_date": LATE, "bronze_rows": 12, "duplicate_rows": 2, "quarantined_rows": 9}
    # Two batches, and the month as a whole.
    assert delivery("extracts|refused", good, bad) == [(1, 3, None)]
    assert delivery("extracts|refused", bad) == [(2, 2, None)]
    assert delivery("extracts|refused", {**bad, "quarantined_rows": 8}) == [(0, 2, None)]


def test_tiny_batches_are_judged_with_their_month():
    refused, taken = ({"extract_date": EARLY, "bronze_rows": 1, "quarantined_rows": number} for number in (1, 0))
    assert delivery("extracts|refused", refused) == [(1, 1, None)]
    assert delivery("extracts|refused", refused, taken, taken) == [(0, 1, None)]
    assert delivery("extracts|refused", refused, {**taken, "bronze_rows": 300}) == [(0, 2, None)]
    assert delivery("extracts|refused", refused, {**taken, "extract_date": APRIL}) == [(1, 1, None), (0, 1, None)]


def test_rows_of_one_key_are_a_share_of_the_batches_that_have_them():
    lines = {"extract_date": EARLY, "bronze_rows": 4, "displaced_rows": 2, "displaced_amount": Decimal(1_700)}
    other = {"extract_date": LATE, "bronze_rows": 1_000, "displaced_rows": 0, "displaced_amount": Decimal(0)}
    assert delivery("extracts|rows_of_one_key", lines, other) == [(2, 4, Decimal(1_700))]
    assert delivery("extracts|rows_of_one_key", other) == [(0, 1_000, Decimal(0))]
    assert delivery("extracts|rows_of_one_key", {**other, "displaced_amount": None}) == [(0, 1_000, None)]


def test_the_finding_says_what_to_do_with_such_an_extract():
    rows = held(Reconciliation, {"feed": "salesforce_crm", "batch_id": "a", "extract_date": EARLY, "bronze_rows": 3})
    found = deliveries(rows, ENTITIES).filter(pl.col("rule") == "extracts|rows_of_one_key").collect()
    assert CrmAccounts.instead in found["description"].item()


@pytest.mark.parametrize("entity", ENTITIES.values(), ids=lambda entity: entity.short_name)
def test_a_value_that_was_left_out_is_counted_under_its_check(entity):
    for column, kind in entity.cell_checks():
        check = next(one for one in entity.findings() if one.id == f"{column}|{kind}")
        rows = held(entity, {"unread": check.id}, {"unread": "other|unreadable"}, {"unread": None})
        assert rows.select(fails(check)).collect().to_series().to_list() == [True, False, False]
