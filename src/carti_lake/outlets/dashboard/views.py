"""The dashboard's views: each a function of rows that returns an Altair chart, for the page and for notebooks.

The rows of a view are frames, or the name by which the page feeds them. A row is about a ``member`` with a ``label``;
``value`` is the metric's, ``above`` and ``below`` are its two sums, as :func:`carti_lake.metrics.value.values` has them
under ``numerator`` and ``denominator``. Clicks choose members (the parameter ``picked``): the page filters by them.
"""

from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from carti_lake.comparison.wilson import CONFIDENCE
from carti_lake.outlets.dashboard.marks import (
    DARK,
    chosen,
    finished,
    in_order,
    key,
    number,
    number_axis,
    of_parts,
    opacity,
    room_beyond,
    rows_axis,
    spoken,
    tooltip_of,
    with_halo,
)
from carti_lake.outlets.theme import GREY, INK, MEANS, OUTSIDE, ROW, RULE, SCALE

if TYPE_CHECKING:
    import altair as alt

HIDDEN_MARK = "datum.hidden === true && !(datum.place > 0)"
#: Where a rate's interval lies to the network's rate, with shape and colour.
STANDINGS = ("better", "may be average", "worse")
LEAKS = ("Out of network", "Never completed")
RETURNS = ("As delivered", "Closed-won", "Realised")
DENIALS = ("Still denied", "Other", "Overturned: paid since")
#: Share of failing rows that is dark at the least: where nothing fails, nothing is dark.
LEAST_DARK = 0.01
STATUSES = ("Blocks", "Warns", "Passes", "Not applicable")


def trend(rows: Any, ahead: Any, aim: Any = None, unit: str = "count") -> "alt.LayerChart":
    """Bars by month, hatched where they will still move, and what the forecast expects with its 80 and 95 % bands.

    Parameters
    ----------
    rows
        ``member`` (``2026-03``), ``value``, ``in_period``, ``provisional``, ``hidden``.
    ahead
        ``member``, ``forecast``, ``lower_80``, ``upper_80``, ``lower_95``, ``upper_95``.
    aim
        ``value``, from where on the metric is good; no row, or None, where nothing says it.
    unit
        The metric's.
    """
    import altair as alt

    name = "utcFormat(toDate(datum.value + '-01'), '%b')"
    year = "utcFormat(toDate(datum.value + '-01'), '%Y')"
    axis = alt.Axis(labelExpr=f"[{name}, {year}]", labelAngle=0, labelOverlap="greedy", labelSeparation=6, title=None)
    x = alt.X("member:O", axis=axis, scale=alt.Scale(paddingInner=0.2))
    y_axis = number_axis(grid=True)
    picked = chosen()
    fill = (
        alt.when("datum.provisional === true")
        .then(alt.value(alt.ExprRef("hatch")))
        .when("datum.in_period === false")
        .then(alt.value(OUTSIDE))
        .otherwise(alt.value(DARK))
    )
    ahead_of = alt.Chart(ahead).encode(x=x)
    bands = [
        ahead_of.mark_area(color=DARK, opacity=shade).encode(
            y=alt.Y(f"lower_{level}:Q", title=None, axis=y_axis), y2=f"upper_{level}:Q"
        )
        for level, shade in ((95, 0.14), (80, 0.22))
    ]
    bars = alt.Chart(rows).encode(x=x)
    aims = [] if aim is None else [alt.Chart(aim).mark_rule(color=INK, strokeDash=[2, 2])]
    aims = [one.encode(y=alt.Y("value:Q", title=None, axis=y_axis)) for one in aims]
    return finished(
        [
            *bands,
            ahead_of.mark_line(color=INK, strokeDash=[5, 3], strokeWidth=1.6).encode(y="forecast:Q"),
            ahead_of.mark_point(filled=True, size=18, color=INK, opacity=1, **spoken("forecast")).encode(
                y="forecast:Q", tooltip=tooltip_of("forecast")
            ),
            bars.mark_bar(strokeWidth=1, **spoken())
            .encode(
                y=alt.Y("value:Q", title=None, axis=y_axis),
                fill=fill,
                stroke=alt.when("datum.in_period === false").then(alt.value(OUTSIDE)).otherwise(alt.value(DARK)),
                tooltip=tooltip_of(),
            )
            .add_params(picked),
            *aims,
            bars.transform_filter(HIDDEN_MARK)
            .mark_text(angle=270, align="left", baseline="middle", color=GREY, fontStyle="italic", text="hidden")
            .encode(y=alt.value(alt.ExprRef("height - 4"))),
        ],
        unit,
        240,
    )


