"""Opportunity value: recorded, and as the other providers predict it."""

from typing import TYPE_CHECKING

import polars as pl

from carti_lake.outlets.chart_rows import first_and_last, labelled, row_axis
from carti_lake.outlets.charts.shown import Shown, chart
from carti_lake.outlets.theme import BLUE, ORANGE, RULE, WIDTH, layered, said, zero_line
from carti_lake.tables.gold import OpportunityPredictions

if TYPE_CHECKING:
    import altair as alt


@chart
def predicted_vs_actual_opportunity(release: Shown) -> "alt.LayerChart":
    """Each provider's recorded opportunity value beside the one that the other providers predict.

    Fitted values are not drawn: on few rows they repeat the recorded ones.
    """
    import altair as alt

    tables = release.published.tables
    if not {"opportunity_predictions", "model_metrics"} <= tables.keys():
        return said("Predicted opportunity value", "no model was trained for this release", release.line)
    predictions, names = tables["opportunity_predictions"], tables["provider_summary"]
    columns = ("opportunity_value", "predicted_without_own_row")
    recorded, predicted = (OpportunityPredictions.columns()[name].description for name in columns)
    of_model = predictions.filter(pl.col("model") == "opportunity_value")
    known = (
        of_model.drop_nulls("opportunity_value")
        .join(names.select("provider_id", "provider_name"), on="provider_id", how="left")
        .with_columns(pl.col("provider_name").fill_null(pl.col("provider_id")))
        .sort("opportunity_value", "provider_id", descending=[True, False])
    )
    rows, left_out = first_and_last(known)
    # A line through few providers knows no floor, but no opportunity is worth less than nothing.
    floored = rows.with_columns(pl.col("predicted_without_own_row").clip(lower_bound=0))
    drawn = labelled(floored).with_columns(
        miss=pl.col("predicted_without_own_row") - pl.col("opportunity_value"),
        right=pl.max_horizontal(columns),
    )
    points = drawn.unpivot(columns, index="label").with_columns(
        pl.col("variable").replace(dict(zip(columns, (recorded, predicted), strict=True)))
    )
    domain, key = [recorded, predicted], alt.Legend(labelLimit=WIDTH)
    x = alt.X("value:Q", axis=alt.Axis(labelExpr="format(datum.value, '$~s')", tickCount=6), title=None)
    base = alt.Chart(drawn).encode(y=row_axis(drawn))
    missing = of_model.height - known.height
    return layered(
        [
            base.mark_rule(color=RULE, strokeWidth=3).encode(x=f"{columns[0]}:Q", x2=columns[1]),
            alt.Chart(points)
            .mark_point(filled=True, size=110, opacity=1)
            .encode(
                x=x,
                y=row_axis(drawn),
                color=alt.Color("variable:N", scale=alt.Scale(domain=domain, range=[BLUE, ORANGE]), legend=key),
                shape=alt.Shape("variable:N", scale=alt.Scale(domain=domain, range=["circle", "diamond"]), legend=key),
            ),
            base.transform_filter("isValid(datum.miss)")
            .mark_text(align="left", dx=12)
            .encode(x="right:Q", text=alt.Text("miss:Q", format="+$.2~s")),
            zero_line(),
        ],
        *_quality(tables["model_metrics"]),
        "Beside the points: predicted minus recorded, to two digits",
        left_out,
        f"Not shown, for want of a recorded value: {missing}" if missing else None,
        release.line,
    )


def _quality(metrics: pl.DataFrame) -> tuple[str, str | None, str | None]:
    """Title and notes that say what the predictions are worth."""
    rows = metrics.filter(model="opportunity_value", split="leave-one-out")
    errors = dict(rows.filter(metric="mae").select("estimator", "value").iter_rows())
    note = rows["note"].item(0) if rows.height else None
    mae, of_mean = errors.get("linear regression"), errors.get("mean of the others")
    if mae is None or of_mean is None:
        return "Predicted opportunity value", None, note
    verdict = "no better than" if mae >= of_mean else "better than"
    error = f"Mean error ${mae:,.0f}; guessing the mean of the others ${of_mean:,.0f}"
    return f"Predicted opportunity value: {verdict} guessing the mean", error, note
