"""The tables that upkeep goes through, and what it did to each."""

from dataclasses import dataclass

from carti_lake.store.storage import Storage
from carti_lake.tables import TABLES, find


@dataclass(frozen=True)
class Upkeep:
    """What maintenance did to a table.

    Attributes
    ----------
    table
        Full name.
    files_before, files_after
        Data files of the newest version, or files removed (``files_before - files_after``) by vacuum.
    """

    table: str
    files_before: int
    files_after: int


def existing(storage: Storage) -> list[str]:
    """Full names of the tables that the lake holds."""
    return [name for name, table in TABLES.items() if table.view_of is None and storage.open(name) is not None]


def stored(table: str | None) -> list[str]:
    """Full names of the tables that hold the files of one table, or of all."""
    chosen = TABLES.values() if table is None else [find(table)]
    return list(dict.fromkeys((one.view_of or one).full_name() for one in chosen))
