"""A disk whose power can be cut: it keeps what was synced, and of the rest what is worst."""

import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

#: What becomes of files that were not synced: their names are lost, or kept with nothing, zeros, a part or all in them.
Worst = Literal["lost", "empty", "zeros", "torn", "kept"]
WORST: tuple[Worst, ...] = ("lost", "empty", "zeros")


class Disk:
    """Records every `os.fsync` of this process; `cut` copies what a power cut would have left.

    Attributes
    ----------
    before_sync
        Called before each sync, with how many there were.
    """

    def __init__(self) -> None:
        self.before_sync: Callable[[int], None] = lambda count: None
        self.count = 0
        self._files: dict[int, int] = {}
        self._folders: dict[int, dict[str, int]] = {}
        self._one_at_a_time = threading.RLock()

    @contextmanager
    def recording(self) -> Iterator["Disk"]:
        real = os.fsync

        def fsync(descriptor: int) -> None:
            with self._one_at_a_time:
                self.before_sync(self.count)
                self.count += 1
                now = os.fstat(descriptor)
                if stat.S_ISDIR(now.st_mode):
                    self._folders[now.st_ino] = {entry.name: entry.inode() for entry in os.scandir(descriptor)}
                else:
                    # A number may be given again to another file: of what time its bytes are tells them apart.
                    self._files[now.st_ino] = now.st_mtime_ns

        os.fsync = fsync
        try:
            yield self
        finally:
            os.fsync = real

    def unsynced(self, files: list[Path], root: Path) -> list[str]:
        """Those of the files that a power cut would take, or the name of, or the folder of."""
        return [
            str(file.relative_to(root))
            for file in files
            if not self._kept(file) or not all(self._named(one) for one in (file, *file.parents) if root in one.parents)
        ]

    def cut(self, root: Path, target: Path, worst: Worst | Callable[[], Worst]) -> None:
        """Copy the folder as it is found when the power is back; ``worst`` may be drawn for each file anew."""
        target.mkdir()
        self._copied(target)
        for entry in sorted(root.iterdir()):
            this = worst() if callable(worst) else worst
            if this == "lost" and not self._named(entry):
                continue
            if entry.is_dir():
                self.cut(entry, target / entry.name, worst)
                continue
            content = entry.read_bytes()
            if not self._kept(entry):
                kept = {"zeros": b"\0" * len(content), "torn": content[: len(content) // 2], "kept": content}
                content = kept.get(this, b"")
            (target / entry.name).write_bytes(content)
            self._copied(target / entry.name)

    def _copied(self, path: Path) -> None:
        """What is found when the power is back is on the disk."""
        self._folders.setdefault(path.parent.stat().st_ino, {})[path.name] = path.stat().st_ino
        if not path.is_dir():
            self._files[path.stat().st_ino] = path.stat().st_mtime_ns

    def _kept(self, file: Path) -> bool:
        now = file.stat()
        return self._files.get(now.st_ino) == now.st_mtime_ns

    def _named(self, path: Path) -> bool:
        return self._folders.get(path.parent.stat().st_ino, {}).get(path.name) == path.stat().st_ino
