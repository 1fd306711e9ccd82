"""The charts of a release: the two of the seed (marketing ROI, opportunity value), and providers compared."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import polars as pl

from carti_lake.disclosure import Publication
from carti_lake.metrics import METRICS
from carti_lake.outlets.chart_rows import first_and_last, labelled, row_axis
from carti_lake.outlets.comparison import compared
from carti_lake.outlets.comparison_charts import funnel_plot, interval_chart
from carti_lake.outlets.kpis import of_network
from carti_lake.outlets.theme import BLUE, GREY, INK, ORANGE, ROW, RULE, WIDTH, layered
from carti_lake.tables.gold import OpportunityPredictions, ProviderSummary

if TYPE_CHECKING:
    import altair as alt

NETWORK = "Network"
#: Metrics whose providers are compared in charts; `carti-lake compare` prints the others.
COMPARED = ("remittance_denial_rate", "leakage_rate", "no_show_rate")


def roi_by_provider(summary: pl.DataFrame, line: str) -> "alt.LayerChart":
    """Bars of each provider's ROI from zero, best first, below the network's.

    Parameters
    ----------
    summary
        ``gold.provider_summary``.
    line
        Caption of the release: ``release 12 · 2026-11-23 · data as of 2026-11-22``.
    """
    import altair as alt

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
            _zero(),
        ],
        "Marketing ROI by provider",
        ProviderSummary.columns()["roi"].description,
        f"{NETWORK}: the same with the sums of all providers",
        left_out,
        f"Not shown, for want of a marketing cost: {missing}" if missing else None,
        line,
    )


def predicted_vs_actual_opportunity(
    predictions: pl.DataFrame, names: pl.DataFrame, metrics: pl.DataFrame, line: str
) -> "alt.LayerChart":
    """Each provider's recorded opportunity value beside the one that the other providers predict.

    Fitted values are not drawn: on few rows they repeat the recorded ones.

    Parameters
    ----------
    predictions
        ``gold.opportunity_predictions``.
    names
        ``provider_id`` and ``provider_name``, from any table that has both.
    metrics
        ``gold.model_metrics``.
    line
        Caption of the release: ``release 12 · 2026-11-23 · data as of 2026-11-22``.
    """
    import altair as alt

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
    drawn = labelled(rows).with_columns(
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
            _zero(),
        ],
        *_quality(metrics),
        "Beside the points: predicted minus recorded, to two digits",
        left_out,
        f"Not shown, for want of a recorded value: {missing}" if missing else None,
        line,
    )


def write_charts(published: Publication, line: str, folder: Path) -> list[Path]:
    """Write each chart as PNG (twice the resolution of a screen) and SVG; offline.

    Parameters
    ----------
    published
        The release as it may be shown.
    line
        Caption of the release.
    folder
        Made if it is not there.

    Returns
    -------
    list[Path]
        The files, chart by chart; none of a metric on which not two providers have enough cases.
    """
    frames, summary = published.tables, published.tables["provider_summary"]
    charts = {
        "roi_by_provider": roi_by_provider(summary, line),
        "predicted_vs_actual_opportunity": predicted_vs_actual_opportunity(
            frames["opportunity_predictions"], summary, frames["model_metrics"], line
        ),
    }
    # Releases of before the table existed are drawn without it.
    for name in COMPARED if "provider_comparison" in frames else ():
        rows = compared(frames, METRICS[name])
        if rows["rate"].count() > 1:
            charts[f"funnel_{name}"] = funnel_plot(rows, METRICS[name], line)
            charts[f"intervals_{name}"] = interval_chart(rows, METRICS[name], line)
    folder.mkdir(parents=True, exist_ok=True)
    return [path for name, chart in charts.items() for path in _save(chart, folder / name)]


def _save(chart: "alt.LayerChart", stem: Path) -> list[Path]:
    import vl_convert

    spec = chart.to_dict()
    png, svg = stem.with_suffix(".png"), stem.with_suffix(".svg")
    png.write_bytes(vl_convert.vegalite_to_png(spec, scale=2, allowed_base_urls=[]))
    svg.write_text(vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]), encoding="utf-8")
    return [png, svg]


def _room_for_labels(values: pl.Series) -> "alt.Scale":
    """A scale that leaves the labels of negative bars room before the providers' names."""
    import altair as alt

    shown = [0.0, *values.drop_nulls()]
    lowest, highest = min(shown), max(shown)
    return alt.Scale(domainMin=lowest - 0.12 * (highest - lowest)) if lowest < 0 else alt.Scale()


def _zero() -> "alt.Chart":
    import altair as alt

    return cast("alt.Chart", alt.Chart(pl.DataFrame({"zero": [0.0]})).mark_rule(color=INK).encode(x="zero:Q"))


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
