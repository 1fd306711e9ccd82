"""Where an outlet's files go: a path or an object store, and never half a file."""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path, PurePath

from carti_lake.store.files import object_store, put_all_in_place, put_in_place, send

CHUNK = 8 << 20


def file_of(target: str, usual: str) -> str:
    """The file that a target means: itself where it ends as the usual name does, else that name in it as a folder."""
    return target if target.endswith(PurePath(usual).suffix) else f"{target.rstrip('/')}/{usual}"


@contextlib.contextmanager
def file_at(target: str, options: Mapping[str, str]) -> Iterator[Path]:
    """A path to write to; the file appears at the target, whole, when the block ends without an error.

    Parameters
    ----------
    target
        File, or its address in an object store.
    options
        Credentials and endpoints of the object store.
    """
    if "://" in target:
        with folder_at(target.rpartition("/")[0], options) as folder:
            yield folder / target.rpartition("/")[2]
        return
    path = Path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.part")
    try:
        yield unfinished
        put_in_place(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextlib.contextmanager
def folder_at(target: str, options: Mapping[str, str]) -> Iterator[Path]:
    """A folder to write files to; they take their places in the target when the block ends without an error."""
    if "://" not in target:
        Path(target).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target, prefix=".unfinished-") as unfinished:
            yield Path(unfinished)
            put_all_in_place(Path(unfinished), Path(target))
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)
        store = object_store(target, options)
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file():
                with path.open("rb") as file:
                    send(store, path.relative_to(folder).as_posix(), iter(partial(file.read, CHUNK), b""))
