"""What a task reads and what it writes: some data files of a table, and a table that files are added to.

Both are plain values, so that a task can be worked on in another process or on another machine.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

import polars as pl

from carti_lake.store import datafiles
from carti_lake.store.storage import Storage, address, dtypes_of, rows_of
from carti_lake.tables import find
from carti_lake.tables.gold.dimensions import UNDATED

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from deltalake.transaction import AddAction

#: Rows that a task works on in memory at once, at some 200 bytes each.
ROWS_AT_ONCE = 2_000_000


@dataclass(frozen=True)
class Part:
    """Some data files of a table.

    Attributes
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

    files: tuple[str, ...]
    dtypes: Mapping[str, pl.DataType]
    partitions: tuple[str, ...]
    table: str
    options: Mapping[str, str] = field(repr=False)

    def rows(self) -> pl.LazyFrame:
        """Lazy rows of the files; columns that the table has gained since are null."""
        return rows_of(self.files, self.dtypes, self.partitions, self.table, self.options)


@dataclass(frozen=True)
class Target:
    """A table that files are added to, which whoever holds its handle commits; attributes as those of :class:`Part`."""

    table: str
    dtypes: Mapping[str, pl.DataType]
    partitions: tuple[str, ...]
    options: Mapping[str, str] = field(repr=False)

    def write(self, rows: pl.LazyFrame) -> list["AddAction"]:
        """Stream rows into new files, in the table's own types: others would be committed and never be read again."""
        fitting = rows.select(pl.col(name).cast(dtype) for name, dtype in self.dtypes.items())
        return datafiles.sink(fitting, self.table, list(self.partitions), self.options)


def target(handle: "DeltaTable", options: Mapping[str, str]) -> Target:
    """The table of a handle, to write to."""
    return Target(address(handle), dtypes_of(handle), tuple(handle.metadata().partition_columns), options)


def parts(storage: Storage, table: str, version: int, *, split: bool) -> list[Part]:
    """All files of a table at a version in the order of their names, in parts of :data:`ROWS_AT_ONCE`, or in one.

    There is at least one part, and a file is never split: a part is as large as its largest file.
    """
    handle = storage.open(table, version)
    held = _held(handle, table).sort("file").with_columns(before=pl.col("rows").cum_sum() - pl.col("rows"))
    groups = held.group_by(pl.col("before") // ROWS_AT_ONCE if split else pl.lit(0), maintain_order=True).agg("file")
    return [_part(storage, handle, table, files) for files in groups["file"].to_list() or [[]]]


def parts_by_month(storage: Storage, tables: Sequence[str], whole: Collection[str]) -> list[list[Part]]:
    """Files of tables that have the same months, a part of each by groups of months with :data:`ROWS_AT_ONCE`.

    There is at least one group, and a month is never split.

    Parameters
    ----------
    storage
        The lake.
    tables
        Full names of the tables; each is partitioned by its month, but for the ``whole`` ones, which every group has.
    whole
        Those of the tables.
    """
    handles = {table: storage.open(table) for table in tables}
    held = pl.concat(_held(handle, table) for table, handle in handles.items())
    # Rows without a month and those that say so by a day belong together.
    held = held.with_columns(pl.col("month").fill_null(UNDATED))
    months = held.filter(~pl.col("table").is_in(whole)).group_by("month").agg(pl.col("rows").sum()).sort("month")
    groups = months.select("month", group=(pl.col("rows").cum_sum() - pl.col("rows")) // ROWS_AT_ONCE)
    split = held.join(groups, on="month").group_by("group", "table").agg("file")
    files: dict[tuple[int, str], list[str]] = {(group, table): found for group, table, found in split.iter_rows()}
    numbers = groups["group"].unique(maintain_order=True).to_list() or [0]
    for table in whole:
        files |= dict.fromkeys(((number, table) for number in numbers), _held(handles[table], table)["file"].to_list())
    return [
        [_part(storage, handle, table, files.get((number, table), [])) for table, handle in handles.items()]
        for number in numbers
    ]


def _held(handle: "DeltaTable | None", table: str) -> pl.DataFrame:
    """The files of a table, with their rows and the month that they are of."""
    adds = pl.DataFrame(schema={"path": pl.String, "num_records": pl.Int64})
    if handle is not None:
        adds = pl.DataFrame(handle.get_add_actions(flatten=True))
    month = f"partition.{find(table).partition_by}"
    place = "" if handle is None else address(handle).rstrip("/")
    return adds.select(
        pl.lit(table).alias("table"),
        file=pl.Series([f"{place}/{unquote(path)}" for path in adds["path"]], dtype=pl.String),
        rows="num_records",
        month=pl.col(month).cast(pl.Date) if month in adds.columns else pl.lit(None, pl.Date),
    )


def _part(storage: Storage, handle: "DeltaTable | None", table: str, files: list[str]) -> Part:
    declared = find(table)
    dtypes = {**({} if handle is None else dtypes_of(handle)), **declared.dtypes()}
    partitions = (declared.partition_by,) if declared.partition_by else ()
    return Part(tuple(files), dtypes, partitions, storage.path(table), storage.options)
