"""Earlier answers follow every delivery, also of what silver never shows; the claims marts follow them."""

import shutil
import sys
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from carti_lake import Lake
from carti_lake.store.log import changed_months, commits
from carti_lake.tables.gold.dimensions import UNDATED
from tests.equality import assert_same, state
from tests.worlds.rows import APRIL, MARCH, visit

pytestmark = pytest.mark.slow

NOW = datetime(2026, 9, 1, tzinfo=UTC)
TABLE = "silver.earlier_answers"


def new(folder):
    return Lake(folder, clock=lambda: NOW, environment={})


@pytest.fixture(scope="module")
def one_denial(tmp_path_factory):
    """One visit, whose claim is denied."""
    folder = tmp_path_factory.mktemp("denial") / "lake"
    deliver(new(folder), denied("V1", denial_reason="coding", claim_paid_date="2026-03-20"), day=1)
    return folder


@pytest.fixture
def lake(one_denial, tmp_path):
    """A copy of that lake."""
    return new(shutil.copytree(one_denial, tmp_path / "lake"))


def denied(visit_id, **values):
    return visit(visit_id, claim_status="Denied", claim_paid="0", **values)


def deliver(lake, *rows, day):
    lake.load("ehr_visits", list(rows), extract_date=date(2026, 5, day))
    result = lake.run(accept=["drift"])
    assert not result.failed, result.failed
    return result


def held(lake):
    """By visit and earlier answer: month, reason, extract day."""
    rows = lake.storage.scan(TABLE).collect()
    return {
        (row["visit_id"], row["claim_status"]): (row["visit_month"], row["denial_reason"], row["extract_date"].day)
        for row in rows.iter_rows(named=True)
    }


def cells(lake):
    """By month: claims, denied at first, still denied, overturned."""
    columns = ("claims", "initially_denied_claims", "denied_claims", "overturned_claims")
    rows = lake.scan("claims_monthly").collect()
    return {row["month"]: tuple(row[name] for name in columns) for row in rows.iter_rows(named=True)}


def test_an_overturned_denial_is_still_a_first_denial(lake):
    assert held(lake) == {}
    assert cells(lake) == {MARCH: (1, 1, 1, 0)}
    deliver(lake, visit("V1"), day=2)
    assert held(lake) == {("V1", "denied"): (MARCH, "coding", 1)}
    assert cells(lake) == {MARCH: (1, 1, 0, 1)}
    assert lake.scan("denials_monthly").collect().select("denial_reason", "overturned_claims").rows() == [("coding", 1)]


def test_a_denial_delivered_late_counts_although_silver_never_shows_it(lake):
    deliver(lake, visit("V2"), day=5)
    before = lake.storage.open("silver.visits").version()
    deliver(lake, denied("V2", denial_reason="eligibility"), day=3)
    assert lake.scan("silver.visits").filter(visit_id="V2").collect()["claim_status"].to_list() == ["paid"]
    assert changed_months(commits(lake.storage.open("silver.visits"), before)) == ([], False)
    assert held(lake) == {("V2", "denied"): (MARCH, "eligibility", 3)}
    assert cells(lake) == {MARCH: (2, 2, 1, 1)}


def test_an_older_denial_replaces_a_newer_one(lake):
    deliver(lake, denied("V1", denial_reason="eligibility"), day=5)
    deliver(lake, denied("V1", denial_reason="timely_filing"), day=6)
    assert held(lake) == {("V1", "denied"): (MARCH, "coding", 1)}
    lake.load("ehr_visits", [denied("V1", denial_reason="bundling")], extract_date=date(2026, 4, 30))
    lake.run(accept=["drift"])
    assert held(lake) == {("V1", "denied"): (MARCH, "bundling", 30)}


def test_an_earlier_answer_moves_with_its_visit(lake):
    deliver(lake, visit("V1"), day=2)
    deliver(lake, visit("V1", visit_date="2026-04-02"), day=3)
    assert held(lake) == {("V1", "denied"): (APRIL, "coding", 1), ("V1", "paid"): (APRIL, None, 2)}
    assert cells(lake) == {APRIL: (1, 1, 0, 1)}


