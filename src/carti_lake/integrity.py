"""Hashes of data files: recorded with each release, compared by `verify`.

A flipped byte in a data file can be read as a wrong sum without any error; only a recorded hash shows it. Object
stores keep checksums of their own, so hashes are recorded for local lakes.
"""

import hashlib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from carti_lake.storage import Storage, commits
from carti_lake.tables.releases import Releases

#: By full table name: data file (relative to the table's folder) to SHA-256.
Hashes = dict[str, dict[str, str]]


def recorded(storage: Storage) -> Hashes:
    """Every hash that a release recorded."""
    handle = storage.open(Releases.full_name())
    found: Hashes = {}
    for commit in [] if handle is None else commits(handle, 0):
        for table, files in commit.metadata.get("files", {}).items():
            found.setdefault(table, {}).update(files)
    return found


def new_hashes(storage: Storage, tables: Iterable[str], before: Mapping[str, int]) -> Hashes:
    """Hashes of the files that the tables gained since the given versions."""
    if storage.local is None:
        return {}
    found: Hashes = {}
    for table in tables:
        handle = storage.open(table)
        assert handle is not None
        if before.get(table) == handle.version():
            continue
        then = storage.open(table, before[table]) if table in before else None
        known = set() if then is None else set(then.file_uris())
        gained = sorted(set(handle.file_uris()) - known)
        if gained:
            found[table] = hashes(Path(storage.path(table)), gained)
    return found


def hashes(folder: Path, files: Iterable[str]) -> dict[str, str]:
    """SHA-256 of each file, by its path within the table's folder."""
    paths = [Path(file) for file in files]
    with ThreadPoolExecutor() as pool:
        return dict(zip((str(path.relative_to(folder)) for path in paths), pool.map(_sha256, paths), strict=True))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
