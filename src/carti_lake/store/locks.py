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

#: A lease on an object store ends by itself after this many seconds.
LEASE_SECONDS = 3600


class BusyError(LakeError):
    """Another run or maintenance holds the lake."""


@contextlib.contextmanager
def lake_lock(storage: Storage, purpose: str) -> Iterator[None]:
    """Hold the lake; raises BusyError where another process does."""
    if storage.local is not None:
        with file_lock(storage.local, purpose):
            yield
    else:
        with lease(storage, purpose):
            yield


@contextlib.contextmanager
def file_lock(folder: Path, purpose: str) -> Iterator[None]:
    """An advisory lock that the operating system ends with the process, however it ends."""
    import fcntl

    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise BusyError(
                f"Another run is active on {folder} ({holder}). Wait for it to end, then try again."
            ) from None
        file.truncate(0)
        file.write(f"{purpose}, process {os.getpid()}")
        file.flush()
        yield
        file.truncate(0)


@contextlib.contextmanager
def lease(storage: Storage, purpose: str) -> Iterator[None]:
    """An application transaction that says until when the lake is held; two that begin at once conflict in the log."""
    handle = storage.create("releases", Releases, change_feed=False)
    now = int(time.time())
    held_until = transaction(handle, "lease") or 0
    if held_until > now:
        raise BusyError(f"Another run is active on {storage.uri}; its lock ends in {held_until - now} s at the latest.")
    empty = Releases.create_empty()
    until = now + LEASE_SECONDS
    try:
        append(storage, handle, empty, transactions={"lease": until}, metadata={"lock": purpose})
    except ConflictError:
        raise BusyError(f"Another run has just started on {storage.uri}. Try again when it has ended.") from None
    try:
        yield
    finally:
        fresh = storage.create("releases", Releases, change_feed=False)
        if transaction(fresh, "lease") == until:
            # Not where ours ran out and another process took the lake: that lease is not ours to end.
            append(storage, fresh, empty, transactions={"lease": now}, metadata={"lock": "ended"})
