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


def test_verify_finds_damage_and_says_how_to_repair_it(carti_lake: Type, here: Path) -> None:
    assert "all as recorded" in carti_lake("verify").out
    for file in Path("lake/gold/provider_summary").glob("*.parquet"):
        file.write_bytes(file.read_bytes()[:-200])
    ended = carti_lake("verify", "gold.provider_summary")
    assert ended.code == 1
    assert "gold.provider_summary" in ended.err and "run --full" in ended.err
    assert json.loads(carti_lake("verify", "gold.provider_summary", "--json").out)[0]["problem"]
