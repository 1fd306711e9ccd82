"""Claim lines from remittances: added up to the claim of a visit, net of reversals, to the cent and to every mart."""

import itertools
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest

from carti_lake import Lake
from tests.equality import assert_same, state
from tests.worlds.rows import visit

pytestmark = pytest.mark.slow

DAY = date(2026, 4, 20)


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path / "lake", environment={})


def line(claim_id, number, **values):
    """A line of 100 billed, of which the contract writes off 20 and the payer pays 80, in the remittance of 1 April."""
    return {
        "claim_id": claim_id,
        "line_number": number,
        "remittance_id": "R1",
        "remittance_date": "2026-04-01",
        "billed_amount": "100",
        "paid_amount": "80",
        "adjustment_group": "CO",
        "adjustment_reason": "45",
        "adjustment_amount": "20",
        "claim_status": "1",
        **values,
    }


def taken_back(claim_id, number, **values):
    negative = {"billed_amount": "-100", "paid_amount": "-80", "adjustment_amount": "-20", "claim_status": "22"}
    return line(claim_id, number, remittance_id="R2", remittance_date="2026-04-09", **{**negative, **values})


def corrected(claim_id, number, **values):
    again = {"billed_amount": "120", "paid_amount": "90", "adjustment_amount": "30"}
    return line(claim_id, number, remittance_id="R2", remittance_date="2026-04-09", **{**again, **values})


def deliver(lake, *lines, day=DAY):
    lake.load("ehr_claim_lines", pl.DataFrame(list(lines)), extract_date=day)


def claims(lake, *lines, visits=("V1",)):
    """Status, billed and paid of each claim once the visits and lines are delivered."""
    rows = [visit(one, claim_id=f"C{one[1:]}", claim_status="Pending", claim_paid="0") for one in visits]
    lake.load("ehr_visits", pl.DataFrame(rows), extract_date=DAY)
    deliver(lake, *lines)
    result = lake.run()
    assert not result.failed, result.failed
    told = lake.scan("silver.claims").sort("claim_id").select("claim_status", "claim_amount", "claim_paid")
    return told.collect().rows()


def test_lines_add_up_to_their_claim_and_to_the_marts(lake):
    lines = [line("C1", "1"), line("C1", "2", billed_amount="1500", paid_amount="1200", adjustment_amount="300")]

    assert claims(lake, *lines, visits=("V1", "V2")) == [("paid", 1_600, 1_280), ("pending", 100, 0)]

    monthly = lake.scan("gold.claims_monthly").select(
        pl.col("claims", "paid_claims", "pending_claims", "gross_charges", "payments", "contractual_adjustments").sum()
    )
    assert monthly.collect().rows() == [(2, 1, 1, 1_700, 1_280, 320)]
    provider = lake.scan("gold.provider_monthly").select(pl.col("gross_charges", "payments").sum()).collect()
    assert provider.rows() == [(1_700, 1_280)]
    # The visit stays as the EHR delivered it.
    assert lake.scan("silver.visits").select(pl.col("claim_paid").sum()).collect().item() == 0


def test_a_reversed_claim_is_worth_nothing(lake):
    assert claims(lake, line("C1", "1"), taken_back("C1", "1")) == [("reversed", 0, 0)]


def test_a_reversal_without_its_sign_takes_back_as_well(lake):
    upright = taken_back("C1", "1", billed_amount="100", paid_amount="80", adjustment_amount="20")
    assert claims(lake, line("C1", "1"), upright) == [("reversed", 0, 0)]
    adjusted = lake.scan("silver.claims_of_lines").select("adjusted_amount", "reversals").collect()
    assert adjusted.rows() == [(0, 1)]


def test_a_correction_follows_a_reversal_in_the_same_remittance(lake):
    assert claims(lake, line("C1", "1"), taken_back("C1", "1"), corrected("C1", "1")) == [("paid", 120, 90)]


def test_the_amounts_of_a_line_stand_on_each_of_its_adjustments_and_count_once(lake):
    owed = line("C1", "1", adjustment_group="PR", adjustment_reason="1", adjustment_amount="15", paid_amount="65")
    assert claims(lake, line("C1", "1", paid_amount="65"), owed) == [("paid", 100, 65)]
    adjusted = lake.scan("silver.claims_of_lines").select("contractual_adjustment", "adjusted_amount").collect()
    assert adjusted.rows() == [(20, 35)]


def test_a_second_payer_pays_more_of_the_same_charges(lake):
    second = line("C1", "1", remittance_id="R7", claim_status="2", paid_amount="15", adjustment_group="OA")
    assert claims(lake, line("C1", "1", paid_amount="65"), second) == [("paid", 100, 80)]


@pytest.mark.parametrize(
    "answer",
    [
        {"claim_status": "4", "paid_amount": "0", "adjustment_reason": "16"},
        {"paid_amount": "0", "adjustment_reason": "197", "adjustment_amount": "100"},
    ],
    ids=["status 4", "processed, nothing paid"],
)
def test_a_denial_is_remembered_when_it_is_overturned(lake, answer):
    assert claims(lake, line("C1", "1", **answer)) == [("denied", 100, 0)]
    deliver(lake, line("C1", "1", remittance_id="R3", remittance_date="2026-04-15"), day=date(2026, 4, 21))
    lake.run(accept=["drift"])
    told = lake.scan("silver.claims_of_lines").select("claim_status", "denial_reason", "first_denied_date").collect()
    assert told.rows() == [("paid", f"co_{answer['adjustment_reason']}", date(2026, 4, 1))]
    monthly = lake.scan("gold.claims_monthly").select(pl.col("initially_denied_claims", "overturned_claims").sum())
    assert monthly.collect().rows() == [(1, 1)]


