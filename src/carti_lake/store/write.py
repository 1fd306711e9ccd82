"""Rows into tables: each write is one commit through the handle whose transactions the caller has read."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from carti_lake.store import datafiles, newest
from carti_lake.store.durable import log_since, sync, written_since
from carti_lake.store.errors import ConflictError, translated
from carti_lake.store.hashes import OF_COMMIT, hashes
from carti_lake.store.log import commit_properties
from carti_lake.store.parts import target
from carti_lake.store.storage import FORMAT, FORMAT_KEY, Storage, address

if TYPE_CHECKING:
    from deltalake import DeltaTable, WriterProperties
    from deltalake.transaction import AddAction

#: Files younger than this may belong to a writer that has not committed yet.
WRITER_HOURS = 1


def append(
    storage: Storage,
    handle: "DeltaTable",
    rows: pl.LazyFrame | pl.DataFrame,
    *,
    transactions: Mapping[str, int],
    metadata: Mapping[str, Any],
    mode: Literal["append", "overwrite"] = "append",
    check: Callable[[pl.LazyFrame], None] | None = None,
) -> int:
    """Append the rows (or overwrite with them) as one commit through this handle; returns the new version.

    ``check`` is given the rows as they were written; where it raises, nothing is committed.
    """
    with translated(handle.table_uri):
        files = target(handle, storage.options).write(rows.lazy())
        if check is not None and files:
            check(datafiles.written(files, address(handle), storage.options))
    return commit(storage, handle, files, transactions=transactions, metadata=metadata, mode=mode)


def commit(
    storage: Storage,
    handle: "DeltaTable",
    files: Sequence["AddAction"],
    *,
    transactions: Mapping[str, int],
    metadata: Mapping[str, Any],
    mode: Literal["append", "overwrite"] = "append",
) -> int:
    """Add files that were written to the table (or put them in place of all others) as one commit; its version."""
    told = {**_for_release(storage), **metadata, "rows": datafiles.row_counts(files)}
    with translated(handle.table_uri):
        if storage.durable and storage.local is not None:
            # Before the commit, so that none ever names what a power cut took; a release records what a run writes.
            paths = datafiles.paths(files, address(handle))
            sync(paths, storage.local)
            told = {OF_COMMIT: hashes(Path(address(handle)), paths), **told}
        if files:
            _refuse_late(handle, time.time() - max(file.modification_time for file in files) / 1000)
        before = handle.version()
        handle.create_write_transaction(
            [*files],
            mode=mode,
            schema=handle.schema(),
            partition_by=handle.metadata().partition_columns or None,
            commit_properties=commit_properties(transactions, told),
        )
        handle.update_incremental()
        if storage.durable and storage.local is not None:
            _acknowledge(storage.local, handle, before, [file.path for file in files] or list(transactions))
        _refuse_rival(storage, handle, before)
        return handle.version()


def merge(
    storage: Storage,
    handle: "DeltaTable",
    rows: pl.DataFrame,
    *,
    key: Sequence[str],
    partition_by: str | None,
    transactions: Mapping[str, int],
    metadata: Mapping[str, Any],
) -> int:
    """Upsert and delete rows by key as one commit that holds only true changes; returns the new version.

    Parameters
    ----------
    storage
        The lake.
    handle
        The table as it was when its transactions were read.
    rows
        Full rows with a Boolean column ``delete``; unique by key and partition.
    key
        Columns that identify a row within its partition.
    partition_by
        Partition column; only the partitions that ``rows`` names are read.
    transactions, metadata
        Written into the commit.
    """
    columns = [name for name in rows.columns if name != "delete"]
    if rows.is_empty():
        return append(storage, handle, rows.select(columns), transactions=transactions, metadata=metadata)
    conditions = [f"t.{name} = s.{name}" for name in key]
    if partition_by is not None:
        values = rows[partition_by].unique().sort().to_list()
        conditions.insert(0, f"({' OR '.join(literal(partition_by, value) for value in values)})")
        conditions.insert(1, f"(t.{partition_by} IS NOT DISTINCT FROM s.{partition_by})")
    changed = " OR ".join(f"(t.{name} IS DISTINCT FROM s.{name})" for name in columns if name not in key)
    before = handle.version()
    with translated(handle.table_uri):
        (
            handle.merge(
                rows,
                " AND ".join(conditions),
                source_alias="s",
                target_alias="t",
                writer_properties=_writer(rows, key),
                commit_properties=commit_properties(transactions, {**_for_release(storage), **metadata}),
            )
            .when_matched_delete("s.delete")
            .when_matched_update(
                {name: f"s.{name}" for name in columns}, predicate=f"NOT s.delete AND ({changed or 'false'})"
            )
            .when_not_matched_insert({name: f"s.{name}" for name in columns}, predicate="NOT s.delete")
            .execute()
        )
        storage.settle((handle, before))
        _refuse_rival(storage, handle, before)
        return handle.version()


def _refuse_late(handle: "DeltaTable", seconds: float) -> None:
    """Commit no files that a vacuum may have taken for a dead writer's: this one has stood still, on a laptop say."""
    if seconds > WRITER_HOURS * 3600:
        raise ConflictError(
            f"{address(handle)}: more than {WRITER_HOURS} hour passed before what was written could be committed, and "
            f"a vacuum may have removed it. Run the command again."
        )


def _acknowledge(lake: Path, handle: "DeltaTable", before: int, actions: Sequence[str]) -> None:
    """Sync a commit, and those before it whose writers may have died before they did, since it builds on them."""
    table, table_id = Path(address(handle)), str(handle.metadata().id)
    known, version = newest.acknowledged(lake, table).get(table_id, -1), handle.version()
    sync(log_since(table, version, known) if known == before else written_since(table, version, known), lake)
    newest.keep(lake, table, table_id, range(before + 1, version + 1), actions)


def _refuse_rival(storage: Storage, handle: "DeltaTable", before: int) -> None:
    """Stop a run beside which another one writes: its handle now shows rows that are not its own."""
    if storage.release is not None and handle.version() > before + 1:
        raise ConflictError(
            f"{address(handle)}: another run wrote to the table at the same time, since the lake's lock had run out. "
            f"Run the command again."
        )


def _for_release(storage: Storage) -> dict[str, int]:
    """The release that a run's commits are made for: `releases` can be made anew of them."""
    return {} if storage.release is None else {"release": storage.release}


def note_format(storage: Storage, handle: "DeltaTable") -> None:
    """Write the number of the current format into the table's log."""
    before = handle.version()
    with translated(handle.table_uri):
        handle.alter.set_table_properties({FORMAT_KEY: str(FORMAT)}, raise_if_not_exists=False)
    storage.settle((handle, before))


def literal(column: str, value: date | str | None) -> str:
    """SQL condition that the target's column is that partition."""
    return f"t.{column} IS NULL" if value is None else f"t.{column} = '{value}'"


def _writer(rows: pl.DataFrame, key: Sequence[str]) -> "WriterProperties":
    """Dictionaries only for text that repeats: the writer would build and give up all others."""
    from deltalake import ColumnProperties, WriterProperties

    plain = ColumnProperties(dictionary_enabled=False)
    unique = [name for name, dtype in rows.schema.items() if dtype.is_numeric() or name in key]
    return WriterProperties(compression="ZSTD", compression_level=1, column_properties=dict.fromkeys(unique, plain))
