"""Data files of a table, written by Polars; whoever calls commits them to the Delta log at once.

Delta's own writer regroups every batch by partition, which costs three times as much.
"""

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import polars as pl

if TYPE_CHECKING:
    from deltalake.transaction import AddAction

NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"


def sink(rows: pl.LazyFrame, table: str, partitions: list[str], options: Mapping[str, str]) -> list["AddAction"]:
    """Stream rows into new files of a table; returns the actions that add them to its log.

    Parameters
    ----------
    rows
        Rows with exactly the table's columns.
    table
        Address of the table.
    partitions
        Partition columns; they stand in the path and not in the file.
    options
        How to reach an object store.
    """
    from deltalake.transaction import AddAction

    base = table.rstrip("/")
    name = uuid.uuid4().hex
    values: dict[str, dict[str, str | None]] = {}
    written: list[Any] = []

    def place(part: Any) -> str:
        keys = part.partition_keys.row(0, named=True)
        texts = {column: None if keys[column] is None else str(keys[column]) for column in partitions}
        directory = "/".join(f"{column}={text or NULL_PARTITION}" for column, text in texts.items())
        path = f"{directory}/part-{name}-{part.index_in_partition:05}.parquet"
        values[path] = texts
        return path

    target: Any = (
        pl.PartitionBy(base, key=partitions, include_key=False, file_path_provider=place)
        if partitions
        else f"{base}/part-{name}.parquet"
    )
    rows.sink_parquet(
        target,
        engine="streaming",
        # No larger than at the default level, for a tenth less work.
        compression_level=1,
        mkdir="://" not in base,
        storage_options=dict(options) or None,
        sinked_paths_callback=lambda sunk: written.extend(sunk.paths),
    )
    files = {file.path.removeprefix(f"{base}/"): file for file in written}
    now = int(time.time() * 1000)
    return [
        AddAction(
            path=quote(path, safe="/="),
            size=files[path].num_bytes,
            partition_values=values.get(path, {}),
            modification_time=now,
            data_change=True,
            stats=json.dumps({"numRecords": files[path].num_rows}),
        )
        for path in sorted(files)
        if files[path].num_rows
    ]


def written(files: Sequence["AddAction"], table: str, options: Mapping[str, str]) -> pl.LazyFrame:
    """Rows of files that are not committed yet, without the partition columns."""
    return scanned(addresses(files, table), options)


def scanned(files: Sequence[str], options: Mapping[str, str]) -> pl.LazyFrame:
    """Rows of files as they stand in them."""
    return pl.scan_parquet([*files], hive_partitioning=False, glob=False, storage_options=dict(options) or None)


def addresses(files: Sequence["AddAction"], table: str) -> list[str]:
    """Where files of a table are."""
    return [f"{table.rstrip('/')}/{unquote(file.path)}" for file in files]


def paths(files: Sequence["AddAction"], table: str) -> list[Path]:
    """Where a local table's files are."""
    return [Path(table) / unquote(file.path) for file in files]


def row_counts(files: Sequence["AddAction"]) -> int:
    """Rows in the files that the actions add."""
    return sum(json.loads(file.stats)["numRecords"] for file in files)
