"""Hashes of data files and logs: recorded with the commits that add them, compared before anybody builds on them.

A file is compared once on a machine. What was compared is known by its size, its time and its number on the disk, and
remembered in a file of the lake's folder that belongs to the machine; losing it costs comparing again.
"""

import contextlib
import hashlib
import json
import os
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from carti_lake.store.durable import actions, log_since
from carti_lake.store.errors import CorruptTableError
from carti_lake.store.log import METADATA_KEY, commits
from carti_lake.store.storage import Storage, data_names
from carti_lake.tables.releases import Releases

#: By full table name: data file (relative to the table's folder) to SHA-256.
Hashes = dict[str, dict[str, str]]
#: What a Parquet file begins and ends with.
MAGIC = b"PAR1"
#: Where a release's commit has the hashes of all tables' new files, and where a commit has those of its own files.
OF_RELEASE, OF_COMMIT = "files", "sha256"
#: How the files of a lake begin that say what a machine has compared.
MEMORY = ".compared-"
LOG = "_delta_log/"
#: Stands between a table's id and the name of a file of its log.
OF = ":"
#: A function worked out for each of several values, here or elsewhere.
Worked = Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]
#: Files that are hashed as one task.
TOGETHER = 256
#: Commits that are looked through first.
NEAR = 16


def recorded(storage: Storage) -> Hashes:
    """Every hash that a release recorded."""
    handle = storage.open(Releases.full_name())
    found: Hashes = {}
    for commit in [] if handle is None else commits(handle, 0):
        for table, files in commit.metadata.get(OF_RELEASE, {}).items():
            found.setdefault(table, {}).update(files)
    return found


def own(storage: Storage, table: str, since: int = -1) -> dict[str, str]:
    """Hashes that the table's own commits after a version recorded: of what is acknowledged with its commit."""
    handle = storage.open(table)
    found: dict[str, str] = {}
    for commit in [] if handle is None else commits(handle, since):
        found.update(commit.metadata.get(OF_COMMIT, {}))
    return found


def new_hashes(storage: Storage, tables: Iterable[str], before: Mapping[str, int], worked: Worked) -> Hashes:
    """Hashes of the files that the tables gained since the given versions: those recorded already, else as they are.

    Parameters
    ----------
    storage
        The lake.
    tables
        Full names.
    before
        Versions by full name; what lacks one is new.
    worked
        Works out a function of each of several values, in this process or on other machines.
    """
    if storage.local is None:
        return {}
    gained = {table: _gained(storage, table, before.get(table, -1)) for table in tables}
    unknown = [
        f"{storage.path(table)}/{name}" for table, files in gained.items() for name, told in files.items() if not told
    ]
    parts = [unknown[first : first + TOGETHER] for first in range(0, len(unknown), TOGETHER)]
    read = dict(zip(unknown, chain.from_iterable(worked(digests, parts)), strict=True))
    found: Hashes = {}
    for table, files in gained.items():
        if files:
            of_log = f"{_table_id(storage, table)}{OF}"
            found[table] = {
                of_log + name if name.startswith(LOG) else name: told or read[f"{storage.path(table)}/{name}"]
                for name, told in files.items()
            }
    return found


def _gained(storage: Storage, table: str, since: int) -> dict[str, str | None]:
    """Files that a table gained after a version, by their paths within its folder, with hashes that commits recorded.

    Read off the commits: opening the table as it was then costs more than all of them.
    """
    handle = storage.open(table)
    assert handle is not None
    log = log_since(Path(storage.path(table)), handle.version(), since)
    added: set[str] = set()
    told: dict[str, str] = {}
    for action in actions(log):
        if "add" in action:
            added.add(unquote(action["add"]["path"]))
        elif "commitInfo" in action:
            told |= json.loads(action["commitInfo"].get(METADATA_KEY) or "{}").get(OF_COMMIT, {})
    standing = sorted(added & {*data_names(handle)}) if added else []
    return {name: told.get(name) for name in (*standing, *(f"{LOG}{file.name}" for file in log if file.suffix))}


def digests(files: Sequence[str | Path]) -> list[str]:
    """SHA-256 of each file."""
    with ThreadPoolExecutor() as pool:
        return [*pool.map(sha256, map(Path, files))]


def hashes(folder: Path, files: Iterable[str | Path]) -> dict[str, str]:
    """SHA-256 of each file, by its path within the table's folder."""
    paths = [Path(file) for file in files]
    return dict(zip((path.relative_to(folder).as_posix() for path in paths), digests(paths), strict=True))


