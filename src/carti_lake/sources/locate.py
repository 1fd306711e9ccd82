"""Where extracts are: files, globs, folders, tables in folders, object stores."""

import glob
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from carti_lake.sources.extract import ExtractError
from carti_lake.store.files import folder_of

CHUNK = 8 << 20
#: What lies beside extracts in a drop folder: checksums, signs that a file is whole, files on their way, locks.
LEFTOVERS = re.compile(
    r"~\$.*|\.~lock\..*#|thumbs\.db|desktop\.ini|.*~"
    r"|.*\.(md5|sha1|sha256|sha512|crc|crc32|sfv|ok|done|ready|fin|trg|tmp|temp|part|partial|filepart|crdownload|lock|lck|bak|swp)",
    re.IGNORECASE,
)
#: What shows that a folder is a table of another kind, whose files are not its rows.
DELTA, HUDI, ICEBERG = "_delta_log", ".hoodie", "metadata"
#: Spark's name for a partition whose value is null.
NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class Found:
    """A file or table that was found, wherever it lies.

    Attributes
    ----------
    name
        Its name without folders.
    place
        Its whole path or URI.
    modified
        The time that its store gives for it.
    store, key
        The object store to fetch it from, and its path there; None for a local file.
    is_table
        Whether it is the folder of a Delta table.
    """

    name: str
    place: str
    modified: datetime
    store: Any = None
    key: str = ""
    is_table: bool = False

    @property
    def partitions(self) -> dict[str, str | None]:
        """Columns that the folders above it name, as in ``service_line=oncology/part-0.parquet``."""
        folders = PurePosixPath(self.place.replace("\\", "/")).parts[:-1]
        pairs = [unquote(folder).partition("=") for folder in folders if re.match(r"[A-Za-z_][\w. %-]*=", folder)]
        return {key: None if value in (NULL_PARTITION, "") else value for key, _, value in pairs}

    def local(self, folder: Path) -> Path:
        """Path to read it from; an object is fetched into the folder first."""
        if self.store is None:
            return Path(self.place)
        with self.store.open_input_stream(self.key) as source, (folder / "fetched").open("wb") as target:
            shutil.copyfileobj(source, target, CHUNK)
        return folder / "fetched"


@dataclass(frozen=True)
class Listing:
    """What paths stand for.

    Attributes
    ----------
    found
        Files and tables, each once, in the order of their names.
    left_out
        Names of files in the folders that are no extracts.
    """

    found: list[Found] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def locate(paths: Sequence[str | Path], storage_options: Mapping[str, str] | None) -> Listing:
    """Every file and table that the paths name.

    A folder stands for all files below it but hidden ones (``.x``, ``_x``) and :data:`LEFTOVERS`; the folder of a Delta
    table, for the table; a URI may end in a glob. What a path names by its full name is never left out.

    Raises
    ------
    ExtractError
        Nothing is found, or files belong to a table and are not its rows by themselves.
    """
    found: dict[str, Found] = {}
    left_out: dict[str, str] = {}
    for path in paths:
        here = _objects(str(path), storage_options) if "://" in str(path) else _files(str(path))
        if not here.found:
            raise ExtractError(
                f"{path}: nothing but files that are no extracts: {', '.join(sorted(here.left_out)[:10])}. Name "
                "one to load it."
                if here.left_out
                else f"{path}: there is no such file. Give a file, a folder, a glob in quotes, or a URI."
            )
        found |= {one.place: one for one in here.found}
        left_out |= dict.fromkeys(here.left_out, "")
    return Listing(sorted(found.values(), key=lambda one: (one.name, one.place)), sorted(left_out))


def names_beside(found: Found, listed: Sequence[Found]) -> Iterator[str]:
    """Names of the files that a file was found with, and of those in its folder where that is here."""
    yield from (one.name for one in listed if one is not found)
    if found.store is None and "://" not in found.place:
        yield from (entry.name for entry in os.scandir(Path(found.place).parent) if entry.name != found.name)


def _files(path: str) -> Listing:
    listing = Listing()
    named = Path(path).exists()
    for match in [path] if named else glob.glob(path, recursive=True):
        base = Path(match)
        if base.is_file():
            _refuse_part_of_table(base.resolve())
            if named or not LEFTOVERS.fullmatch(base.name):
                listing.found.append(_local(base))
            else:
                listing.left_out.append(base.name)
        elif base.is_dir() and (named or "**" not in path):
            _refuse_part_of_table(base.resolve() / "x", itself=False)
            _walk(base, listing)
    return listing


