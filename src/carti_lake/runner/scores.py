"""Scores of the current models brought up to date: only rows that differ are merged."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from carti_lake.models.model import Known, Model
from carti_lake.models.registry import TABLE, artifact, current, versions
from carti_lake.pipeline.silver.readable import readable
from carti_lake.runner.fingerprint import MADE_BY, fingerprint
from carti_lake.runner.marts import Mart, changes
from carti_lake.storage import Storage, scan, transaction
from carti_lake.tables import TABLES
from carti_lake.tables.gold import Gold, Reconciliation

#: Column by which several models fill one table, each its own rows.
MODEL = "model"


def in_order(marts: Sequence[Mart], models: Iterable[Model]) -> Iterator[Mart | Model]:
    """The marts as they stand, each model before the first mart that reads what it fills, the others at the end."""
    waiting = list(models)
    for mart in marts:
        needed = [model for model in waiting if {table.full_name() for table in model.fills} & set(mart.inputs)]
        waiting = [model for model in waiting if model not in needed]
        yield from needed
        yield mart
    yield from waiting


def update_scores(storage: Storage, model: Model, *, full: bool) -> list[str]:
    """Score with the model's current version; returns the tables whose rows changed.

    Nothing is done where neither an input, nor the version, nor the code has changed. Without a version the model's
    subjects are listed without predictions.
    """
    handles = [storage.create(table.full_name(), table) for table in model.fills]
    newest = current(versions(storage)).get(model.name)
    seen = {MADE_BY: fingerprint(model.code, model.fills), TABLE: _number(newest)}
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
    fitted = artifact(storage, model, newest) if newest else None
    made = model.score(Known(as_of, None, tables), fitted, newest["version"] if newest else "")
    changed = []
    for table, handle, rows in zip(model.fills, handles, made, strict=True):
        standing = _own(model, table, scan(handle, storage.options))
        change = _new(rows, standing, table) if model.keeps else changes(rows, standing, table)
        storage.merge(handle, change, key=table.key(), partition_by=table.partition_by, transactions=marks, metadata={})
        changed += [table.full_name()] * (not change.is_empty())
    return changed


def _new(rows: pl.LazyFrame, standing: pl.LazyFrame, table: type[Gold]) -> pl.DataFrame:
    """The rows whose key does not stand yet, to be inserted."""
    unknown = rows.join(standing, on=table.key(), how="anti").select(*table.column_names(), delete=pl.lit(False))
    return unknown.collect(engine="streaming")


def _stored(name: str) -> str:
    return (TABLES[name].view_of or TABLES[name]).full_name()


def _number(newest: Mapping[str, Any] | None) -> int:
    """The version as a number, for the log."""
    return int(newest["version"], 16) if newest else 0


def _own(model: Model, table: type[Gold], rows: pl.LazyFrame) -> pl.LazyFrame:
    """The model's rows of a table."""
    return rows.filter(pl.col(MODEL) == model.name) if MODEL in table.key() else rows
