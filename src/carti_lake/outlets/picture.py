"""A chart as the content of a file: PNG, SVG or Vega-Lite JSON; the same everywhere, and offline."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import altair as alt

#: For slides, for documents, and for whoever draws it anew.
FORMATS = ("png", "svg", "json")


def pictures(chart: "alt.TopLevelMixin", endings: tuple[str, ...] = FORMATS) -> dict[str, bytes]:
    """The chart in each of the formats, by its ending; PNG at twice the resolution of a screen.

    vl-convert carries Liberation Sans and prefers its own to the machine's, so that a PNG is the same on any machine.
    An SVG names the font; where it is absent, Arial or Helvetica have the same widths.
    """
    import vl_convert

    spec = chart.to_dict()
    svg = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
    made: dict[str, Callable[[], bytes]] = {
        "png": lambda: vl_convert.svg_to_png(svg, scale=2),
        "svg": svg.encode,
        "json": lambda: (json.dumps(spec, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode(),
    }
    return {ending: made[ending]() for ending in endings}
