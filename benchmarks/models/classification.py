"""The classifier on public data: errors beside its baselines, by patients and by time.

``python -m benchmarks.models.classification`` writes CLASSIFICATION.md and its chart. With ``--train`` and ``--test``
it trains on one file and judges on another of the same form, and prints the measures as JSON.
"""

import argparse
import gzip
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from benchmarks.models.public import NO_SHOW, READMISSION, no_show, readmission
from carti_lake.models import classifier, measures
from carti_lake.models.design import Feature
from carti_lake.models.estimators import every, explained, fit, outcomes
from carti_lake.models.model import Trained

HERE = Path(__file__).parent
SHARED = HERE.parents[2] / "shared/data"
MILLION = 1_000_000
CHART = "classification.svg"
COLOURS = {
    "model": "#1b6e8c",
    "gradient boosting": "#d9822b",
    "logistic regression": "#8a6fb0",
    "base rate": "#b8c1c7",
}


@dataclass(frozen=True)
class Set:
    """A public data set: its file, a column that no other has, how it becomes examples, its features and slices."""

    file: str
    column: str
    title: str
    examples: Callable[[Path], pl.DataFrame]
    features: Sequence[Feature]
    segments: dict[str, pl.Expr]


SETS = {
    "no_show": Set(
        "noshow/appointments.csv.gz",
        "No-show",
        "No-shows at booking (Vitória, 2016)",
        no_show,
        NO_SHOW,
        {"booked for a later day": pl.col("lead") > 0},
    ),
    "readmission": Set(
        "readmission/diabetic_data.csv.gz",
        "readmitted",
        "Readmission within 30 days (UCI Diabetes 130-US hospitals)",
        readmission,
        READMISSION,
        {"first stay of the patient": pl.col("earlier_stays") == 0},
    ),
}


def set_of(path: Path) -> Set:
    """The set whose form a file (CSV, may be compressed by gzip) has."""
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as lines:
        header = lines.readline().strip().split(",")
    for one in SETS.values():
        if one.column in header:
            return one
    columns = " or ".join(one.column for one in SETS.values())
    raise SystemExit(f"{path} has the form of no set: its first line names no column {columns}.")


def between(train: Path, test: Path, seed: int = 0) -> dict[str, dict[str, float | None]]:
    """Measures by estimator on a file, of a fit on another."""
    one = set_of(train)
    return judged(one, one.examples(train), one.examples(test), seed)


def judged(one: Set, known: pl.DataFrame, unknown: pl.DataFrame, seed: int = 0) -> dict[str, dict[str, float | None]]:
    """Measures by estimator on examples, of a fit on others."""
    said = every(fit(known, one.features, seed).artifact, unknown)
    return {name: measures.of_probabilities(outcomes(unknown), probability) for name, probability in said.items()}


def report(data: Path, chart: Path) -> str:
    """All sets' tables, with the time that training and scoring took; draws their chart."""
    notes = (HERE / "classification_notes.md").read_text(encoding="utf-8").strip()
    parts = ["# Classification on public data", notes, f"![Errors and calibration by data set]({CHART})"]
    drawn = []
    for one in SETS.values():
        rows = one.examples(data / one.file)
        began = time.process_time()
        trained = classifier.train(rows, one.features, 0, one.segments)
        spent = time.process_time() - began
        drawn.append((one.title, trained))
        parts += [f"## {one.title}", f"{rows.height:,} rows, {outcomes(rows).mean():.1%} cases."]
        for split in trained.evaluation["split"].unique(maintain_order=True):
            parts.append(_table(split, trained.evaluation.filter(split=split)))
        for found in trained.curves["segments"].partition_by("segment", maintain_order=True):
            values = ", ".join(f"{name} {value:.3f}" for name, value in found.select("measure", "value").rows())
            parts.append(f"Latest quarter, {found['segment'][0]} ({found['n'][0]:,} rows): {values}.")
        many = pl.concat([rows] * (MILLION // rows.height + 1)).head(MILLION)
        began, processor = time.perf_counter(), time.process_time()
        explained(trained.artifact, many, one.features)
        wall, processor = time.perf_counter() - began, time.process_time() - processor
        parts.append(
            f"Training with all evaluations took {spent:.0f} processor seconds; probabilities and drivers of a million "
            f"rows {wall:.1f} s ({processor:.1f} processor seconds)."
        )
    _draw(drawn, chart)
    return "\n\n".join(parts) + "\n"


def _draw(sets: Sequence[tuple[str, Trained]], path: Path) -> None:
    """AUROC by split and estimator, and calibration on the latest quarter, a row for each set."""
    import altair as alt

    rows = []
    for title, trained in sets:
        auroc = trained.evaluation.filter(metric="auroc")
        splits = auroc["split"].unique(maintain_order=True).to_list()
        dots = alt.Chart(auroc, title=title, width=330, height={"step": 34})
        left = dots.mark_point(filled=True, size=90, opacity=1).encode(
            x=alt.X("value:Q", title="AUROC", scale=alt.Scale(domain=[0.45, 0.85])),
            y=alt.Y("split:N", title=None, sort=splits, axis=alt.Axis(labelLimit=220)),
            color=alt.Color(
                "estimator:N", title=None, scale=alt.Scale(domain=list(COLOURS), range=list(COLOURS.values()))
            ),
        )
        bins = trained.curves["calibration"]
        most = bins.select(pl.max_horizontal(pl.col("predicted", "observed").max())).item()
        ends = pl.DataFrame({"predicted": [0.0, most], "observed": [0.0, most]})
        x = alt.X("predicted:Q", title="predicted", axis=alt.Axis(format=".0%"))
        y = alt.Y("observed:Q", title="observed, latest quarter", axis=alt.Axis(format=".0%"))
        line = alt.Chart(ends, width=200, height=200).mark_line(color="#b8c1c7", strokeDash=[4, 4]).encode(x=x, y=y)
        right = alt.Chart(bins).mark_line(color="#1b6e8c", point=True).encode(x=x, y=y)
        rows.append(alt.hconcat(left, line + right))
    alt.vconcat(*rows).configure_view(strokeWidth=0).configure(font="sans-serif").save(path)


def _table(split: str, rows: pl.DataFrame) -> str:
    wide = rows.pivot("metric", index="estimator", values="value", maintain_order=True)
    lines = [f"Held out: {split} ({rows['n'][0]:,} rows)", ""]
    lines += ["| | " + " | ".join(wide.columns[1:]) + " |", "| --- |" + " ---: |" * (wide.width - 1)]
    lines += ["| " + " | ".join([row[0], *(f"{value:.4f}" for value in row[1:])]) + " |" for row in wide.rows()]
    return "\n".join(lines)


def main() -> None:
    """Print the measures of one file on another, or write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=SHARED, help="folder of the public data")
    parser.add_argument("--train", type=Path, help="file to train on, of the form of one of the sets")
    parser.add_argument("--test", type=Path, help="file of the same form to judge on")
    chosen = parser.parse_args()
    if (chosen.train is None) != (chosen.test is None):
        parser.error("--train and --test go together")
    if chosen.train:
        print(json.dumps(between(chosen.train, chosen.test), indent=2))
        return
    (HERE / "CLASSIFICATION.md").write_text(report(chosen.data, HERE / CHART), encoding="utf-8")


if __name__ == "__main__":
    main()
