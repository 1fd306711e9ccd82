"""What is read of referrals and is no ratio of sums: the median time, and where patients come from."""

import polars as pl
import pytest

from carti_lake.metrics.referral import median_days, patient_origin
from carti_lake.tables.gold import ReferralDays, ReferralFlow
from tests.worlds.cells import cells
from tests.worlds.rows import APRIL, MARCH

DAYS = cells(
    ReferralDays,
    {"month": MARCH, "service_line": "lung", "network_status": "in_network", "days": 4, "referrals": 2},
    {"month": MARCH, "service_line": "lung", "network_status": "in_network", "days": 9, "referrals": 1},
    {"month": APRIL, "service_line": "lung", "network_status": "out_of_network", "days": 20, "referrals": 3},
    {"month": APRIL, "service_line": "breast", "network_status": "in_network", "days": 1, "referrals": 1},
)


def test_a_median_of_days_is_that_of_the_referrals_at_any_grain():
    by_line = DAYS.group_by("service_line").agg(median_days())
    # lung: 4, 4, 9, 20, 20, 20, so halfway between 9 and 20.
    assert dict(by_line.iter_rows()) == {"lung": 14.5, "breast": 1}
    by_network = DAYS.group_by("network_status").agg(median_days())
    assert dict(by_network.iter_rows()) == {"in_network": 4, "out_of_network": 20}  # 1, 4, 4, 9
    assert DAYS.select(median_days()).item() == 9  # 1, 4, 4, 9, 20, 20, 20
    assert DAYS.clear().select(median_days()).item() is None


FLOW = cells(
    ReferralFlow,
    {"origin_zip3": "722", "service_line": "lung", "completed_in_network": 6, "referrals": 9},
    {"origin_zip3": "722", "service_line": "breast", "completed_in_network": 1, "referrals": 2},
    {"origin_zip3": "716", "service_line": "lung", "completed_in_network": 2, "out_of_network": 5},
    {"origin_zip3": "unknown", "service_line": "breast", "completed_in_network": 0, "referrals": 4},
).lazy()


def test_patient_origin_is_a_share_of_all_own_cases():
    found = patient_origin(FLOW).collect()
    shares = dict(found.select("origin_zip3", "patient_origin").iter_rows())
    assert shares == {"722": pytest.approx(7 / 9), "716": pytest.approx(2 / 9), "unknown": 0}
    assert found["all_own_cases"].to_list() == [9, 9, 9]


def test_patient_origin_within_a_service_line_adds_up_to_one_or_to_nothing():
    found = patient_origin(FLOW, ["service_line"]).sort("service_line", "origin_zip3").collect()
    assert found.select("service_line", "origin_zip3", "own_cases", "all_own_cases", "patient_origin").rows() == [
        ("breast", "722", 1, 1, 1),
        ("breast", "unknown", 0, 1, 0),
        ("lung", "716", 2, 8, 2 / 8),
        ("lung", "722", 6, 8, 6 / 8),
    ]
    nobody = patient_origin(FLOW.filter(pl.col("origin_zip3") == "unknown")).collect()
    assert nobody["patient_origin"].to_list() == [None]
