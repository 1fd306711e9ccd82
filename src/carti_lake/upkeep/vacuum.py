"""Vacuum: files removed that no kept release needs."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from carti_lake.releases.publish import retire
from carti_lake.store.errors import translated
from carti_lake.store.hashes import forget
from carti_lake.store.locks import lake_lock
from carti_lake.store.storage import Storage
from carti_lake.store.write import WRITER_HOURS
from carti_lake.upkeep.tables import Upkeep, existing

#: Files that no version names and that are younger stay: those of writers, and those committed while the vacuum began,
#: which takes less than an hour where nothing stands still.
KEPT_HOURS = WRITER_HOURS + 1


def vacuum(
    storage: Storage, *, keep_days: int, now: datetime, dry_run: bool, progress: Callable[[str], None]
) -> list[Upkeep]:
    """Remove files that no kept release needs.

    Kept are the newest release, every locked one, and those published within ``keep_days``. The others are marked
    expired before a file of theirs is removed, so that readers get a clear answer.
    """
    done = []
    with lake_lock(storage, "vacuum"):
        kept = retire(storage, now - timedelta(days=keep_days), now, dry_run=dry_run)
        for name in existing(storage):
            if name == "releases":
                continue
            progress(name)
            opened = time.time()
            handle = storage.open(name)
            if handle is None:
                # A store whose lists lag showed it a moment ago.
                continue
            if not dry_run:
                # What stands in place of a file that goes must outlast it, though its writer died before the sync.
                storage.settle((handle, -1))
            needed = sorted({one.versions[name] for one in kept if name in one.versions})
            with translated(name):
                removed = handle.vacuum(
                    # What was committed since the table was opened is not among the files that it names: a laptop may
                    # have slept in between.
                    retention_hours=KEPT_HOURS + int(max(time.time() - opened, 0) / 3600),
                    dry_run=dry_run,
                    enforce_retention_duration=False,
                    full=True,
                    keep_versions=needed or None,
                )
            done.append(Upkeep(name, len(removed), 0))
            if not dry_run and storage.local is not None:
                _sweep(Path(storage.path(name)), now)
    if not dry_run and storage.local is not None:
        forget(storage.local)
    return done


def _sweep(folder: Path, now: datetime) -> None:
    """Remove the half-written files of killed writers, which no vacuum lists."""
    for leftover in folder.rglob("*#*"):
        if leftover.is_file() and leftover.stat().st_mtime < (now - timedelta(hours=KEPT_HOURS)).timestamp():
            leftover.unlink(missing_ok=True)
