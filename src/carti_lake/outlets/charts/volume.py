"""Patient volume: visits by month, and what the forecast expects."""

from typing import TYPE_CHECKING

import polars as pl

from carti_lake.metrics import METRICS
from carti_lake.outlets.bands import in_words
from carti_lake.outlets.charts.months import by_month
from carti_lake.outlets.charts.shown import Shown, chart
from carti_lake.outlets.months import with_events
from carti_lake.outlets.theme import BLUE, in_utc, layered, month_axis, said

if TYPE_CHECKING:
    import altair as alt

HEIGHT = 320
TITLE = "Patient volume: visits by month"
NO_FORECAST = "No forecast: not enough data, no model trained, or small counts are hidden, which it is made from too"


@chart
def volume_trend(release: Shown) -> "alt.LayerChart":
    """Visits of the network by month, and the newest forecast with its 80 and 95 % intervals."""
    import altair as alt

    months = release.table("network_by_month")
    if months is None or (rows := with_events(months, "visits", release.data_as_of)).is_empty():
        return said(TITLE, "no visits were delivered", release.line)
    ahead = expected(release.table("forecasts"))
    every = in_utc(pl.concat([rows.select("month"), ahead.select("month")]))
    x, y = (
        month_axis(every),
        alt.Y("visits:Q", axis=alt.Axis(format=",d", tickCount=6, tickMinStep=1, grid=True), title=None),
    )
    drawn = alt.Chart(in_utc(ahead)).encode(x=x)
    bands = [
        drawn.mark_area(color=BLUE, opacity=opacity).encode(
            y=alt.Y(f"lower_{level}:Q", title=None), y2=f"upper_{level}"
        )
        for level, opacity in ((95, 0.12), (80, 0.20))
    ]
    forecast = drawn.mark_line(color=BLUE, strokeDash=[5, 4], strokeWidth=2).encode(y="forecast:Q")
    from_ = None if ahead.is_empty() else f"{ahead['origin'].item(0):%B %Y}"
    return layered(
        [*([*bands, forecast] if from_ else []), *by_month(release, rows, "visits", x, y, marked="unfinished")],
        TITLE,
        METRICS["visits"].definition,
        NO_FORECAST
        if from_ is None
        else f"Dashed: the forecast from {from_}; around it {in_words(release.published.tables, 'network')}",
        release.line,
        height=HEIGHT,
    )


def expected(forecasts: pl.DataFrame | None) -> pl.DataFrame:
    """The network's visits as the newest forecast expects them, month by month; no row where there is none."""
    numbers = ["forecast", *(f"{end}_{level}" for level in (95, 80) for end in ("lower", "upper"))]
    empty = {"month": pl.Date(), "origin": pl.Date(), **dict.fromkeys(numbers, pl.Float64())}
    if forecasts is None:
        return pl.DataFrame(schema=empty)
    rows = forecasts.filter(level="network", metric="visits").drop_nulls("forecast")
    newest = rows.filter(pl.col("origin") == pl.col("origin").max()).sort("month", "model_version")
    return newest.unique("month", keep="last", maintain_order=True).select(*empty)
