"""A line over months whose provisional ones are hollow."""

from typing import TYPE_CHECKING, Any

import polars as pl

from carti_lake.outlets.charts.shown import Shown
from carti_lake.outlets.months import provisional
from carti_lake.outlets.theme import BLUE, WIDTH, in_utc

if TYPE_CHECKING:
    import altair as alt

#: What a mark says of the months, by the column that it follows.
SAID = {
    "provisional": ("final", "provisional: claims still to be adjudicated"),
    "unfinished": ("whole month", "month not over"),
}


def by_month(
    release: Shown, rows: pl.DataFrame, column: str, x: "alt.X", y: "alt.Y", *, marked: str = "provisional"
) -> list[Any]:
    """Layers of a line with a point a month, hollow where ``marked``; a gap where the number is hidden."""
    import altair as alt

    sure, unsure = SAID[marked]
    state = pl.when(pl.col(marked)).then(pl.lit(unsure)).otherwise(pl.lit(sure))
    stated = provisional(rows.select("month", column), release.published.tables, release.data_as_of)
    lines = alt.Chart(in_utc(stated.with_columns(state=state))).encode(x=x, y=y)
    fill = alt.Fill(
        "state:N", scale=alt.Scale(domain=[sure, unsure], range=[BLUE, "white"]), legend=alt.Legend(labelLimit=WIDTH)
    )
    points = lines.transform_filter(f"isValid(datum.{column})").mark_point(
        size=70, opacity=1, color=BLUE, strokeWidth=2
    )
    # A month that is not over is no fall: the line ends before it.
    whole = lines.transform_filter("!datum.unfinished").mark_line(color=BLUE, strokeWidth=2.5)
    return [whole, points.encode(fill=fill)]
