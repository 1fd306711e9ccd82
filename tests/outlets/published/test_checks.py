"""Each way in which a set may be wrong is found, and said in words."""

from datetime import date
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from carti_lake.outlets.published.checks import file_problems, problems

from .test_frames import one, published


@pytest.fixture
def tables() -> dict[str, pl.DataFrame]:
    months = one(
        "claims_maturity", 2, month=[date(2026, 1, 1), date(2026, 2, 1)], as_of=date(2026, 3, 1), age=0
    ).with_columns(provisional=pl.lit(True))
    seen = one("readmissions", 1, month=date(2026, 1, 1), provider_id="1", service_line="lung")
    return published(claims_maturity=months, readmissions=seen)


def lazily(tables: dict[str, pl.DataFrame]) -> dict[str, pl.LazyFrame]:
    return {name: frame.lazy() for name, frame in tables.items()}


@pytest.mark.parametrize(
    ("table", "change", "said"),
    [
        ("readmissions", {"index_stays": pl.lit(1, pl.UInt32)}, "readmissions.index_stays is UInt32; it must be Int64"),
        ("readmissions", {"extra": pl.lit(1)}, "readmissions.extra is Int32; it must be absent"),
        ("readmissions", {"provider_key": pl.lit(9, pl.Int64)}, "provider_key: 1 rows join to nothing in dim_provider"),
        ("readmissions", {"month": pl.lit(date(2031, 1, 1))}, "readmissions.month: 1 rows join to nothing in dim_date"),
        ("readmissions", {"release": pl.lit(8, pl.Int64)}, "rows of several releases: [7, 8]"),
        ("claims_maturity", {"month": pl.lit(date(2026, 1, 1))}, "claims_maturity: 1 rows have the month of another"),
        ("claims_maturity", {"expected_claims": pl.lit(float("nan"))}, "claims_maturity.expected_claims: 2 values are"),
        ("dim_provider", {"provider_key": pl.col("provider_key") + 2}, "the unknown member -1 is not there"),
        ("dim_provider", {"specialty": pl.lit("x" * 32_001)}, "a text of 32,001 letters; Power BI holds 32,000"),
        ("dim_date", {"date": pl.col("date").dt.offset_by("1d")}, "no full years"),
    ],
)
def test_what_is_wrong_is_said(tables: dict[str, pl.DataFrame], table: str, change: dict, said: str) -> None:
    tables[table] = tables[table].with_columns(**change)
    assert any(said in one for one in problems(lazily(tables)))


def test_a_calendar_with_a_gap_is_found(tables: dict[str, pl.DataFrame]) -> None:
    tables["dim_date"] = tables["dim_date"].filter(pl.col("date") != date(2026, 7, 1))
    assert "dim_date has gaps" in problems(lazily(tables))


def test_files_that_an_old_gateway_cannot_read_are_found(tmp_path: Path) -> None:
    frame = pl.DataFrame({"n": range(100), "flag": [True, False] * 50, "text": [f"t{n}" for n in range(100)]})
    frame.write_parquet(tmp_path / "good.parquet", compression="snappy")
    assert file_problems(tmp_path / "good.parquet") == []
    frame.write_parquet(tmp_path / "zstd.parquet", compression="zstd")
    assert "compressed by ZSTD" in file_problems(tmp_path / "zstd.parquet")[0]
    table = frame.to_arrow().cast(pq.read_schema(tmp_path / "good.parquet"))
    pq.write_table(table, tmp_path / "v2.parquet", data_page_version="2.0")
    assert "not of version 1" in file_problems(tmp_path / "v2.parquet")[0]
    encodings = {"n": "DELTA_BINARY_PACKED"}
    pq.write_table(table, tmp_path / "delta.parquet", use_dictionary=False, column_encoding=encodings)
    assert "encoded as DELTA_BINARY_PACKED" in file_problems(tmp_path / "delta.parquet")[0]
