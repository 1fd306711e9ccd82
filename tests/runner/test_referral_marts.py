"""Referrals matter to all later visits: the marts that follow both are the same made step by step and made at once."""

from datetime import date

import pytest

from carti_lake.runner import marts as runner_marts
from carti_lake.store.log import changed_months, commits
from tests.equality import State, assert_same, state
from tests.strategies import VALUES, sequence
from tests.test_equivalence import load as deliver
from tests.test_equivalence import new_lake, run
from tests.worlds.lakes import lake_in, load, opportunity, referral, visit

pytestmark = pytest.mark.slow

FEEDS = ("ehr_visits", "ehr_visits", "salesforce_referrals", "salesforce_opportunities", "salesforce_campaigns")
TABLES = ("referral_flow", "referral_days", "referral_revenue", "marketing_monthly", "marketing_roi")


#: Values that are right, where most of the careless ones would be refused.
RIGHT = {
    "ehr_visits": {
        "visit_id": [f"V{n}" for n in range(12)],
        "patient_id": ["1", "2"],
        "visit_date": ["2026-01-03", "2026-02-03", "2026-03-05"],
        "diagnosis_code": ["C50"],
        "provider_name": ["Ann Lee"],
        "claim_amount": ["100"],
        "claim_status": ["Paid", "denied"],
        "referral_id": ["R1", "R2", "R3", None, None],
    },
    "salesforce_referrals": {
        "referral_id": [f"R{n}" for n in range(5)],
        "referral_date": ["2026-01-02", "2026-02-02"],
        "referring_provider_name": ["Bo Diaz"],
        "network_status": ["in", "OON", None],
        "first_visit_date": ["2026-02-04", "2026-03-01", None],
    },
    "salesforce_opportunities": {"provider_name": ["Bo Diaz"], "probability": ["10"], "is_closed": ["true"]},
    "salesforce_campaigns": {"actual_cost": ["100", "0"]},
}
MOSTLY_RIGHT = {feed: {**VALUES[feed], **few} for feed, few in RIGHT.items()}


def marts(lake) -> State:
    return {name: rows for name, rows in state(lake).items() if name.removeprefix("gold.") in TABLES}


def test_a_fortnight_of_careless_deliveries_gives_the_same_rows_step_by_step_and_at_once():
    with new_lake() as lake:
        for place, delivery in enumerate(sequence(21, 9, FEEDS, MOSTLY_RIGHT)):
            deliver(lake, delivery)
            if place % 4 == 3:
                run(lake)
        run(lake)
        found = marts(lake)
        assert {name for name, rows in found.items() if rows.height > 1} == {f"gold.{name}" for name in TABLES}
        run(lake, full=True)
        assert_same(marts(lake), found)


@pytest.fixture
def lake(tmp_path):
    """Three referrals of the winter and the visits that followed, one of them months later; one release."""
    lake = lake_in(tmp_path / "lake")
    load(
        lake,
        "salesforce_referrals",
        [
            referral(1, referral_date="2025-12-01", first_visit_date="2025-12-20", campaign_id="K1"),
            referral(2, referral_date="2026-01-10", first_visit_date="2026-01-20", opportunity_id="O1"),
            referral(3),
        ],
    )
    load(
        lake,
        "ehr_visits",
        [
            visit(1, referral_id="R1", visit_date="2025-12-20"),
            visit(2, referral_id="R2", visit_date="2026-01-20"),
            visit(3, referral_id="R3", visit_date="2026-02-03"),
            visit(1, visit_id="V4", visit_date="2026-03-02"),
        ],
    )
    load(lake, "salesforce_opportunities", [opportunity(1, campaign_id="K2")])
    assert not lake.run().failed
    return lake


def rerun(lake, *changed: str) -> dict[str, list[date]]:
    """By mart that a run changes, the months of its partition that were written; only these may change."""
    before = {name: lake.storage.open(f"gold.{name}").version() for name in TABLES}
    result = lake.run(accept=["drift", "quality"])
    assert not result.failed
    assert {name for name in TABLES if f"gold.{name}" in result.changed} == set(changed)
    written = {name: changed_months(commits(lake.storage.open(f"gold.{name}"), before[name]))[0] for name in changed}
    found = marts(lake)
    lake.run(full=True)
    assert_same(marts(lake), found)
    return written


