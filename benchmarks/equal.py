"""Whether a job made what the lake made: tables, visits and delivered rows, by the lake's own declarations."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl
import polars.selectors as cs

from benchmarks.jobs import FEEDS, GOLD_TABLES, SUMMARY
from carti_lake import Lake
from carti_lake.tables.gold import GOLD

#: Largest relative difference of two sums of the same numbers; counts and keys must be the same.
TOLERANCE = 1e-9
#: Silver entities that the extracts fill: columns made from any other are empty, and no peer makes them.
FILLED = {"visits", "encounters", "crm_accounts"}

Tables = Mapping[str, pl.DataFrame]


def columns(table: str) -> list[str]:
    """Columns of a gold table that follow from the extracts, its key first."""
    if table == "provider_summary":
        return list(SUMMARY)
    declared = GOLD[table]
    key = declared.key()
    sources = {name: declared.meta(name).get("of", ()) for name in declared.columns() if name not in key}
    return [*key, *(name for name, of in sources.items() if {one.partition(".")[0] for one in of} <= FILLED)]


def released(folder: Path) -> Tables:
    """What a lake made: the gold tables, and the totals of its visits and of the rows that it was delivered."""
    lake = Lake(folder)
    name = pl.col("provider_id").str.strip_prefix("name:")
    summary = lake.scan("gold.provider_summary").with_columns(provider_name=name)
    gold = {
        table: lake.scan(f"gold.{table}").with_columns(provider_id=name)
        if "provider_id" in columns(table)
        else lake.scan(f"gold.{table}")
        for table in GOLD_TABLES
    } | {"provider_summary": summary}
    delivered = lake.scan("gold.reconciliation").group_by("feed").agg(rows=pl.col("bronze_rows").sum())
    return {
        **{table: _typed(gold[table].select(columns(table))).collect() for table in GOLD_TABLES},
        "visits": _totals(lake.scan("silver.visits")),
        "delivered": delivered.collect(),
    }


def made(output: Path) -> Tables:
    """What a job left in its folder."""
    found = {table: _files(output / f"{table}.parquet", output / table) for table in GOLD_TABLES}
    tables = {table: _typed(pl.scan_parquet(files)).collect() for table, files in found.items() if files}
    if (output / "visits").exists():
        files = sorted((output / "visits").rglob("*.parquet"))
        tables["visits"] = _totals(pl.scan_parquet(files, hive_partitioning=True))
    if (output / "delivered").exists():
        rows = {feed: _hashed(output / "delivered", feed) for feed in FEEDS}
        tables["delivered"] = pl.DataFrame({"feed": list(rows), "rows": list(rows.values())})
    return tables


def differences(made: Tables, released: Tables, kind: str) -> list[str]:
    """Tables that a job of that kind owes, and columns of the others that are not as the lake released them."""
    owed = {"summary": ("provider_summary",), "visits": ("provider_summary", "visits"), "everything": tuple(released)}
    missing = [table for table in owed[kind] if table not in made]
    both = [table for table in owed[kind] if table in made]
    return missing + [f"{table}.{column}" for table in both for column in _differing(made[table], released[table])]


def _differing(mine: pl.DataFrame, theirs: pl.DataFrame) -> list[str]:
    lacking = set(theirs.columns) - set(mine.columns)
    if lacking:
        return sorted(lacking)
    keys = theirs.select(~cs.numeric()).columns
    mine, theirs = (rows.select(theirs.columns).sort(keys) for rows in (mine, theirs))
    if not mine.select(keys).equals(theirs.select(keys)):
        return keys
    return [name for name in theirs.columns if name not in keys and not _alike(mine[name], theirs[name])]


def _alike(mine: pl.Series, theirs: pl.Series) -> bool:
    if not (mine.is_null() == theirs.is_null()).all():
        return False
    mine, theirs = mine.drop_nulls(), theirs.drop_nulls()
    if theirs.dtype.is_integer():
        return bool((mine.cast(pl.Float64) == theirs.cast(pl.Float64)).all())
    both = pl.select(mine=mine.cast(pl.Float64), theirs=theirs.cast(pl.Float64))
    apart = (pl.col("mine") - pl.col("theirs")).abs()
    return bool(both.select((apart <= TOLERANCE * pl.max_horizontal(pl.all().abs())).all()).item())


def _typed(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Days as days and words as text, however a tool writes them."""
    return rows.with_columns(cs.temporal().cast(pl.Date), cs.by_dtype(pl.Categorical).cast(pl.String))


def _totals(visits: pl.LazyFrame) -> pl.DataFrame:
    """Visits, charges and payments by month, from rows as silver or a job keeps them."""
    money = [pl.col(name).cast(pl.Float64).sum() for name in ("claim_amount", "claim_paid")]
    month = pl.col("visit_date").cast(pl.Date).dt.truncate("1mo").alias("month")
    return visits.group_by(month).agg(pl.len().alias("visits"), *money).collect(engine="streaming")


def _hashed(folder: Path, feed: str) -> int:
    """How many delivered rows are kept with a hash."""
    files = _files(folder / f"{feed}.parquet", folder / feed)
    return pl.scan_parquet(files).select(pl.col("row_hash").count()).collect(engine="streaming").item()


def _files(file: Path, folder: Path) -> list[Path]:
    """A table's files: one, or the parts in a folder."""
    return [file] if file.exists() else sorted(folder.rglob("*.parquet"))
