"""Silver and quarantine brought up to date with bronze: reads and writes around the pure steps of ``pipeline``."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from carti_lake.pipeline.cleanse import cleanse, refusals
from carti_lake.pipeline.fingerprint import code, fingerprint
from carti_lake.pipeline.newest import LIGHT, Resolution, displaced, ledger, resolve_versions
from carti_lake.pipeline.order import at_places, order
from carti_lake.pipeline.silver import TOGETHER
from carti_lake.pipeline.silver.providers import as_named, resolve
from carti_lake.pipeline.silver.snapshot import unlisted
from carti_lake.pipeline.survey import survey
from carti_lake.runner.engine import Map, made_on
from carti_lake.runner.rebuild import rebuilt
from carti_lake.store.log import commits, transaction
from carti_lake.store.storage import Storage, scan
from carti_lake.store.write import append, commit, merge
from carti_lake.tables.quarantine import QUARANTINE
from carti_lake.tables.silver import Entity, ProviderReferences

if TYPE_CHECKING:
    from deltalake import DeltaTable

#: What makes silver and quarantine of delivered rows.
STEPS = (cleanse.__module__, resolve_versions.__module__, order.__module__, resolve.__module__)
REFERENCES = ProviderReferences.full_name()


@dataclass(frozen=True)
class Window:
    """Bronze versions that a table has still to take in.

    Attributes
    ----------
    after, upto
        Versions: the first that was taken in already (-1: none), and the last to take in.
    batches
        Metadata of the batches committed between them: ``batch_id``, ``extract_date``, ``rows``.
    """

    after: int
    upto: int
    batches: list[dict[str, Any]]

    def rows(self, storage: Storage, feed: str) -> pl.LazyFrame:
        """Bronze rows of the window's batches."""
        if self.after < 0:
            return storage.scan(feed, self.upto)
        rows = storage.scan(feed)
        days = {date.fromisoformat(batch["extract_date"]) for batch in self.batches}
        ids = {batch["batch_id"] for batch in self.batches}
        return rows.filter(pl.col("extract_date").is_in(sorted(days)) & pl.col("batch_id").is_in(sorted(ids)))


@dataclass(frozen=True)
class Pending:
    """An entity with what its tables have still to take in."""

    entity: type[Entity]
    app_id: str
    bronze: "DeltaTable"
    silver_window: Window | None
    quarantine_window: Window | None


def pending(storage: Storage, entity: type[Entity], secret: str, *, full: bool) -> Pending | None:
    """What the entity has still to take in; None where its feed was never loaded."""
    bronze = storage.open(entity.feed.full_name())
    if bronze is None:
        return None
    app_id = f"{entity.feed.full_name()}@{fingerprint(code(*STEPS), [entity, entity.feed], secret):x}"
    windows = []
    for table in (entity.full_name(), QUARANTINE[entity.short_name].full_name()):
        handle = storage.open(table)
        taken = None if handle is None or full else transaction(handle, app_id)
        windows.append(window(bronze, -1 if taken is None else taken))
    return Pending(entity, app_id, bronze, *windows)


def window(bronze: "DeltaTable", after: int) -> Window | None:
    """The batches after a bronze version; None where there are none."""
    upto = bronze.version()
    if after >= upto:
        return None
    batches = [
        {**commit.metadata["batch"], "version": commit.version}
        for commit in commits(bronze, max(after, 0))
        if "batch" in commit.metadata
    ]
    return Window(after, upto, batches)


