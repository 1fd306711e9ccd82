"""One test over all outlets: a headline number is the same, of the same months and in the same words, in each."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest

from carti_lake.metrics import METRICS
from carti_lake.metrics.value import values
from carti_lake.outlets.dashboard.contents import contents as described
from carti_lake.outlets.dashboard.cubes import KPIS
from carti_lake.outlets.dashboard.page import page
from carti_lake.outlets.headline import headlines, over, usual_period
from carti_lake.outlets.history import needed
from carti_lake.outlets.published.frames import star
from carti_lake.outlets.report.contents import contents
from carti_lake.outlets.workbook import write_workbook
from carti_lake.releases.release import Release

from .conftest import AS_OF, release_frames, shown
from .test_page import settled, tiles

#: openpyxl leaves sparklines alone, and says so.
pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore:Sparkline Group extension")]
DELIVERED = {one for metric in METRICS.values() for one in metric.sources()}
DELIVERED |= {one.partition(".")[0] for one in DELIVERED}
RELEASE = Release(12, datetime(2026, 3, 21, tzinfo=UTC), AS_OF, {}, {}, (), (), (), False)
ARROWS = str.maketrans({"▲": "+", "▼": "\N{MINUS SIGN}"})


def spoken(tile: dict[str, Any]) -> list[str]:
    """A board pack's tile, as the dashboard writes it: what it says of a whole period stands above the tiles there."""
    change, _, before = (tile["change"] or "").partition("; ")
    said = [tile["name"], tile["number"], change, before, tile["months"], tile["apart"], tile["target"]]
    return [one for one in said if one]


@pytest.mark.parametrize("in_full", [True, False], ids=["inside", "public"])
def test_every_outlet_says_the_same(
    frames: dict[str, pl.DataFrame], in_full: bool, open_page: Callable[..., Any], tmp_path: Path
) -> None:
    """Dashboard, board pack, workbook and the tables that Power BI sums, for both audiences."""
    release = shown(frames, in_full=in_full)
    file = tmp_path / "page.html"
    file.write_text(page(release, {}), "utf-8")
    tab = open_page(file)
    pack = contents(release, DELIVERED, [], "release 12")
    book = openpyxl.load_workbook(write_workbook(release.published, RELEASE, tmp_path / "book.xlsx", DELIVERED))
    header, *lines = book["KPIs"].iter_rows(values_only=True)
    rows = {row[header.index("Metric id")]: dict(zip(header, row, strict=True)) for row in lines}
    model = {name: one.collect() for name, one in star(release.published, RELEASE, full_counts=in_full).items()}
    summed = model["provider_monthly" if in_full else "network_by_month"]
    assert tab.inner_text("#story") == " ".join(pack["story"])
    number, before, apart = (tiles(tab, part) for part in ("value", "before", "apart"))
    whole = pack["period"]
    period = usual_period(over(release.published, AS_OF))
    heads = {row["metric"]: row for row in headlines(release.published, AS_OF, period).iter_rows(named=True)}
    for metric, tile in zip(KPIS, pack["tiles"], strict=True):
        texts = tab.inner_text(f"[data-metric={metric}]").translate(ARROWS).split("\n")
        there = [one for one in (part.strip() for text in texts for part in text.split("  ")) if one]
        joined = " ".join(there).replace("  ", " ")
        for one in spoken(tile):
            assert one == whole or one in joined or METRICS[metric].title.startswith(one), (metric, one, joined)
        row = rows[metric]
        if number[metric] is None:
            assert row["Value"] is None and row["Blank because"]
            continue
        assert number[metric] == pytest.approx(row["Value"]), metric
        assert (before[metric], apart[metric]) == (
            row["Before"] and pytest.approx(row["Before"]),
            row["Still moving"] and pytest.approx(row["Still moving"]),
        ), metric
        assert (row["Months"], row["Months that still move"], row["Good"]) == (
            tile["months"] if metric in heads else "all",
            tile["apart"] and tile["apart"].partition(": ")[0],
            tile["target"] and tile["target"].removeprefix("good: "),
        ), metric
        stay = pl.all_horizontal(*needed(METRICS[metric]), "newest_period")
        staying = model["dim_date"].filter(stay)["month"].unique().sort()
        # Of what the public has, hidden months are left out on both sides.
        months = heads[metric]["months"] if metric in heads else []
        assert months == staying.to_list() if in_full else {*months} <= {*staying}
        for value, back in ((number[metric], "0mo"), (before[metric], "-12mo")):
            if value is None:
                continue
            told = pl.col("month").is_in(pl.Series(months, dtype=pl.Date).dt.offset_by(back).to_list())
            of = summed.filter(told) if metric in heads else model["network"]
            assert value == pytest.approx(float(values(METRICS[metric], of.lazy()).collect()["value"].item())), metric


@pytest.mark.parametrize("kept", [{"line": "lung"}, {"provider": "P003"}, {"line": "breast", "provider": "P001"}])
def test_under_a_filter_the_page_says_what_power_bi_sums(
    frames: dict[str, pl.DataFrame], full_page: Path, kept: dict[str, str], open_page: Callable[..., Any]
) -> None:
    published = shown(frames).published
    model = {name: one.collect() for name, one in star(published, RELEASE, full_counts=True).items()}
    facts = model["provider_monthly"]
    keys = {"line": ("dim_service_line", "service_line"), "provider": ("dim_provider", "provider_id")}
    tab = open_page(full_page)
    for axis, member in kept.items():
        table, column = keys[axis]
        key = f"{axis if axis == 'provider' else 'service_line'}_key"
        facts = facts.join(model[table].filter(pl.col(column) == member).select(key), on=key, how="semi")
        ids = tab.evaluate(f"JSON.parse(document.querySelector('#page').textContent).axes.{axis}.ids")
        place = str(ids.index(member))
        settled(tab, lambda axis=axis, at=place: tab.select_option(f"#{axis}", at))
    for metric, value in tiles(tab).items():
        stay = pl.all_horizontal(*needed(METRICS[metric]), "newest_period")
        months = model["dim_date"].filter(stay)["month"].unique().to_list()
        of = facts.filter(pl.col("month").is_in(months))
        assert value == pytest.approx(float(values(METRICS[metric], of.lazy()).collect()["value"].item())), metric


def test_from_where_on_a_number_is_good_is_drawn_and_said(full_page: Path, open_page: Callable[..., Any]) -> None:
    tab = open_page(full_page)
    lines = "#trend .mark-rule.role-mark line"
    assert tab.locator(lines).count() == 0
    settled(tab, lambda: tab.click("[data-metric=net_collection_rate]"))
    assert tab.locator(lines).count() == 1
    assert "Line across: good is at least 95 %." in tab.inner_text("#trend .notes")
    assert "good: at least 95 %" in tab.inner_text("[data-metric=net_collection_rate]")
    assert METRICS["net_collection_rate"].meaning.endswith("Good: at least 95 %.")


def test_power_bi_opens_with_the_months_that_the_page_opens_with() -> None:
    """Of a small network's year too much is hidden: for the public both open with all months."""
    frames = release_frames(1, ("lung",), 26)
    opened = {}
    for in_full in (True, False):
        release = shown(frames, in_full=in_full)
        days = star(release.published, RELEASE, full_counts=in_full)["dim_date"].filter("newest_period").collect()
        opened[in_full] = sorted({f"{month:%Y-%m}" for month in days["month"]})
        first, last = described(release, {})[0]["period"]
        assert (opened[in_full][0], opened[in_full][-1]) == (first, last)
    assert len(opened[True]) == 12 and len(opened[False]) == 26
