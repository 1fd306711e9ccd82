"""A lake's folder or bucket: its tables, opened, created and scanned."""

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, lru_cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlparse
from urllib.request import url2pathname

import polars as pl

from carti_lake.store import newest
from carti_lake.store.durable import sync, written_since
from carti_lake.store.errors import (
    ConflictError,
    LakeError,
    fault,
    refuse_broken_log,
    refuse_cut_log,
    refuse_newer,
    translated,
)
from carti_lake.tables import TABLES, Table, find

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import DeltaTable

# The log must outlive every release that may be read; Delta's own default forgets after 30 days.
CONFIGURATION = {
    "delta.logRetentionDuration": "interval 3650 days",
    "delta.deletedFileRetentionDuration": "interval 3650 days",
    "delta.checkpointInterval": "10",
}

#: What Delta takes for something else in a local path: a separator, spellings of other characters, and no text.
UNREADABLE = re.compile(r"[\\\x00-\x1f\x7f\ud800-\udfff]|%[0-9A-Fa-f]{2}")


#: Number of the format that this version writes and reads; each table's log holds the number that it was written in.
FORMAT, FORMAT_KEY = 1, "carti_lake.format"


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
    durable
        Whether each write outlasts a power cut once it returns; a run sees to that for all its tables at once, before
        it publishes.
    release
        Number of the release that a run's commits are made for; None outside a run.
    """

    uri: str
    options: dict[str, str] = field(default_factory=dict, repr=False)
    held: "dict[str, DeltaTable | None] | None" = field(default=None, repr=False, compare=False)
    durable: bool = field(default=True, repr=False, compare=False)
    release: int | None = field(default=None, repr=False, compare=False)

    def holding(self) -> "Storage":
        """The same lake with each table opened once and then held, for a run or a series of loads."""
        return replace(self, held={})

    def let_go(self, table: str) -> None:
        """Hold the table no longer: another process has written to it."""
        if self.held is not None:
            self.held.pop(table, None)

    @cached_property
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
        from deltalake.exceptions import DeltaError, TableNotFoundError

        told: dict[str, int] = {}
        if self.local is not None:
            log = Path(self.path(table)) / "_delta_log"
            if not log.is_dir():
                return None
            refuse_cut_log(table, log, version)
            told = newest.acknowledged(self.local, log.parent) if version is None else {}
        with translated(table):
            try:
                handle = DeltaTable(self.path(table), version=version, storage_options=self.options or None)
                refuse_newer(table, format_of(handle), FORMAT)
                if told and self.local is not None:
                    table_id = str(handle.metadata().id)
                    newest.refuse_lost(table, self.local, log.parent, table_id, handle.version(), told)
                return handle
            except TableNotFoundError:
                if self.local is not None and any(log.iterdir()):
                    refuse_broken_log(table, log, version)
                return None
            except DeltaError as error:
                if self.local is not None and fault(error, table) is None:
                    refuse_broken_log(table, log, version)
                raise

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
            before = handle.version()
            handle = _with_new_columns(handle, declaration)
            self.settle((handle, before))
            return handle
        feed = {"delta.enableChangeDataFeed": "true"} if change_feed else {}
        new = [] if self.local is None else [one for one in (self.local, *self.local.parents) if not one.exists()]
        if self.local is not None:
            Path(self.path(table)).mkdir(parents=True, exist_ok=True)
        # Where another process creates it at the same moment, it is there all the same.
        with contextlib.suppress(ConflictError), translated(table):
            DeltaTable.create(
                self.path(table),
                schema=_arrow(declaration),
                mode="ignore",
                partition_by=[declaration.partition_by] if declaration.partition_by else None,
                description=declaration.purpose(),
                configuration={**CONFIGURATION, FORMAT_KEY: str(FORMAT), **feed, **(configuration or {})},
                # The number is ours, and no key that Delta knows.
                raise_if_key_not_exists=False,
                storage_options=self.options or None,
            )
        self.let_go(table)
        created = self.open(table)
        if created is None:
            raise ConflictError(f"{table}: the store does not show yet what was written to it; run the command again.")
        if new:
            # The lake's own folder, and those above that it is the first in.
            sync(new, new[-1].parent)
        self.settle((created, -1))
        return created

    def settle(self, *gained: "tuple[DeltaTable, int]") -> None:
        """Make what tables gained after a version each outlast a power cut, in one sweep; a run does that at its end.

        Raises
        ------
        NotDurableError
            Where the disk does not confirm it.
        """
        if self.durable and self.local is not None:
            new = [written_since(Path(address(handle)), handle.version(), since) for handle, since in gained]
            sync(chain.from_iterable(new), self.local)

    def scan(self, table: str, version: int | None = None) -> pl.LazyFrame:
        """Lazy rows of the table at a version (default: the newest); an empty frame of its schema where it is new.

        Columns that its declaration has gained since are null.
        """
        handle = self.open(table, version)
        if handle is None:
            return pl.LazyFrame(schema=find(table).dtypes())
        held = {one.name for one in handle.schema().fields}
        declared = TABLES[table].dtypes() if table in TABLES else {}
        gained = {name: dtype for name, dtype in declared.items() if name not in held}
        rows = scan(handle, self.options)
        return rows.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in gained.items()) if gained else rows


def format_of(handle: "DeltaTable") -> int:
    """Number of the format that a table was written in; 0 where it is from before there were numbers."""
    return int(handle.metadata().configuration.get(FORMAT_KEY, 0))


def storage_at(uri: str, options: Mapping[str, str]) -> Storage:
    """The lake at an address, a local one by its whole path."""
    if "://" in uri:
        return Storage(uri, dict(options))
    folder = Path(uri).resolve()
    if odd := sorted({*UNREADABLE.findall(folder.as_posix())}):
        raise LakeError(
            f"The lake's folder {str(folder)!r} has {' '.join(odd)} in its path, which Delta cannot read. Give the "
            f"lake a folder without, e.g. one beside it, and move what is there."
        )
    return Storage(str(folder), dict(options))


def scan(handle: "DeltaTable", options: Mapping[str, str]) -> pl.LazyFrame:
    """Lazy rows of an open table."""
    with translated(handle.table_uri):
        # By address Polars reads each file in a thread of its own: 13 scans of 60 files each take 500 threads.
        if handle.table_uri.startswith("file:"):
            return scan_files(handle, data_files(handle))
        return pl.scan_delta(handle, storage_options=dict(options) or None)


def scan_files(handle: "DeltaTable", paths: list[str]) -> pl.LazyFrame:
    """Rows of some files of a local table, by their paths: Polars misreads an address that spells them otherwise."""
    return rows_of(paths, dtypes_of(handle), handle.metadata().partition_columns, address(handle), {})


def dtypes_of(handle: "DeltaTable") -> dict[str, pl.DataType]:
    """The columns of an open table."""
    return dict(pl.Schema(handle.schema().to_arrow()))


def rows_of(
    files: Sequence[str],
    dtypes: Mapping[str, pl.DataType],
    partitions: Sequence[str],
    table: str,
    options: Mapping[str, str],
) -> pl.LazyFrame:
    """Lazy rows of data files; columns that the table has gained since they were written are null.

    Parameters
    ----------
    files
        Paths or addresses.
    dtypes
        The table's columns, those of its partitions among them.
    partitions
        Columns that stand in the files' paths.
    table
        Address of the table.
    options
        How to reach an object store.
    """
    if not files:
        return pl.LazyFrame(schema=dtypes)
    # Folders above the table may look like partitions, too.
    above = {part.partition("=")[0]: pl.String() for part in table.split("/") if "=" in part}
    rows = pl.scan_parquet(
        list(files),
        glob=False,
        schema={name: dtype for name, dtype in dtypes.items() if name not in partitions},
        hive_partitioning=bool(partitions),
        hive_schema={**above, **{name: dtypes[name] for name in partitions}} if partitions else None,
        missing_columns="insert",
        extra_columns="ignore",
        storage_options=dict(options) or None,
    )
    return rows.select(list(dtypes))


@cache
def _arrow(declaration: type[Table]) -> "pa.Schema":
    """The columns of a declaration, as they are written; put together once."""
    return pl.DataFrame(schema=declaration.dtypes()).to_arrow().schema


def _with_new_columns(handle: "DeltaTable", declaration: type[Table]) -> "DeltaTable":
    """The table with the columns that its declaration has gained since it was created."""
    from deltalake import Schema

    held = {one.name for one in handle.schema().fields}
    wanted = _arrow(declaration)
    if any(name not in held for name in wanted.names):
        missing = [one for one in Schema.from_arrow(wanted).fields if one.name not in held]
        with translated(handle.table_uri):
            handle.alter.add_columns(missing)
    return handle


def data_files(handle: "DeltaTable") -> list[str]:
    """Paths or addresses of the table's data files."""
    if not handle.table_uri.startswith("file:"):
        return handle.file_uris()
    folder = address(handle)
    return [f"{folder}/{name}" for name in data_names(handle)]


def data_names(handle: "DeltaTable") -> list[str]:
    """The table's data files by their paths within it."""
    # What deltalake tells of a place is encoded, the names below it are as the disk has them.
    place = handle.table_uri.partition("://")[2].strip("/") + "/"
    return [uri.rpartition(place)[2] for uri in handle.file_uris()]


def address(handle: "DeltaTable") -> str:
    """Where the table is: a folder's path, or the address in an object store."""
    return _address(handle.table_uri)


@lru_cache(maxsize=256)
def _address(uri: str) -> str:
    return Path(url2pathname(urlparse(uri).path)).as_posix() if uri.startswith("file:") else uri
