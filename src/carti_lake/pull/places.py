"""Folders by their address: of this machine, SFTP, object stores, HTTPS."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from carti_lake.pull.declaration import Source
from carti_lake.pull.https import https
from carti_lake.pull.place import CHUNK, BrokenTransferError, Place, Seen, is_below
from carti_lake.pull.secrets import SourceError
from carti_lake.pull.sftp import sftp
from carti_lake.store.files import folder_of

#: Object stores, as their addresses begin.
STORES = ("s3", "s3a", "gs", "az", "abfs", "abfss", "azure")


@contextmanager
def place_of(source: Source, environment: Mapping[str, str], options: Mapping[str, str]) -> Iterator[Place]:
    """The folder that a source of kind ``folder`` is.

    Parameters
    ----------
    source
        Its address says where.
    environment
        Where secrets are looked up.
    options
        How to reach an object store.

    Raises
    ------
    SourceError
        It cannot be reached; the server's own words are not repeated.
    """
    address = source.secret("address", environment) or ""
    scheme, sign, _ = address.partition("://")
    if not sign:
        root = source.file.parent / Path(address).expanduser()
        if not root.is_dir():
            raise SourceError(f"{source.name}: its folder is not there, or is none.")
        yield Place(partial(_below, root), partial(_open, root), root)
        return
    openers: dict[str, Callable[[], AbstractContextManager[Place]]] = {
        "sftp": lambda: sftp(
            source.name,
            address,
            password=source.secret("password", environment),
            key=source.secret("key", environment),
            host_key=source.host_key,
        ),
        **dict.fromkeys(
            ("https", "http"),
            lambda: https(source.name, address, source.secret("password", environment), source.complete),
        ),
        **dict.fromkeys(STORES, lambda: _store(source.name, address, options)),
    }
    if scheme not in openers:
        raise SourceError(f"{source.name}: an address begins with {', '.join(openers)}, or is a folder's path.")
    with openers[scheme]() as place:
        yield place


def _below(root: Path, deep: bool) -> dict[str, Seen]:
    found = {}
    for path in root.rglob("*") if deep else root.glob("*"):
        if path.is_file():
            state = path.stat()
            name = path.relative_to(root).as_posix()
            found[name] = Seen(name, state.st_size, state.st_mtime_ns)
    return found


@contextmanager
def _open(root: Path, name: str, start: int) -> Iterator[Iterator[bytes]]:
    with (root / name).open("rb") as file:
        file.seek(start)
        yield iter(partial(file.read, CHUNK), b"")


@contextmanager
def _store(name: str, address: str, options: Mapping[str, str]) -> Iterator[Place]:
    """A folder of an object store."""
    from pyarrow.fs import FileSelector, FileType

    def listed(deep: bool) -> dict[str, Seen]:
        with _told(name):
            files = store.get_file_info(FileSelector("", recursive=True, allow_not_found=True))
        return {
            one.path: Seen(one.path, one.size, one.mtime_ns or 0)
            for one in files
            if one.type == FileType.File and (deep or "/" not in one.path) and is_below(one.path)
        }

    @contextmanager
    def opened(file: str, start: int) -> Iterator[Iterator[bytes]]:
        try:
            with store.open_input_file(file) as stream:
                stream.seek(start)
                yield iter(partial(_read, stream), b"")
        except OSError as error:
            raise BrokenTransferError from error

    with _told(name):
        store = folder_of(address, dict(options))
    yield Place(listed, opened)


def _read(stream: Any) -> bytes:
    return bytes(stream.read(CHUNK))


@contextmanager
def _told(name: str) -> Iterator[None]:
    try:
        yield
    except OSError:
        raise SourceError(
            f"{name}: the object store does not answer, or refuses. Check the address, and the credentials in AWS_* or "
            "AZURE_*."
        ) from None