def changed(storage: Storage, tables: Mapping[str, Mapping[str, os.stat_result]]) -> dict[str, list[str]]:
    """By local table, those of its files that are not the bytes that were written, among those not compared before.

    Parameters
    ----------
    storage
        The lake.
    tables
        By full name of a table, what the disk says of its files.
    """
    assert storage.local is not None
    remembered = _remembered(storage.local)
    compared: set[str] = set()
    wrong: dict[str, list[str]] = {}
    for table, files in tables.items():
        keys = {name: f"{table} {name} {it.st_size} {it.st_mtime_ns} {it.st_ino}" for name, it in files.items()}
        waiting = [name for name, key in keys.items() if key not in remembered]
        if not waiting:
            continue
        told = of_table(released(storage).get(table, {}), _table_id(storage, table))
        if lacking := {name for name in waiting if name not in told and not name.startswith(LOG)}:
            told = {**told, **_own_of(storage, table, lacking)}
        folder = Path(storage.path(table))
        for name, digest in hashes(folder, [folder / name for name in waiting if name in told]).items():
            if digest == told[name]:
                compared.add(keys[name])
            else:
                wrong.setdefault(table, []).append(name)
        # What a run had written when the power failed, and no release has recorded yet.
        unknown = [name for name in waiting if name not in told and not name.startswith(LOG)]
        if lost := [name for name in unknown if not _is_whole(folder / name)]:
            wrong.setdefault(table, []).extend(lost)
    if compared:
        remembered |= compared
        _remember(storage.local)
    return wrong


def _remember(lake: Path) -> None:
    """Keep for other processes of this machine what was compared; where nobody may write, they compare again."""
    with contextlib.suppress(OSError):
        unfinished = _memory(lake).with_name(f"{MEMORY}{os.getpid()}.part")
        unfinished.write_text(json.dumps(sorted(_remembered(lake))), "utf-8", newline="\n")
        os.replace(unfinished, _memory(lake))


def forget(lake: Path) -> None:
    """Compare everything again, now and then: a file can go bad that was compared."""
    for memory in lake.glob(f"{MEMORY}*"):
        memory.unlink(missing_ok=True)


def _table_id(storage: Storage, table: str) -> str | None:
    """Which table it is; None where it cannot be opened."""
    try:
        handle = storage.open(table)
    except CorruptTableError:
        return None
    return None if handle is None else str(handle.metadata().id)


def of_table(told: Mapping[str, str], table_id: str | None) -> dict[str, str]:
    """Hashes by file: a table made anew has commits of the same names."""
    split = {name: name.rpartition(OF) for name in told}
    return {file: told[name] for name, (of, _, file) in split.items() if not of or table_id in (None, of)}


def _own_of(storage: Storage, table: str, files: Set[str]) -> dict[str, str]:
    """What the table's own commits recorded of the files; most were added by the last few."""
    handle = storage.open(table)
    version = -1 if handle is None else handle.version()
    found: dict[str, str] = {}
    for reach in (NEAR, version + 1):
        found = own(storage, table, max(version - reach, -1))
        if files <= found.keys() or reach > version:
            break
    return found


@lru_cache(maxsize=16)
def _remembered(lake: Path) -> set[str]:
    """What this process and, before it began, others of the machine have compared."""
    try:
        return set(json.loads(_memory(lake).read_text("utf-8")))
    except (OSError, ValueError):
        return set()


def _memory(lake: Path) -> Path:
    return lake / f"{MEMORY}{platform.node() or 'here'}"


def released(storage: Storage) -> Hashes:
    """What releases recorded; nothing where they cannot be read, which whoever reads releases is told."""
    try:
        handle = storage.open(Releases.full_name())
        return {} if handle is None else _of_releases(storage.uri, str(handle.metadata().id), handle.version())
    except CorruptTableError:
        return {}


@lru_cache(maxsize=4)
def _of_releases(lake: str, table_id: str, version: int) -> Hashes:
    return recorded(Storage(lake))


def _is_whole(path: Path) -> bool:
    """Whether a data file begins and ends as Parquet does: a power cut may leave zeros of the right length."""
    with path.open("rb") as file:
        begins = file.read(len(MAGIC)) == MAGIC
        file.seek(-len(MAGIC), os.SEEK_END)
        return begins and file.read() == MAGIC


def sha256(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