def test_a_withdrawn_visit_has_no_denial_until_it_is_back(lake):
    deliver(lake, visit("V1", visit_date=None, is_deleted="true"), day=2)
    assert held(lake) == {("V1", "denied"): (UNDATED, "coding", 1)}
    assert cells(lake) == {}
    deliver(lake, visit("V1", visit_date="2026-04-02"), day=3)
    assert held(lake) == {("V1", "denied"): (APRIL, "coding", 1)}
    assert cells(lake) == {APRIL: (1, 1, 0, 1)}


def test_a_refused_denial_is_none(lake):
    deliver(lake, visit("V2"), day=3)
    deliver(lake, denied("V2", claim_amount="abc"), day=2)
    assert held(lake) == {}
    assert cells(lake) == {MARCH: (2, 1, 1, 0)}


def test_only_months_that_changed_are_written(lake):
    deliver(lake, denied("V2", visit_date="2026-04-02"), day=2)
    before = lake.storage.open(TABLE).version()
    result = deliver(lake, visit("V3", visit_date="2026-04-03"), day=3)
    assert changed_months(commits(lake.storage.open(TABLE), before)) == ([], False)
    assert TABLE not in result.changed
    assert "gold.claims_monthly" in result.changed
    deliver(lake, visit("V2", visit_date="2026-04-02"), day=4)
    assert changed_months(commits(lake.storage.open(TABLE), before)) == ([APRIL], False)


def test_where_the_past_of_silver_is_gone_all_is_read_again(lake, monkeypatch):
    """A run is cut off after silver, and silver's replaced files are removed before the next."""

    def cut_off(*given, **how):
        raise KeyboardInterrupt

    before = set(lake.storage.open("silver.visits").file_uris())
    lake.load("ehr_visits", [visit("V1")], extract_date=date(2026, 5, 2))
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(sys.modules["carti_lake.runner.run"], "update_earlier_answers", cut_off)
        lake.run()
    for file in before - set(lake.storage.open("silver.visits").file_uris()):
        Path(file.removeprefix("file://")).unlink()
    lake.run(accept=["drift"])
    assert held(lake) == {("V1", "denied"): (MARCH, "coding", 1)}
    assert cells(lake) == {MARCH: (1, 1, 0, 1)}


def test_without_visits_there_is_no_table(tmp_path):
    lake = new(tmp_path / "lake")
    lake.load("providers", [{"provider_name": "Ann Lee", "npi": None, "aliases": None}], extract_date=MARCH)
    lake.run()
    assert lake.storage.open(TABLE) is None


VISITS = st.builds(
    visit,
    st.sampled_from(["V1", "V2"]),
    visit_date=st.sampled_from(["2026-03-05", "2026-04-02", None]),
    payer=st.sampled_from(["Blue Plan", None]),
    claim_status=st.sampled_from(["Paid", "Denied", "Denied", "Pending", "Reversed"]),
    denial_reason=st.sampled_from(["coding", "eligibility"]),
    claim_submitted_date=st.sampled_from(["2026-03-06", None]),
    claim_paid_date=st.sampled_from(["2026-03-20", "2026-04-30", None]),
    is_deleted=st.sampled_from([None, None, None, "true"]),
)
DELIVERIES = st.lists(
    st.tuples(st.integers(1, 4), st.lists(VISITS, min_size=1, max_size=3)),
    min_size=3,
    max_size=5,
    unique_by=lambda one: (one[0], str(one[1])),
)


@pytest.mark.slow
@settings(
    max_examples=3,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],
)
@given(DELIVERIES, st.data())
def test_any_order_and_moments_of_runs_give_what_one_full_run_gives(delivered, data):
    order = data.draw(st.permutations([*range(len(delivered)), 0]), "order")
    runs = data.draw(st.sets(st.integers(1, len(order) - 1), min_size=1, max_size=2), "runs")
    folder = Path(tempfile.mkdtemp(prefix="carti-lake-test-"))
    try:
        plain, other = new(folder / "plain"), new(folder / "other")
        for day, rows in delivered:
            load(plain, day, rows, delivered)
        plain.run(accept=["drift"])
        for place, which in enumerate(order):
            if place in runs:
                other.run(accept=["drift"])
            load(other, *delivered[which], delivered)
        other.run(accept=["drift"])
        assert_same(state(plain), state(other))
    finally:
        shutil.rmtree(folder)


def load(lake, day, rows, delivered):
    moment = datetime(2026, 5, 9, delivered.index((day, rows)), tzinfo=UTC)
    lake.load("ehr_visits", rows, extract_date=date(2026, 5, day), delivered_at=moment)
