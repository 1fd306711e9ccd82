"""The lake: one object through which extracts go in and releases come out."""

import getpass
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from carti_lake.access import audience as audiences
from carti_lake.access import full_counts
from carti_lake.access.viewer import Audience
from carti_lake.releases import diff, publish, quality, release
from carti_lake.releases.explain import Explanation
from carti_lake.releases.explain import explain as explain_change
from carti_lake.releases.quarantine import refused
from carti_lake.releases.release import Release, When
from carti_lake.releases.view import View
from carti_lake.runner import RunResult
from carti_lake.runner import run as runner
from carti_lake.runner.engine import Map, here
from carti_lake.runner.patient_key import secret_from
from carti_lake.sources import batches
from carti_lake.sources.mapping import SourceMap
from carti_lake.store.errors import LakeError
from carti_lake.store.log import commits
from carti_lake.store.storage import Storage, storage_at
from carti_lake.tables import Feed, Thresholds, find
from carti_lake.tables.quarantine import QUARANTINE
from carti_lake.tables.silver import HIDDEN
from carti_lake.upkeep import repair, status
from carti_lake.upkeep.optimize import optimize
from carti_lake.upkeep.repair import Step
from carti_lake.upkeep.tables import Upkeep, stored
from carti_lake.upkeep.vacuum import vacuum
from carti_lake.upkeep.verify import Check, verify

if TYPE_CHECKING:
    from carti_lake.models import registry
    from carti_lake.pull.declaration import Source
    from carti_lake.pull.edge import Edge
    from carti_lake.pull.pull import Planned, Pulled
    from carti_lake.sources.extract import Extract
    from carti_lake.sources.preview import Preview

Progress = Callable[[str], None]


def _quiet(step: str) -> None:
    """Progress for callers that show none."""


