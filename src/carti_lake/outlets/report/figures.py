"""The pictures of a board pack: charts as PDF, with what they show in words for who cannot see them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from carti_lake.outlets.charts import VIEWS, Shown

if TYPE_CHECKING:
    import altair as alt

#: The pages of pictures: their title, and the charts on them.
PAGES: dict[str, tuple[str, ...]] = {
    "Trends": ("volume_trend", "denial_trend"),
    "Providers and referrals": ("intervals_remittance_denial_rate", "referral_leakage"),
    "Claims": ("claims_by_payer", "denials_by_reason"),
    "Marketing and data quality": ("campaign_returns", "data_quality"),
}


@dataclass(frozen=True)
class Figure:
    """A picture: the title of its page, its file's name, PDF, width in pixels, and what it shows in words."""

    page: str
    name: str
    pdf: bytes
    width: float
    words: str


def figures(release: Shown) -> Iterator[Figure]:
    """Every picture, page by page; a chart without anything to show says why."""
    import vl_convert

    for page, names in PAGES.items():
        for name in names:
            chart = VIEWS[name](release)
            # Liberation Sans goes into the file from vl-convert, which carries it.
            svg = vl_convert.vegalite_to_svg(chart.to_dict(), allowed_base_urls=[])
            width = re.search(r'<svg[^>]* width="([\d.]+)"', svg)
            assert width is not None
            yield Figure(page, f"{name}.pdf", vl_convert.svg_to_pdf(svg), float(width[1]), _in_words(chart))


def _in_words(chart: "alt.LayerChart") -> str:
    title: Any = chart.title
    lines = [title.text, *(title.subtitle or [])]
    return ". ".join(line.rstrip(".") for line in lines) + "."
