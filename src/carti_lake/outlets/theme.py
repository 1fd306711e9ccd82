"""How every chart looks."""

import re
from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any, TypeVar, cast

import polars as pl

if TYPE_CHECKING:
    import altair as alt

Chart = TypeVar("Chart", bound="alt.TopLevelMixin")

#: Okabe and Ito's colours, told apart by colour-blind readers and in grey print.
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY, AMBER, GREY = "#56B4E9", "#E69F00", "#6B7280"
INK, RULE, PAPER = "#1F2937", "#D1D5DB", "#FFFFFF"
PALE_BLUE, PALE_GREY = "#B9D9EC", "#E5E7EB"
#: Where nothing gives members a colour: in an order that keeps neighbours apart.
SERIES = (BLUE, ORANGE, GREEN, PURPLE, SKY, AMBER, GREY, INK)
#: What a colour means, the same in every outlet: warm is what goes wrong, blue what goes well, grey what is neither.
MEANS: dict[str, str] = {
    **{"better": BLUE, "neither": GREY, "worse": ORANGE},
    **{"out of network": AMBER, "never completed": GREY, "completed": BLUE},
    **{"denied": AMBER, "paid": BLUE, "open": RULE},
    **{"passes": PALE_BLUE, "warns": AMBER, "blocks": ORANGE, "not applicable": PALE_GREY},
    **{"as delivered": GREY, "closed-won": SKY, "realised": BLUE},
}
#: Of text on white, where blue, warm and grey must stand out: headings, what got worse, what is said beside.
DEEP, WARM, QUIET = "#00466E", "#B34700", "#566072"
#: Lines behind marks; bars outside of the chosen period; bars that will still move, where nothing can be hatched.
GRID, OUTSIDE, MOVING = "#EEF0F3", "#A9BFCC", "#D6E6F2"
#: Fills of cells, light enough for the text on them.
BETTER_FILL, WORSE_FILL = "#DCEBF7", "#FBE3D2"
#: From nothing to much.
SCALE = ("#EAF2F8", "#003B5C")
#: The colours that styles, templates and rules name.
NAMED = {
    **{"INK": INK, "GREY": GREY, "QUIET": QUIET, "BLUE": BLUE, "DEEP": DEEP, "WARM": WARM, "ORANGE": ORANGE},
    **{"RULE": RULE, "GRID": GRID, "OUTSIDE": OUTSIDE, "PALEGREY": PALE_GREY, "PAPER": PAPER, "AMBER": AMBER},
}
#: Of pages, by the names of their styles: by day, and by night, when ink and ground change sides.
PAGES = {
    **{
        "ink": (INK, "#E6E9EE"),
        "quiet": (QUIET, "#A7B0BD"),
        "paper": (PAPER, "#1B212A"),
        "ground": ("#F4F6F8", "#12161C"),
    },
    **{"rule": ("#DFE3E8", "#333C48"), "line": ("#B8C0CB", "#4A5563"), "edge": ("#767676", "#9CA3AF")},
    **{
        "blue": (BLUE, "#6CB8EA"),
        "deep": (DEEP, "#9FD0F2"),
        "warm": (WARM, "#FFA366"),
        "spark": ("#7F9DB3", "#7F9DB3"),
    },
    **{"note": ("#FFF4E5", "#3A2A17"), "chip": ("#E8F2F9", "#1F3648"), "off": (GRID, "#232A34")},
    **{"mark": (BLUE, "#3B9DDB"), "outside": (OUTSIDE, "#465A6A")},
}
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
#: Pixels of one bar or row, of the plot's width, of the longest label.
ROW, WIDTH, LABEL = 26, 620, 220
SUBTITLE_LETTERS, WORDS_LETTERS = 118, 88

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
        "gridColor": GRID,
    },
    "axisY": {"grid": False, "labelPadding": 8},
    "text": {"fontSize": 13, "color": INK},
    "legend": {"labelFontSize": 13, "labelColor": INK, "title": None, "orient": "top", "symbolSize": 110},
}


#: What stands where a number may not be shown.
HIDDEN = "hidden"


def coloured(text: str) -> str:
    """A style's text with colours in place of their names: ``@BLUE@``; of pages, ``@DAY@`` and ``@NIGHT@``."""
    pages = {
        time: " ".join(f"--{name}: {both[place]};" for name, both in PAGES.items())
        for place, time in enumerate(("DAY", "NIGHT"))
    }
    return re.sub("@([A-Z]+)@", lambda name: (NAMED | pages).get(name[1], name[0]), text)


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


def said(title: str, words: str, line: str) -> "alt.LayerChart":
    """A chart without anything to draw: its title, and why, in words."""
    import altair as alt

    text = pl.DataFrame({"words": ["\n".join(wrap(words[0].upper() + words[1:], WORDS_LETTERS))]})
    mark = alt.Chart(text).mark_text(align="left", baseline="top", lineBreak="\n", lineHeight=20, color=GREY)
    shown = mark.encode(x=alt.value(0), y=alt.value(0), text="words:N")
    return layered([shown], title, line, height=20 * (text["words"].item().count("\n") + 1))


def one_of(column: str, domain: Sequence[str], colors: Sequence[str]) -> "alt.Color":
    """Colour by the members of a column, with a legend in their order."""
    import altair as alt

    scale = alt.Scale(domain=list(domain), range=list(colors))
    return alt.Color(f"{column}:N", scale=scale, legend=alt.Legend(labelLimit=WIDTH))


def month_axis(rows: pl.DataFrame) -> "alt.X":
    """The axis of a column ``month`` of :func:`in_utc`; never two labels of one month."""
    import altair as alt

    axis = alt.Axis(format="%b %Y", tickCount=min(8, rows["month"].n_unique()), labelPadding=10, grid=False)
    axis.labelOverlap, axis.labelSeparation = "greedy", 12
    return alt.X("month:T", scale=alt.Scale(type="utc", padding=18), axis=axis, title=None)


def in_utc(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows whose ``month`` is a time in UTC, so that it is drawn as the same month in every time zone."""
    return rows.with_columns(pl.col("month").dt.strftime("%Y-%m-%dT00:00:00Z"))


def zero_line() -> "alt.Chart":
    """A rule where a horizontal axis is zero."""
    import altair as alt

    return cast("alt.Chart", alt.Chart(pl.DataFrame({"zero": [0.0]})).mark_rule(color=INK).encode(x="zero:Q"))
