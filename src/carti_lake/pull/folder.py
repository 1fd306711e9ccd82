"""A folder as a source: the files in it that are whole and were not taken before."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from carti_lake.pull.declaration import Source
from carti_lake.pull.secrets import SourceError
from carti_lake.sources.extract import file_hash
from carti_lake.sources.locate import LEFTOVERS

#: A line of a manifest: a file's name, or what sha256sum writes.
LINE = re.compile(r"(?:(?P<sha256>[0-9a-fA-F]{64})\s+\*?)?(?P<name>\S.*?)\s*")


@dataclass(frozen=True)
class Seen:
    """A file as it looked: equal looks are of the same content, as far as one can tell without opening it."""

    file: str
    size: int
    modified: int


@dataclass(frozen=True)
class Look:
    """What a folder holds that was not taken before.

    Attributes
    ----------
    whole
        Files that are complete, by their path.
    waiting
        Names of files that are not complete yet.
    """

    whole: Mapping[Path, Seen]
    waiting: tuple[str, ...]


def look(source: Source, taken: set[Seen], environment: Mapping[str, str], wait: Callable[[float], None]) -> Look:
    """The new files of a source of kind ``folder``.

    Parameters
    ----------
    source
        The folder, and how its files show that they are whole.
    taken
        Files taken before, as they looked.
    environment
        Where secrets are looked up.
    wait
        Waits so many seconds, between two looks at files that must be at rest.
    """
    root = source.file.parent / Path(source.secret("address", environment) or "").expanduser()
    if not root.is_dir():
        raise SourceError(f"{source.name}: its folder is not there, or is none.")
    found = {path: seen for path, seen in _seen(root, source.files).items() if seen not in taken}
    if source.complete == "rest":
        again = _again(root, found, source, wait)
        whole = {path: seen for path, seen in found.items() if again.get(path) == seen}
    elif source.complete.startswith("."):
        whole = {path: seen for path, seen in found.items() if _is_marked(path, source.complete)}
    else:
        listed = _manifest(root, source)
        found.pop(root / source.complete, None)
        whole = {path: seen for path, seen in found.items() if _is_listed(path, seen.file, listed)}
    return Look(whole, tuple(seen.file for path, seen in found.items() if path not in whole))


def _again(root: Path, found: Mapping[Path, Seen], source: Source, wait: Callable[[float], None]) -> dict[Path, Seen]:
    if not found:
        return {}
    wait(source.rest)
    return _seen(root, source.files)


def _seen(root: Path, files: str) -> dict[Path, Seen]:
    seen = {}
    for path in sorted(root.glob(files)):
        below = path.relative_to(root)
        hidden = any(part.startswith((".", "_")) for part in below.parts)
        if not hidden and not LEFTOVERS.fullmatch(path.name) and path.is_file():
            state = path.stat()
            seen[path] = Seen(below.as_posix(), state.st_size, state.st_mtime_ns)
    return seen


def _is_marked(path: Path, suffix: str) -> bool:
    """Whether a mark lies beside the file: ``visits.csv.done`` or ``visits.done``."""
    return path.with_name(path.name + suffix).exists() or path.with_suffix(suffix).exists()


def _manifest(root: Path, source: Source) -> dict[str, str | None]:
    """Files that the manifest lists, with the hashes that it gives."""
    path = root / source.complete
    if not path.is_file():
        return {}
    lines = [match for line in path.read_text("utf-8-sig").splitlines() if (match := LINE.fullmatch(line))]
    return {match["name"]: match["sha256"] for match in lines}


def _is_listed(path: Path, name: str, listed: Mapping[str, str | None]) -> bool:
    if name not in listed:
        return False
    wanted = listed[name]
    return wanted is None or file_hash(path) == wanted.lower()
