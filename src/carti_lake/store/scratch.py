"""A folder for what a step of a run spills; whoever holds the lake has it to themselves."""

import contextlib
import tempfile
import uuid
from collections.abc import Iterator

from carti_lake.store.files import UnreachableError
from carti_lake.store.places import Place
from carti_lake.store.storage import Storage

FOLDER = ".scratch"


@contextlib.contextmanager
def scratch(storage: Storage, *, shared: bool) -> Iterator[Place]:
    """An empty folder beside the tables, or on this machine for a lake in an object store; gone when the step ends.

    ``shared`` says that other machines write and read there: then it is in the object store, too.
    """
    if storage.local is None and shared:
        folder = f"{FOLDER}/{uuid.uuid4().hex}"
        try:
            yield Place(f"{storage.uri.rstrip('/')}/{folder}", storage.options)
        finally:
            Place(storage.uri, storage.options).remove(folder)
        return
    beside = None if storage.local is None else storage.local / FOLDER
    if beside is not None:
        beside.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=beside, prefix="carti_lake-") as here:
        yield Place(here)


def sweep(storage: Storage) -> None:
    """Remove what a killed run has left behind."""
    # Whatever bars that bars the run as well, and is told there.
    with contextlib.suppress(FileNotFoundError, UnreachableError):
        Place(storage.uri, storage.options).remove(FOLDER)
