"""What rows name and nobody has delivered."""

from carti_lake.pipeline.gold.references import named, unknown
from carti_lake.pipeline.keys import key_hash
from carti_lake.tables.silver import Opportunities, Referrals, Visits
from tests.worlds.rows import APRIL, MARCH, held

REFERRAL = next(one for one in Visits.findings() if one.refers == ("referral_id", "referrals"))
CAMPAIGN = next(one for one in Opportunities.findings() if one.refers == ("campaign_id", "campaigns"))


def hashes(*ids):
    """The key of each referral, as silver hashes it."""
    rows = held(Referrals, *({"referral_id": one} for one in ids)).select("referral_id", key=key_hash(["referral_id"]))
    return dict(rows.collect().iter_rows())


def test_what_is_named_is_counted_by_month():
    visits = held(
        Visits,
        {"referral_id": "R1", "visit_month": MARCH},
        {"referral_id": "R1", "visit_month": MARCH},
        {"referral_id": "R1", "visit_month": APRIL},
        {"referral_id": "R2", "visit_month": APRIL},
        {"referral_id": "R3", "visit_month": APRIL, "withdrawn": True},
        {"visit_month": APRIL},
    )
    key = hashes("R1", "R2")
    found = named(visits, Visits, REFERRAL).sort("month", "rows", "reference").collect()
    assert set(found["rule"]) == {"referral_id|unknown"}
    assert set(found.select("month", "reference", "rows").rows()) == {
        (MARCH, key["R1"], 2),
        (APRIL, key["R1"], 1),
        (APRIL, key["R2"], 1),
    }


def test_what_has_no_month_is_counted_under_the_first_of_1900():
    found = named(held(Opportunities, {"campaign_id": "C1"}), Opportunities, CAMPAIGN).collect()
    assert found["month"].dt.year().to_list() == [1900]


def test_a_withdrawn_row_is_known_all_the_same():
    visits = held(Visits, *({"referral_id": f"R{n}", "visit_month": MARCH} for n in (1, 2, 3)))
    key = hashes("R1", "R2", "R3")
    referrals = held(Referrals, {"key_hash": key["R1"]}, {"key_hash": key["R2"], "withdrawn": True})
    found = unknown(named(visits, Visits, REFERRAL), referrals).collect()
    assert found["reference"].to_list() == [key["R3"]]