def update_entity(storage: Storage, work: Pending, references: pl.DataFrame, secret: str, engine: Map) -> list[str]:
    """Bring the entity's silver and quarantine up to date; returns the tables that changed.

    Silver is committed first. Where a crash left quarantine behind, it catches up alone: its rows follow from the
    delivered rows and from silver's current ones.
    """
    silver_window, quarantine_window = work.silver_window, work.quarantine_window
    changed: list[str] = []
    if quarantine_window is not None and (silver_window is None or quarantine_window.after != silver_window.after):
        reached = work.bronze.version() if silver_window is None else silver_window.after
        behind = Window(
            quarantine_window.after,
            reached,
            [batch for batch in quarantine_window.batches if batch["version"] <= reached],
        )
        if behind.after < reached:
            changed += _take_in(storage, work, behind, references, secret, engine, only_quarantine=True)
    if silver_window is not None:
        changed += _take_in(storage, work, silver_window, references, secret, engine, only_quarantine=False)
    else:
        changed += _re_resolve(storage, work, references)
    return changed


def _take_in(
    storage: Storage,
    work: Pending,
    todo: Window,
    references: pl.DataFrame,
    secret: str,
    engine: Map,
    *,
    only_quarantine: bool,
) -> list[str]:
    if todo.after < 0:
        return _make_anew(storage, work, todo, references, secret, engine, only_quarantine=only_quarantine)
    return _add(storage, work, todo, references, secret, only_quarantine=only_quarantine)


def _make_anew(
    storage: Storage,
    work: Pending,
    todo: Window,
    references: pl.DataFrame,
    secret: str,
    engine: Map,
    *,
    only_quarantine: bool,
) -> list[str]:
    entity, refused_table = work.entity, QUARANTINE[work.entity.short_name]
    silver = storage.create(entity.full_name(), entity)
    quarantine = storage.create(refused_table.full_name(), refused_table)
    made = rebuilt(storage, entity, todo.upto, references, secret, _told_of_rivals(entity), engine)
    base = {"bronze_version": todo.upto, "rebuild": True}
    if not only_quarantine:
        booked = ledger(made.resolution.silver_ledger, _displaced(made.rivals.lazy(), entity))
        transactions = {work.app_id: todo.upto, REFERENCES: _version(storage, REFERENCES), **made_on(engine, silver)}
        metadata = {**base, "ledger": _ledger(booked), "batches": len(todo.batches)}
        commit(storage, silver, made.files, transactions=transactions, metadata=metadata, mode="overwrite")
    _commit_quarantine(storage, quarantine, work, todo, made.refused, made.resolution, base)
    return [*([] if only_quarantine else [entity.full_name()]), refused_table.full_name()]


def _add(
    storage: Storage, work: Pending, todo: Window, references: pl.DataFrame, secret: str, *, only_quarantine: bool
) -> list[str]:
    entity, options = work.entity, storage.options
    refused_table = QUARANTINE[entity.short_name]
    silver = storage.create(entity.full_name(), entity)
    quarantine = storage.create(refused_table.full_name(), refused_table)
    rows = todo.rows(storage, entity.feed.full_name())
    surveyed = survey(rows, entity)
    cleansed = cleanse(rows, entity, surveyed, secret).collect(engine="streaming").lazy()
    whole_table = entity.feed.snapshot
    keys = cleansed.select("key_hash").unique().collect(engine="streaming")
    current = _current_rows(scan(silver, options), entity, None if whole_table else keys)
    waiting = _waiting_rows(scan(quarantine, options), None if whole_table else keys)
    resolution = resolve_versions(cleansed, current, waiting)
    base = {"bronze_version": todo.upto, "rebuild": False}
    changed = []
    if not only_quarantine:
        transactions = {work.app_id: todo.upto, REFERENCES: _version(storage, REFERENCES)}
        rivals = cleansed.filter(at_places(resolution.rivals.lazy())).select(_told_of_rivals(entity))
        booked = ledger(resolution.silver_ledger, _displaced(rivals, entity))
        metadata = {**base, "ledger": _ledger(booked), "batches": len(todo.batches)}
        # All but the few that lost, and without looking at the rules again.
        upserts = cleansed.filter(~at_places(resolution.superseded.lazy()))
        if whole_table:
            upserts = unlisted(upserts, cleansed, scan(silver, options), scan(quarantine, options), rebuild=False)
        if entity in TOGETHER:
            upserts = TOGETHER[entity](upserts, cleansed, scan(silver, options))
        upserts = resolve(upserts, entity, references.lazy()).select(entity.column_names())
        new = upserts.collect(engine="streaming")
        moved_ids = _re_resolved(silver, entity, references, storage, options)
        if moved_ids is not None:
            new = pl.concat([new, moved_ids.join(new, on="key_hash", how="anti")])
        change = _with_deletes(new, resolution.replaced, entity)
        merge(
            storage,
            silver,
            change,
            key=["key_hash", *entity.key()],
            partition_by=entity.partition_by,
            transactions=transactions,
            metadata={**metadata, "months": _months(change, entity)},
        )
        changed.append(entity.full_name())
    refused = rows.filter(at_places(resolution.refused.lazy())).collect(engine="streaming").lazy()
    why = refusals(refused, entity, surveyed, secret)
    refused = refused.join(why, on=["batch_id", "row_number"]).select(refused_table.column_names())
    _commit_quarantine(storage, quarantine, work, todo, refused.collect(), resolution, base)
    if resolution.refused.height or resolution.released.height:
        changed.append(refused_table.full_name())
    return changed


