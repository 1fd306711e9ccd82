"""A model's card with its pictures, as files."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from carti_lake.models.card import card
from carti_lake.models.model import Model
from carti_lake.models.registry import newest_of
from carti_lake.outlets.destination import folder_at
from carti_lake.outlets.theme import BLUE, GREY, INK, ORANGE, layered

if TYPE_CHECKING:
    import altair as alt

    from carti_lake.store.storage import Storage

#: Rows of drivers or segments that a picture shows.
MOST = 15
#: Measures of a segment that are drawn, and what they are called.
SHARES = {"observed": "Observed", "predicted": "Predicted"}


def card_of(storage: "Storage", model: Model, target: str) -> list[str]:
    """Write the card of the model's current version, and its pictures as SVG, into a folder; returns the files."""
    import vl_convert

    row = newest_of(storage, model)
    line = f"Version {row['version']} of {model.name} · release {row['data_release']} · data as of {row['data_as_of']}"
    charts = pictures(json.loads(row["curves"]), line)
    names = {title: f"{model.name}-{slug}.svg" for slug, (title, _) in charts.items()}
    with folder_at(target, storage.options) as folder:
        for title, chart in charts.values():
            svg = vl_convert.vegalite_to_svg(chart.to_dict(), allowed_base_urls=[])
            (folder / names[title]).write_text(svg, "utf-8", newline="\n")
        (folder / f"{model.name}.md").write_text(card(model, row, names), "utf-8", newline="\n")
    return [f"{target}/{name}" for name in (f"{model.name}.md", *names.values())]


def pictures(curves: Mapping[str, list[dict[str, Any]]], line: str) -> dict[str, tuple[str, "alt.LayerChart"]]:
    """Title and chart of each curve of a card, by a name for its file.

    Parameters
    ----------
    curves
        ``calibration`` (bin, predicted, observed, n), ``drivers`` (feature, importance), ``segments`` (segment,
        measure, value, n), ``errors`` (level, horizon, estimator, value), as far as the model has them.
    line
        Caption: model, version, release.
    """
    makes = {
        "calibration": ("Calibration", _calibration),
        "drivers": ("What drives it", _drivers),
        "segments": ("By segment", _segments),
        "errors": ("Error by months ahead", _errors),
    }
    shares = [row for row in curves.get("segments", ()) if row["measure"] in SHARES]
    drawn = {**curves, "segments": shares}
    return {
        name: (title, make(pl.DataFrame(drawn[name], infer_schema_length=None), title, line))
        for name, (title, make) in makes.items()
        if drawn.get(name)
    }


def _calibration(rows: pl.DataFrame, title: str, line: str) -> "alt.LayerChart":
    import altair as alt

    most = max(rows["predicted"].max(), rows["observed"].max(), 0.01)  # type: ignore[type-var]
    ends = pl.DataFrame({"predicted": [0.0, most], "observed": [0.0, most]})
    percent = alt.Axis(format=".0%", tickCount=6)
    x = alt.X("predicted:Q", axis=percent, title="Predicted probability")
    y = alt.Y("observed:Q", axis=percent, title="Observed share")
    return layered(
        [
            alt.Chart(ends).mark_line(color=GREY, strokeDash=[4, 4]).encode(x=x, y=y),
            alt.Chart(rows).mark_line(color=BLUE, point={"filled": True, "size": 80, "color": BLUE}).encode(x=x, y=y),
        ],
        title,
        "Tenths of the held-out rows by their prediction; on the dashed line, what is predicted is what happens",
        line,
        height=360,
    )


def _drivers(rows: pl.DataFrame, title: str, line: str) -> "alt.LayerChart":
    import altair as alt

    shown = rows.sort("importance", "feature", descending=[True, False]).head(MOST)
    bars = alt.Chart(shown).encode(
        x=alt.X("importance:Q", axis=alt.Axis(tickCount=6), title=None),
        y=alt.Y("feature:N", sort=shown["feature"].to_list(), title=None),
    )
    said = "How much worse the held-out predictions become when a feature's values are shuffled"
    return layered([bars.mark_bar(color=BLUE, height=16)], title, said, line)


def _segments(rows: pl.DataFrame, title: str, line: str) -> "alt.LayerChart":
    import altair as alt

    shown = rows.with_columns(pl.col("measure").replace(SHARES))
    counts = shown.unique("segment", maintain_order=True).select("segment", "n")
    y = alt.Y("segment:N", sort=shown["segment"].unique(maintain_order=True).to_list(), title=None)
    x = alt.X("value:Q", axis=alt.Axis(format=".0%", tickCount=6), title=None)
    marks = alt.Chart(shown).encode(
        x=x,
        y=y,
        color=alt.Color("measure:N", scale=alt.Scale(domain=[*SHARES.values()], range=[BLUE, ORANGE])),
        shape=alt.Shape("measure:N", scale=alt.Scale(domain=[*SHARES.values()], range=["circle", "diamond"])),
    )
    ends = alt.Chart(
        shown.group_by("segment", maintain_order=True).agg(pl.col("value").max()).join(counts, on="segment")
    )
    said = (
        "Share of cases on held-out rows, whose number stands beside, as observed and as predicted; where they part, "
        "the model misjudges a group"
    )
    return layered(
        [
            marks.mark_point(filled=True, size=110, opacity=1),
            ends.mark_text(align="left", dx=12).encode(x="value:Q", y=y, text=alt.Text("n:Q", format=",")),
        ],
        title,
        said,
        line,
    )


def _errors(rows: pl.DataFrame, title: str, line: str) -> "alt.LayerChart":
    import altair as alt

    pooled = rows.group_by("estimator", "horizon", maintain_order=True).agg(pl.col("value").mean())
    lines = alt.Chart(pooled).encode(
        x=alt.X("horizon:O", title="Months ahead", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("value:Q", title="MASE"),
        color=alt.Color("estimator:N", sort=None, scale=alt.Scale(range=[BLUE, ORANGE, GREY, INK])),
        strokeDash=alt.StrokeDash("estimator:N", sort=None),
    )
    said = "Mean absolute error over that of the seasonal naive, mean of all levels and metrics; less is better"
    return layered([lines.mark_line(point=True)], title, said, line, height=320)
