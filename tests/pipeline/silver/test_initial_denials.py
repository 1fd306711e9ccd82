"""The first denial of a claim is kept, whatever became of it."""

from datetime import UTC, date, datetime
from itertools import pairwise

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from carti_lake.pipeline.cleanse import cleanse, code_maps
from carti_lake.pipeline.gold.dimensions import UNDATED
from carti_lake.pipeline.silver.initial_denials import denials, first_denials, said_denied
from carti_lake.tables.feeds import EhrVisits
from carti_lake.tables.silver import Visits
from tests.rows import APRIL, MARCH, held, landed, visit


def told(*rows):
    """Denials among delivered rows."""
    bronze = said_denied(landed(EhrVisits, *rows))
    codes = {name: found.collect() for name, found in code_maps(bronze, Visits).items()}
    return denials(cleanse(bronze, Visits, codes, "")).collect()


def denied(visit_id, **values):
    return visit(visit_id, claim_status="Denied", claim_paid="0", **values)


def standing(*rows):
    """Silver's visits, by number and month."""
    keys = told(*(denied(visit_id) for visit_id, _ in rows)).select("visit_id", "key_hash")
    return (
        held(Visits, *({"visit_id": visit_id, "visit_month": month} for visit_id, month in rows))
        .drop("key_hash")
        .join(keys.lazy(), on="visit_id")
    )


def test_only_valid_denials_are_told_however_they_are_spelled():
    found = told(
        visit("V1"),
        denied("V2", denial_reason="CO-16 ", claim_paid_date="2026-04-02"),
        visit("V3", claim_status=" REJECTED"),
        visit("V4", claim_status="Denied", claim_amount="abc"),  # refused
        denied("V5", is_deleted="true"),  # a withdrawal's other columns may be anything
        visit("V6", claim_status=None),
    )
    assert found.sort("visit_id").select("visit_id", "denial_reason", "denied_date", "row_number").rows() == [
        ("V2", "co_16", date(2026, 4, 2), 2),
        ("V3", None, None, 3),
    ]


def test_the_first_of_a_claim_s_denials_counts_in_the_month_where_the_visit_stands():
    found = first_denials(
        told(denied("V1", denial_reason="coding"), denied("V1", denial_reason="eligibility"), denied("V2")).lazy(),
        standing(("V1", APRIL), ("V2", None)),
    ).collect()
    assert found.sort("visit_id").select("visit_id", "denial_reason", "visit_month").rows() == [
        ("V1", "coding", APRIL),
        ("V2", None, UNDATED),
    ]


DELIVERED = told(*(denied(f"V{place % 3}", denial_reason=f"reason {place}") for place in range(6))).with_columns(
    extract_date=pl.Series([MARCH, APRIL, MARCH, APRIL, MARCH, MARCH]),
    delivered_at=pl.Series([datetime(2026, 5, day, tzinfo=UTC) for day in (2, 1, 2, 1, 1, 1)]).cast(
        pl.Datetime("us", "UTC")
    ),
)
VISITS = standing(("V0", MARCH), ("V1", MARCH), ("V2", APRIL)).collect()


@given(st.permutations([*range(6), *range(6)]), st.lists(st.integers(0, 12), max_size=3))
def test_order_split_and_repetition_of_what_was_told_do_not_matter(order, cuts):
    expected = first_denials(DELIVERED.lazy(), VISITS.lazy()).sort("visit_id").collect()
    state = expected.clear()
    places = [0, *sorted(cuts), 12]
    for begin, end in pairwise(places):
        part = DELIVERED[order[begin:end]]
        state = first_denials(pl.concat([state.select(part.columns), part]).lazy(), VISITS.lazy()).collect()
    assert state.sort("visit_id").equals(expected)
    # By extract date, then by moment of delivery: not by the order in which the rows came.
    assert expected["denial_reason"].to_list() == ["reason_0", "reason_4", "reason_5"]
