"""In a browser: the page looks as it was looked at, on a screen, on a phone, on paper and in grey."""

import json
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from carti_lake.outlets.dashboard.page import page
from carti_lake.outlets.powerbi.pages import pages
from carti_lake.outlets.powerbi.project import project_files
from carti_lake.outlets.theme import AMBER, MEANS

from .conftest import golden_mode, shown

GOLDEN = Path(__file__).parent / "golden"
Open = Callable[..., Any]

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [1280, 390])
def test_it_looks_as_it_was_looked_at(full_page: Path, open_page: Open, width: int) -> None:
    """Whoever changes the page on purpose looks at it, and runs this once with CARTI_LAKE_GOLDEN=write."""
    tab = open_page(full_page, width, device_scale_factor=0.75, reduced_motion="reduce")
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    cut = tab.eval_on_selector_all(
        ".tile, .card h2, .card .lead, .headline div, #filters > *",
        "all => all.filter(one => one.scrollWidth > one.clientWidth + 1 && one.clientWidth).map(one => one.outerHTML)",
    )
    assert cut == []
    for name, box in parts(tab).items():
        picture = tab.screenshot(full_page=True, animations="disabled", clip=box)
        file = GOLDEN / str(width) / f"{name}.png"
        if golden_mode():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(picture)
        assert file.stat().st_size < 300_000
        assert differing(tab, picture, file.read_bytes()) < 0.01, name


def parts(tab: Any) -> dict[str, dict[str, float]]:
    """Where the parts of the page lie on it: the head, the headline numbers, each view, and the foot."""
    boxes: dict[str, dict[str, float]] = tab.eval_on_selector_all(
        "header, #tiles, .card, footer",
        """all => Object.fromEntries(all.map((one) => {
          const { left, top, width, height } = one.getBoundingClientRect();
          return [one.id || one.tagName.toLowerCase(), { x: left, y: top + scrollY, width, height }];
        }))""",
    )
    assert len(boxes) == 12
    return boxes


@pytest.mark.parametrize("width", [1280, 1180, 1080, 390])
def test_no_text_of_a_chart_is_cut(full_page: Path, open_page: Open, width: int) -> None:
    tab = open_page(full_page, width)
    cut = tab.eval_on_selector_all(
        ".chart",
        """charts => charts.flatMap((chart) => {
          const room = chart.getBoundingClientRect();
          return [...chart.querySelectorAll("svg text")]
            .filter((one) => {
              const box = one.getBoundingClientRect();
              const seen = box.width && one.getAttribute("opacity") !== "0";
              return seen && (box.left < room.left - 1 || box.right > room.right + 1);
            })
            .map((one) => `${chart.parentElement.id}: ${one.textContent}`);
        })""",
    )
    assert cut == []


@pytest.mark.parametrize("width", [1280, 390])
def test_what_tells_two_of_one_name_apart_is_read(full_page: Path, open_page: Open, width: int) -> None:
    tab = open_page(full_page, width)
    for view in ("ranking", "flow"):
        told = "\n".join(tab.eval_on_selector_all(f"#{view} svg text", "all => all.map(one => one.textContent)"))
        assert "P004" in told and "P005" in told


def test_the_lines_of_one_end_are_together_no_thicker_than_its_dot(full_page: Path, open_page: Open) -> None:
    tab = open_page(full_page)
    lines = tab.eval_on_selector_all(
        "#flow .mark-line path",
        "all => all.map(one => [one.getAttribute('d').split('L')[0], Number(one.getAttribute('stroke-width'))])",
    )
    of_an_end: dict[str, float] = {}
    for end, thick in lines:
        of_an_end[end] = of_an_end.get(end, 0) + thick
    assert 6 < max(of_an_end.values()) < 15 and max(thick for _, thick in lines) < 5


def differing(tab: Any, one: bytes, other: bytes) -> float:
    """The share of pixels that two pictures differ in, clearly; 1 where their sizes differ."""
    blank = tab.context.browser.new_page()
    share = blank.evaluate(
        """async (pictures) => {
          const [one, other] = await Promise.all(pictures.map(async (text) => {
            const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
            const image = await createImageBitmap(new Blob([bytes]));
            const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
            canvas.drawImage(image, 0, 0);
            return canvas.getImageData(0, 0, image.width, image.height);
          }));
          if (one.width !== other.width || one.height !== other.height) return 1;
          let differ = 0;
          for (let at = 0; at < one.data.length; at += 4) {
            const off = [0, 1, 2].some((part) => Math.abs(one.data[at + part] - other.data[at + part]) > 40);
            differ += off ? 1 : 0;
          }
          return (4 * differ) / one.data.length;
        }""",
        [b64encode(picture).decode() for picture in (one, other)],
    )
    blank.close()
    return float(share)


