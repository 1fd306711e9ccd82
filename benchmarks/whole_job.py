"""The whole job, extract files to gold, in the lake and in other tools, beside the floor; each tool made the same."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks import equal, extracts, measure
from benchmarks.jobs import KINDS
from benchmarks.jobs.with_lake import STEPS

MONTHS = 12
#: What the lake is compared with, each in every kind; a lake itself keeps everything always.
PEERS = ("functions", "pandas", "duckdb", "pyspark")


@dataclass(frozen=True)
class Result:
    """Medians of one job's runs: a tool, and what it keeps.

    Attributes
    ----------
    steps
        Processor seconds of each step, where the job tells them: the lake does.
    """

    visits: int
    tool: str
    kind: str
    seconds: float
    cpu_seconds: float
    gigabytes: float
    steps: dict[str, float] = field(default_factory=dict)


def jobs(peers: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Tool and kind of every job, in the order of running within a round: others must make the lake's tables."""
    yield "floor", "copies"
    yield "lake", "everything"
    for kind in KINDS:
        for tool in peers:
            yield tool, kind


def run(visits: int, peers: Sequence[str], rounds: int, folder: Path, progress: Callable[[str], None]) -> list[Result]:
    """Measure every job, round by round so that all share what else the machine does.

    Raises
    ------
    ValueError
        Where a job made something else than the lake; nothing is reported then.
    """
    source = delivered(visits, folder, progress)
    runs: dict[tuple[str, str], list[measure.Measured]] = {}
    steps: list[dict[str, float]] = []
    for number in range(rounds):
        released: equal.Tables = {}
        for tool, kind in jobs(peers):
            progress(f"{visits:,} visits, round {number + 1}: {tool}, {kind}")
            output = folder / "out"
            shutil.rmtree(output, ignore_errors=True)
            output.mkdir()
            module = "benchmarks.floor" if tool == "floor" else f"benchmarks.jobs.with_{tool}"
            once = measure.run(module, source, output, kind, log=folder / f"{tool}.log")
            runs.setdefault((tool, kind), []).append(once)
            if tool == "lake":
                steps.append(json.loads((output / STEPS).read_text()))
                released = equal.released(output / "lake")
            elif tool != "floor":
                expect_equal(equal.made(output), released, tool, kind)
    shutil.rmtree(folder / "out", ignore_errors=True)
    return [
        Result(
            visits,
            tool,
            kind,
            median(one.seconds for one in taken),
            median(one.cpu_seconds for one in taken),
            median(one.gigabytes for one in taken),
            {name: median(one[name] for one in steps) for name in steps[0]} if tool == "lake" else {},
        )
        for (tool, kind), taken in runs.items()
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


def expect_equal(made: equal.Tables, released: equal.Tables, tool: str, kind: str) -> None:
    """Raise unless a job of that kind made what the lake released."""
    off = equal.differences(made, released, kind)
    if off:
        raise ValueError(f"What {tool} made of the kind {kind} is not what the lake released: {', '.join(off)}.")
