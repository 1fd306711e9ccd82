"""The classifier on public data: errors beside its baselines, by patients and by time.

``python -m benchmarks.models.classification`` writes CLASSIFICATION.md. With ``--set``, ``--train`` and ``--test`` it
trains on one file and judges on another, and prints the measures as JSON.
"""

import argparse
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

HERE = Path(__file__).parent
SHARED = HERE.parents[2] / "shared/data"
MILLION = 1_000_000


@dataclass(frozen=True)
class Set:
    """A public data set: its file, how it becomes examples, its features, and a slice that is told of apart."""

    file: str
    title: str
    examples: Callable[[Path], pl.DataFrame]
    features: Sequence[Feature]
    segments: dict[str, pl.Expr]


SETS = {
    "no_show": Set(
        "noshow/appointments.csv.gz",
        "No-shows at booking (Vitória, 2016)",
        no_show,
        NO_SHOW,
        {"booked for a later day": pl.col("lead") > 0},
    ),
    "readmission": Set(
        "readmission/diabetic_data.csv.gz",
        "Readmission within 30 days (UCI Diabetes 130-US hospitals)",
        readmission,
        READMISSION,
        {"first stay of the patient": pl.col("earlier_stays") == 0},
    ),
}


def between(one: Set, train: Path, test: Path, seed: int = 0) -> dict[str, dict[str, float | None]]:
    """Measures by estimator on a file, of a fit on another."""
    fitted = fit(one.examples(train), one.features, seed)
    rows = one.examples(test)
    return {
        name: measures.of_probabilities(outcomes(rows), said) for name, said in every(fitted.artifact, rows).items()
    }


def report(data: Path) -> str:
    """All sets' tables, with the time that training and scoring took."""
    parts = ["# Classification on public data", (HERE / "classification_notes.md").read_text().strip()]
    for one in SETS.values():
        rows = one.examples(data / one.file)
        began = time.process_time()
        trained = classifier.train(rows, one.features, 0, one.segments)
        spent = time.process_time() - began
        parts += [f"## {one.title}", f"{rows.height:,} rows, {rows['target'].mean():.1%} cases."]
        for split in trained.evaluation["split"].unique(maintain_order=True):
            parts.append(_table(split, trained.evaluation.filter(split=split)))
        for (segment,), found in trained.curves["segments"].partition_by("segment", as_dict=True).items():
            values = ", ".join(f"{name} {value:.3f}" for name, value in found.select("measure", "value").rows())
            parts.append(f"Latest quarter, {segment} ({found['n'][0]:,} rows): {values}.")
        many = pl.concat([rows] * (MILLION // rows.height + 1)).head(MILLION)
        began, processor = time.perf_counter(), time.process_time()
        explained(trained.artifact, many, one.features)
        wall, processor = time.perf_counter() - began, time.process_time() - processor
        parts.append(
            f"Training with all evaluations took {spent:.0f} processor seconds; probabilities and drivers of a million "
            f"rows {wall:.1f} s ({processor:.1f} processor seconds)."
        )
    return "\n\n".join(parts) + "\n"


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
    parser.add_argument("--set", choices=SETS)
    parser.add_argument("--train", type=Path)
    parser.add_argument("--test", type=Path)
    chosen = parser.parse_args()
    if chosen.set:
        print(json.dumps(between(SETS[chosen.set], chosen.train, chosen.test), indent=2))
        return
    (HERE / "CLASSIFICATION.md").write_text(report(chosen.data), encoding="utf-8")


if __name__ == "__main__":
    main()
