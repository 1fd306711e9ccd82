"""A table as one file: CSV, JSON or Parquet."""

from collections.abc import Mapping

import polars as pl
import polars.selectors as cs

from carti_lake.outlets.destination import file_at

FORMATS = ("csv", "json", "parquet")


def write_table(rows: pl.LazyFrame, format: str, target: str, options: Mapping[str, str]) -> None:
    """Write rows to a file; CSV and Parquet stream.

    Parameters
    ----------
    rows
        What to write.
    format
        ``csv``, ``json`` or ``parquet``.
    target
        File, or its address in an object store.
    options
        Credentials and endpoints of the object store.
    """
    with file_at(target, options) as path:
        if format == "parquet":
            rows.sink_parquet(path, engine="streaming")
        elif format == "csv":
            flat(rows).sink_csv(path, engine="streaming")
        else:
            path.write_text(json_text(rows), encoding="utf-8")


def json_text(rows: pl.LazyFrame) -> str:
    """Rows as one JSON array; decimals are numbers in it."""
    return rows.with_columns(cs.decimal().cast(pl.Float64)).collect(engine="streaming").write_json()


def flat(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Rows whose lists are text, since CSV has no lists."""
    lists = [name for name, dtype in rows.collect_schema().items() if isinstance(dtype, pl.List)]
    return rows.with_columns(pl.col(lists).list.eval(pl.element().cast(pl.String)).list.join("; "))
