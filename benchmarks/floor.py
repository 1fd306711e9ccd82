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
    month = pl.col("visit_date").str.slice(0, 7)
    by_month(pl.scan_parquet(output / "delivered" / "*.parquet").with_columns(visit_month=month), output / "by_month")


def by_month(rows: pl.LazyFrame, output: Path) -> None:
    """Write visits again, a folder a ``visit_month``."""
    months = pl.PartitionBy(output, key="visit_month", include_key=False)
    rows.sink_parquet(months, compression_level=LEVEL, mkdir=True)


if __name__ == "__main__":
    copy(*map(Path, sys.argv[1:3]))
