"""Delta tables in a lake's folder or bucket: the only module that reads or writes them."""

import contextlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote, urlparse

import polars as pl

from carti_lake import datafiles
from carti_lake.tables import Table, find

if TYPE_CHECKING:
    from deltalake import CommitProperties, DeltaTable, WriterProperties
    from deltalake.fs import DeltaStorageHandler

# The log must outlive every release that may be read; Delta's own default forgets after 30 days.
CONFIGURATION = {
    "delta.logRetentionDuration": "interval 3650 days",
    "delta.deletedFileRetentionDuration": "interval 3650 days",
    "delta.checkpointInterval": "50",
}
COMMIT_RETRIES = 100
METADATA_KEY = "carti_lake"


class LakeError(Exception):
    """What went wrong with a lake, where, and what to do."""


class ConflictError(LakeError):
    """Another process changed the table first."""


class CorruptTableError(LakeError):
    """A table's files or log cannot be read."""


@dataclass(frozen=True)
class Commit:
    """One version of a table, with what carti_lake wrote into its metadata."""

    version: int
    timestamp: datetime
    operation: str
    metadata: dict[str, Any]
    rows_added: int


@dataclass(frozen=True)
class Storage:
    """Where a lake is, and how to reach it.

    Attributes
    ----------
    uri
        Local folder, or ``s3://``, ``abfss://``, ``gs://``.
    options
        Credentials and endpoints, spelt as deltalake and Polars both take them.
    held
        Open tables that a run goes on using, since opening one reads its log; None outside a run.
    """

    uri: str
    options: dict[str, str] = field(default_factory=dict, repr=False)
    held: "dict[str, DeltaTable | None] | None" = field(default=None, repr=False, compare=False)

    def holding(self) -> "Storage":
        """The same lake with each table opened once and then held, for a run or a series of loads."""
        return replace(self, held={})

    def let_go(self, table: str) -> None:
        """Hold the table no longer: another process has written to it."""
        if self.held is not None:
            self.held.pop(table, None)

    @property
    def local(self) -> Path | None:
        """The lake's folder, or None for an object store."""
        return None if "://" in self.uri else Path(self.uri)

    def path(self, table: str) -> str:
        """Address of a table by its full name."""
        return f"{self.uri.rstrip('/')}/{table.replace('.', '/')}"

    def exists(self, table: str) -> bool:
        """Whether the table has been created."""
        from deltalake import DeltaTable

        if self.local is not None:
            return (Path(self.path(table)) / "_delta_log").is_dir() and self.open(table) is not None
        with translated(table):
            return DeltaTable.is_deltatable(self.path(table), self.options)

    def open(self, table: str, version: int | None = None) -> "DeltaTable | None":
        """A handle on the table, or None where it has not been created."""
        if self.held is None or version is not None:
            return self._open(table, version)
        if table not in self.held:
            # Absence is held as well: a feed that is first loaded while a run goes on is the next run's.
            self.held[table] = self._open(table, None)
        return self.held[table]

    def _open(self, table: str, version: int | None) -> "DeltaTable | None":
        from deltalake import DeltaTable
        from deltalake.exceptions import TableNotFoundError

        if self.local is not None:
            log = Path(self.path(table)) / "_delta_log"
            if not log.is_dir():
                return None
            refuse_empty_commit(table, log)
        with translated(table):
            try:
                return DeltaTable(self.path(table), version=version, storage_options=self.options or None)
            except TableNotFoundError:
                return None

    def create(
        self,
        table: str,
        declaration: type[Table],
        *,
        change_feed: bool = True,
        configuration: Mapping[str, str] | None = None,
    ) -> "DeltaTable":
        """A handle on the table, created empty from its declaration where it is new."""
        from deltalake import DeltaTable

        handle = self.open(table)
        if handle is not None:
            return _with_new_columns(handle, declaration)
        feed = {"delta.enableChangeDataFeed": "true"} if change_feed else {}
        if self.local is not None:
            Path(self.path(table)).mkdir(parents=True, exist_ok=True)
        # Where another process creates it at the same moment, it is there all the same.
        with contextlib.suppress(ConflictError), translated(table):
            DeltaTable.create(
                self.path(table),
                schema=pl.DataFrame(schema=declaration.dtypes()).to_arrow().schema,
                mode="ignore",
                partition_by=[declaration.partition_by] if declaration.partition_by else None,
                description=declaration.purpose(),
                configuration={**CONFIGURATION, **feed, **(configuration or {})},
                storage_options=self.options or None,
            )
        self.let_go(table)
        created = self.open(table)
        assert created is not None
        return created

    def read_file(self, name: str) -> bytes | None:
        """Content of a file of the lake that is no table's, or None where it is not there."""
        if self.local is not None:
            path = self.local / name
            return path.read_bytes() if path.is_file() else None
        with translated(name):
            try:
                return bytes(self._store().open_input_file(name).read())
            except FileNotFoundError:
                return None

    def write_file(self, name: str, content: bytes) -> None:
        """Write such a file, whole or not at all."""
        if self.local is not None:
            path = self.local / name
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
            unfinished.write_bytes(content)
            os.replace(unfinished, path)
            return
        with translated(name):
            send(self._store(), name, [content])

    def _store(self) -> "DeltaStorageHandler":
        from deltalake.fs import DeltaStorageHandler

        return DeltaStorageHandler(self.uri, options=self.options or None)

    def scan(self, table: str, version: int | None = None) -> pl.LazyFrame:
        """Lazy rows of the table at a version (default: the newest); an empty frame of its schema where it is new."""
        handle = self.open(table, version)
        if handle is None:
            return pl.LazyFrame(schema=find(table).dtypes())
        return scan(handle, self.options)

    def append(
        self,
        handle: "DeltaTable",
        rows: pl.LazyFrame | pl.DataFrame,
        *,
        transactions: Mapping[str, int],
        metadata: Mapping[str, Any],
        mode: Literal["append", "overwrite"] = "append",
    ) -> int:
        """Append the rows (or overwrite with them) as one commit through this handle; returns the new version."""
        schema = handle.schema()
        partitions = handle.metadata().partition_columns
        # A file of another type than the table's would be committed and could not be read again.
        dtypes = scan(handle, self.options).collect_schema()
        frame = rows.lazy().select(pl.col(name).cast(dtype) for name, dtype in dtypes.items())
        with translated(handle.table_uri):
            files = datafiles.sink(frame, address(handle), partitions, self.options)
            handle.create_write_transaction(
                [*files],
                mode=mode,
                schema=schema,
                partition_by=partitions or None,
                commit_properties=commit_properties(transactions, {**metadata, "rows": datafiles.row_counts(files)}),
            )
            handle.update_incremental()
            return handle.version()

    def merge(
        self,
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
            return self.append(handle, rows.select(columns), transactions=transactions, metadata=metadata)
        conditions = [f"t.{name} = s.{name}" for name in key]
        if partition_by is not None:
            values = rows[partition_by].unique().sort().to_list()
            conditions.insert(0, f"({' OR '.join(literal(partition_by, value) for value in values)})")
            conditions.insert(1, f"(t.{partition_by} IS NOT DISTINCT FROM s.{partition_by})")
        changed = " OR ".join(f"(t.{name} IS DISTINCT FROM s.{name})" for name in columns if name not in key)
        with translated(handle.table_uri):
            (
                handle.merge(
                    rows,
                    " AND ".join(conditions),
                    source_alias="s",
                    target_alias="t",
                    writer_properties=_writer(rows, key),
                    commit_properties=commit_properties(transactions, metadata),
                )
                .when_matched_delete("s.delete")
                .when_matched_update(
                    {name: f"s.{name}" for name in columns}, predicate=f"NOT s.delete AND ({changed or 'false'})"
                )
                .when_not_matched_insert({name: f"s.{name}" for name in columns}, predicate="NOT s.delete")
                .execute()
            )
            return handle.version()


def send(store: "DeltaStorageHandler", name: str, chunks: Iterable[bytes]) -> None:
    """Write a file of an object store; it is there when all of it is."""
    # Not through Arrow's stream: it passes on buffers of its own, where deltalake takes bytes.
    out = store._handler.open_output_stream(name)
    for chunk in chunks:
        out.write(chunk)
    out.close()  # type: ignore[attr-defined]


def scan(handle: "DeltaTable", options: Mapping[str, str]) -> pl.LazyFrame:
    """Lazy rows of an open table."""
    with translated(handle.table_uri):
        return pl.scan_delta(handle, storage_options=dict(options) or None)


def _with_new_columns(handle: "DeltaTable", declaration: type[Table]) -> "DeltaTable":
    """The table with the columns that its declaration has gained since it was created."""
    from deltalake import Schema

    wanted = Schema.from_arrow(pl.DataFrame(schema=declaration.dtypes()).to_arrow().schema)
    held = {one.name for one in handle.schema().fields}
    missing = [one for one in wanted.fields if one.name not in held]
    if missing:
        with translated(handle.table_uri):
            handle.alter.add_columns(missing)
    return handle


def transaction(handle: "DeltaTable", app_id: str) -> int | None:
    """Last number that the application wrote into the table's log, or None."""
    return handle.transaction_version(app_id)


def commit_properties(transactions: Mapping[str, int], metadata: Mapping[str, Any]) -> "CommitProperties":
    """Application transactions and our own metadata, for one commit."""
    from deltalake import CommitProperties, Transaction

    return CommitProperties(
        custom_metadata={METADATA_KEY: json.dumps(metadata, sort_keys=True, default=str)},
        max_commit_retries=COMMIT_RETRIES,
        app_transactions=[Transaction(app_id, number) for app_id, number in sorted(transactions.items())],
    )


def address(handle: "DeltaTable") -> str:
    """Where the table is: a folder's path, or the address in an object store."""
    uri = handle.table_uri
    return unquote(urlparse(uri).path) if uri.startswith("file:") else uri


def literal(column: str, value: date | str | None) -> str:
    """SQL condition that the target's column is that partition."""
    return f"t.{column} IS NULL" if value is None else f"t.{column} = '{value}'"


def commits(handle: "DeltaTable", since: int) -> list[Commit]:
    """The commits after version ``since``, oldest first."""
    wanted = handle.version() - since
    if wanted <= 0:
        return []
    with translated(handle.table_uri):
        entries = handle.history(wanted)
    # Its own version numbers are wrong once the log has grown since the table was opened: it lists from the oldest
    # wanted commit to the log's end, and counts down from the version that was opened.
    return [
        Commit(
            version=version,
            timestamp=datetime.fromtimestamp(entry["timestamp"] / 1000, UTC),
            operation=entry["operation"],
            metadata=json.loads(entry.get(METADATA_KEY) or "{}"),
            rows_added=_rows_added(entry),
        )
        for version, entry in enumerate(reversed(entries), start=since + 1)
        if version <= handle.version()
    ]


def _writer(rows: pl.DataFrame, key: Sequence[str]) -> "WriterProperties":
    """Dictionaries only for text that repeats: the writer would build and give up all others."""
    from deltalake import ColumnProperties, WriterProperties

    plain = ColumnProperties(dictionary_enabled=False)
    unique = [name for name, dtype in rows.schema.items() if dtype.is_numeric() or name in key]
    return WriterProperties(compression="ZSTD", compression_level=1, column_properties=dict.fromkeys(unique, plain))


def _rows_added(entry: dict[str, Any]) -> int:
    ours = json.loads(entry.get(METADATA_KEY) or "{}").get("rows")
    metrics = entry.get("operationMetrics", {})
    return int(metrics.get("num_added_rows", metrics.get("num_target_rows_inserted", 0)) if ours is None else ours)


def row_count(handle: "DeltaTable") -> int:
    """Rows of the table by the statistics in its log: no data file is opened."""
    with translated(handle.table_uri):
        return int(pl.DataFrame(handle.get_add_actions(flatten=True))["num_records"].sum())


def refuse_empty_commit(table: str, log: Path) -> None:
    """A power cut can leave a last commit of zero bytes, which Delta reads as an empty one: say so instead."""
    newest = max(log.glob("[0-9]*.json"), default=None)
    if newest is not None and newest.stat().st_size == 0:
        raise CorruptTableError(
            f"{table}: commit {newest.name} is empty (a write was cut off, e.g. by a power failure). "
            f"Remove {newest.name} from the table's _delta_log; the table is then as before that write, and the next "
            f"load or run repeats it."
        )


@contextlib.contextmanager
def translated(table: str) -> Iterator[None]:
    """Turn storage faults into errors that name the table and the remedy."""
    from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

    name = "/".join(table.rstrip("/").split("/")[-2:])
    try:
        yield
    except TableNotFoundError:
        raise
    except CommitFailedError as error:
        raise ConflictError(
            f"{name}: another process wrote to the table first; run the command again. ({brief(error)})"
        ) from error
    except FileNotFoundError as error:
        raise CorruptTableError(
            f"{name}: a data file is missing ({brief(error)}). `carti-lake verify` lists what is damaged."
        ) from error
    except DeltaError as error:
        raise CorruptTableError(
            f"{name}: the table's log or files cannot be read ({brief(error)}). "
            f"`carti-lake verify` says how to repair it."
        ) from error
    except BaseException as error:
        # A truncated data file panics inside the reader, past every `except Exception`.
        if type(error).__name__ != "PanicException":
            raise
        raise CorruptTableError(f"{name}: a data file is damaged ({brief(error)}).") from error


def brief(error: BaseException) -> str:
    """First line of an error's text, shortened, without the values of rows."""
    return re.sub(r"\s+", " ", str(error).splitlines()[0] if str(error) else type(error).__name__)[:200]
