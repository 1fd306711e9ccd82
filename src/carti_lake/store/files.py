"""Files of a lake that are no tables', and folders of object stores."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from carti_lake.store.durable import sync
from carti_lake.store.errors import LakeError, translated
from carti_lake.store.storage import Storage

if TYPE_CHECKING:
    from deltalake.fs import DeltaStorageHandler
    from pyarrow.fs import FileSystem


class HeldOpenError(LakeError):
    """A file cannot be replaced, since another program holds it open."""


class UnreachableError(OSError):
    """A folder of an object store cannot be reached."""


def read_file(storage: Storage, name: str) -> bytes | None:
    """Content of a file of the lake that is no table's, or None where it is not there."""
    if storage.local is not None:
        path = storage.local / name
        return path.read_bytes() if path.is_file() else None
    with translated(name):
        try:
            return bytes(object_store(storage.uri, storage.options).open_input_file(name).read())
        except FileNotFoundError:
            return None


def write_file(storage: Storage, name: str, content: bytes) -> None:
    """Write such a file, whole or not at all."""
    if storage.local is not None:
        path = storage.local / name
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
        unfinished.write_bytes(content)
        put_in_place(unfinished, path)
        return
    with translated(name):
        send(object_store(storage.uri, storage.options), name, [content])


def put_in_place(unfinished: Path, path: Path) -> None:
    """Let a finished file take the place of the one before, at once; it outlasts a power cut.

    Raises
    ------
    HeldOpenError
        Where another program bars that, as Excel does on Windows; the new file then stands beside.
    """
    sync([unfinished], path.parent)
    _take_place(unfinished, path)
    sync([path], path.parent)


def put_all_in_place(unfinished: Path, folder: Path) -> None:
    """As `put_in_place` for every file of a folder, in one sweep; those that are held open do not bar the others."""
    files = {path: folder / path.relative_to(unfinished) for path in sorted(unfinished.rglob("*")) if path.is_file()}
    sync(files, unfinished)
    held: HeldOpenError | None = None
    for file, path in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _take_place(file, path)
        except HeldOpenError as error:
            held = error
    sync(files.values(), folder)
    if held is not None:
        raise held


def _take_place(unfinished: Path, path: Path) -> None:
    try:
        os.replace(unfinished, path)
    except PermissionError as error:
        # A folder that may not be written to would have refused the unfinished file already.
        beside = path.with_name(f"{path.stem}.new{path.suffix}")
        try:
            os.replace(unfinished, beside)
        except PermissionError:
            raise error from None
        raise HeldOpenError(
            f"{path} is held open by another program and stays as it was; the new one is {beside.name}, beside it. "
            f"Close {path.name} (in Excel, or in Power BI) and run the command again."
        ) from error


def object_store(address: str, options: Mapping[str, str]) -> "DeltaStorageHandler":
    """A folder of an object store, to read, write and list in; errors are the store's own."""
    from deltalake.fs import DeltaStorageHandler

    return DeltaStorageHandler(address, options=dict(options) or None)


def folder_of(address: str, options: Mapping[str, str]) -> "FileSystem":
    """A folder of an object store as Arrow's file system, to read, list and delete in.

    Raises
    ------
    UnreachableError
        Where it cannot be reached, with the store's reason.
    """
    from deltalake.exceptions import DeltaError, TableNotFoundError
    from pyarrow.fs import PyFileSystem

    try:
        return PyFileSystem(object_store(address, options))
    except TableNotFoundError:
        raise FileNotFoundError(address) from None
    except DeltaError as error:
        raise UnreachableError(str(error).strip().splitlines()[-1].strip()) from error


def send(store: "DeltaStorageHandler", name: str, chunks: Iterable[bytes]) -> None:
    """Write a file of an object store; it is there when all of it is."""
    # Not through Arrow's stream: it passes on buffers of its own, where deltalake takes bytes.
    out = store._handler.open_output_stream(name)
    for chunk in chunks:
        out.write(chunk)
    out.close()  # type: ignore[attr-defined]
