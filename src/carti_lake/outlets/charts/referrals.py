"""Referral leakage: what share of referrals leaves the network or is lost, by service line."""

from typing import TYPE_CHECKING

import polars as pl

from carti_lake.metrics import METRICS
from carti_lake.outlets.chart_rows import in_words
from carti_lake.outlets.charts.parts import parts_chart
from carti_lake.outlets.charts.shown import Shown, chart
from carti_lake.outlets.theme import MEANS, said

if TYPE_CHECKING:
    import altair as alt

TITLE = "Referral leakage by service line"
PARTS = {
    "seen out of network": ("referrals_made_out_of_network", MEANS["out of network"]),
    "never completed": ("referrals_made_lost", MEANS["never completed"]),
}


@chart
def referral_leakage(release: Shown) -> "alt.LayerChart":
    """Of each service line's referrals, the share seen out of network and the share never completed."""
    lines = release.table("network_by_service_line")
    made = pl.col("referrals_made")
    if lines is None or (rows := lines.filter(made.is_null() | (made > 0))).is_empty():
        return said(TITLE, "no referrals were delivered", release.line)
    return parts_chart(
        pl.concat(
            [
                release.published.network.with_columns(label=pl.lit("Network")),
                in_words(rows, "service_line").sort(
                    "referrals_made", "service_line", descending=[True, False], nulls_last=True
                ),
            ],
            how="diagonal",
        ),
        PARTS,
        whole="referrals_made",
        rate=METRICS["leakage_rate"],
        of="referrals",
        title=TITLE,
        line=release.line,
    )
