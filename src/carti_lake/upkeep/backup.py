"""Backup and restore: every table with all its versions, and the models' files; what is new is copied, and compared.

A backup is a lake in another folder, or in an object store: it can be read, verified and restored with no other program
than this.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from carti_lake.models.store import FOLDER
from carti_lake.releases.release import latest
from carti_lake.store.errors import DIGITS, DamagedFileError, LakeError, translated
from carti_lake.store.integrity import refuse_damaged
from carti_lake.store.locks import lake_lock
from carti_lake.store.places import Place
from carti_lake.store.storage import Storage, data_names, storage_at
from carti_lake.upkeep.tables import existing

LOG = "_delta_log"
_OF_LOG = re.compile(rf"\d{{{DIGITS}}}(\.json|\.checkpoint.*\.parquet)")


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
    """Copy the lake to a folder or an object store that holds nothing else; what is there is not copied again.

    Loads may go on meanwhile: of each table the version is copied that it had when its turn came. An object store is
    reached with the options of the lake.
    """
    _refuse_remote(storage)
    with lake_lock(storage, "backup"):
        # A table whose folder is gone would be left out without a word.
        newest = latest(storage)
        read = {} if newest is None or newest.expired else newest.versions
        refuse_damaged(storage, dict.fromkeys(read.keys() - {*existing(storage)}))
        return _copy(storage, storage_at(target, storage.options), progress)


def restore(storage: Storage, source: str, progress: Callable[[str], None]) -> list[Copied]:
    """Copy a backup into a lake's folder that has no table yet."""
    _refuse_remote(storage)
    if existing(storage):
        raise LakeError(f"{storage.uri} holds tables. Restore into a folder of its own, then move it where it belongs.")
    kept = storage_at(source, storage.options)
    if not existing(kept):
        raise LakeError(f"{source} holds no table of a lake: it is no backup.")
    with lake_lock(storage, "restore"):
        copied = _copy(kept, storage, progress)
        # With the releases there, each file is compared with its recorded hash.
        refuse_damaged(storage, dict.fromkeys(existing(storage)))
        return copied


def _refuse_remote(storage: Storage) -> None:
    if storage.local is None:
        raise LakeError(
            "Backups are of lakes in folders. Of a lake in an object store, let the store keep versions or copies of "
            "the bucket."
        )


def _copy(storage: Storage, beside: Storage, progress: Callable[[str], None]) -> list[Copied]:
    source, target = (Place(one.uri, one.options) for one in (storage, beside))
    done = []
    for name in existing(storage):
        progress(name)
        refuse_damaged(storage, {name: None})
        handle, there = storage.open(name), beside.open(name)
        if handle is None:
            continue
        folder = name.replace(".", "/")
        with translated(name):
            if there is not None and there.metadata().id != handle.metadata().id:
                # The folder was removed and made again: its commits bear the names of others.
                target.remove(folder)
            held = source.sizes(folder)
            log = _log(held, f"{folder}/{LOG}/", handle.version())
            current = {f"{folder}/{one}" for one in data_names(handle)}
            data = sorted(held.keys() & (current | _named(source, folder, log)))
            # A commit is there when all that it names is.
            done.append(_copied(name, source, target, folder, [data, log], held))
    with translated(FOLDER):
        models = source.sizes(FOLDER)
        return [*done, _copied(FOLDER, source, target, FOLDER, [sorted(models)], models)]


def _log(held: Iterable[str], log: str, version: int) -> list[str]:
    """Files of a table's log up to a version, oldest first; the pointer to a checkpoint may be to a later one."""
    names = (name.removeprefix(log) for name in held if name.startswith(log))
    numbered = sorted(name for name in names if _OF_LOG.fullmatch(name))
    return [f"{log}{name}" for name in numbered if int(name[:DIGITS]) <= version]


def _named(place: Place, folder: str, log: Iterable[str]) -> set[str]:
    """Data files that the commits of a log name."""
    found = set()
    for name in log:
        if name.endswith(".json"):
            for line in b"".join(place.read(name)).splitlines():
                action = json.loads(line)
                found |= {f"{folder}/{unquote(action[kind]['path'])}" for kind in ("add", "cdc") if kind in action}
    return found


def _copied(
    name: str, source: Place, target: Place, folder: str, parts: Iterable[list[str]], held: dict[str, int]
) -> Copied:
    there, copied = target.sizes(folder), []
    for part in parts:
        new = [one for one in part if there.get(one) != held[one]]
        for one in new:
            target.write(one, source.read(one))
        target.keep(new)
        for one in new:
            if source.digest(one) != target.digest(one):
                raise DamagedFileError(f"{name}: {one} was not copied as it is. Look after the disks, then try again.")
        copied += new
    return Copied(name, len(copied), sum(held[one] for one in copied))