def _commit_quarantine(
    storage: Storage,
    quarantine: "DeltaTable",
    work: Pending,
    todo: Window,
    refused: pl.DataFrame,
    resolution: Resolution,
    base: dict[str, Any],
) -> None:
    metadata = {**base, "ledger": _ledger(resolution.quarantine_ledger)}
    transactions = {work.app_id: todo.upto}
    if base["rebuild"]:
        append(storage, quarantine, refused, transactions=transactions, metadata=metadata, mode="overwrite")
        return
    released = resolution.released.select("batch_id", "row_number", "extract_date")
    change = pl.concat(
        [refused.with_columns(delete=pl.lit(False)), released.with_columns(delete=pl.lit(True))], how="diagonal"
    )
    merge(
        storage,
        quarantine,
        change,
        key=["batch_id", "row_number"],
        partition_by="extract_date",
        transactions=transactions,
        metadata=metadata,
    )


def _current_rows(silver: pl.LazyFrame, entity: type[Entity], keys: pl.DataFrame | None) -> pl.DataFrame:
    """Silver's rows of the given keys: first where they stand, then only those partitions."""
    month = entity.partition_by
    if keys is not None and month is not None:
        where = (
            silver.select("key_hash", month).join(keys.lazy(), on="key_hash", how="semi").select(month).unique()
        ).collect(engine="streaming")[month]
        silver = silver.filter(
            pl.col(month).is_in(where.drop_nulls().implode()) | (pl.col(month).is_null() & where.has_nulls())
        )
    wanted = [*LIGHT, *entity.key(), *([month] if month else [])]
    found = silver.with_columns(order=order()).select(wanted)
    if keys is not None:
        found = found.join(keys.lazy(), on="key_hash", how="semi")
    return found.collect(engine="streaming")


def _waiting_rows(quarantine: pl.LazyFrame, keys: pl.DataFrame | None) -> pl.DataFrame:
    rows = quarantine.with_columns(order=order()).select(*LIGHT, "row_number", "extract_date")
    if keys is not None:
        keyless = rows.filter(pl.col("key_hash").is_null()) if keys["key_hash"].has_nulls() else rows.clear()
        rows = pl.concat([rows.join(keys.lazy(), on="key_hash", how="semi"), keyless])
    return rows.collect(engine="streaming")


def _with_deletes(new: pl.DataFrame, replaced: pl.DataFrame, entity: type[Entity]) -> pl.DataFrame:
    """New rows to upsert, and deletes where the old row of a key stands in another partition."""
    upserts = new.with_columns(delete=pl.lit(False))
    month = entity.partition_by
    if month is None or replaced.is_empty():
        return upserts
    moved = (
        replaced.select("key_hash", *entity.key(), month)
        .join(new.select("key_hash", pl.col(month).alias("new_month")), on="key_hash")
        .filter(pl.col(month).ne_missing(pl.col("new_month")))
        .drop("new_month")
        .with_columns(delete=pl.lit(True))
    )
    return pl.concat([upserts, moved], how="diagonal")


