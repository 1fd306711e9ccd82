"""Where extracts are: files, globs, folders, object stores."""

import glob
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from carti_lake.sources.extract import ExtractError
from carti_lake.store.files import folder_of

CHUNK = 8 << 20


@dataclass(frozen=True)
class Found:
    """A file that was found, wherever it lies.

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
    """

    name: str
    place: str
    modified: datetime
    store: Any = None
    key: str = ""

    def local(self, folder: Path) -> Path:
        """Path to read it from; an object is fetched into the folder first."""
        if self.store is None:
            return Path(self.place)
        with self.store.open_input_stream(self.key) as source, (folder / "fetched").open("wb") as target:
            shutil.copyfileobj(source, target, CHUNK)
        return folder / "fetched"


def locate(paths: Sequence[str | Path], storage_options: dict[str, str] | None) -> list[Found]:
    """Every file that the paths name, each once, in the order of their names.

    A folder stands for all files below it but hidden ones (``.x``, ``_x``); a URI may end in a glob.
    """
    found: dict[str, Found] = {}
    for path in paths:
        here = list(_objects(str(path), storage_options) if "://" in str(path) else _files(str(path)))
        if not here:
            raise ExtractError(f"{path}: there is no such file. Give a file, a folder, a glob in quotes, or a URI.")
        found |= {one.place: one for one in here}
    return sorted(found.values(), key=lambda one: (one.name, one.place))


def _files(path: str) -> Iterator[Found]:
    for match in [path] if Path(path).exists() else glob.glob(path, recursive=True):
        base = Path(match)
        inside = (
            [base] if base.is_file() else [file for file in base.rglob("*") if _visible(str(file.relative_to(base)))]
        )
        for file in inside:
            if file.is_file():
                modified = datetime.fromtimestamp(file.stat().st_mtime, UTC)
                yield Found(file.name, str(file.resolve()), modified)


def _objects(uri: str, storage_options: dict[str, str] | None) -> list[Found]:
    # Listing starts at the last folder that is spelt out.
    fixed = uri.split("*")[0].split("?")[0]
    folder = uri.rstrip("/") if fixed == uri else fixed.rpartition("/")[0]
    found = [one for one in _listed(folder, storage_options) if fixed == uri or fnmatchcase(one.place, uri)]
    if found or fixed != uri:
        return found
    folder, _, name = uri.rpartition("/")
    return [one for one in _listed(folder, storage_options, name) if one.place == uri]


def _listed(folder: str, storage_options: dict[str, str] | None, name: str = "") -> Iterator[Found]:
    """The files below a folder of an object store, or the one of that name in it."""
    from pyarrow.fs import FileSelector, FileType

    try:
        store = folder_of(folder, storage_options or {})
        infos = store.get_file_info([name] if name else FileSelector("", recursive=True))
    except FileNotFoundError:
        return
    except OSError as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise ExtractError(f"{folder}: cannot be read: {reason}. Check the address and the credentials.") from error
    for info in infos:
        if info.type == FileType.File and _visible(info.path):
            yield Found(info.base_name, f"{folder}/{info.path}", info.mtime, store, info.path)


def _visible(path: str) -> bool:
    return not any(part.startswith((".", "_")) for part in Path(path).parts)
