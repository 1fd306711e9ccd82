"""Outlets read a release through one door: compared with the release before, and in full only on the record."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from deltalake import DeltaTable

from carti_lake import Lake
from carti_lake.access import Viewer, visible
from carti_lake.access.full_counts import ReasonError
from carti_lake.outlets.disclosure import opened
from carti_lake.releases.release import ExpiredError, ReleaseError, preceding
from carti_lake.upkeep import vacuum
from tests.worlds.lakes import appointment, lake_in, load


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Releases of 40, 45 and 60 appointments with Ann Lee, beside 40 with Bo Chan."""
    lake = lake_in(tmp_path_factory.mktemp("disclosure") / "lake")
    load(lake, "ehr_appointments", [appointment(n, provider_name="Dr. Bo Chan") for n in range(100, 140)], "2026-03-01")
    for day, kept in ((2, 40), (3, 45), (4, 60)):
        load(lake, "ehr_appointments", [appointment(n) for n in range(kept)], f"2026-03-0{day}")
        lake.run()
    return lake


def shown(lake: Lake, release: int, **asked: str) -> dict[str, int | None]:
    summary = opened(lake.at(release=release), "workbook", **asked).tables["provider_summary"]  # type: ignore[arg-type]
    return dict(summary.sort("provider_name").select("provider_name", "appointments").iter_rows())


def test_what_moved_little_since_the_release_before_is_blank_with_what_would_tell_it(lake: Lake) -> None:
    assert shown(lake, 1) == {"Dr. Ann Lee": 40, "Dr. Bo Chan": 40}
    assert shown(lake, 2) == {"Dr. Ann Lee": None, "Dr. Bo Chan": 40}
    assert opened(lake.at(release=2), "workbook").network["appointments"].item() is None
    assert shown(lake, 3) == {"Dr. Ann Lee": 60, "Dr. Bo Chan": 40}


def test_whoever_publishes_some_releases_only_names_the_last_one(lake: Lake) -> None:
    assert shown(lake, 2, after="2")["Dr. Ann Lee"] == 45
    assert "since release 1," in " ".join(opened(lake.at(release=3), "workbook", after="1").notes)


def test_the_first_that_anybody_gets_is_compared_with_none(lake: Lake, tmp_path: Path) -> None:
    assert shown(lake, 2, after="none") == {"Dr. Ann Lee": 45, "Dr. Bo Chan": 40}
    own = lake_in(shutil.copytree(lake.uri, tmp_path / "lake"))
    own.lock("none", 1)
    # The word names a release now, and hides what moved since.
    assert shown(own, 2, after="none") == {"Dr. Ann Lee": None, "Dr. Bo Chan": 40}


SOME = Viewer("some", providers=frozenset({"name:ann lee"}), service_lines=None)
SOME_LINES = Viewer("lines", providers=None, service_lines=frozenset({"lung"}))


def seen(lake: Lake, release: int, viewer: Viewer) -> dict[str, int | None]:
    summary = visible(lake.at(release=release), viewer).scan("gold.provider_summary")
    return dict(summary.sort("provider_name").select("provider_name", "appointments").collect().iter_rows())


def test_what_is_blank_stays_so_when_vacuum_has_taken_the_release_before(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vacuum, "WRITER_HOURS", 0)
    own = lake_in(shutil.copytree(lake.uri, tmp_path / "lake"))
    own.lock("kept", 2)
    own.clock.turn(days=1)  # type: ignore[attr-defined]
    # Twice: the second vacuum finds the release before among those that are gone.
    for _ in range(2):
        own.vacuum(keep_days=0)
        with pytest.raises(ExpiredError):
            own.at(1)
        assert shown(own, 2) == {"Dr. Ann Lee": None, "Dr. Bo Chan": 40}
        assert seen(own, 2, SOME) == {"Dr. Ann Lee": None}
        assert seen(own, 2, SOME_LINES) == {"Dr. Ann Lee": None, "Dr. Bo Chan": 40}
        assert "since release 1," in " ".join(opened(own.at(2), "workbook").notes)
    # Without its files nothing is shown that might tell the two apart, but in full for a reason.
    mart = own.storage.path("gold.provider_monthly")
    of_first, of_second = (
        {*DeltaTable(mart, version=one.versions["gold.provider_monthly"]).file_uris()} for one in lake.releases()[:2]
    )
    (gone,) = of_first - of_second
    Path(gone).rename(tmp_path / "gone")
    with pytest.raises(ReleaseError, match="from release 1, and the files of that are gone"):
        shown(own, 2)
    assert shown(own, 2, full_counts="asked for")["Dr. Ann Lee"] == 45
    (tmp_path / "gone").rename(gone)
    # When nothing is compared with it any more, it goes.
    table = own.storage.path("gold.provider_summary")
    files = DeltaTable(table, version=lake.releases()[0].versions["gold.provider_summary"]).file_uris()
    assert all(Path(file).is_file() for file in files)
    own.unlock("kept")
    own.vacuum(keep_days=0)
    assert not any(Path(file).is_file() for file in files)
    assert shown(own, 3) == {"Dr. Ann Lee": 60, "Dr. Bo Chan": 40}


def test_a_release_of_tables_that_were_made_anew_is_compared_with_none(lake: Lake) -> None:
    first, second, _ = lake.releases()
    assert preceding([first], second) == first
    assert preceding([replace(first, expired=True)], second) == replace(first, expired=True)
    remade = replace(second, ids={**second.ids, "gold.provider_monthly": "another"})
    assert preceding([first], remade) is None
    other = replace(second, ids={**second.ids, "gold.marketing_roi": "another"})
    assert preceding([first], other) == first


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
