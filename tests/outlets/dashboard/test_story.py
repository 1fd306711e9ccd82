"""In a browser: the page opens with the board pack's first sentence, and with its headline numbers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from carti_lake.metrics import METRICS
from carti_lake.outlets.dashboard.page import page
from carti_lake.outlets.report.contents import contents

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