def _walk(folder: Path, listing: Listing) -> None:
    if (folder / DELTA).is_dir():
        listing.found.append(_local(folder, is_table=True))
        return
    _refuse_other_table(folder)
    for entry in sorted(folder.iterdir()):
        if entry.is_dir():
            if not entry.name.startswith((".", "_")) and not entry.is_symlink():
                _walk(entry, listing)
        elif entry.is_file():
            if entry.name.startswith((".", "_")) or LEFTOVERS.fullmatch(entry.name):
                listing.left_out.append(entry.name)
            else:
                listing.found.append(_local(entry))


def _local(path: Path, *, is_table: bool = False) -> Found:
    whole = path.resolve()
    return Found(whole.name, str(whole), datetime.fromtimestamp(path.stat().st_mtime, UTC), is_table=is_table)


def _refuse_part_of_table(path: Path, *, itself: bool = True) -> None:
    """Refuse a file, or a folder of files, somewhere within a table's folder."""
    for folder in path.parents if itself else list(path.parents)[1:]:
        if (folder / DELTA).is_dir():
            raise ExtractError(
                f"{path.name if itself else path.parent.name}: is part of the Delta table {folder.name}, whose files "
                f"hold removed rows as well. Load the table's folder {folder.name}."
            )
        _refuse_other_table(folder)


def _refuse_other_table(folder: Path) -> None:
    if (folder / HUDI).is_dir():
        raise ExtractError(_other_table(folder.name, "a Hudi table"))
    if any((folder / ICEBERG).glob("*.metadata.json")):
        raise ExtractError(_other_table(folder.name, "an Iceberg table"))


def _other_table(name: str, kind: str) -> str:
    return (
        f"{name}: {kind}, whose files hold removed rows as well. Export its current rows as Parquet or CSV, or "
        "write a Delta table."
    )


def _objects(uri: str, storage_options: Mapping[str, str] | None) -> Listing:
    # Listing starts at the last folder that is spelt out.
    fixed = uri.split("*")[0].split("?")[0]
    folder = uri.rstrip("/") if fixed == uri else fixed.rpartition("/")[0]
    listing = _listed(folder, storage_options)
    if fixed != uri:
        return Listing([one for one in listing.found if fnmatchcase(one.place, uri)])
    if listing.found or listing.left_out:
        return listing
    folder, _, name = uri.rpartition("/")
    return Listing([one for one in _listed(folder, storage_options, name).found if one.place == uri])


def _listed(folder: str, storage_options: Mapping[str, str] | None, name: str = "") -> Listing:
    """The files and tables below a folder of an object store, or the one of that name in it."""
    from pyarrow.fs import FileSelector, FileType

    listing = Listing()
    try:
        store = folder_of(folder, storage_options or {})
        infos = store.get_file_info([name] if name else FileSelector("", recursive=True))
    except FileNotFoundError:
        return listing
    except OSError as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise ExtractError(f"{folder}: cannot be read: {reason}. Check the address and the credentials.") from error
    files = [info for info in infos if info.type == FileType.File]
    logs = [info for info in files if f"/{DELTA}/" in f"/{info.path}"]
    tables = {f"/{info.path}".split(f"/{DELTA}/")[0].strip("/"): info for info in logs}
    for root, info in tables.items():
        place = f"{folder}/{root}".rstrip("/")
        listing.found.append(Found(place.rpartition("/")[2], place, info.mtime, is_table=True))
    for info in files:
        if any(not root or info.path.startswith(f"{root}/") for root in tables):
            continue
        if f"{HUDI}/" in info.path or re.search(rf"(^|/){ICEBERG}/[^/]*\.metadata\.json$", info.path):
            raise ExtractError(_other_table(folder, "a Hudi table" if f"{HUDI}/" in info.path else "an Iceberg table"))
        parts = PurePosixPath(info.path).parts
        if name or not (any(part.startswith((".", "_")) for part in parts) or LEFTOVERS.fullmatch(info.base_name)):
            listing.found.append(Found(info.base_name, f"{folder}/{info.path}", info.mtime, store, info.path))
        elif not any(part.startswith((".", "_")) for part in parts[:-1]):
            listing.left_out.append(info.base_name)
    return listing
