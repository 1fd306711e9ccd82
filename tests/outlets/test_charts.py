"""The charts show every provider, or say how many they leave out, and carry the release."""

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from carti_lake.disclosure import publication
from carti_lake.outlets.chart_rows import MOST_ROWS
from carti_lake.outlets.charts import NETWORK, predicted_vs_actual_opportunity, roi_by_provider, write_charts

from .conftest import providers, release_of

LINE = "release 12 · 2026-11-23 · data as of 2026-11-22"


def subtitle(chart: Any) -> list[str]:
    return list(chart.to_dict()["title"]["subtitle"])


def shown(chart: Any) -> list[str]:
    return list(chart.to_dict()["layer"][0]["encoding"]["y"]["sort"])


def opportunity(frames: Mapping[str, pl.DataFrame]) -> Any:
    names = frames["provider_summary"]
    return predicted_vs_actual_opportunity(frames["opportunity_predictions"], names, frames["model_metrics"], LINE)


def test_best_roi_comes_first_below_the_network() -> None:
    chart = roi_by_provider(providers(3), LINE)
    assert shown(chart) == [NETWORK, "Dr. 3", "Dr. 2", "Dr. 1"]
    assert subtitle(chart)[-1] == "Release 12 · 2026-11-23 · data as of 2026-11-22"
    assert subtitle(chart)[0] == "(deals_value - marketing_cost) / marketing_cost, whatever the stage, as in the seed"


def test_many_providers_are_cut_and_counted() -> None:
    for chart in (roi_by_provider(providers(60), LINE), opportunity(release_of(providers(60)))):
        rows = [label for label in shown(chart) if label != NETWORK]
        assert len(rows) == MOST_ROWS + 1
        assert "… 36 more …" in rows
        assert "First and last 12 of 60 providers; 36 between them are not shown" in subtitle(chart)


def test_providers_without_a_value_are_counted() -> None:
    summary = providers(3, roi=[1.0, None, 2.0], opportunity_value=[1.0, None, None])
    assert "Not shown, for want of a recorded value: 2" in subtitle(opportunity(release_of(summary)))
    assert "Not shown, for want of a marketing cost: 1" in subtitle(roi_by_provider(summary, LINE))


def test_providers_of_one_name_stay_apart() -> None:
    chart = roi_by_provider(providers(3, provider_name=["Dr. Lee", "Dr. Lee", "Dr. Roe"]), LINE)
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


@pytest.mark.parametrize("rows", [0, 1, 8, 60])
def test_files_are_written_twice_alike(rows: int, tmp_path: Path) -> None:
    frames = release_of(providers(rows, roi=[number - 3.5 for number in range(rows)]))
    paths = write_charts(publication(frames), LINE, tmp_path / "once")
    again = write_charts(publication(frames), LINE, tmp_path / "twice")
    assert [path.name for path in paths] == [
        "roi_by_provider.png",
        "roi_by_provider.svg",
        "predicted_vs_actual_opportunity.png",
        "predicted_vs_actual_opportunity.svg",
    ]
    assert [path.read_bytes() for path in paths] == [path.read_bytes() for path in again]
    width, height = struct.unpack(">II", paths[0].read_bytes()[16:24])
    assert width > 1200
    assert height > 200
    assert "Release 12" in paths[1].read_text(encoding="utf-8")


def test_the_seed_is_drawn(seed_summary: pl.DataFrame, tmp_path: Path) -> None:
    frames = release_of(seed_summary)
    assert shown(roi_by_provider(seed_summary, LINE))[:3] == [NETWORK, "Dr. Johnson", "Dr. Brown"]
    write_charts(publication(frames), LINE, tmp_path)
    assert "4,499%" in (tmp_path / "roi_by_provider.svg").read_text(encoding="utf-8")
