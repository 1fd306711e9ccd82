"""The whole job, extract files to gold provider summary, against the same job in other tools."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import polars as pl

from benchmarks import extracts, measure
from benchmarks.jobs import SUMMARY

MONTHS = 12
#: Tools, in the order of running within a round; the first one's summary is what the others' must equal.
TOOLS = ("lake", "functions", "pandas", "duckdb", "pyspark")
#: What a job is asked for: the current visits as a file too, or the summary alone. A lake keeps more than that always.
KINDS = ("visits", "summary")
TOLERANCE = 1e-9
LABELS = ("provider_name", "pipeline_stage")


@dataclass(frozen=True)
class Result:
    """Medians of one tool's runs of the job."""

    visits: int
    kind: str
    tool: str
    seconds: float
    cpu_seconds: float
    gigabytes: float


def run(visits: int, tools: Sequence[str], rounds: int, folder: Path, progress: Callable[[str], None]) -> list[Result]:
    """Measure every tool, round by round so that all share what else the machine does.

    Raises
    ------
    ValueError
        Where two tools disagree; nothing is reported then.
    """
    source = delivered(visits, folder, progress)
    runs: dict[tuple[str, str], list[measure.Measured]] = {}
    for number in range(rounds):
        for kind in KINDS:
            for tool in tools:
                if tool == "lake" and kind == "summary":
                    continue
                progress(f"{visits:,} visits, round {number + 1}: {tool}, {kind}")
                output = folder / "out"
                shutil.rmtree(output, ignore_errors=True)
                output.mkdir()
                once = measure.run(f"benchmarks.jobs.with_{tool}", source, output, kind, log=folder / f"{tool}.log")
                runs.setdefault((kind, tool), []).append(once)
                expect_equal(output, folder / f"summary_{visits}.parquet", tool)
    shutil.rmtree(folder / "out", ignore_errors=True)
    return [
        Result(visits, kind, tool, *(median(values) for values in zip(*map(_numbers, taken), strict=True)))
        for (kind, tool), taken in runs.items()
    ]


def delivered(visits: int, folder: Path, progress: Callable[[str], None]) -> Path:
    """The folder of extracts with that many visits, made where it is new."""
    source = folder / f"extracts_{visits}"
    if not source.exists():
        progress(f"extracts of {visits:,} visits")
        volume = extracts.Volume(visits // MONTHS, MONTHS)
        partial = source.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        for number in range(MONTHS):
            extracts.write_month(volume, number, partial)
        extracts.write_others(volume, partial)
        partial.rename(source)
    return source


def expect_equal(output: Path, reference: Path, tool: str) -> None:
    """Raise unless a job's summary equals the reference; the first one becomes it."""
    mine = _summary(output)
    if tool == TOOLS[0] or not reference.exists():
        mine.write_parquet(reference)
        return
    theirs = pl.read_parquet(reference)
    if mine.select(LABELS).equals(theirs.select(LABELS)):
        off = [name for name in SUMMARY if name not in LABELS and _difference(mine[name], theirs[name]) > TOLERANCE]
    else:
        off = list(LABELS)
    if off:
        raise ValueError(f"The summary of {tool} differs in {', '.join(off)}.")


def _summary(output: Path) -> pl.DataFrame:
    path = output / "summary.parquet"
    # Spark writes a folder of parts.
    rows = pl.read_parquet(path if path.exists() else output / "summary" / "*.parquet")
    numbers = pl.exclude(LABELS).cast(pl.Float64)
    return rows.select(*LABELS, *(name for name in SUMMARY if name not in LABELS)).with_columns(numbers).sort(LABELS)


def _difference(mine: pl.Series, theirs: pl.Series) -> float:
    """Largest relative difference; infinite where one has a value and the other none."""
    if not (mine.is_null() == theirs.is_null()).all():
        return float("inf")
    scale = pl.max_horizontal(pl.col("mine").abs(), pl.col("theirs").abs(), pl.lit(1e-300))
    both = pl.DataFrame({"mine": mine, "theirs": theirs}).drop_nulls()
    worst = both.select(((pl.col("mine") - pl.col("theirs")).abs() / scale).max()).item()
    return worst or 0.0


def _numbers(once: measure.Measured) -> tuple[float, float, float]:
    return once.seconds, once.cpu_seconds, once.gigabytes
