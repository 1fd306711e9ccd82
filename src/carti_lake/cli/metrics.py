"""``metrics``: what each number means, what it is made from, and its value in the latest release."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from carti_lake.cli import show
from carti_lake.cli.app import app
from carti_lake.cli.options import DEFAULT_LAKE, Json, LakeAt, StorageOptions, command, open_lake

if TYPE_CHECKING:
    from carti_lake.lake import Lake

#: Label of each fact about a metric, in the order of reading.
FACTS = {
    "definition": "Definition",
    "formula": "Formula",
    "columns": "In columns",
    "mart": "Mart",
    "additive_over": "Its sums add up over",
    "cases": "Cases (n)",
    "made_from": "Made from",
    "unit": "Unit",
    "good": "Better",
    "source": "Source",
    "used_in": "Used in",
    "dax": "DAX",
}


@app.command()
def metrics(
    metric: Annotated[str | None, typer.Argument(metavar="METRIC", help="E.g. denial_rate; else all.")] = None,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Show the metrics, or a metric's definition, formula, source and value."""
    from carti_lake.metrics import METRICS, find_metric
    from carti_lake.metrics.catalogue import describe_metric

    if metric is not None:
        found = find_metric(metric)
        described = {**describe_metric(found), "latest": _latest(open_lake(lake, storage_option), found.id)}
        if json:
            show.as_json(described)
        else:
            _print_metric(described)
        return
    if json:
        show.as_json([describe_metric(one) for one in METRICS.values()])
        return
    rows = [(one.id, one.title, one.unit, one.good, one.source) for one in METRICS.values()]
    show.screen().print(show.grid({"metric": "bold", "title": "", "unit": "", "better": "", "source": ""}, rows))
    show.next_steps((command("metrics denial_rate", lake), "definition, formula, source and value of one"))


def _latest(lake: "Lake", metric_id: str) -> dict[str, Any] | None:
    """Value of the metric in the latest release, with its sums and n; None where there is no release."""
    if not lake.releases():
        return None
    view = lake.at()
    return {"release": view.release.number, **view.metric(metric_id).collect().row(0, named=True)}


def _print_metric(metric: dict[str, Any]) -> None:
    show.say(metric["id"], "bold")
    show.say(metric["title"])
    for name, label in FACTS.items():
        if metric[name]:
            show.say(f"{label}: {show.cell(metric[name])}")
    latest = metric["latest"]
    if latest is None:
        show.say(f"Value: none, {metric['missing'] or 'there is no release yet'}.")
    elif latest["value"] is None:
        show.say(f"Value in release {latest['release']}: none, {latest['reason']}.")
    else:
        value = (
            f"{latest['value']:.1%}" if metric["unit"] == "ratio" else f"{show.cell(latest['value'])} {metric['unit']}"
        )
        parts = ("numerator", "denominator", "n") if latest["denominator"] is not None else ("n",)
        sums = ", ".join(f"{name} {show.cell(latest[name])}" for name in parts if latest[name] is not None)
        show.say(f"Value in release {latest['release']}: {value}" + (f" ({sums})" if sums else ""))
