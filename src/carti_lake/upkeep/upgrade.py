"""Upgrade: tables of an older format brought to the one that this version writes."""

from collections.abc import Callable
from dataclasses import dataclass

from carti_lake.store.locks import lake_lock
from carti_lake.store.storage import FORMAT, Storage, format_of
from carti_lake.store.write import note_format
from carti_lake.upkeep.tables import existing


@dataclass(frozen=True)
class Upgraded:
    """A table that was brought up.

    Attributes
    ----------
    table
        Full name.
    before, now
        Numbers of the formats.
    """

    table: str
    before: int
    now: int


def upgrade(storage: Storage, progress: Callable[[str], None]) -> list[Upgraded]:
    """Bring each table to the current format, one commit each, which can be repeated where it was interrupted.

    Format 1 differs from what came before numbers by its number alone.
    """
    done = []
    with lake_lock(storage, "upgrade"):
        for name in existing(storage):
            handle = storage.open(name)
            if handle is None:
                # A store whose lists lag showed it a moment ago.
                continue
            before = format_of(handle)
            if before < FORMAT:
                progress(name)
                note_format(storage, handle)
                done.append(Upgraded(name, before, FORMAT))
    return done
