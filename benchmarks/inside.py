"""What is timed within a process, without its start: building, a day and its floor, a rebuild, reading releases.

Run as ``python -m benchmarks.inside WHAT OUTCOME LAKE [FILE...]``; the outcome is a JSON file.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import polars as pl

from benchmarks import floor
from carti_lake import Lake

Query = Callable[[pl.LazyFrame], pl.LazyFrame]

READS = 15
#: Queries on a release: of a wide table with many rows, and of marts.
QUERIES: dict[str, Query] = {
    "silver.visits": lambda rows: rows.group_by("rendering_provider_id").agg(pl.col("claim_amount").sum(), pl.len()),
    "gold.provider_monthly": lambda rows: rows.group_by("month").agg(pl.col("gross_charges").sum()),
    "gold.provider_summary": lambda rows: rows,
}


def build(lake: Lake, *files: str) -> dict[str, float]:
    """Load extracts and run; seconds of each, and processor seconds of both."""
    cpu = time.process_time()
    load = _timed(partial(_load, lake, files))
    run = _timed(partial(_run, lake))
    return {"load": load, "run": run, "cpu": time.process_time() - cpu}


def day(lake: Lake, file: str) -> dict[str, float]:
    """Load a day and run, once a read has imported what is imported late."""
    lake.scan("gold.provider_summary").collect()
    return build(lake, file)


def copy(lake: Lake) -> dict[str, float]:
    """Copy the two newest months of silver's visits, which are those that a day touches: the floor of a day."""
    visits = lake.scan("silver.visits")
    newest = visits.select(pl.col("visit_month").unique().sort(descending=True).head(2)).collect().to_series()
    with tempfile.TemporaryDirectory() as folder:
        cpu = time.process_time()
        floor.by_month(visits.filter(pl.col("visit_month").is_in(newest.to_list())), Path(folder))
        return {"copy": time.process_time() - cpu}


def rebuild(lake: Lake) -> dict[str, float]:
    """Rebuild everything from bronze."""
    cpu = time.process_time()
    return {"run": _timed(partial(_run, lake, full=True)), "cpu": time.process_time() - cpu}


def travel(lake: Lake) -> list[dict[str, Any]]:
    """Each query on the latest and on the first release, in turns."""
    numbers = [one.number for one in lake.releases()]
    results = []
    for table, query in QUERIES.items():
        taken: dict[int, list[float]] = {numbers[0]: [], numbers[-1]: []}
        for _ in range(READS):
            for number, times in taken.items():
                times.append(_timed(partial(_read, lake, number, table, query)))
        results.append({"table": table, "latest": median(taken[numbers[-1]]), "old": median(taken[numbers[0]])})
    return results


def _read(lake: Lake, number: int, table: str, query: Query) -> pl.DataFrame:
    return query(lake.at(release=number).scan(table)).collect(engine="streaming")


def _load(lake: Lake, files: tuple[str, ...]) -> None:
    for file in files:
        feed, _, extract_date = Path(file).stem.rpartition("_")
        # The morning after: extracts made in one go would otherwise seem delivered in one moment.
        delivered_at = datetime.fromisoformat(extract_date).replace(tzinfo=UTC) + timedelta(days=1, hours=4)
        lake.load(feed, file, delivered_at=delivered_at)


def _run(lake: Lake, *, full: bool = False) -> None:
    # A whole year at once is a drift that nobody would wave through unasked.
    result = lake.run(full=full, accept=["drift"])
    if result.release is None:
        raise SystemExit(f"No release: {result.failed}")


def _timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    what, outcome, place, *given = sys.argv[1:]
    measures: dict[str, Callable[..., Any]] = {one.__name__: one for one in (build, day, copy, rebuild, travel)}
    measured = measures[what](Lake(place), *given)
    Path(outcome).write_text(json.dumps(measured))
