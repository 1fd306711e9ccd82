"""Delta tables that are not the lake's own: read, never written."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from carti_lake.store.log import told
from carti_lake.store.storage import scan


@dataclass(frozen=True)
class OtherTable:
    """A Delta table at its current version.

    Attributes
    ----------
    rows
        Its rows; those that were removed are not among them.
    identity
        Table and version: the same identity, the same rows.
    committed
        When the version was written.
    """

    rows: pl.LazyFrame
    identity: str
    committed: datetime


def other_table(address: str, options: Mapping[str, str]) -> OtherTable:
    """The Delta table at an address, as its newest commit left it.

    Raises
    ------
    OSError
        It cannot be read, or needs what the reader does not know.
    """
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    try:
        handle = DeltaTable(address, storage_options=dict(options) or None)
        (last,) = told(handle, 1)
        rows = scan(handle, options)
        rows.collect_schema()
    except (DeltaError, pl.exceptions.PolarsError) as error:
        raise OSError(type(error).__name__) from error
    committed = datetime.fromtimestamp(last["timestamp"] / 1000, UTC)
    return OtherTable(rows, f"{handle.metadata().id}@{handle.version()}", committed)
