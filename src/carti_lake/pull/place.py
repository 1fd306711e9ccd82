"""Where a folder of files is: listed, and each file fetched to disk, resumed where a transfer breaks."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from carti_lake.pull.secrets import SourceError
from carti_lake.sources.locate import LEFTOVERS
from carti_lake.store.errors import fault

CHUNK = 1 << 20
#: How often a broken transfer is taken up again, and the seconds before it is, doubled each time.
ATTEMPTS, PAUSE = 5, 1.0


@dataclass(frozen=True)
class Seen:
    """A file as it looked: equal looks are of the same content, as far as one can tell without opening it."""

    file: str
    size: int
    modified: int


class BrokenTransferError(Exception):
    """A transfer that broke off, and may be taken up again; its text names no address."""


@dataclass(frozen=True)
class Place:
    """A folder somewhere.

    Attributes
    ----------
    listed
        Gives every file below it as it looks, by its name, with ``/`` between folders; those in folders only if asked.
    opened
        Gives a file's bytes from a position on, as a stream of chunks.
    here
        The folder itself, where it is one of this machine.
    """

    listed: Callable[[bool], Mapping[str, Seen]]
    opened: Callable[[str, int], AbstractContextManager[Iterator[bytes]]]
    here: Path | None = None

    def seen(self, files: str) -> dict[str, Seen]:
        """Files that a glob names, as they look, but for hidden ones and what lies beside a delivery."""
        found, wanted = self.listed("/" in files or "**" in files), named_by(files)
        return {name: found[name] for name in sorted(found) if wanted(name)}

    def text(self, name: str) -> str | None:
        """A small text, None where there is none."""
        if name not in self.listed("/" in name):
            return None
        try:
            with self.opened(name, 0) as chunks:
                return b"".join(chunks).decode("utf-8-sig")
        except (BrokenTransferError, UnicodeDecodeError):
            raise SourceError(f"{name}: it broke off, or is no text in UTF-8. Pull again.") from None

    def fetch(self, seen: Seen, folder: Path, wait: Callable[[float], None]) -> Path:
        """A file of this machine as it is; any other streamed into the folder, under its own name and with its time.

        Raises
        ------
        SourceError
            It does not come whole, however often it is tried.
        """
        if self.here is not None:
            return self.here / seen.file
        path = folder / seen.file
        path.parent.mkdir(parents=True, exist_ok=True)
        for attempt in range(ATTEMPTS):
            if attempt:
                wait(PAUSE * 2 ** (attempt - 1))
            try:
                size = self._append(seen, path)
            except BrokenTransferError:
                continue
            if size == seen.size:
                if seen.modified:
                    os.utime(path, ns=(seen.modified, seen.modified))
                return path
            if size > seen.size:
                path.unlink()
        raise SourceError(
            f"{seen.file}: it did not come whole in {ATTEMPTS} attempts, or changes meanwhile. Pull again."
        )

    def _append(self, seen: Seen, path: Path) -> int:
        """Take up the transfer where the file on disk ends; gives the size that it then has."""
        with path.open("ab") as file, self.opened(seen.file, file.tell()) as chunks:
            for chunk in chunks:
                try:
                    file.write(chunk)
                except OSError as error:
                    # A full disk is no broken transfer.
                    raise (fault(error, seen.file) or SourceError(f"{seen.file}: {error.strerror}.")) from None
            return file.tell()


def named_by(files: str) -> Callable[[str], bool]:
    """Whether a name is one of a glob's, and not of what is hidden or lies beside a delivery."""
    form = matching(files)
    return lambda name: form.fullmatch(name) is not None and _is_taken(name)


def matching(files: str) -> re.Pattern[str]:
    """A glob as an expression: ``*`` stays in a folder, ``**/`` is any folders."""
    parts = files.split("/")
    form = ""
    for place, part in enumerate(parts):
        last = place == len(parts) - 1
        if part == "**":
            form += ".*" if last else "(?:[^/]+/)*"
        else:
            form += "".join(map(_as_expression, re.findall(r"\[[!]?\]?[^\]]*\]|.", part, re.DOTALL)))
            form += "" if last else "/"
    return re.compile(form, re.DOTALL)


def _as_expression(token: str) -> str:
    if token in ("*", "?"):
        return "[^/]*" if token == "*" else "[^/]"
    return f"(?!/){token.replace('[!', '[^', 1)}" if len(token) > 1 else re.escape(token)


def is_below(name: str) -> bool:
    """Whether a name that a server gives stays below the folder, on any system."""
    parts = PurePosixPath(name).parts
    return bool(parts) and not name.startswith("/") and ".." not in parts and not any(one in name for one in "\\:\0")


def _is_taken(name: str) -> bool:
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith((".", "_")) for part in parts)
    return not hidden and not LEFTOVERS.fullmatch(parts[-1]) and is_below(name)
