"""``optimize``, ``vacuum``, ``verify``, ``repair``, ``backup``, ``restore`` and ``upgrade``."""

import json
from pathlib import Path

import pytest

from .conftest import Type

pytestmark = pytest.mark.slow


def test_optimize_then_vacuum_keep_what_releases_need(carti_lake: Type, here: Path) -> None:
    assert "Joined the small files of" in carti_lake("optimize").out
    assert "Would remove 0 files" in carti_lake("vacuum", "--dry-run").out
    assert carti_lake("vacuum", "--keep-days", "0", "--json").code == 0
    assert "vacuumed" in carti_lake("release", "list").out
    for release in ("february-close", "3"):
        assert carti_lake("query", "SELECT * FROM provider_summary", "--release", release).code == 0


def test_one_table_may_be_optimised_and_what_no_release_holds_needs_no_new_one(carti_lake: Type, here: Path) -> None:
    for viewer in ("ann", "bob"):
        carti_lake("access", "grant", viewer, "--all-providers", "--why", "asked for")
    ended = carti_lake("optimize", "audit")
    assert "Joined the small files of 1 of 1 tables" in ended.out
    assert "makes a release" not in ended.out
    assert "makes a release" in carti_lake("optimize", "silver.visits").out
    assert "There is no table 'nothing'" in carti_lake("optimize", "nothing").err


def test_verify_finds_damage_and_says_how_to_repair_it(carti_lake: Type, here: Path) -> None:
    assert "all as recorded" in carti_lake("verify").out
    for file in Path("lake/gold/provider_summary").glob("*.parquet"):
        file.write_bytes(file.read_bytes()[:-200])
    ended = carti_lake("verify", "gold.provider_summary")
    assert ended.code == 1
    assert "gold.provider_summary" in ended.err and "run --full" in ended.err
    assert json.loads(carti_lake("verify", "gold.provider_summary", "--json").out)[0]["problem"]


def test_repair_shows_then_does_and_a_backup_is_a_lake(carti_lake: Type, here: Path) -> None:
    assert "Nothing is damaged." in carti_lake("repair", "--plan").out
    assert "Copied and compared" in carti_lake("backup", "kept").out
    assert "Copied and compared 0 files" in carti_lake("backup", "kept").out
    for file in Path("lake/gold/provider_summary").glob("*.parquet"):
        file.write_bytes(file.read_bytes()[:-200])
    planned = carti_lake("repair", "--plan")
    assert planned.code == 1
    assert "would be rebuilt from bronze" in planned.out
    assert "is no backup" in carti_lake("restore", "nothing", "--lake", "other").err
    assert carti_lake("restore", "kept", "--lake", "other").code == 0
    assert "all as recorded" in carti_lake("verify", "--lake", "other").out
    mended = carti_lake("repair", "--json")
    assert mended.code == 0
    assert [(step["table"], step["done"]) for step in json.loads(mended.out)] == [("gold.provider_summary", True)]
    assert "all as recorded" in carti_lake("verify").out


def test_upgrade_says_what_it_brings_up(carti_lake: Type, here: Path) -> None:
    assert "Every table has format 1." in carti_lake("upgrade").out
