"""A readmission lies in another month than its index stay, and whatever comes late changes the earlier month's row."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from carti_lake import Lake
from carti_lake.store.log import changed_months, commits
from tests.equality import assert_same, state
from tests.worlds.rows import MARCH, Row, stay

pytestmark = pytest.mark.slow

FEBRUARY = date(2026, 2, 1)


def cancer_stay(number: int, patient: str, admitted: str, discharged: str, **values: object) -> Row:
    return stay(
        patient,
        encounter_id=f"E{number}",
        attending_provider="Ann Lee",
        admission_date=admitted,
        discharge_date=discharged,
        length_of_stay=None,
        patient_age="64",
        principal_diagnosis_code="C34.90",
        **{"admission_type": "Elective", **values},
    )


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Two patients discharged in February, and one whose stay in April shows that the data reach so far."""
    lake = Lake(tmp_path / "lake", clock=lambda: datetime(2026, 6, 1, tzinfo=UTC), environment={})
    stays = [
        cancer_stay(1, "P1", "2026-02-20", "2026-02-25"),
        cancer_stay(2, "P2", "2026-02-20", "2026-02-26"),
        cancer_stay(3, "P3", "2026-04-10", "2026-04-20"),
    ]
    return deliver(lake, *stays, day=21)


def deliver(lake: Lake, *stays: Row, day: int) -> Lake:
    lake.load("sg2_patient_flow", list(stays), extract_date=date(2026, 4, day))
    result = lake.run(accept=["drift"])
    assert not result.failed, result.failed
    return lake


def rates(lake: Lake) -> dict[date, tuple[int, int, int]]:
    """By month of discharge: index stays, readmissions, followed too briefly."""
    rows = lake.scan("readmissions").collect()
    return {row[0]: row[3:] for row in rows.iter_rows()}


def test_a_late_stay_in_march_is_a_readmission_of_february_and_only_that_month_is_written(lake: Lake) -> None:
    assert rates(lake) == {FEBRUARY: (2, 0, 0), date(2026, 4, 1): (0, 0, 1)}
    before = lake.at().release.versions["gold.readmissions"]
    deliver(lake, cancer_stay(4, "P1", "2026-03-10", "2026-03-12", admission_type="Emergency"), day=22)
    assert rates(lake) == {FEBRUARY: (2, 1, 0), MARCH: (1, 0, 0), date(2026, 4, 1): (0, 0, 1)}
    handle = lake.storage.open("gold.readmissions")
    assert handle is not None
    assert changed_months(commits(handle, before))[0] == [FEBRUARY, MARCH]


def test_a_corrected_admission_moves_the_readmission_out_of_the_window(lake: Lake) -> None:
    urgent = {"admission_type": "Urgent"}
    deliver(lake, cancer_stay(4, "P1", "2026-03-10", "2026-03-30", **urgent), day=22)
    assert rates(lake)[FEBRUARY] == (2, 1, 0)
    deliver(lake, cancer_stay(4, "P1", "2026-03-28", "2026-03-30", **urgent), day=23)
    assert rates(lake)[FEBRUARY] == (2, 0, 0)


def test_a_later_stay_of_somebody_else_completes_the_follow_up(lake: Lake) -> None:
    deliver(lake, cancer_stay(5, "P4", "2026-05-20", "2026-05-21"), day=30)
    # The data reach no further than the newest extract, 30 April.
    assert rates(lake)[date(2026, 4, 1)] == (0, 0, 1)
    lake.load("sg2_patient_flow", [cancer_stay(6, "P5", "2026-05-20", "2026-05-22")], extract_date=date(2026, 5, 23))
    lake.run(accept=["drift"])
    assert rates(lake)[date(2026, 4, 1)] == (1, 0, 0)


def test_what_runs_made_of_it_is_what_a_rebuild_makes(lake: Lake) -> None:
    deliver(lake, cancer_stay(4, "P2", "2026-03-28", "2026-04-01", admission_type="Urgent"), day=22)
    deliver(lake, cancer_stay(1, "P1", "2026-02-20", "2026-02-25", is_deleted="true"), day=23)
    assert rates(lake)[FEBRUARY] == (1, 1, 0)
    held_now = state(lake)
    lake.run(full=True)
    assert_same(held_now, state(lake))


def test_the_calendar_reaches_to_the_last_discharge(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "new_year", clock=lambda: datetime(2026, 6, 1, tzinfo=UTC), environment={})
    deliver(lake, cancer_stay(1, "P1", "2025-12-28", "2026-01-03"), day=1)
    days = lake.scan("dim_date").collect()["date"]
    assert (days.min(), days.max()) == (date(2025, 1, 1), date(2026, 12, 31))


def test_the_rate_of_the_network_and_by_month(lake: Lake) -> None:
    deliver(lake, cancer_stay(4, "P1", "2026-03-10", "2026-03-12", admission_type="Emergency"), day=22)
    assert lake.metric("readmission_rate").collect()["value"].item() == 1 / (2 + 1)
    by_month = lake.metric("readmission_rate", by=["month"]).sort("month").collect()
    assert by_month.select("value", "n").rows() == [(1 / 2, 2), (0 / 1, 1), (None, 0)]
