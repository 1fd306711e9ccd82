"""Gold brought up to date with silver: only the months that changed are computed, only rows that differ are merged."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from carti_lake.pipeline.fingerprint import MADE_BY
from carti_lake.pipeline.mart import Mart
from carti_lake.pipeline.marts import made_by
from carti_lake.runner.engine import Map, here, made_on
from carti_lake.store.log import changed_months, commits, row_count, transaction
from carti_lake.store.parts import Part, Target, parts_by_month, target
from carti_lake.store.storage import Storage, scan
from carti_lake.store.write import append, commit, merge
from carti_lake.tables import TABLES, Table

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from deltalake.transaction import AddAction


def update_mart(storage: Storage, mart: Mart, engine: Map, *, full: bool) -> list[str]:
    """Bring the tables of a mart up to date with their inputs; returns those whose rows changed."""
    if mart.about is not None and ((of := storage.open(mart.about)) is None or row_count(of) == 0):
        return []
    handles = [storage.create(table.full_name(), table) for table in mart.tables]
    versions = {MADE_BY: made_by(mart)}
    months: set[date | None] = set()
    behind = everything = full or any(transaction(handle, MADE_BY) != versions[MADE_BY] for handle in handles)
    for name in mart.inputs:
        source = storage.open(name)
        if source is None:
            continue
        versions[name] = source.version()
        for seen in {transaction(handle, name) for handle in handles} - {versions[name]}:
            behind = True
            if seen is None or not mart.by_month:
                everything = True
            else:
                touched, rebuilt = changed_months(commits(source, seen))
                months.update(_and_later(storage, mart, touched) if name in mart.lasting else touched)
                everything = everything or rebuilt
    if not behind:
        return []
    new = [everything and _is_new(storage, handle, table) for handle, table in zip(handles, mart.tables, strict=True)]
    if mart.by_month and all(new):
        return _make_anew(storage, mart, handles, versions, engine)
    inputs = [_input(storage, name, None if everything or name in mart.lasting else months) for name in mart.inputs]
    changed = []
    for table, handle, rows, is_new in zip(mart.tables, handles, mart.rows(*inputs), new, strict=True):
        if is_new:
            # Nothing to compare with: written as it comes, without a merge.
            metadata = {"rebuild": True, "months": []}
            marks = {**versions, **made_on(here, handle)}
            append(storage, handle, rows, transactions=marks, metadata=metadata, mode="overwrite")
            changed += [table.full_name()] * (row_count(handle) > 0)
            continue
        existing = scan(handle, storage.options)
        if not everything:
            existing, rows = (_of_months(frame, mart.month, months) for frame in (existing, rows))
        fresh, old = _columns_of(table, rows, existing)
        change = differences(fresh, old, table)
        metadata = {"months": _month_names(change, table)}
        if table.partition_by is None and _leaves_none(change, fresh, old, row_count(handle)):
            append(storage, handle, fresh, transactions=versions, metadata=metadata, mode="overwrite")
        else:
            merge(
                storage,
                handle,
                change,
                key=table.key(),
                partition_by=table.partition_by,
                transactions=versions,
                metadata=metadata,
            )
        changed += [table.full_name()] * (not change.is_empty())
    return changed


def _leaves_none(change: pl.DataFrame, fresh: pl.DataFrame, old: pl.DataFrame, standing: int) -> bool:
    """Whether no row of a table stays as it is: writing it anew is then the same change, at a tenth of the price."""
    return 0 < old.height == standing and change.height > 0 and change.filter(~pl.col("delete")).height == fresh.height


def _make_anew(
    storage: Storage, mart: Mart, handles: list["DeltaTable"], versions: Mapping[str, int], engine: Map
) -> list[str]:
    """Make tables in which there is nothing to compare with, some months at a time."""
    groups = parts_by_month(storage, mart.inputs, mart.lasting)
    make = partial(_write, mart=mart, targets=[target(handle, storage.options) for handle in handles])
    made = engine(make, groups)
    for handle, files in zip(handles, zip(*made, strict=True), strict=True):
        metadata = {"rebuild": True, "months": []}
        together = [file for of_group in files for file in of_group]
        marks = {**versions, **made_on(engine, handle)}
        commit(storage, handle, together, transactions=marks, metadata=metadata, mode="overwrite")
    return [table.full_name() for table, handle in zip(mart.tables, handles, strict=True) if row_count(handle)]


def _write(inputs: Sequence[Part], *, mart: Mart, targets: Sequence[Target]) -> list[list["AddAction"]]:
    rows = mart.rows(*(part.rows() for part in inputs))
    return [target.write(made) for target, made in zip(targets, rows, strict=True)]


def _is_new(storage: Storage, handle: "DeltaTable", table: type[Table]) -> bool:
    """Whether a table has no rows that others could be compared with."""
    return row_count(handle) == 0 or _lacks_keys(scan(handle, storage.options), table)


def _lacks_keys(rows: pl.LazyFrame, table: type[Table]) -> bool:
    """Whether a row is from before the key had all its columns: no merge finds it."""
    lacking = rows.filter(pl.any_horizontal(pl.col(table.key()).is_null())).head(1)
    return not lacking.collect(engine="streaming").is_empty()


def changes(new: pl.LazyFrame, existing: pl.LazyFrame, table: type[Table]) -> pl.DataFrame:
    """Rows to upsert and to delete, so that the standing rows become the new ones; none where they are equal."""
    fresh, old = _columns_of(table, new, existing)
    return differences(fresh, old, table)


def _columns_of(table: type[Table], *rows: pl.LazyFrame) -> list[pl.DataFrame]:
    return pl.collect_all([one.select(table.column_names()) for one in rows], engine="streaming")


def differences(fresh: pl.DataFrame, old: pl.DataFrame, table: type[Table]) -> pl.DataFrame:
    """As :func:`changes`, of rows with the table's columns alone."""
    upserts = fresh.join(old, on=table.column_names(), how="anti", nulls_equal=True)
    deletes = old.join(fresh, on=table.key(), how="anti")
    return pl.concat([upserts.with_columns(delete=pl.lit(False)), deletes.with_columns(delete=pl.lit(True))])


def _and_later(storage: Storage, mart: Mart, touched: list[date | None]) -> set[date | None]:
    """The touched months, and all later ones of which an input has rows."""
    first = min((month for month in touched if month), default=date.max)
    sources = [source for name in mart.inputs if (source := storage.open(name)) is not None]
    held = [month for source in sources for partition in source.partitions() for month in partition.values()]
    return {*touched, *(month for month in map(date.fromisoformat, filter(None, held)) if month > first)}


def _input(storage: Storage, name: str, months: set[date | None] | None) -> pl.LazyFrame:
    rows, month = storage.scan(name), TABLES[name].partition_by
    if months is None:
        return rows
    assert month is not None
    return _of_months(rows, month, months)


def _of_months(rows: pl.LazyFrame, month: str, months: set[date | None]) -> pl.LazyFrame:
    return rows.filter(pl.col(month).is_in(sorted(one for one in months if one)))


def _month_names(change: pl.DataFrame, table: type[Table]) -> list[str]:
    if table.partition_by is None:
        return []
    return [month.isoformat() for month in change[table.partition_by].unique().drop_nulls().sort()]
