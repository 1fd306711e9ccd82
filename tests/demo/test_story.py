"""The demo, on a network of a few days."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from carti_lake.demo import LOCK, demo
from carti_lake.lake import Lake
from carti_lake.store.errors import LakeError
from tests.worlds.networks import FEW_DAYS


def test_the_demo_publishes_three_releases_and_can_be_repeated(demo_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(demo_folder, tmp_path / "made")
    lake = Lake(tmp_path / "made/lake")
    assert [one.data_as_of for one in lake.releases()] == [date(2026, 1, day) for day in (3, 4, 6)]
    assert lake.at(release=LOCK).release.number == 1
    assert (tmp_path / "made/lake/published/charts/roi_by_provider.png").is_file()
    assert (tmp_path / "made/lake/published/workbook.xlsx").is_file()
    again = demo(lake, tmp_path / "made/demo", FEW_DAYS, progress=lambda step: None)
    assert (again.first, again.last) == (date(2026, 1, 1), date(2026, 1, 6))
    assert again.notes[0].startswith("The demo was here already")
    assert len(lake.releases()) == 3


def test_the_demo_leaves_a_lake_with_other_extracts_alone(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    lake.load("providers", [{"provider_name": "Dana Ortiz"}])
    with pytest.raises(LakeError, match="holds extracts other than the demo's"):
        demo(lake, tmp_path, FEW_DAYS, progress=lambda step: None)
