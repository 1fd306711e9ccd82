"""How long ten million visits take, and how much memory. Run with `pytest -m bench`."""

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

SCRIPT = """
import resource, sys, time
from datetime import date
from pathlib import Path
from carti_lake.generate import Network, write

began = time.perf_counter()
network = Network(providers=400, patients=400_000, start=date(2025, 1, 1), days=365, visits_per_day=30_000, dirt=0)
write(network, Path(sys.argv[1]), sys.argv[2], every="month", feeds=["ehr_visits"])
used = resource.getrusage(resource.RUSAGE_SELF)
print(time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20)
"""


@pytest.mark.bench
@pytest.mark.parametrize("format", ["parquet", "csv"])
def test_ten_million_visits_take_less_than_a_minute_and_four_gigabytes(tmp_path: Path, format: str):
    run = subprocess.run([sys.executable, "-c", SCRIPT, tmp_path, format], check=True, capture_output=True, text=True)
    seconds, processor, gigabytes = map(float, run.stdout.split())
    scan = pl.scan_parquet if format == "parquet" else pl.scan_csv
    rows, visits = (
        scan(tmp_path / f"ehr_visits/*.{format}")
        .select(pl.len().alias("rows"), pl.col("visit_id").n_unique())
        .collect(engine="streaming")
        .row(0)
    )
    print(
        f"{format}: {visits:,} visits, {rows:,} rows: {seconds:.1f} s, processor {processor:.1f} s, {gigabytes:.1f} GB"
    )
    assert visits >= 10_000_000
    # On a busy machine the clock says little; on a free one it is at most the processor's time.
    assert min(seconds, processor) < 60
    assert gigabytes < 4
