"""A folder of files, on this machine or in an object store: what is in it, read, written and removed alike."""

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from carti_lake.store.durable import sync
from carti_lake.store.files import folder_of, object_store, send

if TYPE_CHECKING:
    from deltalake.fs import DeltaStorageHandler
    from pyarrow.fs import FileSystem

CHUNK = 8 << 20


@dataclass(frozen=True)
class Place:
    """A folder, or an address in an object store; files are named by their path within it, with slashes.

    Attributes
    ----------
    address
        Where it is.
    options
        How to reach an object store.
    """

    address: str
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def local(self) -> Path | None:
        """The folder; None in an object store."""
        return None if "://" in self.address else Path(self.address)

    @cached_property
    def _files(self) -> "FileSystem":
        return folder_of(self.address, self.options)

    @cached_property
    def _store(self) -> "DeltaStorageHandler":
        return object_store(self.address, self.options)

    def sizes(self, folder: str) -> dict[str, int]:
        """Bytes of every file below a folder, by its name; none where the folder is not there."""
        if self.local is not None:
            found = (path for path in (self.local / folder).rglob("*") if path.is_file())
            return {path.relative_to(self.local).as_posix(): path.stat().st_size for path in found}
        from pyarrow.fs import FileSelector

        there = self._files.get_file_info(FileSelector(folder, recursive=True, allow_not_found=True))
        return {one.path.lstrip("/"): one.size for one in there if one.is_file}

    def read(self, name: str) -> Iterator[bytes]:
        """A file's content, a part at a time."""
        if self.local is not None:
            with (self.local / name).open("rb") as file:
                yield from iter(partial(file.read, CHUNK), b"")
            return
        with self._files.open_input_file(name) as file:
            yield from iter(partial(file.read, CHUNK), b"")

    def digest(self, name: str) -> str:
        """SHA-256 of a file."""
        return _digest(self.read(name))

    def write(self, name: str, content: Iterable[bytes]) -> None:
        """Write a file, whole or not at all; on this machine it is durable once `keep` has been called."""
        if self.local is None:
            send(self._store, name, content)
            return
        path = self.local / name
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.part")
        with unfinished.open("wb") as file:
            file.writelines(content)
        os.replace(unfinished, path)

    def keep(self, names: Iterable[str]) -> None:
        """Make written files outlast a power cut, in one sweep; an object store's do already."""
        if self.local is not None:
            sync([self.local / name for name in names], self.local)

    def remove(self, folder: str) -> None:
        """Remove a folder with all that is in it."""
        if self.local is not None:
            shutil.rmtree(self.local / folder)
            return
        for name in self.sizes(folder):
            self._files.delete_file(name)


def _digest(content: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in content:
        digest.update(part)
    return digest.hexdigest()