def realised(lake) -> dict[str, int]:
    flow = lake.query("SELECT month, sum(realised_cash) FROM referral_flow GROUP BY month").collect()
    return {f"{month:%Y-%m}": int(cash) for month, cash in flow.rows()}


def credited(lake) -> dict[str, int]:
    roi = lake.scan("marketing_roi").collect()
    return {campaign: int(cash) for campaign, cash in roi.select("campaign_id", "realised_cash").rows()}


def test_a_visit_of_today_changes_the_month_of_its_referral_alone(lake):
    assert realised(lake) == {"2025-12": 80, "2026-01": 80, "2026-02": 80}
    load(lake, "ehr_visits", [visit(9, referral_id="R1", visit_date="2026-03-08")])
    written = rerun(lake, "referral_revenue", "referral_flow", "marketing_monthly", "marketing_roi")
    assert written["referral_revenue"] == written["referral_flow"] == [date(2025, 12, 1)]
    assert written["marketing_monthly"] == [date(2026, 3, 1)]
    assert realised(lake) == {"2025-12": 160, "2026-01": 80, "2026-02": 80}


def test_a_referral_that_another_campaign_is_credited_with_takes_its_later_visits_along(lake):
    assert credited(lake) == {"K1": 160, "K2": 80}  # the visit of March names no referral, its patient's is R1
    load(
        lake,
        "salesforce_referrals",
        [referral(1, referral_date="2025-12-01", first_visit_date="2025-12-20", campaign_id="K2")],
        hour=7,
    )
    written = rerun(lake, "marketing_monthly", "marketing_roi")
    assert written["marketing_monthly"] == [date(2025, 12, 1), date(2026, 3, 1)]
    assert credited(lake) == {"K2": 240}


def test_a_referral_that_goes_takes_its_realised_dollars_along(lake):
    load(lake, "salesforce_referrals", [referral(1, referral_date="2025-12-01", is_deleted="true")], hour=7)
    rerun(lake, *TABLES)
    assert realised(lake) == {"2026-01": 80, "2026-02": 80}
    assert credited(lake) == {"K2": 80}


def test_an_opportunity_that_changes_touches_the_campaigns_alone(lake):
    load(lake, "salesforce_opportunities", [opportunity(1, campaign_id="K3", is_won="true", is_closed="true")], hour=7)
    rerun(lake, "marketing_roi")
    assert credited(lake) == {"K1": 160, "K3": 80}


def test_only_the_months_that_can_change_are_made_anew(lake, monkeypatch):
    """A changed referral of January: visits from January on are read, those of December are not."""
    read = {}

    def watched(storage, name, months, look=runner_marts._input):
        read.setdefault(name, []).append(months)
        return look(storage, name, months)

    monkeypatch.setattr(runner_marts, "_input", watched)
    load(lake, "salesforce_referrals", [referral(2, referral_date="2026-01-10", patient_zip3="722")], hour=7)
    lake.run()
    later = {date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)}
    assert [months for months in read["silver.visits"] if months != {date(2026, 1, 1)}] == [later, later]
    assert read["gold.referral_revenue"] == [{date(2026, 1, 1)}]


def test_dollars_that_no_source_delivers_are_null_with_the_reason(lake):
    def value(metric):
        return lake.metric(metric).select("value", "reason").collect().row(0)

    assert value("referral_leakage") == (0, None)
    assert value("referral_leakage_dollars") == (
        None,
        "no estimated value of referrals: the feed salesforce_referrals does not deliver it",
    )
    # Nothing tells what the campaigns cost.
    assert value("realised_roi")[0] is None
    assert "salesforce_campaigns was never loaded" in value("realised_roi")[1]
    assert value("campaign_cash") == (240, None)
