"""``release``."""

import json
from pathlib import Path

from .conftest import Type


def test_releases_are_listed_newest_first(carti_lake: Type, here: Path) -> None:
    assert [one["number"] for one in json.loads(carti_lake("release", "list", "--json").out)] == [3, 2, 1]
    assert "february-close" in carti_lake("release", "list").out


def test_a_release_is_shown_with_its_audits_and_tables(carti_lake: Type, here: Path) -> None:
    printed = carti_lake("release", "show", "2").out
    assert printed.startswith("Release 2 · ")
    assert "reconciliation" in printed and "silver.visits" in printed


def test_a_lock_is_set_used_and_removed(carti_lake: Type, here: Path) -> None:
    assert carti_lake("release", "lock", "board", "--release", "2").code == 0
    assert json.loads(carti_lake("release", "show", "board", "--json").out)["number"] == 2
    assert carti_lake("release", "lock", "board").code == 1
    assert carti_lake("release", "unlock", "board").out == "Release 2 is no longer locked as board.\n"
    assert carti_lake("release", "show", "board").code == 1


def test_before_the_first_release(carti_lake: Type, tmp_path: Path) -> None:
    assert "There is no release yet." in carti_lake("release", "list", "--lake", str(tmp_path / "new")).out
