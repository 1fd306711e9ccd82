"""In a browser: the page opens with the board pack's first sentence, and with its headline numbers."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from carti_lake.access.viewer import Audience
from carti_lake.metrics import METRICS
from carti_lake.outlets.dashboard.page import page
from carti_lake.outlets.report.contents import contents
from carti_lake.tables.gold import GOLD
from tests.outlets.conftest import rows_of

from .conftest import release_frames, shown

pytestmark = pytest.mark.browser
DELIVERED = {one for metric in METRICS.values() for one in metric.sources()}
DELIVERED |= {one.partition(".")[0] for one in DELIVERED}


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"no_shows": 2.0},
        {"visits": 1.3, "gross_charges": 1.2, "payments": 0.5, "denied_claims": 1.6},
        {"top_box_count": 1.5, "referrals_made_lost": 0.2},
    ],
    ids=lambda changed: " ".join(changed) or "nothing",
)
def test_page_and_pack_say_the_same(changed: dict[str, float], open_page: Callable[..., Any], tmp_path: Path) -> None:
    frames = release_frames(3, ("breast", "lung"), 26)
    months = frames["provider_monthly"]
    newer = pl.col("month") >= pl.date(2025, 3, 1)
    moved = {
        name: (pl.col(name) * pl.when(newer).then(by).otherwise(1.0)).cast(months.schema[name])
        for name, by in changed.items()
    }
    release = shown(frames | {"provider_monthly": months.with_columns(**moved)})
    file = tmp_path / "page.html"
    file.write_text(page(release, {}), "utf-8")
    tab = open_page(file)
    pack = contents(release, DELIVERED, [], "release 12")
    assert tab.inner_text("#story") == " ".join(pack["story"])
    told = tab.eval_on_selector_all(".tile", "all => all.map(one => [one.innerText])")
    for one, (text,) in zip(pack["tiles"], told, strict=True):
        lines = text.split("\n")
        assert lines[:2] == [one["name"], one["number"]]
        assert one["apart"] is None or one["apart"] in lines


def test_page_and_pack_compare_no_period_of_which_the_numbers_are_but_a_part(
    open_page: Callable[..., Any], tmp_path: Path
) -> None:
    """Referrals reach back farther than visits: what nobody delivered is no growth since."""
    frames = release_frames(3, ("breast", "lung"), 26)
    months = frames["provider_monthly"]
    others = [name for name in months.columns if months.schema[name].is_numeric() and not name.startswith("referrals_")]
    early = pl.col("month") < pl.date(2024, 8, 1)
    less = months.with_columns(
        pl.when(~early).then(pl.col(name)).otherwise(0).cast(months.schema[name]).alias(name) for name in others
    )
    release = shown(frames | {"provider_monthly": less})
    file = tmp_path / "page.html"
    file.write_text(page(release, {}), "utf-8")
    tab = open_page(file)
    pack = {one["name"]: one for one in contents(release, DELIVERED, [], "release 12")["tiles"]}
    assert pack["Visits rendered"]["change"] == "no earlier period to compare"
    assert "no earlier period to compare" in tab.inner_text("[data-metric=visits]")
    assert pack["Referral leakage"]["change"].endswith(" before")
    assert " before" in tab.inner_text("[data-metric=leakage_rate]")
    assert "visits rendered rose" not in tab.inner_text("#story")


def test_who_stands_apart_is_named_where_they_have_cases_under_the_filter(
    open_page: Callable[..., Any], tmp_path: Path
) -> None:
    frames = release_frames(3, ("breast", "lung"), 26)
    months = frames["provider_monthly"]
    elsewhere = (pl.col("provider_id") == "P000") & (pl.col("service_line") == "lung")
    claims = [name for name in months.columns if name.endswith("_claims") or name == "claims"]
    lungless = months.with_columns(pl.when(~elsewhere).then(pl.col(name)).otherwise(0).alias(name) for name in claims)
    compared = rows_of(
        GOLD["provider_comparison"],
        2,
        provider_id=["P000", "P001"],
        metric="remittance_denial_rate",
        rate=[0.28, 0.3],
        shrunk_rate=[0.28, 0.3],
        outside_998=["above", "above"],
    )
    release = shown(frames | {"provider_monthly": lungless, "provider_comparison": compared})
    first, second = frames["provider_summary"].sort("provider_id")["provider_name"].to_list()[:2]
    file = tmp_path / "page.html"
    file.write_text(page(release, {}), "utf-8")
    tab = open_page(file)
    everybody = "Outside the control limits (99.8 %) over twelve months: remittance denial rate: "
    assert f"{everybody}{first}, {second} (worse)." in tab.inner_text("#story")
    tab.select_option("#line", label="Lung")
    tab.wait_for_function("document.querySelector('#story').textContent.includes('all their cases')")
    assert first not in tab.inner_text("#story")
    assert f"over twelve months of all their cases: remittance denial rate: {second} (worse)." in tab.inner_text(
        "#story"
    )


def test_from_nothing_no_percent_is_told_and_the_nothing_is(open_page: Callable[..., Any], tmp_path: Path) -> None:
    frames = release_frames(3, ("breast", "lung"), 26)
    months = frames["provider_monthly"].with_columns(
        payments=pl.lit(0).cast(frames["provider_monthly"].schema["payments"])
    )
    release = shown(frames | {"provider_monthly": months})
    file = tmp_path / "page.html"
    file.write_text(page(release, {}), "utf-8")
    tab = open_page(file)
    tile = tab.inner_text("[data-metric=payments]")
    assert "$0 before" in tile and "no earlier period" not in tile
    packed = {one["name"]: one for one in contents(release, DELIVERED, [], "release 12")["tiles"]}
    assert packed["Payments on paid claims"]["change"] == "$0 before"


def test_why_is_said_of_the_network_and_of_no_part_of_it(
    frames: dict[str, pl.DataFrame], open_page: Callable[..., Any], tmp_path: Path
) -> None:
    file = tmp_path / "page.html"
    file.write_text(page(shown(frames), {}, "Why, over all months: late rows."), "utf-8")
    tab = open_page(file)
    assert tab.inner_text("#why") == "Why, over all months: late rows."
    tab.select_option("#line", label="Lung")
    tab.wait_for_function("document.querySelector('#why').hidden")


@pytest.mark.slow
def test_the_demo_says_why(demo_folder: Path, tmp_path: Path) -> None:
    """The sentence is of the numbers that the first one tells of, and for the inside alone."""
    from carti_lake import Lake
    from carti_lake.outlets.dashboard import dashboard_of

    view = Lake(demo_folder / "lake", environment={}).at()
    kept = {}
    for audience in Audience:
        text = Path(dashboard_of(view, str(tmp_path / f"{audience}.html"), audience=audience)).read_text("utf-8")
        kept[audience] = json.loads(re.findall(r'id="page">([^<]*)<', text)[0])["why"]
    assert kept[Audience.PUBLIC] is None
    assert kept[Audience.INSIDE] is None or "since release" in kept[Audience.INSIDE]
