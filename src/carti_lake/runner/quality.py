"""Reconciliation and data quality brought up to date from what the commits of silver and quarantine say."""

from decimal import Decimal
from functools import partial
from typing import Any

import polars as pl

from carti_lake.pipeline.fingerprint import MADE_BY, fingerprint
from carti_lake.pipeline.gold import quality
from carti_lake.pipeline.gold.quality import deliveries, findings, first_passed, refusals, spared, with_unknown
from carti_lake.pipeline.newest import BOOKS, ledger
from carti_lake.runner.engine import Map
from carti_lake.runner.marts import changes
from carti_lake.runner.references import Months, waiting
from carti_lake.store.log import Commit, commits, transaction
from carti_lake.store.parts import Part, parts_by_month
from carti_lake.store.storage import Storage, scan
from carti_lake.store.write import merge
from carti_lake.tables import CHECKED, ENTITIES, Table, checks
from carti_lake.tables.gold import DataQuality, Reconciliation
from carti_lake.tables.quarantine import QUARANTINE
from carti_lake.tables.silver import Entity, ProviderReferences, UnknownReferences

REFERENCES = ProviderReferences.full_name()


def update_reconciliation(storage: Storage) -> bool:
    """Add what the new commits did with each batch's rows; true where a number changed."""
    handle = storage.create(Reconciliation.full_name(), Reconciliation)
    existing = scan(handle, storage.options).collect()
    versions: dict[str, int] = {}
    parts = []
    for name, entity in ENTITIES.items():
        feed = entity.feed.full_name()
        sources = (entity.full_name(), QUARANTINE[name].full_name())
        seen = {table: transaction(handle, table) for table in (feed, *sources)}
        history: dict[str, list[Commit]] = {}
        for table in (feed, *sources):
            source = storage.open(table)
            if source is None:
                continue
            versions[table] = source.version()
            since = seen[table]
            history[table] = commits(source, 0 if since is None else since)
        before = existing.filter(pl.col("feed") == entity.feed.short_name)
        if not any(history.values()):
            parts.append(before)
            continue
        parts.append(_feed_balance(storage, entity, before, history, feed, sources))
    now = pl.concat([pl.DataFrame(schema=Reconciliation.dtypes()), *parts])
    change = changes(now.lazy(), existing.lazy(), Reconciliation)
    if all(transaction(handle, name) == version for name, version in versions.items()):
        return False
    merge(storage, handle, change, key=Reconciliation.key(), partition_by=None, transactions=versions, metadata={})
    return not change.is_empty()


def _feed_balance(
    storage: Storage,
    entity: type[Entity],
    before: pl.DataFrame,
    history: dict[str, list[Commit]],
    feed: str,
    sources: tuple[str, str],
) -> pl.DataFrame:
    batches = pl.DataFrame(
        [
            {
                "batch_id": commit.metadata["batch"]["batch_id"],
                "extract_date": commit.metadata["batch"]["extract_date"],
                "bronze_rows": commit.rows_added,
            }
            for commit in history.get(feed, [])
            if "batch" in commit.metadata
        ],
        schema={"batch_id": pl.String, "extract_date": pl.String, "bronze_rows": pl.Int64},
    ).with_columns(pl.col("extract_date").str.to_date())
    known = pl.concat([before.select(batches.columns), batches]).unique("batch_id")
    entries = {table: _entries(history.get(table, [])) for table in sources}
    rebuilt = any(entry.get("rebuild") for table in sources for entry in entries[table])
    if rebuilt:
        # A crash may have parted the two rebuilds: each table's account begins with its own last one.
        for table in sources:
            source = storage.open(table)
            booked = [] if source is None else _entries(commits(source, 0))
            resets = [place for place, entry in enumerate(booked) if entry.get("rebuild")]
            entries[table] = booked[resets[-1] if resets else 0 :]
    ledgers = [_ledger_frame(entry["ledger"]) for table in sources for entry in entries[table]]
    base = before.select("batch_id", *BOOKS)
    totals = ledger(*([] if rebuilt else [base]), *ledgers)
    return (
        known.join(totals, on="batch_id", how="left")
        .with_columns(pl.col(*BOOKS).fill_null(0), feed=pl.lit(entity.feed.short_name))
        .with_columns(pl.when(pl.lit(entity.dollars is not None)).then("displaced_amount"))
        .select(pl.col(name).cast(dtype) for name, dtype in Reconciliation.dtypes().items())
    )


def _entries(history: list[Commit]) -> list[dict[str, Any]]:
    return [commit.metadata for commit in history if "ledger" in commit.metadata]


def _ledger_frame(entries: dict[str, list[Any]]) -> pl.DataFrame:
    rows = [(batch, *counts, Decimal(amount)) for batch, (*counts, amount) in entries.items()]
    return pl.DataFrame(rows, schema={"batch_id": pl.String(), **BOOKS}, orient="row")


