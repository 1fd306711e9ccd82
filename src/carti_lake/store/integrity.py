"""Whether data files are what was written: there, as long as the log says, and of the recorded hash.

A flipped byte in a data file can be read as a wrong sum without any error; only a recorded hash shows it. Object
stores keep checksums of their own, so hashes are recorded for local lakes.
"""

import contextlib
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote

import polars as pl

from carti_lake.store.errors import CorruptTableError
from carti_lake.store.log import commits
from carti_lake.store.storage import Storage, data_files
from carti_lake.tables import TABLES
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
        known = set() if then is None else set(data_files(then))
        gained = sorted(set(data_files(handle)) - known)
        if gained:
            found[table] = hashes(Path(storage.path(table)), gained)
    return found


def hashes(folder: Path, files: Iterable[str]) -> dict[str, str]:
    """SHA-256 of each file, by its path within the table's folder."""
    paths = [Path(file) for file in files]
    with ThreadPoolExecutor() as pool:
        return dict(zip((path.relative_to(folder).as_posix() for path in paths), pool.map(_sha256, paths), strict=True))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def damage(storage: Storage, table: str, version: int | None = None) -> str | None:
    """What is wrong with the first data file that is gone or not as long as the log says; None where all is well.

    Readers panic on such a file, or name it without saying what to do. Object stores write a file whole or not at all.
    """
    handle = storage.open(table, version)
    if handle is None:
        return "its folder is gone"
    if storage.local is None:
        return None
    files = pl.DataFrame(handle.get_add_actions(flatten=True)).select("path", "size_bytes")
    for path, size in files.iter_rows():
        file = Path(storage.path(table)) / unquote(path)
        if not file.is_file():
            return f"data file {unquote(path)} is missing"
        if file.stat().st_size != size:
            return f"data file {unquote(path)} has {file.stat().st_size} bytes, the log records {size}"
    return None


def refuse_damaged(storage: Storage, table: str, version: int | None = None) -> None:
    """Raise where a data file of the table is damaged, with what to do."""
    problem = damage(storage, table, version)
    if problem is not None:
        at = "" if version is None else f", version {version}"
        raise CorruptTableError(f"{table}{at}: {problem}. {repair(table)}")


@contextlib.contextmanager
def explained(storage: Storage) -> Iterator[None]:
    """Where reading fails within, look for a damaged data file and name it."""
    try:
        yield
    except BaseException as error:
        # A truncated file panics inside the reader, past every `except Exception`.
        if isinstance(error, FileNotFoundError | pl.exceptions.PolarsError) or type(error).__name__ == "PanicException":
            for name, table in TABLES.items():
                if table.view_of is None and storage.open(name) is not None:
                    refuse_damaged(storage, name)
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
        return "Restore the folder from a backup; without it, `carti-lake run --full` publishes the first release anew."
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
    return f"Remove the folder {name.replace('.', '/')}, then `carti-lake run --full`: it is rebuilt from bronze."
