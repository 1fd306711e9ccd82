"""What campaigns return, each column worked out by hand; no visit's cash is credited twice."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carti_lake.pipeline.gold.marketing_roi import KEY, marketing_monthly, marketing_roi
from carti_lake.tables.gold import MarketingMonthly
from carti_lake.tables.silver import Campaigns, ClaimsOfLines, Opportunities, Referrals, Visits
from tests.worlds.rows import APRIL, MARCH, held

REFERRAL = {
    "patient_key": 1,
    "referral_date": date(2026, 3, 10),
    "referral_month": MARCH,
    "referring_provider_id": "diaz",
    "referral_status": "new",
}
VISIT = {
    "patient_key": 1,
    "visit_date": date(2026, 4, 2),
    "visit_month": APRIL,
    "claim_status": "paid",
    "claim_amount": 100,
    "claim_paid": 80,
}
#: A campaign of 200 USD, with an open, a won and a lost opportunity.
CAMPAIGN = {"campaign_id": "K1", "campaign_name": "Spring", "actual_cost": 200, "budgeted_cost": 250}
OPPORTUNITIES = [
    {"opportunity_id": "O1", "campaign_id": "K1", "amount": 1000, "probability": 25, "is_closed": False},
    {"opportunity_id": "O2", "campaign_id": "K1", "amount": 500, "probability": 100, "is_won": True, "is_closed": True},
    {"opportunity_id": "O3", "campaign_id": "K1", "amount": 70, "probability": 0, "is_won": False, "is_closed": True},
    {"opportunity_id": "O4", "campaign_id": None, "amount": 9999, "probability": 50, "is_won": True, "is_closed": True},
]


def monthly(referrals=(), visits=()):
    """Rows by month, campaign and opportunity, without their zeros."""
    rows = marketing_monthly(
        held(Visits, *({**VISIT, **visit} for visit in visits)),
        held(Referrals, *({**REFERRAL, **referral} for referral in referrals)),
        held(ClaimsOfLines),
    ).collect()
    keyed = rows.rows_by_key(KEY, named=True, unique=True)
    return {key: {name: value for name, value in row.items() if value} for key, row in keyed.items()}


def roi(campaigns=(CAMPAIGN,), opportunities=OPPORTUNITIES, months=()):
    """Rows by campaign."""
    rows = marketing_roi(
        held(Campaigns, *campaigns), held(Opportunities, *opportunities), held(MarketingMonthly, *months)
    ).collect()
    return {row["campaign_id"]: row for row in rows.iter_rows(named=True)}


def month_of(campaign="none", opportunity="none", **sums):
    zeros = {name: 0 for name, dtype in MarketingMonthly.dtypes().items() if dtype.is_numeric()}
    return {**zeros, "month": MARCH, "campaign_id": campaign, "opportunity_id": opportunity, **sums}


# --- who is credited -------------------------------------------------------------------------------------------------


def credited(visit, *referrals):
    """Campaign and opportunity that one visit is credited to."""
    (key,) = [key for key, row in monthly(referrals, [visit]).items() if "realised_visits" in row]
    return key[1:]


def test_a_visit_goes_with_the_referral_that_it_names():
    first, later = {"referral_id": "R1", "campaign_id": "K1"}, {"referral_id": "R2", "campaign_id": "K2"}
    assert credited({"referral_id": "R1"}, first, {**later, "referral_date": date(2026, 3, 30)}) == ("K1", "none")


def test_a_visit_whose_referral_no_campaign_brought_is_no_campaigns():
    # Although the patient came by one before.
    assert credited({"referral_id": "R2"}, {"referral_id": "R1", "campaign_id": "K1"}, {"referral_id": "R2"}) == (
        "none",
        "none",
    )


def test_a_referral_that_names_no_campaign_goes_with_its_opportunity():
    assert credited({"referral_id": "R1"}, {"referral_id": "R1", "opportunity_id": "O1"}) == ("none", "O1")
    both = {"referral_id": "R1", "opportunity_id": "O1", "campaign_id": "K1"}
    assert credited({"referral_id": "R1"}, both) == ("K1", "none")


def test_a_visit_that_names_no_referral_goes_with_the_patients_latest_campaign_on_or_before_its_day():
    history = [
        {"referral_id": "R1", "campaign_id": "K1", "referral_date": date(2026, 1, 5)},
        {"referral_id": "R2", "campaign_id": "K2", "referral_date": date(2026, 4, 2)},
        {"referral_id": "R3", "referral_date": date(2026, 4, 2)},
        {"referral_id": "R4", "campaign_id": "K4", "referral_date": date(2026, 4, 3)},
        {"referral_id": "R5", "campaign_id": "K5", "referral_date": date(2026, 4, 1), "patient_key": 2},
        {"referral_id": "R6", "campaign_id": "K6", "referral_date": date(2026, 4, 2), "withdrawn": True},
    ]
    assert credited({}, *history) == ("K2", "none")
    assert credited({"visit_date": date(2026, 4, 1)}, *history) == ("K1", "none")
    assert credited({"visit_date": date(2026, 1, 4)}, *history) == ("none", "none")
    assert credited({"patient_key": 3}, *history) == ("none", "none")


def test_of_two_campaigns_on_one_day_the_greater_referral_number_counts():
    one, other = {"referral_id": "R1", "campaign_id": "K9"}, {"referral_id": "R2", "campaign_id": "K1"}
    assert credited({}, one, other) == credited({}, other, one) == ("K1", "none")


@pytest.mark.parametrize(
    "referral",
    [
        {"referral_id": "R1", "campaign_id": "K1", "withdrawn": True},
        {"referral_id": "R1", "campaign_id": "K1", "referral_date": date(2026, 4, 3)},
        {"referral_id": "R2", "campaign_id": "K1"},
    ],
    ids=["withdrawn", "made later", "not delivered"],
)
def test_a_visit_whose_referral_did_not_precede_it_is_credited_to_nobody(referral):
    assert credited({"referral_id": "R1"}, referral) == ("none", "none")


visits = st.fixed_dictionaries(
    {
        "patient_key": st.integers(1, 2),
        "visit_date": st.dates(date(2026, 3, 1), date(2026, 3, 31)),
        "referral_id": st.sampled_from(["R0", "R1", "R2", None, None]),
        "claim_status": st.sampled_from(["paid", "denied", "pending", None]),
        "claim_paid": st.integers(0, 9),
        "withdrawn": st.booleans(),
    }
)
referrals = st.fixed_dictionaries(
    {
        "patient_key": st.integers(1, 2),
        "referral_date": st.dates(date(2026, 3, 1), date(2026, 3, 31)),
        "campaign_id": st.sampled_from(["K1", "K2", None]),
        "opportunity_id": st.sampled_from(["O1", "O2", None]),
        "withdrawn": st.booleans(),
    }
)


@given(st.lists(visits, max_size=8), st.lists(referrals, max_size=3))
def test_each_visit_and_each_referral_is_credited_exactly_once(seen, made):
    found = monthly([{**one, "referral_id": f"R{place}"} for place, one in enumerate(made)], seen).values()
    standing = [one for one in seen if not one["withdrawn"]]
    assert sum(row.get("realised_visits", 0) for row in found) == len(standing)
    cash = sum(one["claim_paid"] for one in standing if one["claim_status"] == "paid")
    assert sum(row.get("realised_cash", 0) for row in found) == cash
    assert sum(row.get("referrals", 0) for row in found) == len([one for one in made if not one["withdrawn"]])


@given(st.lists(visits, max_size=8), referrals, referrals)
def test_a_changed_referral_touches_no_visits_of_days_before_it(seen, before, after):
    """What lets a run leave earlier months alone."""
    first = min(before["referral_date"], after["referral_date"])
    earlier = [one for one in seen if one["visit_date"] < first]

    def brought(referral):
        return {
            key: row for key, row in monthly([{**referral, "referral_id": "R0"}], earlier).items() if key[0] == APRIL
        }

    assert brought(before) == brought(after)


# --- what is counted -------------------------------------------------------------------------------------------------


def test_each_month_counts_the_referrals_made_in_it_and_the_visits_in_it():
    came = {"first_visit_date": date(2026, 4, 1), "referral_status": "completed"}
    found = monthly(
        referrals=[
            {"referral_id": "R1", "campaign_id": "K1", **came, "network_status": "in_network"},
            {"referral_id": "R2", "campaign_id": "K1", **came, "network_status": "out_of_network"},
            {"referral_id": "R3", "campaign_id": "K1", "referral_status": "lost"},
            {"referral_id": "R4", "patient_key": 2},
        ],
        visits=[
            {"referral_id": "R1"},
            {"referral_id": "R1", "claim_status": "denied", "claim_amount": 40, "claim_paid": 7},
            {"referral_id": "R1", "claim_status": "pending", "claim_amount": 30, "claim_paid": None},
            {"referral_id": "R1", "claim_status": None, "claim_amount": None, "claim_paid": None},
            {"patient_key": 2},
            {"referral_id": "R1", "withdrawn": True},
        ],
    )
    assert found == {
        (MARCH, "K1", "none"): {"referrals": 3, "first_visits": 2, "first_visits_in_network": 1},
        (MARCH, "none", "none"): {"referrals": 1},
        (APRIL, "K1", "none"): {
            "realised_visits": 4,
            "realised_claims": 3,
            "realised_paid_claims": 1,
            "realised_charges": Decimal(170),
            "realised_cash": Decimal(80),
        },
        (APRIL, "none", "none"): {
            "realised_visits": 1,
            "realised_claims": 1,
            "realised_paid_claims": 1,
            "realised_charges": Decimal(100),
            "realised_cash": Decimal(80),
        },
    }


def test_a_campaign_from_its_cost_to_its_cash():
    found = roi(
        months=[
            month_of("K1", referrals=3, first_visits=2, first_visits_in_network=1),
            month_of(opportunity="O2", referrals=4, first_visits=1),
            month_of(opportunity="O4", referrals=50, realised_visits=60, realised_cash=7000),
            month_of(referrals=90, realised_visits=80, realised_cash=6000),
            {
                **month_of("K1", realised_visits=5, realised_claims=4, realised_paid_claims=3),
                "month": APRIL,
                "realised_charges": 900,
                "realised_cash": Decimal("310.50"),
            },
            month_of(opportunity="O1", realised_visits=1, realised_charges=100, realised_cash=80),
        ]
    )
    assert found == {
        "K1": {
            "campaign_id": "K1",
            "campaign_name": "Spring",
            "campaign_type": None,
            "status": None,
            "service_line": None,
            "start_date": None,
            "end_date": None,
            "budgeted_cost": 250,
            "actual_cost": 200,
            "opportunities": 3,
            "open_opportunities": 1,
            "won_opportunities": 1,
            "lost_opportunities": 1,
            "opportunity_value": 1000 + 500 + 70,
            "won_value": 500,
            "weighted_pipeline": 250,  # 25 % of 1,000
            "referrals": 3 + 4,
            "first_visits": 2 + 1,
            "first_visits_in_network": 1,
            "realised_visits": 5 + 1,
            "realised_claims": 4,
            "realised_paid_claims": 3,
            "realised_charges": 900 + 100,
            "realised_cash": Decimal("390.50"),
            "roi_as_delivered": pytest.approx((1570 - 200) / 200),
            "campaign_roi": pytest.approx((500 - 200) / 200),
            "realised_roi": pytest.approx((390.50 - 200) / 200),
        }
    }


RETURNS = ("roi_as_delivered", "campaign_roi", "realised_roi")


@pytest.mark.parametrize("cost", [0, None])
def test_without_a_cost_there_is_no_return(cost):
    found = roi([{**CAMPAIGN, "actual_cost": cost}], months=[month_of("K1", realised_visits=1, realised_cash=80)])["K1"]
    assert [found[name] for name in RETURNS] == [None] * 3
    assert (found["won_value"], found["realised_cash"]) == (500, 80)


def test_a_campaign_that_brought_nothing_returns_nothing_where_others_brought_something():
    quiet = {"campaign_id": "K2", "actual_cost": 50}
    found = roi([CAMPAIGN, quiet], months=[month_of("K1", referrals=1, realised_visits=1, realised_cash=80)])["K2"]
    assert [found[name] for name in ("opportunities", "won_value", "referrals", "realised_cash")] == [0, 0, 0, 0]
    assert [found[name] for name in RETURNS] == [-1, -1, -1]


def test_what_is_not_delivered_is_null_and_never_zero():
    months = [month_of("K1", referrals=3)]
    no_visits = roi(months=months)["K1"]
    assert (no_visits["referrals"], no_visits["realised_cash"], no_visits["realised_roi"]) == (3, None, None)
    no_opportunity_names_one = roi(opportunities=OPPORTUNITIES[3:], months=months)["K1"]
    assert [no_opportunity_names_one[name] for name in ("opportunities", "won_value", *RETURNS[:2])] == [None] * 4
    no_referral_names_one = roi(months=[month_of(referrals=9, realised_visits=9)])["K1"]
    assert [no_referral_names_one[name] for name in ("referrals", "realised_visits", "realised_roi")] == [None] * 3


def test_a_campaign_that_only_others_name_has_a_row_without_cost():
    found = roi([], months=[month_of("K7", referrals=1, realised_visits=1, realised_cash=80)])
    assert {name: (row["actual_cost"], row["referrals"], row["realised_cash"]) for name, row in found.items()} == {
        "K1": (None, 0, 0),
        "K7": (None, 1, 80),
    }


def test_what_is_withdrawn_counts_for_nothing():
    gone = [{**one, "withdrawn": True} for one in OPPORTUNITIES]
    assert roi([{**CAMPAIGN, "withdrawn": True}], gone, [month_of(opportunity="O1", referrals=1)]) == {}


def test_no_rows_give_no_rows():
    assert monthly() == {}
    assert roi([], []) == {}