def update_quality(storage: Storage, engine: Map, *, full: bool) -> bool:
    """Recompute the checks of the months that changed; true where a result changed."""
    handle = storage.create(DataQuality.full_name(), DataQuality)
    # A column that came later stands last.
    existing = scan(handle, storage.options).select(DataQuality.column_names())
    versions = {MADE_BY: fingerprint([quality, checks], [*CHECKED.values(), DataQuality])}
    full = full or transaction(handle, MADE_BY) != versions[MADE_BY]
    parts = [pl.DataFrame(schema={**DataQuality.dtypes(), "delete": pl.Boolean})]
    inputs = {name: _inputs(entity) for name, entity in ENTITIES.items()}
    for table in (Reconciliation.full_name(), REFERENCES, *(one for tables in inputs.values() for one in tables)):
        source = storage.open(table)
        if source is not None:
            versions[table] = source.version()
    behind = {table for table, version in versions.items() if full or transaction(handle, table) != version}
    if not behind:
        return False
    reconciliation = storage.scan(Reconciliation.full_name()).collect().lazy()
    unknown = storage.scan(UnknownReferences.full_name()).collect().lazy()
    for name, entity in ENTITIES.items():
        if behind.isdisjoint(inputs[name]):
            continue
        of_table = existing.filter(pl.col("table_name") == entity.full_name())
        silver = storage.open(entity.full_name())
        if silver is not None:
            months = waiting(storage, handle, entity, full=full)
            lacking = [one.id for one in entity.findings() if one.refers and not _delivered(storage, one.refers[1])]
            parts += _finding_changes(storage, entity, of_table, unknown, months, lacking, engine)
        refused = storage.open(QUARANTINE[name].full_name())
        if refused is not None:
            old = of_table.filter(pl.col("severity") == "quarantine")
            parts.append(changes(refusals(scan(refused, storage.options), reconciliation, entity), old, DataQuality))
    if REFERENCES in behind and REFERENCES in versions:
        old = existing.filter(pl.col("table_name") == REFERENCES)
        found = pl.concat(findings(storage.scan(REFERENCES), ProviderReferences))
        parts.append(changes(found, old, DataQuality))
    old = existing.filter(pl.col("severity") == "extract")
    parts.append(changes(deliveries(reconciliation, ENTITIES), old, DataQuality))
    change = pl.concat(parts)
    merge(storage, handle, change, key=DataQuality.key(), partition_by=None, transactions=versions, metadata={})
    return not change.is_empty()


def _inputs(entity: type[Entity]) -> list[str]:
    """Tables from which the results of an entity's checks follow."""
    others = [ENTITIES[one.refers[1]] for one in entity.findings() if one.refers]
    tables: list[type[Table]] = [entity, QUARANTINE[entity.short_name], *others]
    if others:
        tables.append(UnknownReferences)
    return [table.full_name() for table in tables]


def _delivered(storage: Storage, entity: str) -> bool:
    return storage.open(ENTITIES[entity].full_name()) is not None


def _finding_changes(
    storage: Storage,
    entity: type[Entity],
    of_table: pl.LazyFrame,
    unknown: pl.LazyFrame,
    months: Months,
    lacking: list[str],
    engine: Map,
) -> list[pl.DataFrame]:
    """What changes in an entity's findings: counted in the months that changed, as they stand in the others."""
    old = of_table.filter(pl.col("severity") == "warn").collect().lazy()
    if months.days is None:
        groups = parts_by_month(storage, [entity.full_name()], ())
        fresh = [one.lazy() for of_group in engine(partial(_found, entity=entity), groups) for one in of_group]
    else:
        passes = findings(storage.scan(entity.full_name()).filter(months.contain(entity.partition_by)), entity)
        fresh = [one.collect(engine="streaming").lazy() for one in passes]
    counted = pl.concat([*fresh, old.filter(~months.contain("month"))])
    if months.days is not None and not _same(first_passed(counted, entity), first_passed(old, entity)):
        # A column is delivered from another month on: the months between were never counted.
        return _finding_changes(storage, entity, of_table, unknown, Months(None), lacking, engine)
    # References alone change in other months too: what they name may arrive at any time.
    referring = pl.col("rule").is_in([one.id for one in entity.findings() if one.refers])
    now = [spared(counted.filter(~referring), entity), with_unknown(counted.filter(referring), unknown, lacking)]
    return [changes(pl.concat(now), old, DataQuality)]


def _found(group: list[Part], *, entity: type[Entity]) -> list[pl.DataFrame]:
    (part,) = group
    return [one.collect(engine="streaming") for one in findings(part.rows(), entity)]


def _same(one: pl.LazyFrame, other: pl.LazyFrame) -> bool:
    return one.sort("rule").collect().equals(other.sort("rule").collect())
