"""A model's card: what a reader must know before using its predictions, as Markdown."""

import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from carti_lake.models.model import Model
from carti_lake.models.verdict import refusal_of

#: How to call each measure, and what it says.
MEASURES = {
    "auroc": "AUROC: how often a case scores higher than a non-case; 0.5 is a coin",
    "auprc": "AUPRC: average precision; the base rate is its floor",
    "brier": "Brier: mean squared error of the probability; less is better",
    "ece": "ECE: mean gap between predicted and observed probability; less is better",
    "predicted": "Predicted: mean of the probabilities of what is still to come",
    "observed": "Observed: share to which it came",
    "gain": "Gain: by how much the model's error is less than this baseline's (Brier; MAE of values; MASE)",
    "gain_lower": "Gain, lower end of its 95 % interval; a model is used where it is above 0",
    "gain_upper": "Gain, upper end of its 95 % interval",
    "mae": "MAE: mean absolute error",
    "rmse": "RMSE: root of the mean squared error",
    "r2": "R²: share of the variance explained; below 0 it is worse than the mean",
    "mase": "MASE: mean absolute error over that of the seasonal naive within the history; below 1 is better than it",
    "smape": "sMAPE: symmetric mean absolute percentage error",
    "coverage_80": "Coverage of the 80 % interval: share of what came that lay within",
    "coverage_95": "Coverage of the 95 % interval",
    **{
        f"coverage_{share}_{end}": f"Coverage of the {share} % interval, {end} end of its own 95 % interval (Wilson; "
        "forecasts that share months count for one)"
        for share in (80, 95)
        for end in ("lower", "upper")
    },
}


def card(model: Model, row: Mapping[str, Any], charts: Mapping[str, str]) -> str:
    """The card of a trained version.

    Parameters
    ----------
    model
        The model.
    row
        Its version's row of the table ``models``.
    charts
        Names of pictures by their titles, as the card links to them.

    Returns
    -------
    str
        Markdown; the same version gives the same text.
    """
    evaluation = pl.DataFrame(json.loads(row["evaluation"]), infer_schema_length=None)
    inputs = ", ".join(f"`{name}`" for name in model.inputs)
    parts = [
        f"# {model.title}",
        model.purpose,
        _table(
            ("", ""),
            [
                ("Model", f"`{model.name}`, version `{row['version']}`"),
                ("Trained", f"{row['trained_at']:%Y-%m-%d %H:%M} UTC, seed {row['seed']}"),
                ("Data", f"release {row['data_release']}, data as of {row['data_as_of']}, from {inputs}"),
                ("Examples", f"{row['rows']:,}"),
                ("Due again", f"after {model.retrain.days} days of new data, or {model.retrain.growth:.0%} more rows"),
                ("File", f"`{row['file']}`, SHA-256 `{row['sha256']}`"),
            ],
        ),
        "## Whether it is used",
        _used(row),
        "## How good it is",
        "On rows that it was not fitted on; every baseline was judged on the same rows.",
        *(_errors(split, evaluation.filter(split=split)) for split in _splits(evaluation)),
        *(f"- {MEASURES[name]}" for name in _measures(evaluation) if name in MEASURES),
        *(f"## {title}\n\n![{title}]({file})" for title, file in charts.items()),
        "## Limits",
        f"- It is fitted on {row['rows']:,} examples that this lake held on {row['data_as_of']}: it does not know what "
        "has changed since, and has not been tried elsewhere.",
        *_fewest(evaluation),
        "- What a prediction goes along with need not be its cause: it does not say what would happen if one acted.",
        "## What it is made of",
        _table(("parameter", "value"), [(f"`{name}`", _short(value)) for name, value in _items(row["parameters"])]),
        "Made with " + ", ".join(f"{name} {version}" for name, version in _items(row["libraries"])) + ".",
        "## Again",
        f"`carti-lake model train {model.name} --seed {row['seed']}` on release {row['data_release']} gives the same "
        "version with the same libraries. `carti-lake model evaluate` judges it on what has come since.",
    ]
    return "\n\n".join(parts).replace("\n\n- ", "\n- ") + "\n"


def _used(row: Mapping[str, Any]) -> str:
    refused = refusal_of(row)
    if refused:
        return f"**It is not used**: {refused}. Its predictions stay blank."
    parts = json.loads(row["parameters"]).get("not used") or {}
    return "\n\n- ".join(["Runs score with it.", *(f"**Not for {part}**: it is {why}." for part, why in parts.items())])


def _fewest(evaluation: pl.DataFrame) -> list[str]:
    if evaluation.is_empty():
        return ["- There were too few rows to hold out: nothing is known of its errors."]
    fewest = int(evaluation.select(pl.col("n").min()).item())
    return [f"- Its errors above rest on as few as {fewest:,} rows."]


def _splits(evaluation: pl.DataFrame) -> list[str]:
    return [] if evaluation.is_empty() else list(evaluation["split"].unique(maintain_order=True))


def _measures(evaluation: pl.DataFrame) -> list[str]:
    return [] if evaluation.is_empty() else list(evaluation["metric"].unique(maintain_order=True))


def _errors(split: str, rows: pl.DataFrame) -> str:
    """A table of the split: an estimator a row, a measure a column."""
    wide = rows.pivot("metric", index="estimator", values="value", aggregate_function="first", maintain_order=True)
    figures = [(name, *("" if value is None else f"{value:,.3f}" for value in values)) for name, *values in wide.rows()]
    notes = rows.drop_nulls("note")["note"].unique(maintain_order=True)
    most = int(rows.select(pl.col("n").max()).item())
    return "\n\n".join([f"### Held out: {split} ({most:,} rows)", _table(("", *wide.columns[1:]), figures), *notes])


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    texts = [[cell.replace("|", "\\|") for cell in cells] for cells in (head, ("---",) * len(head), *rows)]
    lines = ["| " + " | ".join(cells) + " |" for cells in texts]
    return "\n".join(lines)


def _items(text: str) -> list[tuple[str, Any]]:
    return list(json.loads(text).items())


def _short(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
