"""``optimize``, ``vacuum`` and ``verify``."""

import json
from pathlib import Path

from .conftest import Type


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
