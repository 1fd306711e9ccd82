"""One history: loaders, runners and others at one lake, faults among them, and what must hold after each of these."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from carti_lake.access import audit_log
from carti_lake.releases import publish
from carti_lake.releases.release import Release, latest, releases
from carti_lake.sources import batches
from carti_lake.sources.extract import ExtractError
from carti_lake.store.errors import LakeError
from carti_lake.store.locks import LEASE_SECONDS
from carti_lake.store.storage import Storage
from carti_lake.upkeep import repair
from carti_lake.upkeep.vacuum import vacuum
from tests.histories.lake import BRONZE, GOLD, QUARANTINE, RUNNER, SILVER, Delivered, extract, lake_in, numbers
from tests.histories.store import Actor, Store, kill, together

#: Deliveries of a history: rivals bring the same ones.
DELIVERIES = 3
#: How often the power fails, or a process dies, at a turn.
CUTS, KILLS = 0.01, 0.02


class Wrong(AssertionError):
    """Something that was acknowledged is lost, doubled or seen by half, or the lake is stuck."""


@dataclass
class Told:
    """What was acknowledged.

    Attributes
    ----------
    loaded
        Deliveries.
    releases
        By number, the deliveries that it must hold at least: all that were acknowledged before its run began.
    held
        By number, the rows that it was first seen with.
    locks
        By name, the release.
    heads
        Hashes of entries of the audit log.
    """

    loaded: set[int] = field(default_factory=set)
    releases: dict[int, set[int]] = field(default_factory=dict)
    held: dict[int, dict[str, list[tuple[object, ...]]]] = field(default_factory=dict)
    locks: dict[str, int] = field(default_factory=dict)
    heads: list[str] = field(default_factory=list)


@dataclass
class History:
    """A lake, and who works at it."""

    store: Store
    told: Told = field(default_factory=Told)
    #: What each job came to, for whoever looks at a history that went wrong.
    log: list[str] = field(default_factory=list)

    @property
    def lake(self) -> Storage:
        """The lake, as a process opens it."""
        return Storage(self.store.uri)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.store.time(), UTC)

    def load(self, content: int) -> None:
        list(batches.load(self.lake, Delivered, iter([extract(content)]), quiet))
        self.told.loaded.add(content)

    def run(self, *, full: bool = False) -> None:
        before = set(self.told.loaded)
        result = RUNNER.run(self.lake, full=full, accept=(), secret="", now=self.now(), progress=quiet)
        # Lists that lag may show bronze as it was before what silver has taken in: that is not published.
        if result.failed and not (self.store.remote and self.store.faults):
            raise Wrong(f"an audit failed: {result.failed}")
        if result.release is not None:
            self.told.releases[result.release] = before

    def lock(self) -> None:
        chosen = latest(self.lake)
        if chosen is not None and not chosen.expired:
            name = f"lock-{self.store.number()}"
            publish.lock(self.lake, chosen, name, self.now())
            self.told.locks[name] = chosen.number

    def note(self) -> None:
        entry = audit_log.Entry(self.now(), "ann", "read", f"page {self.store.number()}")
        self.told.heads.append(audit_log.append(self.lake, [entry]))

    def vacuum(self) -> None:
        # Some hours after what was written last, so that there is something to remove; not within anybody's commit.
        if not self.store.committing and self.store.draw.random() < 0.3:
            self.store.now += 2 * LEASE_SECONDS
        vacuum(self.lake, keep_days=0, now=self.now(), dry_run=False, progress=quiet)

    def job(self, name: str, work: Callable[[], None]) -> Callable[[], None]:
        """The work as an actor does it: an error that tells what to do is no acknowledgement, and no fault."""

        def attempt() -> None:
            try:
                work()
            except (LakeError, ExtractError) as error:
                self.log.append(f"{name}: {type(error).__name__}: {error}")
            else:
                self.log.append(f"{name}: done")

        return attempt

    def jobs(self) -> list[Callable[[], None]]:
        """A few jobs of one actor."""
        draw = self.store.draw
        kinds = draw.choices(["load", "run", "lock", "note", "vacuum"], [5, 5, 1, 1, 1], k=draw.randint(1, 3))
        found = []
        for kind in kinds:
            content = draw.randrange(DELIVERIES)
            work = (lambda content=content: self.load(content)) if kind == "load" else getattr(self, kind)
            found.append(self.job(f"{kind} {content}" if kind == "load" else kind, work))
        return found

    def epoch(self) -> None:
        """Some actors at once, until they are done, or dead, or the power fails."""
        store, draw = self.store, self.store.draw
        # On a folder all processes have one clock; on an object store each machine has its own.
        clocks = [draw.choice([0.0, 0.0, -3000.0, 3000.0, 90_000.0]) if store.remote else 0.0 for _ in range(3)]
        actors = [Actor(store, f"actor {one}", self.jobs(), clock) for one, clock in enumerate(clocks)]

        def events(waiting: list[Actor]) -> None:
            if waiting and draw.random() < KILLS:
                self.log.append("a process dies")
                kill(draw.choice(waiting))
            if waiting and not store.committing and draw.random() < 0.01:
                store.now += 2 * LEASE_SECONDS
            if waiting and not store.remote and draw.random() < CUTS:
                self.log.append("the power fails")
                kill(*waiting)
                store.cut_power()

        store.syncs_fail = not store.remote and draw.random() < 0.1
        together(store, actors, events)
        store.syncs_fail = False

    def live(self) -> None:
        """The whole history.

        Raises
        ------
        Wrong
            Where what was acknowledged is not as it was told, or the lake does not come to rest once nothing fails.
        """
        with lake_in(self.store):
            for _ in range(self.store.draw.randint(1, 2)):
                self.epoch()
                self.safe()
            self.store.faults = False
            while self.store.in_flight:
                self.store.land()
            self.store.now += 2 * LEASE_SECONDS
            self.whole()
            if self.store.draw.random() < 0.2:
                self.kept_up()
            self.safe()

    def whole(self) -> None:
        """Everything is delivered again, and a run takes it in."""
        for content in range(DELIVERIES):
            self.load(content)
        self.run()
        newest = latest(self.lake)
        if newest is None:
            raise Wrong("there is no release")
        wanted = sorted(one for content in range(DELIVERIES) for one in numbers(content))
        rows = self.rows(newest)
        found = sorted(row[0] for table in (SILVER, QUARANTINE) for row in rows[table])
        if found != wanted:
            raise Wrong(f"the release at the end holds {found}")

    def kept_up(self) -> None:
        """A release is locked, another one follows, and hours later a vacuum removes what neither needs."""
        self.lock()
        self.load(DELIVERIES)
        self.run()
        self.store.now += 2 * LEASE_SECONDS
        self.vacuum()

    def rows(self, release: Release) -> dict[str, list[tuple[object, ...]]]:
        """The rows of a release, by table; seen by half where its tables do not belong together."""
        frames = {name: self.lake.scan(name, version).collect() for name, version in release.versions.items()}
        if sorted(frames) != sorted((BRONZE, SILVER, QUARANTINE, GOLD)):
            raise Wrong(f"release {release.number} has {sorted(frames)}")
        taken_in = pl.concat([frames[SILVER], frames[QUARANTINE]]).sort("number")
        delivered = frames[BRONZE].select("number", "batch_id").sort("number")
        if not taken_in.equals(delivered):
            raise Wrong(f"release {release.number} is seen by half: {delivered.rows()} became {taken_in.rows()}")
        sums = taken_in.group_by("batch_id").agg(rows=pl.len().cast(pl.Int64), total=pl.col("number").sum())
        if not sums.sort("batch_id").equals(frames[GOLD].select(sums.columns).sort("batch_id")):
            raise Wrong(f"release {release.number}: gold is of other rows than silver")
        told = {**frames, BRONZE: delivered}
        return {name: frame.sort(frame.columns[0]).rows() for name, frame in told.items()}

    def safe(self) -> None:
        """What was acknowledged is there, once, as it was; a lake that was cut off is repaired first, as it says."""
        self.mended()
        told, storage = self.told, self.lake
        delivered = [] if storage.open(BRONZE) is None else storage.scan(BRONZE).collect()["number"].to_list()
        if len(delivered) != len(set(delivered)):
            raise Wrong(f"a delivery is doubled: {sorted(delivered)}")
        for content in range(DELIVERIES):
            there = numbers(content) & set(delivered)
            if content in told.loaded and there != numbers(content):
                raise Wrong(f"delivery {content} was acknowledged, and {sorted(there)} is there")
            if there and there != numbers(content):
                raise Wrong(f"delivery {content} is there by half: {sorted(there)}")
        found = {one.number: one for one in releases(storage)}
        for number, least in told.releases.items():
            if number not in found:
                raise Wrong(f"release {number} was acknowledged, and is not there")
            release = found[number]
            kept = release.locks or number == max(found)
            if release.expired:
                if kept:
                    raise Wrong(f"release {number} is kept, and has expired")
                continue
            rows = self.rows(release)
            if told.held.setdefault(number, rows) != rows:
                raise Wrong(f"release {number} is not what it was")
            # A run to which a list that lags showed no newer delivery leaves it to the next one.
            least = set() if self.store.remote else least
            if missing := {one for content in least for one in numbers(content)} - {row[0] for row in rows[BRONZE]}:
                raise Wrong(f"release {number} lacks {sorted(missing)}, loaded before its run")
        for name, number in told.locks.items():
            if number not in found or name not in found[number].locks:
                raise Wrong(f"lock {name} of release {number} is not there")
        verdict = audit_log.verify(storage)
        if verdict.faults:
            raise Wrong(f"the audit log: {verdict.faults}")
        hashes = storage.scan(audit_log.TABLE).collect()["hash"].to_list()
        if lost := [head for head in told.heads if hashes.count(head) != 1]:
            raise Wrong(f"{len(lost)} entries of the audit log are not there once")

    def mended(self) -> None:
        """What the errors of a lake that was cut off say: repair, and rebuild where that says so."""
        storage = self.lake
        if storage.local is None or not storage.local.is_dir():
            return
        steps = repair.mend(storage, self.now(), quiet)
        self.log += [f"repair: {step.table}: {step.problem} {step.remedy}" for step in steps]
        if left := [step for step in steps if step.mend is None]:
            raise Wrong(f"repair cannot mend {left[0].table}: {left[0].problem}")
        if rebuilt := [step for step in steps if step.rebuild]:
            if self.told.releases:
                raise Wrong(f"what an acknowledged release reads is damaged: {rebuilt[0].table}: {rebuilt[0].problem}")
            self.run(full=True)


def quiet(step: str) -> None:
    """Progress that nobody looks at."""


def begin(folder: Path, seed: int) -> History:
    """The history of a seed, before anything has happened; odd ones are of object stores."""
    history = History(Store(folder, random.Random(seed), remote=seed % 2 == 1))
    history.store.folder.mkdir(parents=True)
    return history
