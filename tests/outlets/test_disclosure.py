"""Outlets read a release through one door: compared with what was made public, and in full only on the record."""

import shutil
from pathlib import Path

import pytest

from carti_lake import Lake
from carti_lake.access import Viewer, audit_log, publications, visible
from carti_lake.access.full_counts import ReasonError
from carti_lake.outlets.disclosure import opened
from carti_lake.releases.release import ExpiredError
from carti_lake.upkeep import vacuum
from tests.worlds.lakes import appointment, lake_in, load

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Releases of 40, 45 and 60 appointments with Ann Lee, beside 40 with Bo Chan."""
    lake = lake_in(tmp_path_factory.mktemp("disclosure") / "lake")
    load(lake, "ehr_appointments", [appointment(n, provider_name="Dr. Bo Chan") for n in range(100, 140)], "2026-03-01")
    for day, kept in ((2, 40), (3, 45), (4, 60)):
        load(lake, "ehr_appointments", [appointment(n) for n in range(kept)], f"2026-03-0{day}")
        lake.run()
    return lake


@pytest.fixture
def lake(made: Lake, tmp_path: Path) -> Lake:
    """The same lake, of which nothing was made public yet."""
    return lake_in(shutil.copytree(made.uri, tmp_path / "lake"))


def shown(lake: Lake, release: int, **asked: str) -> dict[str, int | None]:
    summary = opened(lake.at(release=release), "workbook", **asked).tables["provider_summary"]  # type: ignore[arg-type]
    return dict(summary.sort("provider_name").select("provider_name", "appointments").iter_rows())


BOTH, LATER = {"Dr. Ann Lee": 40, "Dr. Bo Chan": 40}, {"Dr. Ann Lee": 60, "Dr. Bo Chan": 40}
#: Of release 2, whose 45 would tell of 5: what release 1 showed.
AS_BEFORE = BOTH


def test_what_moved_little_since_it_was_made_public_stays_as_it_was_then_with_what_would_tell_it(lake: Lake) -> None:
    assert shown(lake, 1) == BOTH
    assert shown(lake, 2) == AS_BEFORE
    second = opened(lake.at(release=2), "workbook")
    assert second.network["appointments"].item() == 80
    assert second.told is not None and not second.told.shown["network"]["appointments"].item()
    assert "provider_summary: 1 number of name:ann lee; network_by_month: 1 number of 2026-02" in second.notes[-1]
    assert shown(lake, 3) == LATER
    assert "since releases 1 and 2," in " ".join(opened(lake.at(release=3), "workbook").notes)


def test_releases_that_nobody_published_are_not_compared(lake: Lake) -> None:
    assert shown(lake, 2) == {"Dr. Ann Lee": 45, "Dr. Bo Chan": 40}
    assert not any("moved by" in note for note in opened(lake.at(release=2), "workbook").notes)
    assert shown(lake, 3) == LATER
    assert "since release 2," in " ".join(opened(lake.at(release=3), "workbook").notes)
    # What comes late is compared with what is out: 40 would tell of 5.
    assert shown(lake, 1) == LATER


def test_a_release_is_published_alike_ever_after_and_recorded_once(lake: Lake) -> None:
    first = opened(lake.at(release=2), "workbook")
    shown(lake, 3)
    again = opened(lake.at(release=2), "dashboard")
    assert {name: rows.to_dicts() for name, rows in again.tables.items()} == {
        name: rows.to_dicts() for name, rows in first.tables.items()
    }
    assert (again.network.to_dicts(), again.notes) == (first.network.to_dicts(), first.notes)
    record = publications.entries(lake.storage)
    assert record.select("change", "release", "outlet").rows() == [(2, 3, "workbook"), (1, 2, "workbook")]
    assert lake.run().release is None


def test_the_record_is_sealed_by_the_audit_log(lake: Lake) -> None:
    shown(lake, 1)
    assert not audit_log.verify(lake.storage).faults
    (entry,) = audit_log.entries(lake.storage).filter(action="publication").to_dicts()
    assert entry["resource"] == "release 1 was made public (publication 1)"


def test_who_publishes_meanwhile_is_compared_with(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    record, other = publications._record, lake_in(Path(lake.uri))

    def late(*values: object) -> None:
        monkeypatch.setattr(publications, "_record", record)
        assert shown(other, 1) == BOTH
        record(*values)  # type: ignore[arg-type]

    monkeypatch.setattr(publications, "_record", late)
    assert shown(lake, 2) == AS_BEFORE
    assert publications.entries(lake.storage)["release"].to_list() == [2, 1]


def test_whoever_publishes_to_others_names_the_release_that_they_had(lake: Lake) -> None:
    assert shown(lake, 1) == BOTH
    assert shown(lake, 2, after="2")["Dr. Ann Lee"] == 45
    assert "since release 1," in " ".join(opened(lake.at(release=3), "workbook", after="1").notes)


def test_the_first_that_anybody_gets_is_compared_with_none(lake: Lake) -> None:
    assert shown(lake, 1) == BOTH
    assert shown(lake, 2, after="none") == {"Dr. Ann Lee": 45, "Dr. Bo Chan": 40}


def test_a_release_that_is_locked_as_none_is_meant_by_it(lake: Lake) -> None:
    lake.lock("none", 1)
    assert shown(lake, 2, after="none") == AS_BEFORE


SOME = Viewer("some", providers=frozenset({"name:ann lee"}), service_lines=None)


def test_the_service_shows_the_same_publication(lake: Lake) -> None:
    def seen(release: int) -> dict[str, int | None]:
        summary = visible(lake.at(release=release), SOME).scan("gold.provider_summary")
        return dict(summary.select("provider_name", "appointments").collect().iter_rows())

    assert seen(1) == {"Dr. Ann Lee": 40}
    assert shown(lake, 2) == AS_BEFORE
    assert seen(2) == {"Dr. Ann Lee": 40}
    assert publications.entries(lake.storage)["outlet"].to_list() == ["workbook", "the service"]


def test_what_stays_as_it_was_does_so_when_vacuum_has_taken_what_was_published(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vacuum, "KEPT_HOURS", 0)
    assert shown(lake, 1) == BOTH
    lake.lock("kept", 2)
    lake.clock.turn(days=1)  # type: ignore[attr-defined]
    lake.vacuum(keep_days=0)
    with pytest.raises(ExpiredError):
        lake.at(1)
    assert shown(lake, 2) == AS_BEFORE
    assert "since release 1," in " ".join(opened(lake.at(2), "workbook").notes)


def test_full_counts_are_on_record_before_they_are_shown(lake: Lake) -> None:
    assert lake.disclosures().is_empty()
    assert shown(lake, 2, full_counts=" outbreak investigation ") == {"Dr. Ann Lee": 45, "Dr. Bo Chan": 40}
    (row,) = lake.disclosures().to_dicts()
    assert (row["outlet"], row["release"], row["reason"]) == ("workbook", 2, "outbreak investigation")
    assert row["at"] == lake.clock()
    assert row["user"]


@pytest.mark.parametrize("reason", ["", "  "])
def test_full_counts_need_a_reason(lake: Lake, reason: str) -> None:
    before = lake.disclosures().height
    with pytest.raises(ReasonError, match="workbook: full counts need a reason"):
        shown(lake, 2, full_counts=reason)
    assert lake.disclosures().height == before


def test_the_trail_is_no_part_of_a_release_and_asks_for_no_new_one(tmp_path: Path) -> None:
    lake = lake_in(tmp_path / "lake")
    load(lake, "ehr_appointments", [appointment(n) for n in range(12)])
    lake.run()
    opened(lake.at(), "charts", full_counts="a test")
    assert lake.run().release is None
    load(lake, "ehr_appointments", [appointment(n) for n in range(30)], "2026-03-10")
    assert lake.run().release == 2
    assert "disclosures" not in lake.at().release.versions
    lake.optimize()
    lake.vacuum(keep_days=0)
    assert lake.disclosures()["reason"].to_list() == ["a test"]
