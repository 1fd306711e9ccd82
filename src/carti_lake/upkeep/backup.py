"""Backup and restore: every table with all its versions, and the models' files; what is new is copied, and compared.

A backup is a lake in another folder: it can be read, verified and restored with no other program than this.
"""

import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from carti_lake.models.store import FOLDER
from carti_lake.store.durable import log_since, sync, written_since
from carti_lake.store.errors import DamagedFileError, LakeError
from carti_lake.store.hashes import hashes
from carti_lake.store.integrity import refuse_damaged
from carti_lake.store.locks import lake_lock
from carti_lake.store.storage import Storage, data_files
from carti_lake.upkeep.tables import existing


@dataclass(frozen=True)
class Copied:
    """What was copied of a table, or of the models' files.

    Attributes
    ----------
    name
        Full name of the table, or the folder.
    files, size
        Files copied, and their bytes; 0 where all were there.
    """

    name: str
    files: int
    size: int


def backup(storage: Storage, target: str, progress: Callable[[str], None]) -> list[Copied]:
    """Copy the lake into a folder that holds nothing else; what a backup there has already is not copied again.

    Loads may go on meanwhile: of each table the version is copied that it had when its turn came.
    """
    _refuse_remote(storage, target)
    with lake_lock(storage, "backup"):
        return _copy(storage, Path(target), progress)


def restore(storage: Storage, source: str, progress: Callable[[str], None]) -> list[Copied]:
    """Copy a backup into a lake's folder that has no table yet."""
    _refuse_remote(storage, source)
    if existing(storage):
        raise LakeError(f"{storage.uri} holds tables. Restore into a folder of its own, then move it where it belongs.")
    kept = Storage(str(Path(source).resolve()))
    if not existing(kept):
        raise LakeError(f"{source} holds no table of a lake: it is no backup.")
    with lake_lock(storage, "restore"):
        assert storage.local is not None
        return _copy(kept, storage.local, progress)


def _refuse_remote(storage: Storage, other: str) -> None:
    if storage.local is None or "://" in other:
        raise LakeError(
            "Backups are folders. Of a lake in an object store, let the store keep versions or copies of the bucket."
        )


def _copy(storage: Storage, target: Path, progress: Callable[[str], None]) -> list[Copied]:
    assert storage.local is not None
    beside = Storage(str(target.resolve()))
    done = []
    for name in existing(storage):
        progress(name)
        refuse_damaged(storage, {name: None})
        handle, there = storage.open(name), beside.open(name)
        assert handle is not None
        folder = Path(storage.path(name))
        if there is not None and there.metadata().id != handle.metadata().id:
            # The folder was removed and made again: its commits bear the names of others.
            shutil.rmtree(beside.path(name))
        log = log_since(folder, handle.version(), -1)
        data = {*map(Path, data_files(handle)), *written_since(folder, handle.version(), -1)} - set(log)
        # A commit is there when all that it names is.
        parts = [sorted(path for path in data if path.exists()), [path for path in log if path.suffix]]
        done.append(_copied(name, folder, Path(beside.path(name)), parts, target))
    models = storage.local / FOLDER
    files = sorted(path for path in models.rglob("*") if path.is_file())
    return [*done, _copied(FOLDER, models, target / FOLDER, [files], target)]


def _copied(name: str, folder: Path, target: Path, parts: Iterable[Iterable[Path]], root: Path) -> Copied:
    copied: list[Path] = []
    for part in parts:
        pairs = [(path, target / path.relative_to(folder)) for path in part]
        new = [(path, to) for path, to in pairs if not to.exists() or to.stat().st_size != path.stat().st_size]
        for path, to in new:
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, unfinished := to.with_name(f".{to.name}.part"))
            os.replace(unfinished, to)
        ours, theirs = hashes(folder, [path for path, _ in new]), hashes(target, [to for _, to in new])
        if wrong := sorted(path for path, digest in ours.items() if theirs[path] != digest):
            raise DamagedFileError(f"{name}: {wrong[0]} was not copied as it is. Look after the disks, then try again.")
        sync([to for _, to in new], root)
        copied += [to for _, to in new]
    return Copied(name, len(copied), sum(path.stat().st_size for path in copied))
