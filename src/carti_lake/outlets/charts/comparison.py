"""Providers compared by a metric: who stands apart (funnel plot), and how sure an order is (intervals)."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from carti_lake.comparison.funnel import ACTION, WARNING, control_limits
from carti_lake.metrics import Metric, find_metric
from carti_lake.outlets.chart_rows import first_and_last, labelled, row_axis
from carti_lake.outlets.charts.shown import Shown, chart
from carti_lake.outlets.comparison import (
    BETTER_998,
    STANDINGS,
    WORSE_998,
    compared,
    limits_widened,
    ranks_explained,
    remarks,
)
from carti_lake.outlets.headline import between, moving, span_of
from carti_lake.outlets.theme import GREY, INK, LABEL, MEANS, RULE, WIDTH, layered, said

if TYPE_CHECKING:
    import altair as alt

HEIGHT = 380
#: Providers with a rate, below which there is nothing to compare.
FEWEST = 2
#: Points of a limit's curve.
STEPS = 160
SHRUNK = "Point: rate weighed against all providers'; bar: its 95 % interval; tick: rate as counted; line: the network"
AS_COUNTED = "Point: rate as counted; bar: its 95 % interval; line: the network"
LIMITS_95, LIMITS_998, NETWORK = "95 % limits", "99.8 % limits", "network"
#: Room that a name beside a point takes, as shares of the plot's width and height.
LABEL_WIDTH, LABEL_HEIGHT = 0.30, 0.08


@chart
def provider_funnel(release: Shown, metric: str = "remittance_denial_rate") -> "alt.LayerChart":
    """Each provider's rate over its number of cases, between control limits: who stands apart."""
    return _drawn(release, find_metric(metric), funnel_plot)


@chart
def provider_ranking(release: Shown, metric: str = "remittance_denial_rate") -> "alt.LayerChart":
    """Each provider's rate with its interval, in order, and the ranks that it may have: how sure is the order."""
    return _drawn(release, find_metric(metric), interval_chart)


def _drawn(
    release: Shown, metric: Metric, draw: "Callable[[pl.DataFrame, Metric, str, str | None], alt.LayerChart]"
) -> "alt.LayerChart":
    tables, title = release.published.tables, f"{metric.title}: providers compared"
    if "provider_comparison" not in tables:
        words = (
            "this release is from before providers were compared."
            if release.in_full
            else "the comparison takes other months than the rest, so that small counts could be worked out from both: "
            "it is drawn for the inside alone. The dashboard ranks providers over all months."
        )
        return said(title, words, release.line)
    rows = compared(tables, metric)
    if rows["rate"].count() < FEWEST:
        return said(title, "; ".join(remarks(rows)), release.line)
    return draw(rows, metric, release.line, _still(release, rows, metric))


def _still(release: Shown, rows: pl.DataFrame, metric: Metric) -> str | None:
    """Which of the months that are compared still move, in words: their rate is not the one that they will have."""
    period = rows.select("first_month", "last_month").drop_nulls().head(1).rows()
    if not period:
        return None
    months = moving(release.published, release.data_as_of, between(*period[0]), [metric])[metric.id]
    return f"{span_of(months)} still moves, and is among them: headline numbers leave it out" if months else None


def funnel_plot(rows: pl.DataFrame, metric: Metric, line: str, still: str | None = None) -> "alt.LayerChart":
    """Each provider's rate over its number of cases, between the limits that providers like the others keep to.

    Parameters
    ----------
    rows
        Of :func:`carti_lake.outlets.comparison.compared`; at least two of them have a rate.
    metric
        The metric that they are of.
    line
        Caption of the release: ``release 12 · 2026-11-23 · data as of 2026-11-22``.
    still
        What must be said of months that still move.
    """
    import altair as alt

    shown = rows.drop_nulls("rate")
    scale = alt.Scale(type="log", nice=False, padding=14)
    x = alt.X("n:Q", scale=scale, axis=alt.Axis(format=",d", tickCount=6, tickMinStep=1), title="cases")
    y = alt.Y("rate:Q", axis=alt.Axis(format=".0%", tickCount=6, grid=True), title=None)
    lines = (NETWORK, LIMITS_95, LIMITS_998)
    curves = (
        alt.Chart(_curves(shown))
        .mark_line(strokeWidth=1.5)
        .encode(
            x=x,
            y=y,
            detail="side:N",
            stroke=alt.Stroke("of:N", scale=alt.Scale(domain=lines, range=[INK, GREY, GREY])),
            strokeDash=alt.StrokeDash("of:N", scale=alt.Scale(domain=lines, range=[[1, 0], [5, 4], [1, 0]])),
        )
    )
    points = alt.Chart(shown).mark_point(filled=True, size=90, opacity=1).encode(x=x, y=y, **_by_standing())
    # Whoever is but outside the inner limits is not named: of twenty providers like the others, one is.
    names = alt.Chart(_with_room(labelled(shown))).encode(x=x, y=y, text="label:N")
    align = alt.ExprRef("datum.across < 0.15 ? 'left' : datum.across > 0.85 ? 'right' : 'center'")
    away = alt.ExprRef("datum.outside_998 == 'above' ? -14 : 14")
    halo = names.mark_text(limit=LABEL, stroke="white", strokeWidth=4, strokeJoin="round", align=align, dy=away)
    return layered(
        [curves, points, halo, names.mark_text(limit=LABEL, align=align, dy=away)],
        f"{metric.title}: who stands apart",
        "Between the limits, providers are as far from the network as providers like the others are with so many cases",
        *remarks(rows),
        still,
        line,
        height=HEIGHT,
    )