def ranking(rows: Any, unit: str = "ratio") -> "alt.LayerChart":
    """Shares with their Wilson 95 % intervals, a row a member, beside the share of all (``average``).

    E. B. Wilson, JASA 22 (1927) 209-212, as in :mod:`carti_lake.comparison.wilson`.

    Parameters
    ----------
    rows
        In the order of the rows: ``member``, ``label``, ``above``, ``below``, ``value``, ``average``, and ``good``:
        ``up`` where more is better.
    unit
        The metric's.
    """
    import altair as alt

    picked = chosen()
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    k, n = "datum.above", "datum.below"
    middle, width = f"(2 * {k} + {z * z})", f"({z} * sqrt({z * z} + 4 * {k} * ({n} - {k}) / {n}))"
    whole = f"(2 * ({n} + {z * z}))"
    base = (
        in_order(rows)
        .transform_calculate(
            lower=f"{n} > 0 ? ({k} > 0 ? ({middle} - {width}) / {whole} : 0) : null",
            upper=f"{n} > 0 ? ({k} < {n} ? ({middle} + {width}) / {whole} : 1) : null",
        )
        .transform_calculate(
            standing=f"!isValid(datum.average) || datum.lower <= datum.average && datum.average <= datum.upper ? "
            f"'{STANDINGS[1]}' : datum.upper < datum.average === (datum.good !== 'up') ? '{STANDINGS[0]}' : "
            f"'{STANDINGS[2]}'"
        )
    )
    y = rows_axis()
    x = alt.X("value:Q", title=None, axis=number_axis(most=1, grid=True), scale=alt.Scale(zero=True))
    sure = base.transform_filter("isValid(datum.value)")
    kinds = list(STANDINGS)
    shapes, colors = ["square", "circle", "diamond"], [MEANS[one] for one in ("better", "neither", "worse")]
    look = {
        "color": alt.Color("standing:N", scale=alt.Scale(domain=kinds, range=colors), legend=key()),
        "shape": alt.Shape("standing:N", scale=alt.Scale(domain=kinds, range=shapes), legend=key()),
    }
    ends = {"x": alt.X("lower:Q", title=None), "x2": "upper:Q"}
    return finished(
        [
            # First, and of every row, so that those without a value have their place among the others.
            base.transform_calculate(written="datum.hidden === true ? 'hidden' : ''")
            .mark_text(align="left", color=GREY, fontStyle="italic")
            .encode(y=y, x=alt.value(4), text="written:N"),
            base.mark_rule(color=INK, strokeDash=[3, 3]).encode(x=alt.X("mean(average):Q", title=None)),
            sure.mark_rule(strokeWidth=3).encode(
                y=y,
                **ends,
                color=look["color"],
                opacity=alt.when(picked).then(alt.value(0.45)).otherwise(alt.value(0.12)),
            ),
            sure.mark_point(filled=True, size=90).encode(x=x, y=y, **look, opacity=opacity(picked)),
            # Wide and unseen, so that a finger hits the row.
            sure.mark_rule(strokeWidth=ROW - 4, opacity=0, strokeCap="round", **spoken())
            .encode(y=y, **ends, tooltip=tooltip_of())
            .add_params(picked),
            room_beyond(sure, "upper", letters=14),
            *with_halo(
                sure.transform_calculate(written=f"{number('datum.value')} + ' of ' + format(datum.below, ',')").encode(
                    y=y, x=alt.X("upper:Q", title=None), text="written:N"
                ),
                align="left",
                dx=8,
            ),
        ],
        unit,
    )


