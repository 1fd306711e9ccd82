"""Whether data files are what was written: there, as long as the log says, and of the recorded hash.

A flipped byte in a data file can be read as a wrong sum without any error; only a recorded hash shows it. Object
stores keep checksums of their own, so hashes are recorded for local lakes.
"""

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import polars as pl

from carti_lake.store import newest
from carti_lake.store.durable import log_of
from carti_lake.store.errors import (
    COMMITS,
    ConflictError,
    DamagedFileError,
    DamagedLogError,
    LakeError,
    fault,
    unreadable,
)
from carti_lake.store.hashes import LOG, changed, of_table, released, sha256
from carti_lake.store.log import transaction
from carti_lake.store.storage import Storage
from carti_lake.tables import TABLES

if TYPE_CHECKING:
    from deltalake import DeltaTable


def damage(storage: Storage, table: str, version: int | None = None) -> str | None:
    """What is wrong with the first data file that is gone or not as long as the log says; None where all is well.

    Readers panic on such a file, or name it without saying what to do. Object stores write a file whole or not at all.
    """
    handle = storage.open(table, version)
    if handle is None:
        return "its folder is gone"
    found = {} if storage.local is None else _stats(storage, table, handle)
    return next((one for one in found.values() if isinstance(one, str)), None)


def refuse_damaged(storage: Storage, tables: Mapping[str, int | None]) -> None:
    """Raise where a file of a table at a version (None: the newest) is gone, cut or changed, with what to do.

    Bytes are compared with their recorded hash once on a machine.
    """
    stats: dict[str, dict[str, os.stat_result]] = {}
    for table, version in tables.items():
        at = "" if version is None else f", version {version}"
        try:
            handle = storage.open(table, version)
        except LakeError:
            _refuse_changed_log(storage, table, version)
            raise
        if handle is None:
            raise DamagedFileError(f"{table}{at}: its folder is gone. {repair(table)}")
        for name, found in ({} if storage.local is None else _stats(storage, table, handle)).items():
            if isinstance(found, str):
                # What says so may itself be changed: a flipped bit in a name makes another file of it.
                _refuse_changed_log(storage, table, version)
                raise DamagedFileError(f"{table}{at}: {found}. {repair(table)}")
            stats.setdefault(table, {})[name] = found
    _refuse_changed(storage, stats)


def refuse_lost_commits(storage: Storage, known: Mapping[str, int]) -> None:
    """Raise where a table's log ends before the version that a release knows: its last commits are gone."""
    for table, version in known.items():
        handle = storage.open(table)
        if handle is not None and handle.version() < version:
            raise DamagedLogError(
                f"{table}: its log ends with version {handle.version()}, the newest release read version {version}: "
                f"the commits between are gone, with what they added. {repair(table)}"
            )


def refuse_ahead(storage: Storage, handles: Mapping[str, "DeltaTable"], known: Mapping[str, int]) -> None:
    """Raise where a table has taken in more of another one than that holds: a power cut has kept a later commit alone.

    Parameters
    ----------
    storage
        The lake.
    handles
        Its tables.
    known
        By full name, the version up to which a release vouches for a table: only what came after is looked at.
    """
    for source, problem in taken_ahead(handles, known):
        if storage.local is None:
            raise ConflictError(f"{source}: {problem}; the store may show it later. Run the command again.")
        raise DamagedLogError(f"{source}: {problem}. {repair(source)}")