def _months(change: pl.DataFrame, entity: type[Entity]) -> list[str | None]:
    if entity.partition_by is None:
        return []
    return [day.isoformat() if day else None for day in change[entity.partition_by].unique().sort()]


def _told_of_rivals(entity: type[Entity]) -> list[str]:
    """What is asked of cleansed rows of one key and batch, to tell what they took from each other."""
    told = [name for name in entity.takes_back.meta.root_names() if name not in LIGHT]
    return list(dict.fromkeys([*LIGHT, *told, *([entity.dollars] if entity.dollars else []), *entity.lasting()]))


def _displaced(rivals: pl.LazyFrame, entity: type[Entity]) -> pl.DataFrame:
    """What rows of one key took from each other within their batch."""
    # Rows that differ in what a status brings with it are one thing as it went on, as in a log of changes.
    rows = rivals.with_columns(row_hash=pl.struct(entity.lasting()).hash())
    return displaced(rows, entity.takes_back, entity.dollars).collect(engine="streaming")


def _ledger(changes: pl.DataFrame) -> dict[str, list[int | str]]:
    """The ledger as JSON takes it: dollars as text, to the cent."""
    return {batch: [*counts, str(amount)] for batch, *counts, amount in changes.iter_rows()}


def _version(storage: Storage, table: str) -> int:
    handle = storage.open(table)
    return -1 if handle is None else handle.version()


def _re_resolved(
    silver: "DeltaTable", entity: type[Entity], references: pl.DataFrame, storage: Storage, options: Mapping[str, str]
) -> pl.DataFrame | None:
    """Silver rows whose provider has become another, because the directory or its spellings changed."""
    if not entity.providers:
        return None
    seen = transaction(silver, REFERENCES)
    now = _version(storage, REFERENCES)
    if seen is None or seen < 0 or seen == now:
        return None
    key = ["reference_name", "reference_npi"]
    try:
        before = storage.scan(REFERENCES, seen).select(*key, before="provider_id").collect()
        changed = references.join(before, on=key).filter(pl.col("provider_id") != pl.col("before"))
    except FileNotFoundError:
        # A vacuum has removed what this entity saw last: any reference may have changed.
        changed = references
    if changed.is_empty():
        return None
    rows = scan(silver, options)
    parts = []
    for name, npi in entity.providers.values():
        named = rows.with_columns(_name=as_named(name), _npi=as_named(npi))
        parts.append(
            named.join(
                changed.lazy().select(_name="reference_name", _npi="reference_npi"), on=["_name", "_npi"], how="semi"
            ).select(entity.column_names())
        )
    found = pl.concat(parts).unique("key_hash")
    return resolve(found, entity, references.lazy()).select(entity.column_names()).collect(engine="streaming")


def _re_resolve(storage: Storage, work: Pending, references: pl.DataFrame) -> list[str]:
    """Re-attribute rows of an entity that has nothing new of its own."""
    entity = work.entity
    silver = storage.open(entity.full_name())
    if silver is None:
        return []
    now = _version(storage, REFERENCES)
    if not entity.providers or transaction(silver, REFERENCES) == now:
        return []
    rows = _re_resolved(silver, entity, references, storage, storage.options)
    if rows is None:
        seen = {"rebuild": False, "ledger": {}, "months": []}
        append(storage, silver, entity.create_empty(), transactions={REFERENCES: now}, metadata=seen)
        return []
    change = rows.with_columns(delete=pl.lit(False))
    merge(
        storage,
        silver,
        change,
        key=["key_hash", *entity.key()],
        partition_by=entity.partition_by,
        transactions={REFERENCES: now},
        metadata={"rebuild": False, "ledger": {}, "months": _months(change, entity)},
    )
    return [entity.full_name()]
