"""``run`` and ``status``."""

import json
from pathlib import Path

import polars as pl
import pytest

from carti_lake.cli.run import AuditName
from carti_lake.lake import Lake

from .conftest import Type


def test_a_run_without_news_says_so(carti_lake: Type, here: Path) -> None:
    ended = carti_lake("run")
    assert (ended.code, ended.out) == (0, "Nothing new: release 3 stands.\n")


def test_a_run_tells_its_audits_and_its_release(carti_lake: Type, here: Path) -> None:
    ended = carti_lake("run", "--full", "--json")
    told = json.loads(ended.out)
    assert told["release"] == 4
    assert {audit["name"] for audit in told["audits"]} == set(AuditName)


def test_the_plan_names_what_waits_and_does_nothing(carti_lake: Type, here: Path) -> None:
    carti_lake(
        "load", "providers", "demo/extracts/providers", "--delivered-at", "2026-02-01", "--extract-date", "2026-02-01"
    )
    assert "providers" in carti_lake("run", "--plan").out
    assert list(json.loads(carti_lake("run", "--plan", "--json").out)) == ["providers"]
    assert len(Lake("lake").releases()) == 3


def test_a_failed_audit_exits_1_and_can_be_accepted(carti_lake: Type, here: Path) -> None:
    visits = Lake("lake").scan("silver.visits").collect()
    late = pl.DataFrame(
        {
            "visit_id": [f"LATE-{number}" for number in range(visits.height)],
            "patient_id": "P-1",
            "visit_date": "2025-06-01",
            "diagnosis_code": "C34.90",
            "procedure_code": "99213",
            "provider_name": visits["provider_name"],
            "claim_amount": 100,
            "claim_paid": 0,
            "claim_status": "Pending",
        }
    )
    late.write_csv("late_2026-02-01.csv")
    assert carti_lake("load", "ehr_visits", "late_2026-02-01.csv").code == 0
    ended = carti_lake("run")
    assert ended.code == 1
    assert "Not published. Readers stay on release 3." in ended.out
    assert "carti-lake run --accept drift" in ended.out
    assert "drift" in carti_lake("status").out
    assert carti_lake("run", "--accept", "drift").code == 0
    assert json.loads(carti_lake("release", "show", "--json").out)["accepted"] == ["drift"]


def test_status_shows_every_feed_and_that_it_balances(carti_lake: Type, here: Path) -> None:
    told = json.loads(carti_lake("status", "--json").out)
    assert told["release"]["number"] == 3
    assert all(feed["balanced"] for feed in told["feeds"])
    printed = carti_lake("status").out
    assert "Release 3" in printed and "ehr_visits" in printed and "february-close" not in printed


def test_status_of_nothing_says_where_to_start(carti_lake: Type, tmp_path: Path) -> None:
    ended = carti_lake("status", "--lake", str(tmp_path / "none"))
    assert ended.code == 0
    assert "No release yet." in ended.out and "carti-lake demo" in ended.out


def test_an_audit_that_does_not_exist_cannot_be_accepted(carti_lake: Type, here: Path) -> None:
    assert carti_lake("run", "--accept", "everything").code == 2


def test_nothing_loaded_makes_no_release(carti_lake: Type, tmp_path: Path) -> None:
    ended = carti_lake("run", "--lake", str(tmp_path / "none"))
    assert ended.code == 0
    assert ended.out.startswith("Nothing has been loaded yet.\n")
    assert not (tmp_path / "none").exists()


def test_a_run_without_a_patient_key_says_what_that_means(
    carti_lake: Type, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warned = carti_lake("run", "--json")
    assert "Patient key: not set" in warned.err
    assert "CARTI_LAKE_PATIENT_KEY_FILE" in warned.err
    assert json.loads(warned.out)["release"] is None
    monkeypatch.setenv("CARTI_LAKE_PATIENT_KEY", "a secret of ours")
    assert "Patient key" not in carti_lake("run", "--json").err
