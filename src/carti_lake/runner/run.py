"""The order of a run, from the batches that wait to the release that readers see."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from carti_lake.models.catalogue import MODELS
from carti_lake.models.registry import all_due, versions
from carti_lake.pipeline.mart import Mart
from carti_lake.pipeline.marts import MARTS
from carti_lake.pipeline.silver.providers import references, resolve_references, with_numbers
from carti_lake.releases.publish import expire, log_recorded, next_number, publish, record_refusal, settle_releases
from carti_lake.releases.release import Audit, latest, releases
from carti_lake.runner.audits import audit
from carti_lake.runner.claim_lines import update_claims_of_lines
from carti_lake.runner.earlier_answers import update_earlier_answers
from carti_lake.runner.engine import Map, here, maker
from carti_lake.runner.entities import REFERENCES, Pending, pending, update_entity
from carti_lake.runner.marts import changes, update_mart
from carti_lake.runner.quality import update_quality, update_reconciliation
from carti_lake.runner.references import update_references
from carti_lake.runner.scores import in_order, update_scores
from carti_lake.store.errors import ConflictError
from carti_lake.store.hashes import new_hashes
from carti_lake.store.integrity import explained, refuse_ahead, refuse_damaged, refuse_lost_commits
from carti_lake.store.locks import lake_lock
from carti_lake.store.log import row_count
from carti_lake.store.scratch import sweep
from carti_lake.store.storage import Storage, scan
from carti_lake.store.write import merge
from carti_lake.tables import ENTITIES, FEEDS, TABLES
from carti_lake.tables.access import AccessChanges, ApiKeys, AudienceChanges, AuditEntries
from carti_lake.tables.disclosures import Disclosures
from carti_lake.tables.publications import Publications
from carti_lake.tables.pulls import Pulls
from carti_lake.tables.releases import Releases
from carti_lake.tables.silver import ProviderReferences, Providers

if TYPE_CHECKING:
    from deltalake import DeltaTable

Progress = Callable[[str], None]
#: Rooms whose tables a run makes.
MADE = ("silver.", "quarantine.", "gold.")
#: Tables that tell of pulls, releases and their readers; the thresholds that it was judged by are part of a release.
OF_NO_RELEASE = tuple(
    table.full_name()
    for table in (
        *(Releases, Disclosures, Publications, Pulls),
        *(AccessChanges, ApiKeys, AudienceChanges, AuditEntries),
    )
)


@dataclass(frozen=True)
class RunResult:
    """What a run did.

    Attributes
    ----------
    release
        Number of the release that it published; None where there was nothing new or an audit failed.
    changed
        Full names of the tables whose rows changed.
    audits
        Results of the audits; empty where there was nothing new.
    accepted
        Failed audits that the caller accepted.
    due
        Why each model that should be trained on the release should be, by its name.
    """

    release: int | None
    changed: tuple[str, ...]
    audits: tuple[Audit, ...] = ()
    accepted: tuple[str, ...] = ()
    due: Mapping[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> tuple[Audit, ...]:
        """Audits that keep readers on the last release."""
        return tuple(one for one in self.audits if not one.passed and one.name not in self.accepted)


@dataclass(frozen=True)
class Plan:
    """What a run would take in: by feed, the batches and rows that wait."""

    waiting: dict[str, dict[str, Any]] = field(default_factory=dict)


def plan(storage: Storage, secret: str, *, full: bool) -> Plan:
    """What a run would do, without doing it."""
    waiting = {}
    for entity in ENTITIES.values():
        work = pending(storage, entity, secret, full=full)
        if work is not None and work.silver_window is not None:
            waiting[entity.feed.short_name] = {
                "batches": len(work.silver_window.batches),
                "extract_dates": sorted({batch["extract_date"] for batch in work.silver_window.batches}),
                "rebuild": work.silver_window.after < 0,
            }
    return Plan(waiting)


def run(
    storage: Storage,
    *,
    full: bool,
    accept: Collection[str],
    secret: str,
    now: datetime,
    progress: Progress,
    engine: Map = here,
) -> RunResult:
    """Bring every table up to date, audit, and publish.

    Parameters
    ----------
    storage
        The lake.
    full
        Rebuild everything from bronze.
    accept
        Names of audits whose failure a person accepts.
    secret
        Key of the patients' pseudonyms.
    now
        Time of the release.
    progress
        Called with what is being done.
    engine
        Where the work is done that grows with the rows.
    """
    if not any(storage.exists(feed.full_name()) for feed in FEEDS.values()):
        return RunResult(None, ())
    with lake_lock(storage, "run"), explained(storage):
        sweep(storage)
        acknowledged = storage.holding()
        # What the tables gain is made durable at once, before the release that names it.
        storage = replace(acknowledged, durable=False, release=next_number(acknowledged))
        _expire_lost(acknowledged, now, full=full)
        # Nothing is built on bytes that are not those that were written.
        refuse_damaged(storage, dict.fromkeys(_existing(storage)))
        standing = latest(storage)
        known = {} if standing is None or standing.expired else standing.versions
        refuse_lost_commits(storage, known)
        if not full:
            refuse_ahead(
                storage, {name: one for name, one in _existing(storage).items() if name.startswith(MADE)}, known
            )
        changed = _update(storage, full=full, secret=secret, progress=progress, engine=engine)
        last = latest(storage)
        if last is not None and last.expired:
            last = None
        existing = _existing(storage)
        tables = {name: (handle.version(), row_count(handle)) for name, handle in existing.items()}
        if last is not None and not full and {name: version for name, (version, _) in tables.items()} == last.versions:
            settle_releases(acknowledged)
            return RunResult(None, tuple(changed))
        progress("audit")
        audits = tuple(audit(storage, last, engine))
        result = RunResult(None, tuple(changed), audits, tuple(sorted(accept)))
        before = {} if last is None else last.versions
        acknowledged.settle(*((handle, before.get(name, -1)) for name, handle in existing.items()))
        if result.failed:
            record_refusal(acknowledged, audits, now)
            return result
        progress("release")
        files = new_hashes(storage, [*tables, Releases.full_name()], {**before, **log_recorded(acknowledged)}, engine)
        as_of = _data_as_of(storage)
        made = {name: engine_name for name, handle in existing.items() if (engine_name := maker(handle)) is not None}
        ids = _ids(existing)
        number = publish(acknowledged, tables, ids, audits, sorted(accept), as_of, now, files, made_on=made)
        rows = {name: count for name, (_, count) in tables.items()}
        return replace(result, release=number, due=all_due(versions(storage), as_of or date.min, rows))


def _update(storage: Storage, *, full: bool, secret: str, progress: Progress, engine: Map) -> list[str]:
    works = {name: pending(storage, entity, secret, full=full) for name, entity in ENTITIES.items()}
    changed: list[str] = []
    none = pl.DataFrame(schema=ProviderReferences.dtypes())
    directory = works.pop(Providers.short_name)
    if directory is not None:
        progress(Providers.full_name())
        changed += update_entity(storage, directory, none, secret, engine)
    progress(REFERENCES)
    known = _update_references(storage, [work for work in works.values() if work is not None])
    for work in works.values():
        if work is not None:
            progress(work.entity.full_name())
            changed += update_entity(storage, work, known, secret, engine)
    progress("silver.earlier_answers")
    changed += ["silver.earlier_answers"] * update_earlier_answers(storage, secret, engine, full=full)
    progress("silver.claims_of_lines")
    changed += update_claims_of_lines(storage, engine, full=full)
    progress("gold.reconciliation")
    changed += ["gold.reconciliation"] * update_reconciliation(storage)
    for step in in_order(MARTS, MODELS.values()):
        if isinstance(step, Mart):
            progress(step.tables[-1].full_name())
            changed += update_mart(storage, step, engine, full=full)
        else:
            progress(f"scores of {step.name}")
            changed += update_scores(storage, step, full=full)
    progress("silver.unknown_references")
    changed += ["silver.unknown_references"] * update_references(storage, full=full)
    progress("gold.data_quality")
    changed += ["gold.data_quality"] * update_quality(storage, engine, full=full)
    # A table that several models fill may have changed for each of them.
    return list(dict.fromkeys(changed))


def _update_references(storage: Storage, works: list[Pending]) -> pl.DataFrame:
    """Every spelling of a provider, those of the waiting batches too, resolved against the directory as it stands."""
    handle = storage.create(REFERENCES, ProviderReferences)
    existing = scan(handle, storage.options)
    named = [existing.select("reference_name", "reference_npi")]
    for work in works:
        if work.silver_window is not None and work.entity.providers:
            named.append(references(work.silver_window.rows(storage, work.entity.feed.full_name()), work.entity))
    directory = storage.scan(Providers.full_name()).filter(~pl.col("withdrawn"))
    resolved = resolve_references(with_numbers(pl.concat(named)), directory).collect(engine="streaming")
    change = changes(resolved.lazy(), existing, ProviderReferences)
    if not change.is_empty():
        merge(storage, handle, change, key=ProviderReferences.key(), partition_by=None, transactions={}, metadata={})
    return resolved


def _existing(storage: Storage) -> dict[str, "DeltaTable"]:
    """Every table that exists and that a release names."""
    names = [name for name, table in TABLES.items() if name not in OF_NO_RELEASE and table.view_of is None]
    return {name: handle for name in names if (handle := storage.open(name)) is not None}


def _ids(tables: Mapping[str, "DeltaTable"]) -> dict[str, str]:
    """Which tables they are, by name: a folder that was removed and made again holds another table."""
    return {name: str(handle.metadata().id) for name, handle in tables.items()}


def _expire_lost(storage: Storage, now: datetime, *, full: bool) -> None:
    """Expire the releases of a table whose folder was removed: its versions will mean other rows.

    Raises
    ------
    ConflictError
        Where an object store shows nothing of a table that a release has, unless all is rebuilt: its lists may lag.
    """
    ids = _ids(_existing(storage))
    existing = [one for one in releases(storage) if not one.expired]
    if storage.local is None and not full:
        for name in sorted({name for one in existing for name in one.ids if name in TABLES} - ids.keys()):
            raise ConflictError(
                f"{name}: the store does not show the table, which a release has; run the command again. If its folder "
                f"was removed, `carti-lake run --full`."
            )
    lost = [one.number for one in existing if any(ids.get(name) != table for name, table in one.ids.items())]
    expire(storage, lost, now)


def _data_as_of(storage: Storage) -> date | None:
    newest: date | None = storage.scan("gold.reconciliation").select(pl.col("extract_date").max()).collect().item()
    return newest