def stacked(rows: Any, parts: tuple[str, ...], colors: tuple[str, ...], unit: str) -> "alt.LayerChart":
    """Bars of parts, a row a member, with the member's ``total`` at the end.

    Parameters
    ----------
    rows
        In the order of the rows: ``member``, ``label``, ``part``, ``place`` (of the part), ``value``, ``total``.
    parts, colors
        In the order of the bars.
    unit
        Of the values.
    """
    import altair as alt

    picked, y = chosen(), rows_axis()
    base = in_order(rows)
    ends = base.transform_filter("datum.place === 0").transform_calculate(written=number("datum.total"))
    return finished(
        [
            base.mark_bar(height=ROW * 0.62, stroke="white", strokeWidth=0.6, **spoken())
            .encode(
                x=alt.X("value:Q", title=None, axis=number_axis(most=1, grid=True), stack="zero"),
                y=y,
                color=of_parts(list(parts), list(colors)),
                order="place:O",
                opacity=opacity(picked),
                tooltip=tooltip_of(),
            )
            .add_params(picked),
            room_beyond(ends, "total", letters=8),
            ends.mark_text(align="left", dx=6).encode(x=alt.X("total:Q", title=None), y=y, text="written:N"),
            base.transform_filter(HIDDEN_MARK)
            .mark_text(align="left", color=GREY, fontStyle="italic", text="hidden")
            .encode(y=y, x=alt.value(4)),
        ],
        unit,
    )


def leakage(rows: Any) -> "alt.LayerChart":
    """The shares of referrals that were seen out of network or never completed, a row a service line."""
    return stacked(rows, LEAKS, (MEANS["out of network"], MEANS["never completed"]), "ratio")


def denials(rows: Any) -> "alt.LayerChart":
    """Billed charges of claims ever denied, a row a reason, by what became of them."""
    return stacked(rows, DENIALS, (MEANS["denied"], MEANS["open"], MEANS["paid"]), "USD")


def checks(rows: Any) -> "alt.LayerChart":
    """Numbers of data-quality checks by their status, a row a table."""
    return stacked(rows, STATUSES, tuple(MEANS[one.lower()] for one in STATUSES), "count")


def returns(rows: Any) -> "alt.LayerChart":
    """The three returns on marketing beside each other, a row a service line.

    Parameters
    ----------
    rows
        In the order of the rows: ``member``, ``label``, ``part`` (one of :data:`RETURNS`), ``value``.
    """
    import altair as alt

    picked, y = chosen(), rows_axis()
    shapes = alt.Scale(domain=list(RETURNS), range=["circle", "square", "diamond"])
    colors = of_parts(list(RETURNS), [MEANS[one.lower()] for one in RETURNS])
    x = alt.X("value:Q", title=None, axis=number_axis(least=-1, grid=True), scale=alt.Scale(padding=10))
    base = in_order(rows)
    zero = base.transform_aggregate(all="count()").transform_calculate(zero="0")
    ends = {"x": alt.X("min(value):Q", title=None), "x2": "max(value):Q"}
    return finished(
        [
            zero.mark_rule(color=INK).encode(x=alt.X("zero:Q", title=None)),
            base.mark_rule(color=RULE, strokeWidth=3).encode(y=y, **ends),
            base.mark_point(filled=True, size=110, stroke="white", strokeWidth=0.8, **spoken())
            .encode(
                x=x,
                y=y,
                color=colors,
                shape=alt.Shape("part:N", scale=shapes, legend=key()),
                opacity=opacity(picked),
                tooltip=tooltip_of(),
            )
            .add_params(picked),
        ],
        "ratio",
    )