def test_it_prints_without_controls_and_in_grey(full_page: Path, open_page: Open) -> None:
    tab = open_page(full_page)
    tab.emulate_media(media="print")
    assert not tab.is_visible("#filters") and tab.is_visible("#in-force") and tab.is_visible("#trend svg")
    assert not tab.is_visible("#ranking details")
    assert "click" not in tab.inner_text("main").lower()
    sheets = tab.pdf(prefer_css_page_size=True, print_background=True).count(b"/Type /Page\n")
    assert sheets == 3


def test_the_first_printed_page_holds_tiles_and_months(
    frames: dict[str, pl.DataFrame], open_page: Open, tmp_path: Path
) -> None:
    """With all that may stand above them: a warning, three sentences, and why numbers changed."""
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed")
    file = tmp_path / "page.html"
    why = "Why, over all months, since release 1: " + "gross charges $212.0 M to $220.1 M (new rows +$7.6 M); " * 4
    file.write_text(page(shown(frames), {}, why), "utf-8")
    tab = open_page(file)
    tab.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True, page_ranges="1")
    text = subprocess.run(["pdftotext", tmp_path / "page.pdf", "-"], check=True, capture_output=True, text=True).stdout
    assert "Network performance" in text and "Visits rendered by month" in text


def test_a_colour_means_the_same_in_the_dark(full_page: Path, open_page: Open) -> None:
    tab = open_page(full_page, color_scheme="dark")
    drawn = tab.eval_on_selector_all(
        f'.card:not(#quality) .chart svg [fill="{AMBER}"]',
        """all => all.map((one) => {
          const filters = [];
          for (let at = one; at instanceof Element; at = at.parentElement) filters.push(getComputedStyle(at).filter);
          return [getComputedStyle(one).fill, ...new Set(filters)];
        })""",
    )
    red, green, blue = (int(AMBER[place : place + 2], 16) for place in (1, 3, 5))
    assert drawn and {tuple(one) for one in drawn} == {(f"rgb({red}, {green}, {blue})", "none")}
    ink = tab.eval_on_selector_all("#ranking .mark-text text", "all => all.map(one => getComputedStyle(one).fill)")
    assert ink and "rgb(31, 41, 55)" not in ink


def grey(color: str) -> float:
    red, green, blue = (int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2


@pytest.mark.parametrize(
    "beside",
    [
        ("out of network", "never completed"),
        ("denied", "open", "paid", "denied"),
        ("blocks", "warns", "passes", "not applicable"),
    ],
)
def test_neighbouring_parts_are_told_apart_without_colour(beside: tuple[str, ...]) -> None:
    for one, other in pairwise(beside):
        assert abs(grey(MEANS[one]) - grey(MEANS[other])) > 0.1, (one, other)


def test_a_colour_means_the_same_everywhere() -> None:
    """The parts of the charts, of the dashboard and of Power BI, by their words."""
    from carti_lake.outlets.charts import claims, marketing, quality, referrals
    from carti_lake.outlets.dashboard import views

    rows = pl.DataFrame({"member": ["a"], "label": ["A"], "part": ["x"], "place": [0], "value": [1.0], "total": [1.0]})

    def colours(chart: Any) -> dict[str, str]:
        scales = [
            one["encoding"]["color"]["scale"]
            for one in chart.to_dict()["layer"]
            if "scale" in one.get("encoding", {}).get("color", {})
        ]
        return {name.lower(): color for one in scales for name, color in zip(one["domain"], one["range"], strict=True)}

    assert colours(views.leakage(rows)) == {
        name.removeprefix("seen "): color for name, (_, color) in referrals.PARTS.items()
    }
    assert colours(views.denials(rows)) == {
        "still denied": claims.PARTS["denied"][1],
        "other": claims.OUTCOMES["neither"],
        "overturned: paid since": claims.PARTS["paid"][1],
    }
    assert list(colours(views.checks(rows)).values())[::-1] == [
        quality.COLORS[name] for name in ("not applicable", "ok", "warn", "block")
    ]
    assert colours(views.returns(rows)) == {name: MEANS[name] for name in marketing.SHORT.values()}
    drawn = {
        point["selector"]["metadata"].split(".")[1]: point["properties"]["fill"]["solid"]["color"]["expr"]["Literal"][
            "Value"
        ].strip("'")
        for page in pages()
        for visual in page.visuals
        for point in (visual.objects or {}).get("dataPoint", [])
    }
    assert (
        drawn["Referrals seen out of network"]
        == MEANS["out of network"]
        == colours(views.leakage(rows))["out of network"]
    )
    assert drawn["Charges of denials overturned, by reason"] == claims.PARTS["paid"][1]
    assert len(drawn) == 9
    theme = json.loads(project_files()["CartiLake.Report/StaticResources/RegisteredResources/CartiLake.json"])
    assert (theme["good"], theme["bad"]) == (MEANS["better"], MEANS["worse"])
