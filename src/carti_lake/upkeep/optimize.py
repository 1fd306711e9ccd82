"""Optimise: small files joined, one lock holder at a time."""

from collections.abc import Callable, Collection

from carti_lake.store.errors import DamagedFileError, translated
from carti_lake.store.locks import lake_lock
from carti_lake.store.log import row_count
from carti_lake.store.storage import Storage
from carti_lake.upkeep.tables import Upkeep, existing


def optimize(storage: Storage, names: Collection[str], progress: Callable[[str], None]) -> list[Upkeep]:
    """Join small files of the tables, where they were ever made; the rows stay the same, which is checked."""
    done = []
    with lake_lock(storage, "optimize"):
        for name in (one for one in existing(storage) if one in names):
            progress(name)
            handle = storage.open(name)
            if handle is None:
                # A store whose lists lag showed it a moment ago.
                continue
            files, rows, before = len(handle.file_uris()), row_count(handle), handle.version()
            with translated(name):
                handle.optimize.compact()
            fresh = storage.open(name)
            assert fresh is not None
            if name.startswith(("silver", "gold", "quarantine")) and row_count(fresh) != rows:
                raise DamagedFileError(
                    f"{name}: {rows} rows before and {row_count(fresh)} after compaction. Releases still read the "
                    f"version before; run `carti-lake run --full` to rebuild the table."
                )
            storage.settle((fresh, before))
            done.append(Upkeep(name, files, len(fresh.file_uris())))
    return done
