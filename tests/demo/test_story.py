"""The demo, on a network of a few days."""

from datetime import date
from pathlib import Path

import pytest

from carti_lake.demo import LOCK, demo
from carti_lake.generate import Network
from carti_lake.lake import Lake
from carti_lake.store.errors import LakeError

FEW_DAYS = Network(providers=16, patients=300, days=4, visits_per_day=10)


def test_the_demo_publishes_three_releases_and_can_be_repeated(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    shown = demo(lake, tmp_path, FEW_DAYS, progress=lambda step: None)
    assert (shown.first, shown.last) == (date(2026, 1, 1), date(2026, 1, 4))
    assert [one.data_as_of for one in lake.releases()] == [date(2026, 1, day) for day in (2, 3, 4)]
    assert lake.at(release=LOCK).release.number == 1
    assert (tmp_path / "lake/published/charts/roi_by_provider.png").is_file()
    assert (tmp_path / "lake/published/workbook.xlsx").is_file()
    again = demo(lake, tmp_path, FEW_DAYS, progress=lambda step: None)
    assert again.notes[0].startswith("The demo was here already")
    assert len(lake.releases()) == 3


def test_the_demo_leaves_a_lake_with_other_extracts_alone(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    lake.load("providers", [{"provider_name": "Dana Ortiz"}])
    with pytest.raises(LakeError, match="holds extracts other than the demo's"):
        demo(lake, tmp_path, FEW_DAYS, progress=lambda step: None)
