"""What of a table's log can be read, for those who mend it."""

from pathlib import Path
from typing import TYPE_CHECKING

from carti_lake.store.errors import COMMITS, DIGITS, CorruptTableError, unreadable
from carti_lake.store.log import commits
from carti_lake.store.storage import Storage

if TYPE_CHECKING:
    from deltalake import DeltaTable


def opens_whole(storage: Storage, name: str) -> bool:
    """Whether the table can be opened, and all that its commits say can be read."""
    try:
        handle = storage.open(name)
        return handle is not None and commits(handle, -1) is not None
    except CorruptTableError:
        return False


def is_another(handle: "DeltaTable | None", folder: Path) -> bool:
    """Whether what opens is not the table that the commits tell of: a checkpoint of another one is beside them."""
    first = folder / "_delta_log" / f"{0:0{DIGITS}}.json"
    if handle is None or not first.is_file():
        return False
    return str(handle.metadata().id) not in first.read_text("utf-8", "replace")


def torn_commits(folder: Path) -> list[Path]:
    """The last commits of a log that cannot be read."""
    torn: list[Path] = []
    for path in sorted((folder / "_delta_log").glob(COMMITS), reverse=True):
        if unreadable(path) is None:
            break
        torn.append(path)
    return torn


def beside_whole_commits(folder: Path) -> list[Path]:
    """Checkpoints of a log whose commits are all there and can be read."""
    log = folder / "_delta_log"
    numbers = sorted(int(path.stem) for path in log.glob(COMMITS))
    whole = numbers == list(range(len(numbers))) and all(unreadable(log / f"{one:020}.json") is None for one in numbers)
    return [*log.glob("*.checkpoint*.parquet"), *log.glob("_last_checkpoint")] if whole else []
