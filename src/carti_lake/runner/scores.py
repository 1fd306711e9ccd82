"""Scores of the current models brought up to date: only rows that differ are merged."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any

import polars as pl

from carti_lake.models.model import Known, Model
from carti_lake.models.registry import TABLE, artifact, current, versions
from carti_lake.models.verdict import refusal_of
from carti_lake.pipeline.fingerprint import MADE_BY, code, fingerprint
from carti_lake.pipeline.mart import Mart
from carti_lake.pipeline.silver.readable import readable
from carti_lake.runner.marts import changes
from carti_lake.store.log import row_count, transaction
from carti_lake.store.storage import Storage, scan
from carti_lake.store.write import merge
from carti_lake.tables import TABLES
from carti_lake.tables.gold import Gold, Reconciliation

if TYPE_CHECKING:
    from deltalake import DeltaTable

#: Marks a table in which a model has no rows.
NOTHING = 0
#: Column by which several models fill one table, each its own rows.
MODEL = "model"


def in_order(marts: Sequence[Mart], models: Iterable[Model]) -> Iterator[Mart | Model]:
    """Marts and models, each after whatever fills the tables that it reads."""
    steps: list[Mart | Model] = [*marts, *models]
    filled: dict[str, list[int]] = {}
    for place, step in enumerate(steps):
        for table in step.tables if isinstance(step, Mart) else step.fills:
            filled.setdefault(table.full_name(), []).append(place)
    reads = {
        place: [other for name in step.inputs for other in filled.get(name, ())] for place, step in enumerate(steps)
    }
    for place in TopologicalSorter(reads).static_order():
        yield steps[place]


def update_scores(storage: Storage, model: Model, *, full: bool) -> list[str]:
    """Score with the model's current version; returns the tables whose rows changed.

    Nothing is done where neither an input, nor the version, nor the code has changed. Without a version that is better
    than its baseline nothing is read and nothing stands, but for what is kept.
    """
    handles = [storage.create(table.full_name(), table) for table in model.fills]
    newest = current(versions(storage)).get(model.name)
    if newest is None or refusal_of(newest):
        return _emptied(storage, model, handles)
    seen = {MADE_BY: fingerprint(code(model.module), model.fills), TABLE: _number(newest)}
    for name in (*map(_stored, model.inputs), Reconciliation.full_name()):
        source = storage.open(name)
        if source is not None:
            seen[name] = source.version()
    # Each model has marks of its own in a table that several fill.
    marks = {f"{model.name}:{name}": version for name, version in seen.items()}
    if not full and all(transaction(handle, name) == mark for handle in handles for name, mark in marks.items()):
        return []
    as_of = storage.scan(Reconciliation.full_name()).select(pl.col("extract_date").max()).collect().item()
    if as_of is None:
        return []
    tables = {name: readable(TABLES[name], storage.scan(_stored(name))) for name in model.inputs}
    made = model.score(Known(as_of, None, tables), artifact(storage, model, newest), newest["version"])
    changed = []
    for table, handle, rows in zip(model.fills, handles, made, strict=True):
        existing = _own(model, table, scan(handle, storage.options))
        change = _new(rows, existing, table) if model.keeps else changes(rows, existing, table)
        merge(
            storage, handle, change, key=table.key(), partition_by=table.partition_by, transactions=marks, metadata={}
        )
        changed += [table.full_name()] * (not change.is_empty())
    return changed


def _new(rows: pl.LazyFrame, existing: pl.LazyFrame, table: type[Gold]) -> pl.DataFrame:
    """The rows whose key does not stand yet, to be inserted."""
    unknown = rows.join(existing, on=table.key(), how="anti").select(*table.column_names(), delete=pl.lit(False))
    return unknown.collect(engine="streaming")


def _stored(name: str) -> str:
    return (TABLES[name].view_of or TABLES[name]).full_name()


def _number(newest: Mapping[str, Any]) -> int:
    """The version as a number, for the log."""
    return int(newest["version"], 16)


def _emptied(storage: Storage, model: Model, handles: Sequence["DeltaTable"]) -> list[str]:
    """Remove the scores of a version that is served no more; a look at the log tells that there are none."""
    changed = []
    marks = {f"{model.name}:{name}": NOTHING for name in (MADE_BY, TABLE)}
    for table, handle in zip(model.fills, handles, strict=True):
        done = row_count(handle) == 0 or all(transaction(handle, name) == mark for name, mark in marks.items())
        if model.keeps or done:
            continue
        rows = _own(model, table, scan(handle, storage.options))
        change = rows.select(*table.column_names(), delete=pl.lit(True)).collect(engine="streaming")
        merge(
            storage, handle, change, key=table.key(), partition_by=table.partition_by, transactions=marks, metadata={}
        )
        changed += [table.full_name()] * (not change.is_empty())
    return changed


def _own(model: Model, table: type[Gold], rows: pl.LazyFrame) -> pl.LazyFrame:
    """The model's rows of a table."""
    return rows.filter(pl.col(MODEL) == model.name) if MODEL in table.key() else rows
