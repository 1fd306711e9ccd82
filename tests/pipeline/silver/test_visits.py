"""Claims are the visits that carry one."""

from carti_lake.pipeline.silver.visits import claims
from carti_lake.tables.silver import Claims, Visits
from tests.worlds.rows import MARCH, held


def test_a_claim_has_its_own_number_else_that_of_its_visit():
    visits = held(
        Visits,
        {"visit_id": "V1", "claim_id": "C1", "claim_status": "paid", "claim_amount": 100},
        {"visit_id": "V2", "claim_id": None, "claim_status": "denied", "claim_amount": 50},
        {"visit_id": "V3", "claim_id": None, "claim_status": None},
        patient_key=1,
        visit_month=MARCH,
    )
    rows = claims(visits).collect()
    assert rows.columns == Claims.column_names()
    assert rows.select("claim_id", "visit_id", "claim_amount").rows() == [("C1", "V1", 100), ("V2", "V2", 50)]
