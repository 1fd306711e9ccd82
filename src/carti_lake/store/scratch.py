"""A folder for what a step of a run spills; whoever holds the lake has it to themselves."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from carti_lake.store.storage import Storage

FOLDER = ".scratch"


@contextlib.contextmanager
def scratch(storage: Storage) -> Iterator[Path]:
    """An empty folder, beside the tables of a local lake, else on this machine; gone when the step ends."""
    with tempfile.TemporaryDirectory(dir=_local(storage), prefix="carti_lake-") as folder:
        yield Path(folder)


def sweep(storage: Storage) -> None:
    """Remove what a killed run has left behind."""
    if storage.local is not None:
        shutil.rmtree(storage.local / FOLDER, ignore_errors=True)


def _local(storage: Storage) -> Path | None:
    if storage.local is None:
        return None
    folder = storage.local / FOLDER
    folder.mkdir(exist_ok=True)
    return folder
