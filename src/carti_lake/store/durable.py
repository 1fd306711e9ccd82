"""What outlasts a power cut: files, commits and their folders, told to the disk before anybody is told that they stand.

Neither deltalake nor Polars syncs what it writes. An object store answers a write when it is durable, so that there is
nothing to do.
"""

import contextlib
import errno
import json
import os
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from carti_lake.store.errors import LakeError

#: A disk joins syncs that are asked for at once into one write of its journal.
AT_ONCE = 16
#: Windows makes a folder's entries durable with the file, and opens no folder.
FOLDERS = os.name != "nt"


class NotDurableError(LakeError):
    """A write that the disk does not confirm."""


def sync(files: Iterable[Path], root: Path) -> None:
    """Tell the disk to keep the files, then the folders that name them, up to the root.

    Files that are gone are left out: a compaction and a vacuum may have come since they were named.

    Raises
    ------
    NotDurableError
        Where the disk does not confirm it.
    """
    wanted = list(dict.fromkeys(files))
    if not wanted:
        return
    named = {file.parent for file in wanted}
    folders = {folder for one in named for folder in (one, *one.parents) if folder == root or root in folder.parents}
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(_sync, wanted))
            list(pool.map(_sync, folders))
    except OSError as error:
        # A later sync of the same file may succeed although its bytes are lost: nobody may try again and believe it.
        raise NotDurableError(
            f"{root}: what was written is not safe, the disk does not confirm it ({error.strerror}). Look after the "
            f"disk, then run `carti-lake verify`, and the command again."
        ) from error


def written_since(table: Path, version: int, since: int) -> list[Path]:
    """Files that a table gained with the commits after version ``since`` (-1: all), those of its log among them."""
    log = log_since(table, version, since)
    data = []
    for action in actions(log):
        data += [table / unquote(action[kind]["path"]) for kind in ("add", "cdc") if kind in action]
    return [*data, *log]


def actions(log: Iterable[Path]) -> Iterator[dict[str, Any]]:
    """What the commits among files of a log say, an action a line."""
    for commit in log:
        if commit.suffix == ".json":
            yield from map(json.loads, commit.read_bytes().splitlines())


def log_since(table: Path, version: int, since: int) -> list[Path]:
    """Files of a table's log that came with the commits after version ``since``."""
    log = table / "_delta_log"
    names = [f"{one:020}{kind}" for one in range(since + 1, version + 1) for kind in (".json", ".checkpoint.parquet")]
    there = set(os.listdir(log)) if names else set()
    found = [log / name for name in names if name in there]
    checkpointed = any(path.suffix == ".parquet" for path in found)
    return [*found, log / "_last_checkpoint"] if checkpointed else found


def log_of(table: Path, version: int) -> list[Path]:
    """Files of a table's log from which a version is read: the last checkpoint before it, and the commits since."""
    log = table / "_delta_log"
    there = set(os.listdir(log))
    commits: list[Path] = []
    for one in range(version, -1, -1):
        if (checkpoint := f"{one:020}.checkpoint.parquet") in there:
            return [log / checkpoint, *reversed(commits)]
        commits.append(log / f"{one:020}.json")
    return commits[::-1]


def _flush(descriptor: int) -> None:
    """Sync an open file; on macOS down to the drive's own cache, which `fsync` leaves there."""
    if sys.platform == "darwin":
        import fcntl

        try:
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
        except OSError as error:
            # Network and other file systems do not know the call; any other fault is one.
            if error.errno not in (errno.ENOTSUP, errno.EINVAL, errno.ENOTTY):
                raise
    os.fsync(descriptor)


def _sync(path: Path) -> None:
    if not FOLDERS and path.is_dir():
        return
    with contextlib.suppress(FileNotFoundError):
        # Windows syncs only what is open for writing.
        descriptor = os.open(path, os.O_RDONLY if FOLDERS else os.O_RDWR)
        try:
            _flush(descriptor)
        finally:
            os.close(descriptor)