def _clock() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Lake:
    """A lakehouse in a folder or bucket.

    Parameters
    ----------
    uri
        Local folder, or ``s3://``, ``abfss://``, ``gs://``.
    storage_options
        Credentials and endpoints for an object store, in lower case, as deltalake and Polars take them.
    clock
        Gives the present (UTC); replaced in tests.
    environment
        Where secrets are read from.
    """

    uri: str | Path
    storage_options: Mapping[str, str] = field(default_factory=dict, repr=False)
    clock: Callable[[], datetime] = field(default=_clock, repr=False)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    @property
    def storage(self) -> Storage:
        """Where the tables are."""
        return storage_at(str(self.uri), self.storage_options)

    def load(
        self,
        feed: str,
        *extracts: Any,
        extract_date: date | None = None,
        delivered_at: datetime | None = None,
        mapping: Mapping[str, Any] | SourceMap | None = None,
        progress: Progress = _quiet,
    ) -> list[batches.Loaded]:
        """Load extracts into the feed's bronze table: paths, globs, folders, frames, Arrow, or lists of dictionaries.

        Parameters
        ----------
        feed
            Name of the feed.
        extracts
            What to load; the same content loaded twice is loaded once.
        extract_date
            Day that the extracts are about; else the day or month in the file's name, else the day of delivery.
        delivered_at
            When the source delivered them; else the time in the file's name, else the file's own, else now.
        mapping
            How the source's columns become the feed's: what a map's file may hold, see ``docs/mapping.md``.
        progress
            Called with the name of each extract.

        Raises
        ------
        ExtractError
            Where an extract cannot be read as this feed; bronze is then as before.
        """
        loaded = self.iter_load(
            feed, *extracts, extract_date=extract_date, delivered_at=delivered_at, mapping=mapping, progress=progress
        )
        return list(loaded)

    def iter_load(
        self,
        feed: str,
        *extracts: Any,
        extract_date: date | None = None,
        delivered_at: datetime | None = None,
        mapping: Mapping[str, Any] | SourceMap | None = None,
        progress: Progress = _quiet,
    ) -> Iterator[batches.Loaded]:
        """As :meth:`load`, one extract at a time."""
        declared = batches.feed_of(feed)
        opened = self._opened(declared, extracts, extract_date=extract_date, delivered_at=delivered_at, mapping=mapping)
        yield from batches.load(self.storage, declared, opened, progress)

    def preview(
        self,
        feed: str,
        *extracts: Any,
        extract_date: date | None = None,
        delivered_at: datetime | None = None,
        mapping: Mapping[str, Any] | SourceMap | None = None,
        progress: Progress = _quiet,
    ) -> Iterator["Preview"]:
        """What :meth:`load` would do with each extract, and which rows silver would refuse; nothing is kept."""
        from carti_lake.sources.preview import preview

        declared = batches.feed_of(feed)
        opened = self._opened(declared, extracts, extract_date=extract_date, delivered_at=delivered_at, mapping=mapping)
        yield from preview(self.storage, declared, opened, secret_from(self.environment), progress)

    def _opened(self, feed: type[Feed], extracts: Sequence[Any], **how: Any) -> Iterator["Extract"]:
        from carti_lake.sources.opened import open_extracts

        return open_extracts(extracts, feed, clock=self.clock, storage_options=dict(self.storage_options), **how)

    def sources(self, *names: str, folder: str | Path | None = None) -> "list[Source]":
        """The declared sources, all or those named; ``folder`` is where, else ``sources`` in the lake's folder."""
        from carti_lake.pull.declaration import folder_of, read_sources

        return read_sources(folder_of(self.storage, folder), names)

    def pull(
        self, *names: str, folder: str | Path | None = None, keys: bool = False, progress: Progress = _quiet
    ) -> "list[Pulled]":
        """Take in what is new of all declared sources, or of those named; ``keys`` withdraws what databases deleted."""
        from carti_lake.pull.pull import pull

        return pull(self.storage, self.sources(*names, folder=folder), self.edge, progress, keys=keys)

    def plan_pull(self, *names: str, folder: str | Path | None = None) -> "list[Planned]":
        """What :meth:`pull` would take; nothing is kept."""
        from carti_lake.pull.pull import plan

        return plan(self.storage, self.sources(*names, folder=folder), self.edge)

    @property
    def edge(self) -> "Edge":
        """Clock, patience and secrets for pulling."""
        from carti_lake.pull.edge import Edge

        return Edge(self.clock, time.sleep, self.environment)

    def run(
        self, *, full: bool = False, accept: Collection[str] = (), progress: Progress = _quiet, engine: Map = here
    ) -> RunResult:
        """Bring silver, gold and models up to date, audit them, and publish a release.

        Parameters
        ----------
        full
            Rebuild everything from bronze.
        accept
            Names of audits whose failure you accept for this release.
        progress
            Called with the name of each step.
        engine
            Where the work is done that grows with the rows: here, or :func:`carti_lake.runner.spark.spark`.
        """
        secret, now = secret_from(self.environment), self.clock()
        return runner(self.storage, full=full, accept=accept, secret=secret, now=now, progress=progress, engine=engine)

    def train(
        self, models: Collection[str] = (), *, seed: int = 0, progress: Progress = _quiet
    ) -> list["registry.Outcome"]:
        """Train models on the latest release: those named, or those that are due; the next run scores with them.

        Parameters
        ----------
        models
            Names; none for every model that was never trained or whose data has moved.
        seed
            Of all randomness: the same release and seed give the same model.
        progress
            Called with the name of each model.
        """
        from carti_lake.models import registry
        from carti_lake.models.catalogue import MODELS, find_model

        chosen = [find_model(name) for name in dict.fromkeys(models)] or list(MODELS.values())
        return registry.train(
            [View(self.storage, one, self.clock) for one in release.monthly(select(self, None), self.releases())],
            chosen,
            forced=bool(models),
            seed=seed,
            now=self.clock(),
            progress=progress,
        )

    def models(self) -> pl.DataFrame:
        """Every model with its current version, when and on what it was trained, and why it is due, if it is."""
        from carti_lake.models import registry

        return registry.overview(self.at())

    def at(self, when: When | None = None, *, release: int | str | None = None) -> View:
        """The lake as of a release: by number, by a lock's name, or the one that stood at a time.

        Raises
        ------
        ReleaseError
            Where none stood then, the time lies in the future, or its files are gone.
        """
        return View(self.storage, select(self, release if release is not None else when), self.clock)

    def scan(self, table: str) -> pl.LazyFrame:
        """Lazy rows of a table of the latest release."""
        return self.at().scan(table)

    def query(self, sql: str) -> pl.LazyFrame:
        """Lazy result of a SELECT over the latest release."""
        return self.at().query(sql)

    def metric(self, metric_id: str, by: Sequence[str] = ()) -> pl.LazyFrame:
        """A metric of the latest release, at any grain: ``lake.metric("denial_rate", by=["provider_id"])``."""
        return self.at().metric(metric_id, by)

    def releases(self) -> list[Release]:
        """All releases, oldest first."""
        return release.releases(self.storage)

    def lock(self, name: str, which: When | None = None) -> Release:
        """Keep a release (default: the latest) under a name; vacuum keeps its files."""
        chosen = select(self, which)
        publish.lock(self.storage, chosen, name, self.clock())
        return chosen

    def unlock(self, name: str) -> Release:
        """Remove a lock."""
        return publish.unlock(self.storage, name, self.clock())

    def history(self, table: str) -> list[dict[str, Any]]:
        """The versions of a table, newest first: version, time, operation, rows added, releases that hold it."""
        declared = find(table)
        name = (declared.view_of or declared).full_name()
        handle = self.storage.open(name)
        if handle is None:
            raise LakeError(f"{name} has no history: nothing has been written to it yet.")
        holding = self.releases()
        return [
            {
                "version": commit.version,
                "at": commit.timestamp,
                "operation": commit.operation,
                "rows_added": commit.rows_added,
                "releases": [one.number for one in holding if one.versions.get(name) == commit.version],
            }
            for commit in reversed(commits(handle, -1))
        ]

    def diff(self, table: str, before: When, after: When) -> pl.LazyFrame:
        """Rows of a table that two releases hold differently: inserted, updated (old and new values), deleted."""
        old, new = self.at(before), self.at(after)
        rows = [view.scan(table) if _holds(view, table) else _nothing(table) for view in (old, new)]
        return diff.diff(rows[0], rows[1], find(table))

    def explain(self, metric: str, before: When, after: When, *, provider: str | None = None) -> Explanation:
        """Why a metric differs between two releases, for the network or one provider (id or name)."""
        return explain_change(self.storage, metric, select(self, before), select(self, after), provider)

    def quarantine(self, entity: str | None = None, *, rule: str | None = None) -> pl.LazyFrame:
        """Refused rows: entity, broken rules, and where each row was delivered; no identifiers of patients.

        Parameters
        ----------
        entity
            Silver entity; None for all.
        rule
            Only rows that broke this rule, e.g. ``visit_date|unreadable``; a column's name stands for all its rules.
        """
        if entity is not None and entity not in QUARANTINE:
            raise LakeError(f"There is no entity {entity!r}. Entities: {', '.join(QUARANTINE)}.")
        names = [entity] if entity is not None else list(QUARANTINE)
        parts = [refused(self.storage, name, rule) for name in names]
        return pl.concat(parts)

    def quality(self) -> pl.DataFrame:
        """Every data-quality check of the latest release with its status, worst first."""
        return self.at().quality()

    def candidate(self) -> View:
        """What the last run made, whether or not it was published: for those who mend what an audit found."""
        chosen = quality.candidate(self.storage, release.latest(self.storage), self.clock())
        return View(self.storage, chosen, self.clock)

    def set_thresholds(self, check: str, wanted: Thresholds | None, *, why: str, who: str | None = None) -> None:
        """Put other thresholds in force for a check, at once and for every release; recorded in ``thresholds``.

        The check is named as ``payment_on_unpaid_claim``, or ``visits.payment_on_unpaid_claim``; None puts those in
        force that the table declares. The reason and who changes them, else the user of this process, are recorded.
        """
        entity, rule = quality.find_check(check)
        quality.set_thresholds(
            self.storage, entity, rule, wanted, who=who or getpass.getuser(), why=why, now=self.clock()
        )

    def thresholds(self, check: str) -> Thresholds:
        """The thresholds of a check that are in force now."""
        return quality.in_force(self.storage, *quality.find_check(check))

    def status(self) -> dict[str, Any]:
        """Freshness, rows, balance, quarantine and the last release, as plain values."""
        return status.status(self.storage, self.clock(), keyed=bool(secret_from(self.environment)))

    def audience(self) -> Audience:
        """For whom outlets are made unless told: the public until somebody declares otherwise."""
        return audiences.declared(self.storage)[0]

    def set_audience(self, audience: Audience | str, *, why: str, who: str | None = None) -> None:
        """Declare for whom outlets are made from now on: ``inside`` (exact) or ``public`` (small counts suppressed).

        The reason and who declares it, else the user of this process, are recorded in ``audience`` and the audit log.
        """
        audiences.declare(self.storage, Audience(audience), who=who or getpass.getuser(), why=why, now=self.clock())

    def disclosures(self) -> pl.DataFrame:
        """The audit log: whoever had an outlet show small counts, when, of which release, and why; newest first."""
        return full_counts.entries(self.storage)

    def optimize(self, table: str | None = None, *, progress: Progress = _quiet) -> list[Upkeep]:
        """Join small files of one table or all."""
        return optimize(self.storage, stored(table), progress)

    def vacuum(self, *, keep_days: int = 90, dry_run: bool = False, progress: Progress = _quiet) -> list[Upkeep]:
        """Remove files that neither the newest, nor a locked, nor a recent release needs."""
        return vacuum(self.storage, keep_days=keep_days, now=self.clock(), dry_run=dry_run, progress=progress)

    def verify(self, table: str | None = None, *, progress: Progress = _quiet) -> list[Check]:
        """Compare data files with the log and with their recorded hashes, for one table or all."""
        return verify(self.storage, stored(table), progress)

    def repair(self, *, progress: Progress = _quiet) -> list[Step]:
        """Mend what is damaged and rebuild what follows from bronze; what only people can bring back is told."""
        steps = repair.mend(self.storage, self.clock(), progress)
        if any(step.rebuild for step in steps) and (failed := self.run(full=True, progress=progress).failed):
            said = "; ".join(f"{one.name}: {one.detail}" for one in failed)
            steps.append(Step("releases", f"What was rebuilt is not published ({said})", "See `carti-lake run`."))
        return steps


def select(lake: Lake, which: When | None) -> Release:
    """The release that ``which`` means, at the lake's present."""
    return release.select(lake.storage, which, lake.clock())


def _holds(view: View, table: str) -> bool:
    declared = find(table)
    return (declared.view_of or declared).full_name() in view.release.versions


def _nothing(table: str) -> pl.LazyFrame:
    declared = find(table)
    columns = {name: dtype for name, dtype in declared.dtypes().items() if name not in HIDDEN}
    return pl.LazyFrame(schema=columns)
