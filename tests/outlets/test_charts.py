"""The charts show every provider, or say how many they leave out, and carry the release."""

import json
import os
import struct
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from carti_lake.outlets.chart_rows import MOST_ROWS
from carti_lake.outlets.charts import VIEWS, predicted_vs_actual_opportunity, roi_by_provider
from carti_lake.outlets.charts.files import write_charts
from carti_lake.outlets.charts.marketing import NETWORK
from carti_lake.outlets.picture import pictures

from .conftest import providers, release_of, shown_of


def subtitle(chart: Any) -> list[str]:
    return list(chart.to_dict()["title"]["subtitle"])


def shown(chart: Any) -> list[str]:
    return list(chart.to_dict()["layer"][0]["encoding"]["y"]["sort"])


def opportunity(frames: Mapping[str, pl.DataFrame]) -> Any:
    return predicted_vs_actual_opportunity(shown_of(frames, in_full=True))


def roi(summary: pl.DataFrame) -> Any:
    return roi_by_provider(shown_of(release_of(summary)))


def test_best_roi_comes_first_below_the_network() -> None:
    chart = roi(providers(3))
    assert shown(chart) == [NETWORK, "Dr. 3", "Dr. 2", "Dr. 1"]
    assert subtitle(chart)[-1] == "Release 12 · 2026-11-23 · data as of 2026-11-22"
    assert (
        subtitle(chart)[0] == "(deals_value - marketing_cost) / marketing_cost, whatever the stage, as first reported"
    )


def test_many_providers_are_cut_and_counted() -> None:
    for chart in (roi(providers(60)), opportunity(release_of(providers(60)))):
        rows = [label for label in shown(chart) if label != NETWORK]
        assert len(rows) == MOST_ROWS + 1
        assert "… 36 more …" in rows
        assert "First and last 12 of 60 providers; 36 between them are not shown" in subtitle(chart)


def test_providers_without_a_value_are_counted() -> None:
    summary = providers(3, roi=[1.0, None, 2.0], opportunity_value=[1.0, None, None])
    assert "Not shown, for want of a recorded value: 2" in subtitle(opportunity(release_of(summary)))
    assert "Not shown, for want of a marketing cost: 1" in subtitle(roi(summary))


def test_providers_of_one_name_stay_apart() -> None:
    chart = roi(providers(3, provider_name=["Dr. Lee", "Dr. Lee", "Dr. Roe"]))
    assert shown(chart) == [NETWORK, "Dr. Roe", "Dr. Lee · P002", "Dr. Lee · P001"]


def test_the_opportunity_chart_says_what_the_model_is_worth(frames: dict[str, pl.DataFrame]) -> None:
    chart = opportunity(frames)
    assert chart.to_dict()["title"]["text"].startswith("Predicted opportunity value: ")
    assert subtitle(chart)[0].startswith("Mean error $")
    assert "do not use" in subtitle(chart)[1]


def test_too_few_values_say_so_instead_of_a_verdict() -> None:
    chart = opportunity(release_of(providers(2)))
    assert chart.to_dict()["title"]["text"] == "Predicted opportunity value"
    assert subtitle(chart)[0].startswith("Not enough data: 2 providers")


@pytest.mark.parametrize("rows", [0, 60])
def test_the_same_files_are_written_twice_alike(rows: int, tmp_path: Path) -> None:
    release = shown_of(release_of(providers(rows, roi=[number - 3.5 for number in range(rows)])))
    paths = write_charts(release, tmp_path / "once")
    again = write_charts(release, tmp_path / "twice")
    assert [path.name for path in paths] == [f"{name}.{ending}" for name in VIEWS for ending in ("png", "svg", "json")]
    assert [path.read_bytes() for path in paths] == [path.read_bytes() for path in again]
    width, height = struct.unpack(">II", paths[0].read_bytes()[16:24])
    assert width > 1200
    assert height > 200
    for path in paths:
        assert path.suffix == ".png" or "Release 12" in path.read_text(encoding="utf-8")
    assert "vega-lite/v6" in json.loads(paths[2].read_text(encoding="utf-8"))["$schema"]


def test_the_seed_is_drawn(seed_summary: pl.DataFrame) -> None:
    assert shown(roi(seed_summary))[:3] == [NETWORK, "Dr. Johnson", "Dr. Brown"]
    assert "4,499%" in pictures(roi(seed_summary), ("svg",))["svg"].decode()


DRAWN = """
import sys
from tests.outlets.conftest import release_of, providers, shown_of
from carti_lake.outlets.charts import roi_by_provider
from carti_lake.outlets.picture import pictures
sys.stdout.buffer.write(pictures(roi_by_provider(shown_of(release_of(providers(4)))), ("png",))["png"])
"""


def test_pictures_are_the_same_on_a_machine_without_fonts_and_in_another_time_zone(tmp_path: Path) -> None:
    bare = tmp_path / "fonts.conf"
    bare.write_text('<?xml version="1.0"?><fontconfig></fontconfig>', encoding="utf-8")
    elsewhere = {**os.environ, "FONTCONFIG_FILE": str(bare), "HOME": str(tmp_path), "TZ": "Pacific/Auckland"}
    made = subprocess.run([sys.executable, "-c", DRAWN], env=elsewhere, check=True, capture_output=True).stdout
    assert made == pictures(roi(providers(4)), ("png",))["png"]