def taken_ahead(handles: Mapping[str, "DeltaTable"], known: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Tables whose logs end before what another one has taken in of them, and what is wrong in words."""
    for name, handle in handles.items():
        if handle.version() <= known.get(name, -1):
            continue
        for source, of in handles.items():
            seen = transaction(handle, source)
            if seen is not None and seen > of.version():
                yield source, f"its log ends with version {of.version()}, and {name} has taken in version {seen}"


def _refuse_changed(storage: Storage, stats: Mapping[str, Mapping[str, os.stat_result]]) -> None:
    for table, files in (changed(storage, stats) if stats else {}).items():
        of_log = files[0].startswith(LOG)
        raise (DamagedLogError if of_log else DamagedFileError)(
            f"{table}: {'' if of_log else 'data file '}{files[0]} does not hold the bytes that were written. "
            f"{repair(table)}"
        )


def _refuse_changed_log(storage: Storage, table: str, version: int | None) -> None:
    """Name the file of a log that cannot be read, where its hash tells which."""
    if storage.local is not None:
        folder = Path(storage.path(table))
        commits = [int(path.stem) for path in (folder / LOG).glob(COMMITS)]
        files = log_of(folder, max(commits, default=-1) if version is None else version)
        _refuse_changed(storage, {table: {f"{LOG}{file.name}": file.stat() for file in files if file.is_file()}})


def _stats(storage: Storage, table: str, handle: "DeltaTable") -> dict[str, os.stat_result | str]:
    """By data file what the disk says of it, or what is wrong with it."""
    found: dict[str, os.stat_result | str] = {}
    folder = storage.path(table)
    for path, size in pl.DataFrame(handle.get_add_actions()).select("path", "size_bytes").iter_rows():
        name = unquote(path)
        try:
            there = os.stat(f"{folder}/{name}")
        except FileNotFoundError:
            found[name] = f"data file {name} is missing"
            continue
        except OSError as error:
            # Such as a link to itself; access that is denied is no damage.
            if fault(error, table) is not None:
                raise
            found[name] = f"data file {name} cannot be read ({error.strerror})"
            continue
        right = there.st_size == size
        found[name] = there if right else f"data file {name} has {there.st_size} bytes, the log records {size}"
    for file in log_of(Path(folder), handle.version()):
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISREG((of_log := file.stat()).st_mode):
                found[f"{LOG}{file.name}"] = of_log
    return found


@dataclass(frozen=True)
class Unlike:
    """A table's newest acknowledged commit whose copy holds other bytes.

    Attributes
    ----------
    commit, copy
        Where they are.
    right
        The one of them that holds the bytes that were written; None where nothing tells.
    """

    commit: Path
    copy: Path
    right: Path | None

    @property
    def problem(self) -> str:
        """What is wrong, in words."""
        return f"{self.commit.name} of its log and its copy in {newest.FOLDER} do not hold the same bytes"


def unlike_copy(storage: Storage, table: str, handle: "DeltaTable") -> Unlike | None:
    """The newest acknowledged commit of a local table that opens, where its copy differs from it; else None."""
    assert storage.local is not None
    folder, table_id = Path(storage.path(table)), str(handle.metadata().id)
    copy = newest.last_copy(storage.local, folder, table_id)
    if copy is None:
        return None
    commit = folder / LOG / copy.name
    # A writer may replace the copy meanwhile, and a log may begin after it.
    with contextlib.suppress(FileNotFoundError):
        # Copies are not synced: a beginning, with zeros after, is what a power cut leaves of one, and does no harm.
        if not commit.read_bytes().startswith(copy.read_bytes().rstrip(b"\0")):
            digests = {path: sha256(path) for path in (commit, copy)}
            told = of_table(released(storage).get(table, {}), table_id).get(f"{LOG}{commit.name}")
            right = [path for path in digests if (digests[path] == told if told else unreadable(path) is None)]
            return Unlike(commit, copy, right[0] if len(right) == 1 else None)
    return None


@contextlib.contextmanager
def explained(storage: Storage) -> Iterator[None]:
    """Where reading fails within, look for a damaged data file and name it."""
    try:
        yield
    except BaseException as error:
        if isinstance(error, LakeError):
            raise
        place = str(getattr(error, "filename", None) or storage.uri)
        if isinstance(error, Exception) and (of_system := fault(error, place)) is not None:
            raise of_system from error
        # A truncated file panics inside the reader, past every `except Exception`.
        if isinstance(error, FileNotFoundError | pl.exceptions.PolarsError) or type(error).__name__ == "PanicException":
            for name, table in TABLES.items():
                if table.view_of is None and storage.open(name) is not None:
                    refuse_damaged(storage, {name: None})
        raise


def repair(name: str) -> str:
    """How a damaged table is mended."""
    layer = name.split(".")[0]
    if layer == "bronze":
        return (
            "Bronze is the delivered data itself: restore its folder from a backup, or remove the folder, load the "
            "feed's extracts again, then `carti-lake run --full`."
        )
    if layer == "releases":
        return (
            "`carti-lake repair` makes it anew of what the tables' commits say, or restore the folder from a backup; "
            "without it, `carti-lake run --full` publishes the first release anew."
        )
    if layer == "thresholds":
        return (
            "Restore the folder from a backup; without it, the declared thresholds of `carti-lake tables` are in force."
        )
    if layer == "models":
        return "Restore the folder from a backup; without it, `carti-lake model train` trains the models anew."
    if layer in ("access", "api_keys"):
        return "Restore the folder from a backup; without it nobody sees anything until access is granted anew."
    if layer == "audit":
        return "Restore the folder from a backup: nothing else knows who read what."
    if layer == "disclosures":
        return "Restore the folder from a backup: nothing else knows who had small counts shown, and why."
    if name == "gold.forecasts":
        return "`carti-lake repair` says what can be done: forecasts as they were made are not made again."
    return (
        "`carti-lake repair` mends it: from the last release where that stands, else from bronze (in an object store, "
        f"remove the folder {name.replace('.', '/')}, then `carti-lake run --full`)."
    )
