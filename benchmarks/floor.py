"""The floor: what the same rows cost to copy, with no logic. Every ratio of the lake's speed is to this.

Each extract of visits becomes a Parquet file of text, as bronze would keep it; then all of them become one file a
month, as silver would. Run as ``python -m benchmarks.floor EXTRACTS OUTPUT``.
"""

import sys
from pathlib import Path

import polars as pl

from benchmarks.jobs import visit_files

LEVEL = 1


def copy(extracts: Path, output: Path) -> None:
    """Write every delivered row twice: as it was delivered, and by month."""
    (output / "delivered").mkdir(parents=True, exist_ok=True)
    for file in visit_files(extracts):
        rows = pl.scan_csv(file, infer_schema=False)
        rows.sink_parquet(output / "delivered" / f"{Path(file).stem}.parquet", compression_level=LEVEL)
    by_month(output / "delivered" / "*.parquet", output / "by_month")


def by_month(files: Path, output: Path) -> None:
    """Write rows again, a folder a month of the visit."""
    month = pl.col("visit_date").str.slice(0, 7)
    rows = pl.scan_parquet(files).with_columns(month=month)
    rows.sink_parquet(pl.PartitionBy(output, key="month", include_key=False), compression_level=LEVEL, mkdir=True)


if __name__ == "__main__":
    copy(Path(sys.argv[1]), Path(sys.argv[2]))