def test_what_the_patient_owes_whole_is_no_denial(lake):
    deductible = line("C1", "1", paid_amount="0", adjustment_group="PR", adjustment_reason="1", adjustment_amount="100")
    assert claims(lake, deductible) == [("paid", 100, 0)]


def test_a_pending_line_counts_until_it_is_answered(lake):
    pending = line("C1", "1", remittance_id="R0", claim_status="pending", paid_amount="0")
    assert claims(lake, pending) == [("pending", 100, 0)]
    deliver(lake, line("C1", "1"), day=date(2026, 4, 21))
    lake.run()
    assert lake.scan("silver.claims").select("claim_status", "claim_amount").collect().rows() == [("paid", 100)]


def test_a_line_names_its_visit_or_finds_it_by_the_claim(lake):
    named = line("X9", "1", visit_id="V1", paid_amount="70")
    assert claims(lake, named, line("C2", "1"), line("C8", "1"), visits=("V1", "V2")) == [
        ("paid", 100, 70),
        ("paid", 100, 80),
    ]


def test_an_unknown_status_waits_in_quarantine(lake):
    claims(lake, line("C1", "1"), line("C1", "2", claim_status="25"))
    assert lake.storage.scan("quarantine.claim_lines").collect()["rules"].to_list() == ["claim_status|unreadable"]


def test_explain_names_a_reversal_and_its_parts_sum_to_the_change(lake):
    claims(lake, line("C1", "1"), line("C2", "1"), visits=("V1", "V2"))
    deliver(lake, taken_back("C1", "1"), day=date(2026, 4, 21))
    lake.run(accept=["drift"])
    parts = {part.cause: part.numerator for part in lake.explain("payments", 1, 2).parts if part.numerator}
    assert parts == {"reversals": Decimal(-80)}


def test_any_order_of_lines_and_a_rebuild_give_the_same_tables(tmp_path):
    batches = [
        ("ehr_visits", [visit("V1", claim_id="C1"), visit("V2", claim_id="C2")], 1),
        ("ehr_claim_lines", [line("C1", "1"), line("C1", "2")], 2),
        ("ehr_claim_lines", [taken_back("C1", "1"), corrected("C1", "1"), line("C2", "1")], 3),
        ("ehr_visits", [visit("V1", claim_id="C1", visit_date="2026-02-05")], 4),
    ]
    expected = None
    for place, order in enumerate(itertools.islice(itertools.permutations(batches), 0, 24, 7)):
        lake = Lake(tmp_path / str(place), environment={})
        for feed, rows, day in order:
            at = datetime(2026, 4, day, tzinfo=UTC)
            lake.load(feed, pl.DataFrame(rows), extract_date=at.date(), delivered_at=at)
            lake.run(accept=["drift", "quality"])
        found = state(lake)
        expected = expected or found
        assert_same(expected, found)
    lake.run(full=True, accept=["drift", "quality"])
    assert_same(expected, state(lake))


def test_a_file_of_claim_lines_is_refused_as_visits_and_adds_up_as_lines(lake, shared):
    [path] = (shared / "data/foreign/claim_lines").glob("*.csv")
    lake.load("ehr_visits", path)
    [audit] = lake.run().failed
    assert "2 of 4 fail" in audit.detail
    assert "A file with a row per claim line is the feed ehr_claim_lines" in audit.detail

    one_a_visit = pl.read_csv(path, infer_schema=False).unique("visit_id", maintain_order=True)
    lake.load("ehr_visits", one_a_visit, extract_date=date(2026, 4, 1))
    names = {"visit_date": "remittance_date", "claim_amount": "billed_amount", "claim_paid": "paid_amount"}
    lake.load("ehr_claim_lines", path, mapping={**names, "line": "line_number"})
    # The file of lines that was loaded as visits stays what it is: a person says so.
    assert lake.run(accept=["quality"]).release == 1
    told = lake.scan("silver.claims").select(pl.col("claim_amount", "claim_paid").sum()).collect()
    assert told.rows() == [(10_800, 9_430)]


def test_reversals_of_a_visits_file_net_to_nothing(lake, shared):
    [path] = (shared / "data/foreign/claim_reversal").glob("*.csv")
    lake.load("ehr_visits", path)
    assert lake.run().release == 1
    told = lake.scan("silver.claims").select(pl.col("claim_amount", "claim_paid").sum()).collect()
    assert told.rows() == [(100, 80)]


@pytest.mark.parametrize(
    ("folder", "feed"), [("med_refills", "ehr_medications"), ("crm_two_accounts", "salesforce_crm")]
)
def test_other_feeds_with_several_rows_a_key_are_kept_from_readers(lake, shared, folder, feed):
    lake.load(feed, *(shared / "data/foreign" / folder).glob("*.csv"))
    [audit] = lake.run().failed
    assert audit.name == "quality"
    assert "extracts|rows_of_one_key" in audit.detail
