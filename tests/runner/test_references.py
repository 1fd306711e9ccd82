"""References are settled in any month, whenever what they name arrives."""

import shutil
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from carti_lake import Lake
from tests.equality import assert_same, state
from tests.worlds.lakes import account, appointment, referral, visit

pytestmark = pytest.mark.slow

NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path / "lake", clock=lambda: NOW, environment={})


def deliver(lake, feed, *rows, day):
    lake.load(feed, list(rows), extract_date=date(2026, 4, day))
    result = lake.run(accept=["drift"])
    assert not result.failed, result.failed


def unknown(lake):
    """Of the visits' referrals: passed, failed, not applicable; and the visits that fail."""
    months = lake.at().quality_by_month("visits.referral_id|unknown")
    counts = tuple(months[name].sum() for name in ("passed", "failed", "not_applicable"))
    return counts, sorted(lake.at().failing("visits.referral_id|unknown").collect()["visit_id"])


def test_a_referral_that_comes_later_settles_visits_of_every_month(lake):
    january, february = (
        visit(n, referral_id="R1", visit_date=day) for n, day in ((1, "2026-01-05"), (2, "2026-02-05"))
    )
    deliver(lake, "ehr_visits", january, february, visit(3, referral_id="R2"), visit(4), day=1)
    assert unknown(lake) == ((0, 0, 4), [])  # nobody delivers referrals yet
    deliver(lake, "salesforce_referrals", referral(8), day=2)
    assert unknown(lake) == ((0, 3, 1), ["V1", "V2", "V3"])
    deliver(lake, "salesforce_referrals", referral(1), day=3)
    assert unknown(lake) == ((2, 1, 1), ["V3"])
    deliver(lake, "ehr_visits", visit(3, referral_id="R8"), day=4)
    assert unknown(lake) == ((3, 0, 1), [])
    assert lake.storage.scan("silver.unknown_references").collect().is_empty()


def test_a_referral_that_is_withdrawn_was_known(lake):
    deliver(lake, "ehr_visits", visit(1, referral_id="R1"), day=1)
    deliver(lake, "salesforce_referrals", referral(1), day=2)
    deliver(lake, "salesforce_referrals", referral(1, is_deleted="true"), day=3)
    assert unknown(lake) == ((1, 0, 0), [])


def test_a_referral_that_was_refused_is_unknown(lake):
    deliver(lake, "ehr_visits", visit(1, referral_id="R1"), day=1)
    deliver(lake, "salesforce_referrals", referral(1, referral_date="soon"), referral(2), day=2)
    assert unknown(lake) == ((0, 1, 0), ["V1"])
    deliver(lake, "salesforce_referrals", referral(1), day=3)
    assert unknown(lake) == ((1, 0, 0), [])


IDS = st.sampled_from(["R1", "R2", "R3", None])
VISITS = st.builds(
    lambda number, named, month, gone: (
        "ehr_visits",
        visit(number, referral_id=named, visit_date=f"2026-0{month}-03", is_deleted=gone),
    ),
    st.integers(1, 4),
    IDS,
    st.integers(1, 2),
    st.sampled_from([None, None, "true"]),
)
REFERRALS = st.builds(
    lambda number, campaign, gone: ("salesforce_referrals", referral(number, campaign_id=campaign, is_deleted=gone)),
    st.integers(1, 3),
    st.sampled_from(["C1", None]),
    st.sampled_from([None, "true"]),
)


@pytest.mark.slow
@settings(
    max_examples=4,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.lists(st.one_of(VISITS, VISITS, REFERRALS), min_size=3, max_size=6), st.data())
def test_any_sequence_of_deliveries_and_runs_gives_what_a_rebuild_gives(delivered, data):
    runs = data.draw(st.sets(st.integers(0, len(delivered) - 2), min_size=1, max_size=3), "runs after")
    folder = tempfile.mkdtemp(prefix="carti-lake-test-")
    try:
        lake = Lake(Path(folder) / "lake", clock=lambda: NOW, environment={})
        for place, (feed, row) in enumerate(delivered):
            lake.load(feed, [row], extract_date=date(2026, 4, place + 1))
            if place in runs:
                lake.run(accept=["drift"])
        lake.run(accept=["drift"])
        before = state(lake)
        lake.run(full=True, accept=["drift"])
        assert_same(before, state(lake))
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("feed", "first", "second"),
    [
        ("ehr_visits", visit(1), visit(2, provider_name="Eve Moss")),
        ("ehr_appointments", appointment(1), appointment(2, provider_name="Eve Moss")),
        ("salesforce_crm", account("Ann Lee"), account("Eve Moss")),
    ],
)
def test_a_number_with_two_names_is_told_whichever_feed_names_it(lake, feed, first, second):
    """One provider it stays, since the number decides; but nobody's name is gone unseen."""
    number = {"provider_npi": "1234567893"}
    deliver(lake, feed, {**first, **number}, day=1)
    assert told(lake) == (0, [])
    deliver(lake, feed, {**first, **number}, {**second, **number}, day=2)
    assert told(lake) == (2, ["ann lee", "eve moss"])


def told(lake):
    """How many spellings of a number are told of, and the other names that they are told with."""
    check = "reference_npi|several_names"
    failed = lake.at().quality_by_month(check)["failed"].sum()
    return failed, sorted(lake.at().failing(check).collect()["other_names"])
