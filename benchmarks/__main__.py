"""``make bench``: measure everything, write RESULTS.md and the chart; with ``SIZE=small`` in about a minute."""

import argparse
import json
import os
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import aging, report, whole_job

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    visits: tuple[int, ...]
    tools: tuple[str, ...]
    rounds: int
    visits_a_day: int
    years: tuple[int, ...]
    days: int


SIZES = {
    "full": Size(
        visits=(1_000_000, 10_000_000),
        tools=whole_job.TOOLS,
        rounds=3,
        visits_a_day=10_000,
        years=(1, 3, 10),
        days=5,
    ),
    # Without Spark, whose start alone takes longer than the rest.
    "small": Size(visits=(60_000,), tools=whole_job.TOOLS[:-1], rounds=1, visits_a_day=100, years=(1, 2), days=1),
}


def run(size: Size, results: Path, data: Path) -> None:
    """Measure, and write results and chart into a folder."""
    start = time.perf_counter()

    def progress(step: str) -> None:
        print(f"{time.perf_counter() - start:7.0f} s  {step}", flush=True)

    data.mkdir(parents=True, exist_ok=True)
    measured = [one for visits in size.visits for one in whole_job.run(visits, size.tools, size.rounds, data, progress)]
    aged = aging.run(size.visits_a_day, size.years, size.days, data / "aging", progress)
    (data / "measured.json").write_text(json.dumps({"jobs": [asdict(one) for one in measured], "aging": asdict(aged)}))
    report.chart(measured, aged, results / "chart.svg")
    report.write(results / "RESULTS.md", measured, aged, size.visits_a_day, size.rounds)
    progress(f"wrote {results / 'RESULTS.md'}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--size", choices=SIZES, default=os.environ.get("SIZE", "full"), help="default: %(default)s")
    parser.add_argument("--data", type=Path, default=HERE / "data", help="folder for extracts and lakes")
    parser.add_argument("--results", type=Path, help="folder of RESULTS.md; default: here, for a small run the data's")
    chosen = parser.parse_args()
    results = chosen.results or (HERE if chosen.size == "full" else chosen.data)
    if "pyspark" in SIZES[chosen.size].tools and shutil.which("java") is None:
        parser.error("PySpark needs a Java runtime (17 or later) on the PATH.")
    run(SIZES[chosen.size], results, chosen.data)


if __name__ == "__main__":
    main()
