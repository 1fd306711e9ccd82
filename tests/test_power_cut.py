"""What was acknowledged outlasts a power cut, whatever the disk makes of the rest."""

import sys
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from carti_lake import Lake
from carti_lake.access.audit_log import verify as verify_audit
from carti_lake.access.policies import grant
from carti_lake.store.durable import NotDurableError, written_since
from carti_lake.store.errors import DamagedLogError
from carti_lake.tables import TABLES
from tests.doubles.power import WORST, Disk
from tests.worlds.rows import visit

NOW = datetime(2026, 5, 1, tzinfo=UTC)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="folders are no files there"),
]


def lake_at(folder: Path) -> Lake:
    return Lake(folder, clock=lambda: NOW, environment={})


def load(lake: Lake, day: int, paid: str) -> None:
    rows = [visit("V1", claim_paid=paid), visit(f"V1{day}"), visit(f"bad {day}", claim_amount="abc")]
    lake.load("ehr_visits", rows, extract_date=date(2026, 4, day))


def run(lake: Lake) -> None:
    assert not lake.run(accept=["drift", "quality"]).failed


def allow(lake: Lake) -> None:
    grant(
        lake.storage,
        "ann",
        providers=None,
        service_lines=None,
        exact=True,
        scopes=["read"],
        until=None,
        who="lead",
        why="asked",
        now=NOW,
    )


def files(lake: Lake, table: str) -> list[Path]:
    handle = lake.storage.open(table)
    return [] if handle is None else written_since(Path(lake.storage.path(table)), handle.version(), -1)


def every_file(lake: Lake) -> list[Path]:
    """Every file that the log of any table names, and the logs."""
    named = [file for name, table in TABLES.items() if table.view_of is None for file in files(lake, name)]
    return [file for file in named if file.exists()]


def told(lake: Lake) -> dict[str, object]:
    """What was acknowledged, as readers see it: batches, rows, releases, locks, access, the audit log."""
    storage = lake.storage
    return {
        "bronze": storage.scan("bronze.ehr_visits").collect().sort("batch_id", "row_number").rows(),
        "releases": [(one.number, one.locks, one.expired) for one in lake.releases()],
        "visits": lake.scan("silver.visits").collect().sort("visit_id").rows() if lake.releases() else [],
        "gold": lake.scan("gold.provider_monthly").collect().sort(pl.all()).rows() if lake.releases() else [],
        "audit": verify_audit(storage),
        "access": storage.scan("access").collect().rows(),
        "refused": [check.problem for check in lake.verify() if check.problem],
    }


def test_what_was_acknowledged_is_there_after_a_power_cut(tmp_path):
    lake = lake_at(tmp_path / "lake")
    steps = [
        lambda: load(lake, 1, "10"),
        lambda: run(lake),
        lambda: lake.lock("board"),
        lambda: allow(lake),
        lambda: load(lake, 2, "20"),
        lambda: run(lake),
        lambda: lake.optimize(),
        lambda: lake.vacuum(keep_days=0),
    ]
    with Disk().recording() as disk:
        for place, step in enumerate(steps):
            step()
            assert disk.unsynced(every_file(lake), tmp_path) == []
            wanted = told(lake)
            assert wanted["refused"] == []
            for worst in WORST:
                after = tmp_path / f"{place} {worst}"
                disk.cut(tmp_path / "lake", after, worst)
                assert told(lake_at(after)) == wanted, (place, worst)


def test_a_power_cut_within_a_run_leaves_readers_on_the_release_before(tmp_path):
    lake = lake_at(tmp_path / "lake")
    with Disk().recording() as disk:
        load(lake, 1, "10")
        run(lake)
        before = lake.scan("silver.visits").collect().sort("visit_id")
        load(lake, 2, "20")
        begun, cuts = disk.count, []

        def cut(count: int) -> None:
            if (count - begun) % 25 == 0:
                for worst in WORST:
                    cuts.append(tmp_path / f"{count} {worst}")
                    disk.cut(tmp_path / "lake", cuts[-1], worst)

        disk.before_sync = cut
        run(lake)
    assert len(cuts) > 6
    for after in cuts:
        found = lake_at(after)
        assert found.at(release=1).scan("silver.visits").collect().sort("visit_id").equals(before)
        assert found.storage.scan("bronze.ehr_visits").collect().height == 6


def test_a_release_that_was_cut_off_is_set_aside_and_published_anew(tmp_path):
    lake, after = lake_at(tmp_path / "lake"), tmp_path / "after"
    with Disk().recording() as disk:
        load(lake, 1, "10")
        run(lake)
        load(lake, 2, "20")
        log = Path(lake.storage.path("releases")) / "_delta_log"
        known = len(list(log.glob("*.json")))

        def cut(count: int) -> None:
            if len(list(log.glob("*.json"))) > known and not after.exists():
                disk.cut(tmp_path / "lake", after, "zeros")

        disk.before_sync = cut
        run(lake)
    found = lake_at(after)
    with pytest.raises(DamagedLogError, match="releases"):
        found.at()
    (step,) = found.repair()
    assert "a write that never ended" in step.remedy
    assert [one.number for one in found.releases()] == [1]
    run(found)
    assert told(found)["visits"] == told(lake)["visits"]


def test_a_disk_that_does_not_confirm_is_no_acknowledgement(tmp_path, monkeypatch):
    def fails(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    lake = lake_at(tmp_path / "lake")
    load(lake, 1, "10")
    monkeypatch.setattr("os.fsync", fails)
    with pytest.raises(NotDurableError, match="what was written is not safe, the disk does not confirm it"):
        load(lake, 2, "20")
    with pytest.raises(NotDurableError):
        lake.run()
