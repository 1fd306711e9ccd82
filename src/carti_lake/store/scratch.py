"""A folder for what a step of a run spills; whoever holds the lake has it to themselves."""

import contextlib
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from carti_lake.store.files import UnreachableError
from carti_lake.store.places import Place
from carti_lake.store.storage import Storage

FOLDER = ".scratch"


@dataclass(frozen=True)
class Scratch:
    """A folder, or an address in the lake's object store.

    Attributes
    ----------
    address
        Where it is.
    options
        How to reach an object store.
    """

    address: str
    options: Mapping[str, str] = field(default_factory=dict, repr=False)


@contextlib.contextmanager
def scratch(storage: Storage, *, shared: bool) -> Iterator[Scratch]:
    """An empty folder beside the tables, or on this machine for a lake in an object store; gone when the step ends.

    ``shared`` says that other machines write and read there: then it is in the object store, too.
    """
    if storage.local is None and shared:
        there = Scratch(f"{storage.uri.rstrip('/')}/{FOLDER}/{uuid.uuid4().hex}", storage.options)
        try:
            yield there
        finally:
            Place(storage.uri, storage.options).remove(there.address.removeprefix(f"{storage.uri.rstrip('/')}/"))
        return
    folder = None if storage.local is None else storage.local / FOLDER
    if folder is not None:
        folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="carti_lake-") as here:
        yield Scratch(here)


def sweep(storage: Storage) -> None:
    """Remove what a killed run has left behind."""
    # Whatever bars that bars the run as well, and is told there.
    with contextlib.suppress(FileNotFoundError, UnreachableError):
        Place(storage.uri, storage.options).remove(FOLDER)
