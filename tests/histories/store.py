"""A store whose faults are drawn from one seed: a disk whose power fails, or an object store that answers late.

Actors take turns at the store's points: only one goes on at a time, and who goes on, who dies and what fails is drawn.
So the same seed gives the same history.
"""

import errno
import os
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from tests.doubles.power import Disk, Worst

#: How often an actor hands on its turn at a point, and how often something fails there while faults are on.
TURNS, FAULTS = 0.25, 0.03
#: What becomes of something that was not synced when the power fails: reordered writes are some that are kept.
AFTER_A_CUT: tuple[Worst, ...] = ("lost", "empty", "zeros", "torn", "kept")


class Killed(BaseException):
    """The actor's process has ended; whatever it still asks of the store fails likewise."""


@dataclass(frozen=True)
class InFlight:
    """A commit whose writer was told that it failed: it lands later, if its place is still free then."""

    path: Path
    content: bytes


@dataclass
class Store:
    """Where the tables of a simulated lake are.

    Attributes
    ----------
    root
        Folder for everything.
    draw
        All chance.
    remote
        Whether it behaves as an object store: no folders, no syncs, answers that get lost, lists that lag.
    faults
        Whether anything fails.
    now
        Seconds since 1970, as an actor with a right clock sees them.
    frames
        Rows of every data file ever written, by the file's content.
    """

    root: Path
    draw: random.Random
    remote: bool
    faults: bool = True
    now: float = 1_800_000_000.0
    frames: dict[bytes, pl.DataFrame] = field(default_factory=dict)
    disk: Disk = field(default_factory=Disk)
    numbers: int = 0
    lives: int = 0
    running: "Actor | None" = None
    in_flight: list[InFlight] = field(default_factory=list)
    written_at: dict[Path, float] = field(default_factory=dict)
    syncs_fail: bool = False
    #: Writers that are within a commit: whoever stands still there for an hour is saved by nothing.
    committing: int = 0

    @property
    def folder(self) -> Path:
        """The lake's folder in this life: each failure of the power begins another."""
        return self.root / str(self.lives)

    @property
    def uri(self) -> str:
        """The lake's address, as the product is told it."""
        return f"sim://{self.folder}" if self.remote else str(self.folder)

    def number(self) -> int:
        """The next number: what is named by it is unique."""
        self.numbers += 1
        return self.numbers

    def point(self, *may_fail: str) -> str | None:
        """A place where others may go on, the actor may die, or one of the named things may fail."""
        actor = self.running
        if actor is None:
            return None
        if actor.dead:
            raise Killed
        self.now += self.draw.random()
        if self.draw.random() < TURNS:
            actor.wait()
        if not self.faults:
            return None
        if self.in_flight and self.draw.random() < 0.2:
            self.land()
        if may_fail and self.draw.random() < FAULTS:
            return self.draw.choice(may_fail)
        return None

    def time(self) -> float:
        """Seconds since 1970 by the clock of whoever asks."""
        return self.now + (0.0 if self.running is None else self.running.clock)

    def land(self) -> None:
        """Let a commit arrive that was on its way, where nothing else has taken its place."""
        late = self.in_flight.pop(self.draw.randrange(len(self.in_flight)))
        if late.path.parent.is_dir() and not late.path.exists():
            late.path.write_bytes(late.content)
            self.written_at[late.path] = self.now

    def seen(self, commits: list[Path]) -> list[Path]:
        """The commits that a list shows: an object store's may lack the newest ones for a while."""
        if not (self.remote and self.faults and self.running) or self.draw.random() > 0.15:
            return commits
        newest = self.draw.randint(1, 2)
        late = [one for one in commits[-newest:] if self.now - self.written_at.get(one, 0.0) < 30]
        return [one for one in commits if one not in late]

    def cut_power(self) -> None:
        """Begin another life with what the disk has kept."""
        assert not self.remote
        before = self.folder
        self.lives += 1
        self.disk.cut(before, self.folder, lambda: self.draw.choice(AFTER_A_CUT))

    @contextmanager
    def recording(self) -> Iterator["Store"]:
        """Syncs are recorded, and fail where they are to."""
        with self.disk.recording():
            real = os.fsync

            def fsync(descriptor: int) -> None:
                if self.syncs_fail:
                    raise OSError(errno.EIO, "Input/output error")
                real(descriptor)

            os.fsync = fsync
            try:
                yield self
            finally:
                os.fsync = real


class Actor:
    """Someone who works at the lake: jobs one after the other, in a process that may die."""

    def __init__(self, store: Store, name: str, jobs: list[Callable[[], None]], clock: float) -> None:
        self.store, self.name, self.jobs, self.clock = store, name, jobs, clock
        self.dead = self.done = False
        self._mine, self._others = threading.Semaphore(0), threading.Semaphore(0)
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def go_on(self) -> None:
        """Let it work until its next turn ends."""
        self.store.running = self
        self._mine.release()
        self._others.acquire()
        self.store.running = None

    def wait(self) -> None:
        """Hand the turn on; called by the actor itself."""
        self._others.release()
        self._mine.acquire()
        self.store.running = self
        if self.dead:
            raise Killed

    def _work(self) -> None:
        self._mine.acquire()
        try:
            for job in self.jobs:
                if not self.dead:
                    job()
        except Killed:
            pass
        except BaseException as error:
            self.failure = error
        self.done = True
        self._others.release()


def together(store: Store, actors: list[Actor], events: Callable[[list[Actor]], None]) -> None:
    """Let the actors work by turns until all are done; ``events`` is called between turns."""
    while waiting := [one for one in actors if not one.done]:
        store.draw.choice(waiting).go_on()
        events([one for one in actors if not one.done])
    for one in actors:
        if one.failure is not None:
            raise one.failure


def kill(*actors: Actor) -> None:
    """End the actors' processes at once."""
    for actor in actors:
        actor.dead = True
    for actor in actors:
        while not actor.done:
            actor.go_on()
