"""An explained change as a waterfall: from the number of one release to that of another, cause by cause."""

from collections.abc import Mapping
from itertools import accumulate
from typing import TYPE_CHECKING, cast

import polars as pl

from carti_lake.outlets.destination import file_at
from carti_lake.outlets.picture import pictures
from carti_lake.outlets.theme import BLUE, GREY, INK, ORANGE, ROW, WIDTH, themed
from carti_lake.releases.explain import Explanation

if TYPE_CHECKING:
    import altair as alt

#: How the axis writes a metric of that unit; others are plain numbers.
AXES = {"ratio": ".2~%", "USD": "$~s"}


def waterfall(explanation: Explanation) -> "alt.LayerChart":
    """A bar for each cause that changed the metric, between the metric's values in the two releases.

    Where a ratio's denominator is zero in either release, the bars are those of the numerator.
    """
    import altair as alt

    before, after = explanation.values
    numerators = before is None or after is None
    unit = "count" if numerators else explanation.metric.unit
    parts = [
        (part.cause.label, part.numerator if numerators else part.value) for part in explanation.parts if part.rows
    ]
    first, last = explanation.numerators if numerators else (before, after)
    causes, changes = [label for label, _ in parts], [float(change or 0) for _, change in parts]
    levels = list(accumulate(changes, initial=float(first or 0)))
    ends = [f"Release {release.number}" for release in (explanation.before, explanation.after)]
    steps = pl.DataFrame(
        {
            "label": causes,
            "start": levels[:-1],
            "end": levels[1:],
            "said": [change_text(change, unit) for change in changes],
            "color": [ORANGE if change < 0 else BLUE for change in changes],
        },
        schema_overrides={"start": pl.Float64, "end": pl.Float64},
    )
    totals = pl.DataFrame(
        {
            # A release compared with itself still has two rows.
            "label": [f"{ends[0]} ", ends[1]],
            "start": [levels[0], levels[-1]],
            "said": [number_text(value, unit) for value in (first, last)],
        }
    )
    order = [totals["label"][0], *causes, totals["label"][1]]
    links = pl.DataFrame({"label": order[:-1], "next": order[1:], "level": levels})
    span = max(levels) - min(levels) or abs(levels[0]) or 1.0
    x = alt.X(
        "start:Q",
        scale=alt.Scale(zero=False, nice=False, domain=[min(levels) - 0.05 * span, max(levels) + 0.2 * span]),
        axis=alt.Axis(format=AXES.get(unit, "~s"), tickCount=6),
        title=None,
    )
    y = alt.Y("label:N", sort=order, title=None)
    bars = alt.Chart(steps).encode(y=y)
    texts = bars.transform_calculate(right="max(datum.start, datum.end)").encode(x="right:Q", text="said:N")
    ticks = alt.Chart(totals).encode(x=x, y=y)
    layered = alt.layer(
        alt.Chart(links).mark_rule(color=GREY, strokeDash=[2, 2]).encode(x="level:Q", y=y, y2="next:N"),
        bars.mark_bar(height=ROW * 0.62).encode(x=x, x2="end:Q", color=alt.Color("color:N", scale=None)),
        texts.mark_text(align="left", dx=6, color=INK),
        ticks.mark_tick(thickness=4, size=ROW * 0.8, color=GREY, opacity=1),
        ticks.mark_text(align="left", dx=8, color=INK, fontWeight="bold").encode(text="said:N"),
    )
    title = alt.TitleParams(explanation.metric.title, subtitle=_subtitle(explanation, numerators))
    return themed(cast("alt.LayerChart", layered.properties(width=WIDTH, height=alt.Step(ROW), title=title)))


def _subtitle(explanation: Explanation, numerators: bool) -> list[str]:
    who = "Network" if explanation.provider is None else explanation.provider[1]
    lines = [f"{who}: why release {explanation.after.number} differs from release {explanation.before.number}"]
    if numerators:
        lines.append("The numerator: a release has no ratio, for its denominator is zero")
    captions = [release.caption for release in (explanation.before, explanation.after)]
    return [*lines, *(caption[0].upper() + caption[1:] for caption in captions)]


def write_waterfall(explanation: Explanation, target: str, options: Mapping[str, str]) -> None:
    """Draw the waterfall into a file: PNG (twice the resolution of a screen), SVG, or its Vega-Lite JSON.

    Parameters
    ----------
    explanation
        What to draw.
    target
        File, or its address in an object store; its ending names the format.
    options
        Credentials and endpoints of the object store.
    """
    ending = target.rpartition(".")[2]
    with file_at(target, options) as path:
        path.write_bytes(pictures(waterfall(explanation), (ending,))[ending])


def number_text(value: object, unit: str) -> str:
    """A metric's value as people read it."""
    if value is None:
        return "no value"
    number = float(str(value))
    if unit == "ratio":
        return f"{number:.2%}"
    text = f"{abs(number):,.0f}" if number.is_integer() and unit == "count" else f"{abs(number):,.2f}"
    return f"{'-' * (number < 0)}{'$' * (unit == 'USD')}{text}"


def change_text(value: object, unit: str) -> str:
    """A change of a metric as people read it, with its sign; that of a ratio in percentage points."""
    if value is None:
        return "no value"
    number = float(str(value))
    text = f"{abs(number) * 100:.2f} pp" if unit == "ratio" else number_text(abs(number), unit)
    # What is written as zero has no sign.
    sign = "" if not any(digit in text for digit in "123456789") else "-" if number < 0 else "+"
    return f"{sign}{text}"
