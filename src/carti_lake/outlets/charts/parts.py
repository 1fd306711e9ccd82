"""Bars of the parts of a count, a row a member, with a rate beside them; what may not be shown says so."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import polars as pl

from carti_lake.metrics import Metric
from carti_lake.outlets.chart_rows import MOST_ROWS, row_axis
from carti_lake.outlets.theme import GREY, HIDDEN, ROW, layered, one_of, said
from carti_lake.pipeline.gold.provider_comparison import FEWEST_CASES

if TYPE_CHECKING:
    import altair as alt

WHY_HIDDEN = "Hidden: a count of 1 to 10 people, or one from which such a count could be worked out"


def parts_chart(
    rows: pl.DataFrame,
    parts: Mapping[str, tuple[str, str]],
    *,
    whole: str,
    rate: Metric,
    of: str,
    title: str,
    line: str,
    note: str | None = None,
) -> "alt.LayerChart":
    """Bars of shares of a count, stacked, and to their right the rate and the count.

    Parameters
    ----------
    rows
        In the order of the bars, each with a ``label``, the count, its parts, and the rate under its id.
    parts
        What each part is called, its column and its colour.
    whole
        Column of the count that the parts are shares of.
    rate
        The metric that is written beside the bars.
    of
        What is counted.
    title, line, note
        Above it, the caption of the release, and what must be said beside that.
    """
    import altair as alt

    columns = {column: name for name, (column, _) in parts.items()}
    # A share of few says little, and would stand first or last of all.
    few = rows.filter(pl.col(whole) < FEWEST_CASES).height
    rows = rows.filter(pl.col(whole).is_null() | (pl.col(whole) >= FEWEST_CASES))
    if rows.is_empty():
        return said(title, f"no row has {FEWEST_CASES} {of}, and a share of fewer says little", line)
    left_out = f"The first {MOST_ROWS} of {rows.height} rows" if rows.height > MOST_ROWS else None
    rows = rows.head(MOST_ROWS)
    counted = pl.col(whole).is_not_null() & pl.all_horizontal(pl.col(list(columns)).is_not_null())
    shares_end = pl.sum_horizontal(pl.when(counted).then(pl.col(column) / pl.col(whole)) for column in columns)
    stated = rows.select("label", rate.id, whole, *columns, shown=counted, end=shares_end.fill_nan(0))
    shares = (
        stated.filter("shown")
        .select("label", *(pl.col(column) / pl.col(whole) for column in columns))
        .unpivot(list(columns), index="label", variable_name="part", value_name="share")
        .with_columns(
            pl.col("part").replace(columns),
            order=pl.col("part").replace_strict({column: place for place, column in enumerate(columns)}),
        )
    )
    room = max([1e-9, *stated["end"]])
    x = alt.X(
        "share:Q",
        axis=alt.Axis(format=".0%", values=[0, 0.2, 0.4, 0.6, 0.8, 1])
        if room > 0.7
        else alt.Axis(format=".0%", tickCount=6),
        scale=alt.Scale(domain=[0, room * 1.42 if room < 0.7 else 1.42], nice=False),
        title=None,
    )
    bars = alt.Chart(shares).mark_bar(height=ROW * 0.62)
    number, value = (
        f"format(datum.{whole}, ',') + (datum.{whole} === 1 ? ' {of.removesuffix('s')}' : ' {of}')",
        f"datum.{rate.id}",
    )
    words = f"datum.shown ? (isValid({value}) ? format({value}, '.1%') : 'no rate') + ' · ' + {number}"
    words += f" : isValid(datum.{whole}) ? {number} + '; {HIDDEN} by outcome' : '{HIDDEN}'"
    texts = (
        alt.Chart(stated.drop(columns))
        .transform_calculate(said=words)
        .encode(y=row_axis(stated), x=alt.X("end:Q", title=None), text="said:N")
    )
    some = not stated["shown"].all()
    return layered(
        [
            bars.encode(
                x=x,
                y=row_axis(stated),
                color=one_of("part", list(parts), [color for _, color in parts.values()]),
                order=alt.Order("order:Q"),
            ),
            texts.transform_filter("datum.shown").mark_text(align="left", dx=8),
            texts.transform_filter("!datum.shown").mark_text(align="left", dx=8, color=GREY, fontStyle="italic"),
        ],
        title,
        f"Beside the bars: {rate.title[0].lower()}{rate.title[1:]}. {rate.definition}",
        left_out,
        f"{few} with fewer than {FEWEST_CASES} {of}: not drawn" if few else None,
        note,
        WHY_HIDDEN if some else None,
        line,
    )
