"""Small files, each with a property of a real one: how many rows load, which are refused, and which files are."""

import tomllib
from pathlib import Path

import pytest

from carti_lake import Lake
from carti_lake.sources.extract import ExtractError
from carti_lake.sources.map_file import read_mapping
from carti_lake.tables.feeds import FEEDS

FOLDERS = tomllib.loads((Path(__file__).parent / "foreign.toml").read_text("utf-8"))
#: Folders that are one delivery.
TOGETHER = ("messy_folder", "pq_hive", "pq_hive_date")
#: Of feeds whose names a file begins with, the longest is meant.
LONGEST_FIRST = sorted(FEEDS, key=len, reverse=True)


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    return Lake(tmp_path_factory.mktemp("foreign") / "lake")


def previews(lake, folder):
    """What loading a folder's deliveries would do, each with the map beside it."""
    mapping = read_mapping(folder / "map.toml") if (folder / "map.toml").exists() else None
    deliveries = [folder] if folder.name in TOGETHER else sorted(folder.iterdir())
    for delivery in deliveries:
        if delivery.name != "map.toml":
            feed = next((name for name in LONGEST_FIRST if delivery.name.startswith(name)), "ehr_visits")
            yield from lake.preview(feed, delivery, mapping=mapping)


@pytest.mark.parametrize("name", FOLDERS)
def test_a_file_is_read_row_by_row_or_refused(lake, shared, name):
    meant = FOLDERS[name]
    if "says" in meant:
        with pytest.raises(ExtractError) as refused:
            list(previews(lake, shared / "data/foreign" / name))
        assert meant["says"] in str(refused.value)
        return
    found = list(previews(lake, shared / "data/foreign" / name))
    rules = sorted({rule for one in found for rule in one.rules})
    counts = (sum(one.rows for one in found), sum(one.refused for one in found))
    assert (*counts, rules) == (meant["rows"], meant.get("refused", 0), meant.get("rules", "").split())


def test_every_folder_is_looked_at(shared):
    assert FOLDERS.keys() == {folder.name for folder in (shared / "data/foreign").iterdir() if folder.is_dir()}
