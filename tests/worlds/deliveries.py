"""Deliveries of visits over some days, and a lake filled with them by one engine or another."""

from datetime import UTC, date, datetime

from hypothesis import strategies as st

from carti_lake import Lake
from tests.worlds.rows import account, stay, visit

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@st.composite
def histories(draw):
    """Deliveries of visits over some days: new, again with another answer, withdrawn, late, or malformed."""
    days = draw(st.lists(st.integers(1, 28), min_size=1, max_size=4))
    deliveries = []
    for day in days:
        rows = []
        for number in draw(st.lists(st.integers(0, 12), min_size=1, max_size=8)):
            kind = draw(st.sampled_from(["new", "new", "denied", "withdrawn", "no patient", "no day", "moved"]))
            changed = {
                "new": {"claim_paid": str(draw(st.integers(0, 500)))},
                "denied": {"claim_status": "denied", "claim_paid": "0", "denial_reason": "CO-16"},
                "withdrawn": {"is_deleted": "true"},
                "no patient": {"patient_id": " "},
                "no day": {"visit_date": "someday"},
                "moved": {"visit_date": f"2026-0{draw(st.integers(1, 4))}-11"},
            }[kind]
            rows.append(visit(f"V{number}", **changed))
        deliveries.append((date(2026, 5, day), rows))
    return deliveries


def loaded(folder, deliveries, options=None, after_each=lambda lake: None):
    """A lake with the deliveries in bronze."""
    lake = Lake(folder, options or {}, clock=lambda: NOW, environment={})
    lake.load("sg2_patient_flow", [stay("P1"), stay("P2")], extract_date=date(2026, 5, 1))
    lake.load("salesforce_crm", [account("Ann Lee"), account("Bo Diaz")], extract_date=date(2026, 5, 1))
    for number, (day, rows) in enumerate(deliveries):
        lake.load("ehr_visits", rows, extract_date=day, delivered_at=datetime(2026, 5, 30, 1, number, tzinfo=UTC))
        after_each(lake)
    return lake


def filled(folder, deliveries, engine, *, day_by_day, options=None):
    """The lake after a run on that engine, or after one a day and a rebuild."""

    def run(lake, *, full=False):
        lake.run(accept=["drift", "quality"], full=full, engine=engine)

    lake = loaded(folder, deliveries, options, run if day_by_day else lambda lake: None)
    run(lake, full=day_by_day)
    return lake