def flow(links: Any, ends: Any) -> "alt.LayerChart":
    """Referrals from who refers (left) to who renders (right); a line is as thick as they are many.

    Parameters
    ----------
    links
        Two rows a line: ``link``, ``side`` (0, 1), ``row``, ``value``, ``outside`` (the receiver is out of network),
        ``share``: of the referrals of the largest end, so that the lines of one end together are no thicker than 12.
    ends
        ``member``, ``label``, ``side``, ``row``, ``value``, ``outside``.
    """
    import altair as alt

    picked = chosen()
    beside = alt.ExprRef("narrow ? [-1.3, 2.3] : [-0.7, 1.7]")
    x = alt.X("side:Q", axis=None, scale=alt.Scale(domain=beside, nice=False))
    y = alt.Y("row:Q", axis=None, scale=alt.Scale(reverse=True, nice=False, zero=False, padding=18))
    kinds = ("In network, or not told", "Out of network")
    scale = alt.Scale(domain=list(kinds), range=[MEANS["completed"], MEANS["out of network"]])
    thick = alt.Scale(type="linear", domain=[0, 1], range=[0.3, 12])
    named = alt.Chart(ends).encode(x=x, y=y, opacity=opacity(picked))
    texts = []
    for side, align, dx in ((0, "right", -9), (1, "left", 9)):
        one = named.transform_filter(f"datum.side === {side}").transform_calculate(
            written=f"split(datum.label + ' · ' + ({number('datum.value')}), ' · ')"
        )
        limit = alt.ExprRef("0.34 * width")
        looks: dict[str, Any] = {
            "align": align,
            "dx": dx,
            "limit": limit,
            "baseline": "middle",
            "dy": -7,
            "lineHeight": 14,
        }
        texts.append(one.mark_text(**looks).encode(text="written:N", tooltip=tooltip_of()))
    return finished(
        [
            alt.Chart(links)
            .transform_calculate(kind=f"datum.outside ? '{kinds[1]}' : '{kinds[0]}'")
            .mark_line(opacity=0.55, strokeCap="butt", **spoken())
            .encode(
                x=x,
                y=y,
                detail="link:N",
                color=alt.Color("kind:N", scale=scale, legend=key()),
                strokeDash=alt.StrokeDash("kind:N", scale=alt.Scale(domain=list(kinds), range=[[1, 0], [6, 3]])),
                strokeWidth=alt.StrokeWidth("share:Q", scale=thick, legend=None),
                tooltip=tooltip_of(),
            ),
            named.mark_point(filled=True, size=70, color=INK, **spoken())
            .encode(tooltip=tooltip_of())
            .add_params(picked),
            *texts,
        ],
        "count",
        380,
    )


def quality(rows: Any) -> "alt.LayerChart":
    """The share of rows that fail checks, by month and table; darker is worse.

    Parameters
    ----------
    rows
        ``member`` (the month, ``2026-03``), ``label`` (the table), ``value``.
    """
    import altair as alt

    picked = chosen()
    name, year = (f"utcFormat(toDate(datum.value + '-01'), '{part}')" for part in ("%b", "%Y"))
    axis = alt.Axis(labelExpr=f"[{name}, {year}]", labelAngle=0, labelOverlap="greedy", labelSeparation=6, title=None)
    scale = alt.Scale(type="sqrt", range=list(SCALE), zero=True)
    legend = alt.Legend(
        title=None, orient="top", gradientLength=160, gradientThickness=10, labelExpr=number("datum.value", ".2~f")
    )
    base = in_order(rows).encode(
        x=alt.X("member:O", axis=axis), y=rows_axis(), color=alt.Color("value:Q", scale=scale, legend=legend)
    )
    return finished(
        [
            base.transform_calculate(value=str(LEAST_DARK)).mark_rect(opacity=0),
            base.mark_rect(stroke="white", strokeWidth=1, **spoken())
            .encode(opacity=opacity(picked), tooltip=tooltip_of())
            .add_params(picked),
        ],
        "ratio",
    )
