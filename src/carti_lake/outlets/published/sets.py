"""Sets of published files, and the manifest that says which one is current (ADR 0024).

```
<target>/_manifest.json           names the current set, and what is in it
<target>/sets/<release>-<hash>/   one snappy file per table, never changed
```

A set's name holds the hash of its files, so one content has one place. The manifest is replaced last, by one rename or
one put: whoever reads it once, and then the files of the set that it names, has the tables of one release.
"""

import contextlib
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carti_lake.outlets.destination import file_at, folder_at
from carti_lake.store.durable import sync
from carti_lake.store.files import folder_of
from carti_lake.store.locks import file_lock

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

MANIFEST = "_manifest.json"
SETS = "sets"
#: Where a set is made, before it has its name.
_UNFINISHED = ".unfinished"


def set_name(release: int, files: Mapping[str, str]) -> str:
    """Name of the set of these files (name to SHA-256)."""
    content = "\n".join(f"{name} {digest}" for name, digest in sorted(files.items()))
    return f"{release}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"


@contextlib.contextmanager
def one_publisher(target: str) -> Iterator[None]:
    """Hold a local target; on an object store whoever publishes sees to it that nobody else does."""
    with contextlib.nullcontext() if "://" in target else file_lock(Path(target), "publish"):
        yield


def current(target: str, options: Mapping[str, str]) -> dict[str, Any] | None:
    """The manifest of a target; None before the first set."""
    if "://" not in target:
        with contextlib.suppress(FileNotFoundError):
            return dict(json.loads((Path(target) / MANIFEST).read_text("utf-8")))
        return None
    store = folder_of(target, options)
    if not store.get_file_info(MANIFEST).is_file:
        return None
    with store.open_input_file(MANIFEST) as file:
        return dict(json.loads(file.read()))


def put(folder: Path, manifest: Mapping[str, Any], target: str, options: Mapping[str, str]) -> None:
    """Move the files of a folder to the target as the set that the manifest names, then make it the current one.

    The set before stays for readers that have begun with it, unless it shows small counts and the new one does not;
    older ones go.
    """
    before = current(target, options)
    with folder_at(f"{target}/{SETS}/{manifest['set']}", options) as place:
        for file in sorted(folder.iterdir()):
            shutil.move(file, place / file.name)
    if "://" not in target:
        # The folders' names, too, before the manifest that names them.
        sync([Path(target) / SETS / manifest["set"]], Path(target))
    with file_at(f"{target}/{MANIFEST}", options) as path:
        path.write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", "utf-8", newline="\n")
    if before is not None and before["set"] != manifest["set"]:
        kept = before["full_counts"] <= manifest["full_counts"]
        _remove_others(target, options, {manifest["set"], *([before["set"]] if kept else [])})


def _remove_others(target: str, options: Mapping[str, str], kept: set[str]) -> None:
    if "://" not in target:
        for path in (Path(target) / SETS).iterdir():
            if path.name not in kept:
                # A reader on Windows may hold a file: then the next publication removes the set.
                shutil.rmtree(path, ignore_errors=True)
        return
    from pyarrow.fs import FileSelector

    store: FileSystem = folder_of(target, options)
    for file in store.get_file_info(FileSelector(SETS, recursive=True)):
        if file.is_file and Path(file.path).parent.name not in kept:
            store.delete_file(file.path)


@contextlib.contextmanager
def workshop(target: str) -> Iterator[Path]:
    """A folder to make a set in, on the target's own disk where it has one; what a killed publisher left goes."""
    if "://" in target:
        with tempfile.TemporaryDirectory() as temporary:
            yield Path(temporary)
        return
    folder = Path(target) / _UNFINISHED
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
