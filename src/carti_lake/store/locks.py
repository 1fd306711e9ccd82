"""One run or maintenance at a time: a file lock on a local lake, a lease in the log of an object store's lake."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from carti_lake.store.errors import ConflictError, LakeError
from carti_lake.store.log import transaction
from carti_lake.store.storage import Storage
from carti_lake.store.write import append
from carti_lake.tables.releases import Releases

#: The file that is locked, and the one that says by whom: a lock may bar others from reading its file.
LOCK, HOLDER = ".lock", ".lock-holder"
#: A lease on an object store ends by itself after this many seconds.
LEASE_SECONDS = 3600


class BusyError(LakeError):
    """Another run or maintenance holds the lake."""


@contextlib.contextmanager
def lake_lock(storage: Storage, purpose: str, which: str = "") -> Iterator[None]:
    """Hold the lake, or the lock of that name beside it; raises BusyError where another process does."""
    if storage.local is not None:
        with file_lock(storage.local, purpose, which):
            yield
    else:
        with lease(storage, purpose, which):
            yield


@contextlib.contextmanager
def file_lock(folder: Path, purpose: str, which: str = "") -> Iterator[None]:
    """An advisory lock that the operating system ends with the process, however it ends."""
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    holder = folder / f"{HOLDER}{which}"
    lock = FileLock(folder / f"{LOCK}{which}")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        held_by = holder.read_text("utf-8").strip() if holder.exists() else ""
        raise BusyError(
            f"Another {which.lstrip('-') or 'run'} is active on {folder} ({held_by or 'another process'}). Wait for it "
            "to end, then try again."
        ) from None
    try:
        holder.write_text(f"{purpose}, process {os.getpid()}", "utf-8", newline="\n")
        yield
    finally:
        # The lock's own file stays: whoever removed it might remove one that another process holds.
        holder.unlink(missing_ok=True)
        lock.release()


@contextlib.contextmanager
def lease(storage: Storage, purpose: str, which: str = "") -> Iterator[None]:
    """An application transaction that says until when the lake is held; two that begin at once conflict in the log."""
    name = f"lease{which}"
    handle = storage.create("releases", Releases, change_feed=False)
    now = int(time.time())
    held_until = transaction(handle, name) or 0
    # One that ends later is by a clock that is wrong by an hour: its holder's death would bar the lake for long.
    if now < held_until <= now + 2 * LEASE_SECONDS:
        raise BusyError(f"Another run is active on {storage.uri}; its lock ends in {held_until - now} s at the latest.")
    empty = Releases.create_empty()
    until = now + LEASE_SECONDS
    try:
        append(storage, handle, empty, transactions={name: until}, metadata={"lock": purpose})
    except ConflictError:
        raise BusyError(f"Another run has just started on {storage.uri}. Try again when it has ended.") from None
    try:
        yield
    finally:
        fresh = storage.create("releases", Releases, change_feed=False)
        if transaction(fresh, name) == until:
            # Not where ours ran out and another process took the lake: that lease is not ours to end.
            append(storage, fresh, empty, transactions={name: now}, metadata={"lock": "ended"})
