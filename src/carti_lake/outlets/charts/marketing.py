"""What marketing returns: by provider as first reported, and by campaign in three measures."""

from typing import TYPE_CHECKING

import polars as pl

from carti_lake.metrics import METRICS, Metric
from carti_lake.metrics.marketing import RETURNS
from carti_lake.outlets.chart_rows import first_and_last, labelled, row_axis
from carti_lake.outlets.charts.shown import Shown, chart
from carti_lake.outlets.kpis import of_network
from carti_lake.outlets.theme import BLUE, GREY, INK, MEANS, ORANGE, ROW, RULE, WIDTH, layered, said, zero_line
from carti_lake.tables.gold import ProviderSummary

if TYPE_CHECKING:
    import altair as alt

#: Pixels of a campaign's name.
LONG_LABEL = 340
NETWORK, ALL = "Network", "All campaigns"
CAMPAIGNS = "Campaign ROI"
SAID_OF = {
    "roi_as_delivered": "as delivered, won or not",
    "campaign_roi": "closed-won",
    "realised_roi": "realised in cash",
}
#: The same in one word each, by which the other outlets call them.
SHORT = dict(zip(SAID_OF, ("as delivered", "closed-won", "realised"), strict=True))


@chart
def roi_by_provider(release: Shown) -> "alt.LayerChart":
    """Bars of each provider's ROI from zero, best first, below the network's."""
    import altair as alt

    summary = release.published.tables["provider_summary"]
    ranked = summary.select("provider_id", "provider_name", value=pl.col("roi").cast(pl.Float64)).drop_nulls("value")
    providers, left_out = first_and_last(ranked.sort("value", "provider_id", descending=[True, False]))
    roi = of_network(METRICS["roi"], summary)
    network = pl.DataFrame(
        {"provider_id": NETWORK, "provider_name": NETWORK, "value": roi.value},
        schema=ranked.schema,
    )
    rows = labelled(pl.concat([network.drop_nulls(), providers]))
    is_network, below_zero = alt.datum.label == NETWORK, alt.datum.value < 0
    color = alt.when(is_network).then(alt.value(GREY)).when(below_zero).then(alt.value(ORANGE))
    base = alt.Chart(rows).encode(
        x=alt.X(
            "value:Q", axis=alt.Axis(format=",.0%", tickCount=6), scale=_room_for_labels(rows["value"]), title=None
        ),
        y=row_axis(rows),
        color=color.otherwise(alt.value(BLUE)),
    )
    ends = base.encode(text=alt.Text("value:Q", format=",.0%"), color=alt.value(INK))
    missing = summary.height - ranked.height
    return layered(
        [
            base.mark_bar(height=ROW * 0.62),
            ends.transform_filter("isValid(datum.value) && datum.value >= 0").mark_text(align="left", dx=6),
            ends.transform_filter("datum.value < 0").mark_text(align="right", dx=-6),
            zero_line(),
        ],
        "Marketing ROI by provider",
        ProviderSummary.columns()["roi"].description,
        f"{NETWORK}: the same with the sums of all providers",
        left_out,
        f"Not shown, for want of a marketing cost: {missing}" if missing else None,
        release.line,
    )


@chart
def campaign_returns(release: Shown) -> "alt.LayerChart":
    """Each campaign's return by three measures: as delivered, closed-won, and realised in cash."""
    import altair as alt

    campaigns = release.table("marketing_roi")
    returns = {metric.id: SAID_OF[metric.id] for metric in RETURNS}
    if campaigns is None or (rows := campaigns.filter(pl.col("actual_cost") > 0)).is_empty():
        return said(CAMPAIGNS, "no campaign with a cost was delivered", release.line)
    ranked = rows.select(
        *returns,
        provider_id="campaign_id",
        provider_name=pl.col("campaign_name").fill_null(pl.col("campaign_id")),
    ).sort("campaign_roi", "roi_as_delivered", "provider_id", descending=[True, True, False], nulls_last=True)
    drawn, left_out = first_and_last(ranked)
    every = {metric.id: [_of_all(metric, campaigns)] for metric in RETURNS}
    network = pl.DataFrame({**every, "provider_id": ALL, "provider_name": ALL}, schema_overrides=ranked.schema)
    stated = labelled(pl.concat([network, drawn], how="diagonal"))
    points = (
        stated.unpivot(list(returns), index="label")
        .drop_nulls("value")
        .with_columns(pl.col("variable").replace(returns))
    )
    domain, legend = list(returns.values()), alt.Legend(labelLimit=WIDTH)
    hidden = [name for column, name in returns.items() if stated[column].count() == 0]
    missing = campaigns.height - rows.height
    spans = stated.select("label", low=pl.min_horizontal(*returns), high=pl.max_horizontal(*returns)).drop_nulls()
    return layered(
        [
            alt.Chart(spans)
            .mark_rule(color=RULE, strokeWidth=3)
            .encode(x="low:Q", x2="high:Q", y=row_axis(stated, LONG_LABEL)),
            alt.Chart(points)
            .mark_point(filled=True, size=100, opacity=1)
            .encode(
                x=alt.X("value:Q", axis=alt.Axis(format=",.0%", tickCount=6), title=None),
                y=row_axis(stated, LONG_LABEL),
                color=alt.Color(
                    "variable:N",
                    scale=alt.Scale(domain=domain, range=[MEANS[one] for one in SHORT.values()]),
                    legend=legend,
                ),
                shape=alt.Shape(
                    "variable:N",
                    scale=alt.Scale(domain=domain, range=["circle", "triangle-up", "diamond"]),
                    legend=legend,
                ),
            ),
            zero_line(),
        ],
        CAMPAIGNS,
        "(value - actual cost) / actual cost; the value of all opportunities, of the won ones, and cash received",
        f"{ALL}: the same with the sums of all campaigns",
        left_out,
        f"Not shown, for want of a cost: {missing}" if missing else None,
        f"Hidden, since small counts of visits could be worked out from it: {', '.join(hidden)}" if hidden else None,
        release.line,
    )


def _of_all(metric: Metric, campaigns: pl.DataFrame) -> float | None:
    """The return of all campaigns together; None where what it is made from is hidden for some."""
    if (
        campaigns.filter(pl.col("actual_cost").is_not_null())
        .select(metric.inputs())
        .null_count()
        .sum_horizontal()
        .item()
    ):
        return None
    return of_network(metric, campaigns).value


def _room_for_labels(values: pl.Series) -> "alt.Scale":
    """A scale that leaves the labels of negative bars room before the providers' names."""
    import altair as alt

    shown = [0.0, *values.drop_nulls()]
    lowest, highest = min(shown), max(shown)
    return alt.Scale(domainMin=lowest - 0.12 * (highest - lowest)) if lowest < 0 else alt.Scale()
