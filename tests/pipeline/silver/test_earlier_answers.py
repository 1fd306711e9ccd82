"""How a claim was answered before is kept, whatever became of it."""

from datetime import UTC, date, datetime
from itertools import pairwise

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from carti_lake.pipeline.cleanse import cleanse
from carti_lake.pipeline.silver.earlier_answers import answers, first_answers, replaced
from carti_lake.pipeline.survey import survey
from carti_lake.tables.feeds import EhrVisits
from carti_lake.tables.gold.dimensions import UNDATED
from carti_lake.tables.silver import Visits
from tests.worlds.rows import APRIL, MARCH, held, landed, visit


def earlier(*rows):
    """The answers that delivered rows tell."""
    bronze = landed(EhrVisits, *rows)
    codes = survey(bronze, Visits)
    return answers(cleanse(bronze, Visits, codes, "")).collect()


def denied(visit_id, **values):
    return visit(visit_id, claim_status="Denied", claim_paid="0", **values)


def standing(*rows):
    """Silver's visits, by number and month."""
    keys = earlier(*(visit(visit_id) for visit_id, _ in rows)).select("visit_id", "key_hash").lazy()
    visits = held(Visits, *({"visit_id": visit_id, "visit_month": month} for visit_id, month in rows))
    return visits.drop("key_hash").join(keys, on="visit_id")


def test_only_answers_are_kept_however_they_are_spelled():
    statuses = ["Paid", " REJECTED", "Open", "void", None]
    rows = landed(EhrVisits, *(visit(f"V{place}", claim_status=status) for place, status in enumerate(statuses)))
    assert replaced(rows, held(Visits)).collect()["visit_id"].sort().to_list() == ["V0", "V1", "V3"]


def test_the_current_row_is_no_earlier_one():
    rows = landed(EhrVisits, denied("V1"), visit("V1"))
    current = held(Visits, {"batch_id": "batch", "row_number": 2})
    assert replaced(rows, current).collect()["claim_status"].to_list() == ["Denied"]


def test_an_answer_is_told_by_its_columns_but_not_by_a_withdrawal():
    found = earlier(
        denied("V1", denial_reason="CO-16 ", claim_paid_date="2026-04-02"),
        denied("V2", is_deleted="true"),
        visit("V3", claim_status="Pending"),
    )
    assert found.select("visit_id", "claim_status", "denial_reason", "claim_paid_date", "row_number").rows() == [
        ("V1", "denied", "co_16", date(2026, 4, 2), 1)
    ]


def test_the_first_of_each_answer_counts_in_the_month_where_the_visit_stands():
    rows = [denied("V1", denial_reason="coding"), visit("V1"), denied("V1", denial_reason="eligibility"), denied("V2")]
    found = first_answers(earlier(*rows).lazy(), standing(("V1", APRIL), ("V2", None))).collect()
    columns = ("visit_id", "claim_status", "denial_reason", "visit_month")
    assert found.select(columns).sort(columns).rows() == [
        ("V1", "denied", "coding", APRIL),
        ("V1", "paid", None, APRIL),
        ("V2", "denied", None, UNDATED),
    ]


DELIVERED = earlier(*(denied(f"V{place % 3}", denial_reason=f"reason {place}") for place in range(6))).with_columns(
    extract_date=pl.Series([MARCH, APRIL, MARCH, APRIL, MARCH, MARCH]),
    delivered_at=pl.Series([datetime(2026, 5, day, tzinfo=UTC) for day in (2, 1, 2, 1, 1, 1)]).cast(
        pl.Datetime("us", "UTC")
    ),
)
VISITS = standing(("V0", MARCH), ("V1", MARCH), ("V2", APRIL)).collect()


@settings(max_examples=30)
@given(st.permutations([*range(6), *range(6)]), st.lists(st.integers(0, 12), max_size=3))
def test_order_split_and_repetition_of_what_was_told_do_not_matter(order, cuts):
    expected = first_answers(DELIVERED.lazy(), VISITS.lazy()).sort("visit_id").collect()
    state = expected.clear()
    for begin, end in pairwise([0, *sorted(cuts), 12]):
        part = DELIVERED[order[begin:end]]
        state = first_answers(pl.concat([state.select(part.columns), part]).lazy(), VISITS.lazy()).collect()
    assert state.sort("visit_id").equals(expected)
    # By extract date, then by moment of delivery: not by the order in which the rows came.
    assert expected["denial_reason"].to_list() == ["reason_0", "reason_4", "reason_5"]
