"""How every chart looks."""

from textwrap import wrap
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    import altair as alt

Chart = TypeVar("Chart", bound="alt.TopLevelMixin")

#: Okabe and Ito's colours, told apart by colour-blind readers and in grey print.
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#6B7280"
INK, RULE = "#1F2937", "#D1D5DB"
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
#: Pixels of one bar or row, of the plot's width, of the longest label.
ROW, WIDTH, LABEL = 26, 620, 220
SUBTITLE_LETTERS = 118

CONFIG: dict[str, Any] = {
    "background": "white",
    "font": FONT,
    "padding": 24,
    "view": {"stroke": None},
    "title": {
        "anchor": "start",
        "frame": "bounds",
        "fontSize": 20,
        "fontWeight": "bold",
        "color": INK,
        "subtitleFontSize": 13,
        "subtitleColor": GREY,
        "subtitleLineHeight": 19,
        "subtitlePadding": 8,
        "offset": 20,
    },
    "axis": {
        "labelFontSize": 13,
        "labelColor": INK,
        "labelLimit": LABEL,
        "labelFlush": False,
        "titleFontSize": 13,
        "titleFontWeight": "normal",
        "titleColor": GREY,
        "titlePadding": 10,
        "domain": False,
        "ticks": False,
        "gridColor": "#EEF0F3",
    },
    "axisY": {"grid": False, "labelPadding": 8},
    "text": {"fontSize": 13, "color": INK},
    "legend": {"labelFontSize": 13, "labelColor": INK, "title": None, "orient": "top", "symbolSize": 110},
}


def themed(chart: Chart) -> Chart:
    """The chart in the house's look."""
    return cast(Chart, chart.configure(**CONFIG))


def layered(layers: list[Any], title: str, *subtitles: str | None, height: int | None = None) -> "alt.LayerChart":
    """One chart of layers, in the house's look.

    Parameters
    ----------
    layers
        Drawn one upon the other.
    title, subtitles
        Above it; those that are None are left out.
    height
        In pixels; else as many rows as the layers have.
    """
    import altair as alt

    lines = [part for text in subtitles if text for part in wrap(text[0].upper() + text[1:], SUBTITLE_LETTERS)]
    title_block = alt.TitleParams(title, subtitle=lines)
    chart = alt.layer(*layers).properties(width=WIDTH, height=height or alt.Step(ROW), title=title_block)
    return themed(cast("alt.LayerChart", chart))