def interval_chart(rows: pl.DataFrame, metric: Metric, line: str, still: str | None = None) -> "alt.LayerChart":
    """Each provider's shrunk rate with its 95 % interval, and the rate as counted; ranks with theirs beside them.

    Where rates are not shrunk, the rate as counted has Wilson's interval.

    Parameters
    ----------
    rows
        Of :func:`carti_lake.outlets.comparison.compared`; at least two of them have a rate.
    metric
        The metric that they are of.
    line
        Caption of the release: ``release 12 · 2026-11-23 · data as of 2026-11-22``.
    still
        What must be said of months that still move.
    """
    import altair as alt

    shown = rows.drop_nulls("rate").with_columns(
        estimate=pl.coalesce("shrunk_rate", "rate"),
        lower=pl.coalesce("shrunk_lower_95", "lower_95"),
        upper=pl.coalesce("shrunk_upper_95", "upper_95"),
    )
    drawn, left_out = first_and_last(shown)
    drawn = labelled(drawn).with_columns(ranks=pl.format("{} to {}", "rank_low", "rank_high").fill_null(""))
    every = alt.Chart(drawn).encode(y=row_axis(drawn))
    base = every.transform_filter("isValid(datum.rate)")
    percent = alt.X("estimate:Q", axis=alt.Axis(format=".0%", tickCount=6), title=None)
    ranked, shrunk = shown["rank"].count() > 0, shown["shrunk_rate"].count() > 0
    network = pl.DataFrame({"network": [shown["network_rate"].item(0)]})
    return layered(
        [
            alt.Chart(network).mark_rule(color=INK).encode(x="network:Q"),
            base.mark_rule(strokeWidth=3, color=RULE).encode(x="lower:Q", x2="upper:Q"),
            base.mark_tick(thickness=2, size=12, color=INK).encode(x="rate:Q"),
            base.mark_point(filled=True, size=90, opacity=1).encode(x=percent, **_by_standing()),
            every.mark_text(align="left").encode(x=alt.value(WIDTH + 16), text="ranks:N"),
        ],
        f"{metric.title}: how sure is the order?",
        SHRUNK if shrunk else AS_COUNTED,
        f"At the right: {ranks_explained(metric)}" if ranked else None,
        left_out,
        *remarks(rows),
        still,
        line,
    )


def _by_standing() -> dict[str, Any]:
    import altair as alt

    domain = list(STANDINGS)
    key = alt.Legend(labelLimit=WIDTH, columns=3)
    colors = [MEANS[one] for one in ("neither", "better", "better", "worse", "worse")]
    shapes = ["circle", "triangle-down", "square", "triangle-up", "diamond"]
    return {
        "color": alt.Color("standing:N", scale=alt.Scale(domain=domain, range=colors), legend=key),
        "shape": alt.Shape("standing:N", scale=alt.Scale(domain=domain, range=shapes), legend=key),
    }


def _curves(shown: pl.DataFrame) -> pl.DataFrame:
    """Points of the limits and of the network's rate, over the cases that the shown rows have."""
    network = shown["network_rate"].item(0)
    fewest, most = shown.select(pl.col("n").min(), most=pl.col("n").max()).row(0)
    n = np.unique(np.geomspace(fewest, most, STEPS).round().astype(int))
    wider = limits_widened(shown)
    curves = [
        pl.DataFrame({"n": n, "rate": limit, "of": name, "side": f"{name} {side}"})
        for name, within in ((LIMITS_95, WARNING), (LIMITS_998, ACTION))
        for side, limit in zip(("below", "above"), control_limits(network, n, within, wider), strict=True)
    ]
    return pl.concat([*curves, pl.DataFrame({"n": n, "rate": network, "of": NETWORK, "side": NETWORK})])


def _with_room(labelled: pl.DataFrame) -> pl.DataFrame:
    """Rows outside the outer limits, but for those near one that is farther out; ``across`` is 0 to 1 from the left."""
    cases, rate = pl.col("n").log(), pl.col("rate")
    outer = (
        labelled.with_columns(
            across=((cases - cases.min()) / (cases.max() - cases.min())),
            up=rate / pl.max_horizontal(rate.max(), pl.col("limit_upper_998").max()),
            far=((rate - pl.col("network_rate")) * pl.col("n").sqrt()).abs(),
        )
        .filter(pl.col("standing").is_in([BETTER_998, WORSE_998]))
        .sort("far", "provider_id", descending=[True, False])
        .with_row_index("place")
    )
    covered = outer.join(outer, how="cross", suffix="_farther").filter(
        pl.col("place_farther") < pl.col("place"),
        (pl.col("across") - pl.col("across_farther")).abs() < LABEL_WIDTH,
        (pl.col("up") - pl.col("up_farther")).abs() < LABEL_HEIGHT,
    )
    return outer.join(covered, on="place", how="anti")
