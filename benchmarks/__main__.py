"""``make bench``: measure everything, write RESULTS.md and the chart; with ``SIZE=medium`` or ``small`` in less time.

It fails where a tool makes something else than the lake, never for how long anything takes.
"""

import argparse
import json
import os
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import aging, report, targets, whole_job

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    visits: tuple[int, ...]
    peers: tuple[str, ...]
    rounds: int
    visits_a_day: int
    years: tuple[int, ...]
    days: int


SIZES = {
    "full": Size(
        visits=(1_500_000, 10_000_000),
        peers=whole_job.PEERS,
        rounds=3,
        visits_a_day=10_000,
        years=(1, 3, 10),
        days=5,
    ),
    # One round and no Spark: a quarter of an hour.
    "medium": Size(
        visits=(1_500_000, 10_000_000),
        peers=whole_job.PEERS[:-1],
        rounds=1,
        visits_a_day=2_000,
        years=(1, 3, 10),
        days=3,
    ),
    # Without Spark, whose start alone takes longer than the rest.
    "small": Size(visits=(60_000,), peers=whole_job.PEERS[:-1], rounds=1, visits_a_day=100, years=(1, 2), days=1),
}


def run(size: Size, results: Path, data: Path) -> None:
    """Measure, and write results and chart into a folder."""
    start = time.perf_counter()

    def progress(step: str) -> None:
        print(f"{time.perf_counter() - start:7.0f} s  {step}", flush=True)

    packages = ("polars", "deltalake", *(peer for peer in size.peers if peer != "functions"))
    measured_on = report.machine(*packages)
    data.mkdir(parents=True, exist_ok=True)
    measured = [one for visits in size.visits for one in whole_job.run(visits, size.peers, size.rounds, data, progress)]
    aged = aging.run(size.visits_a_day, size.years, size.days, data / "aging", progress)
    (data / "measured.json").write_text(json.dumps({"jobs": [asdict(one) for one in measured], "aging": asdict(aged)}))
    report.chart(measured, aged, results / "chart.svg")
    page = report.page(measured_on, measured, aged, size.visits_a_day, size.rounds)
    (results / "RESULTS.md").write_text(page)
    progress(f"wrote {results / 'RESULTS.md'}")
    for verdict in (*targets.of_whole_job(measured), *targets.of_aging(aged)):
        print(f"{verdict.question}: {verdict.measured:.2f} (target {verdict.wanted})")
    for day in aged.days:
        print(f"a day at {day.years} years over copying the months that it touches: {day.cpu / day.copy:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--size", choices=SIZES, default=os.environ.get("SIZE", "full"), help="default: %(default)s")
    parser.add_argument("--data", type=Path, default=HERE / "data", help="folder for extracts and lakes")
    parser.add_argument("--results", type=Path, help="folder of RESULTS.md; default: here, for a small run the data's")
    chosen = parser.parse_args()
    results = chosen.results or (HERE if chosen.size == "full" else chosen.data)
    if "pyspark" in SIZES[chosen.size].peers and shutil.which("java") is None:
        parser.error("PySpark needs a Java runtime (17 or later) on the PATH.")
    run(SIZES[chosen.size], results, chosen.data)


if __name__ == "__main__":
    main()
