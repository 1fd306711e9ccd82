"""Forecasts of generated networks with two years of history against the half year that follows, through a whole lake.

``python -m benchmarks.models.forecast_network --seeds 1 2 3`` prints JSON: by level, the mean absolute scaled error of
the model and of the seasonal naive, and the coverage of the intervals, over all networks.
"""

import argparse
import json
import tempfile
import time
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from carti_lake import Lake
from carti_lake.generate import Network, extracts
from carti_lake.models.catalogue import MODELS
from carti_lake.models.registry import known
from carti_lake.pipeline.gold.forecast_series import INPUTS, series

FIRST, ORIGIN, LAST = date(2023, 1, 1), date(2024, 12, 31), date(2025, 9, 30)
FEEDS = ("providers", "ehr_visits", "salesforce_referrals")
SERIES = ["level", "member", "metric"]


def accuracy(seed: int, visits_per_day: float, dirt: float, folder: str) -> tuple[pl.DataFrame, dict[str, float]]:
    """Rows of ``gold.forecast_accuracy`` with the seasonal naive's error beside, and processor seconds.

    The lake is trained on what is known on the last day of two years, forecasts, and goes on for nine months: by then
    the claims of the six months ahead are mature.
    """
    network = Network(seed=seed, start=FIRST, days=(LAST - FIRST).days + 1, visits_per_day=visits_per_day, dirt=dirt)
    lake = Lake(f"{folder}/{seed}", clock=lambda: datetime(2025, 10, 1, tzinfo=UTC), environment={})
    later = []
    for feed, extract_date, delivered_at, rows in extracts(network, every="month", feeds=FEEDS):
        if extract_date > ORIGIN:
            later.append((feed, extract_date, delivered_at, rows))
        else:
            lake.load(feed, rows, extract_date=extract_date, delivered_at=delivered_at)
    _run(lake)
    seconds = {}
    start = time.process_time()
    lake.train(["forecast"])
    seconds["train"], start = time.process_time() - start, time.process_time()
    _run(lake)
    seconds["run with scoring"] = time.process_time() - start
    tables = known(lake.at(), MODELS["forecast"]).tables
    then = series({name: tables[name] for name in INPUTS}).collect()
    for feed, extract_date, delivered_at, rows in later:
        lake.load(feed, rows, extract_date=extract_date, delivered_at=delivered_at)
    _run(lake)
    naive = then.select(*SERIES, pl.col("month").dt.offset_by("12mo"), naive="completed")
    found = lake.scan("forecast_accuracy").collect().join(naive, on=[*SERIES, "month"])
    scale = pl.col("absolute_error") / pl.col("scaled_error")
    return found.with_columns(naive_error=(pl.col("naive") - pl.col("actual")).abs() / scale), seconds


def summary(found: pl.DataFrame, *by: str) -> list[dict[str, Any]]:
    """MASE of both and coverage by some columns; series that are hit exactly have no scale to be told from."""
    rows = found.drop_nulls("scaled_error").filter(pl.col("naive_error").is_finite())
    return (
        rows.group_by(by)
        .agg(
            forecasts=pl.len(),
            mase=pl.col("scaled_error").mean(),
            seasonal_naive=pl.col("naive_error").mean(),
            gain=1 - pl.col("scaled_error").mean() / pl.col("naive_error").mean(),
            coverage_80=pl.col("within_80").mean(),
            coverage_95=pl.col("within_95").mean(),
            bias=(pl.col("forecast") - pl.col("actual")).sum() / pl.col("actual").sum(),
        )
        .sort(by)
        .with_columns(pl.col(pl.Float64).round(3))
        .to_dicts()
    )


def _run(lake: Lake) -> None:
    result = lake.run()
    if result.failed:
        raise RuntimeError(f"the release is refused: {', '.join(one.name for one in result.failed)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4])
    parser.add_argument("--visits-per-day", type=float, default=150)
    parser.add_argument("--dirt", type=float, default=0.0)
    given = parser.parse_args()
    parts, seconds = [], {}
    for seed in given.seeds:
        with tempfile.TemporaryDirectory() as folder:
            found, seconds[seed] = accuracy(seed, given.visits_per_day, given.dirt, folder)
            parts.append(found.with_columns(seed=seed))
    rows = pl.concat(parts)
    print(
        json.dumps(
            {
                "level": summary(rows, "level"),
                "level and metric": summary(rows, "level", "metric"),
                "level and seed": summary(rows, "level", "seed"),
                "processor seconds": seconds,
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
