"""What an explanation needs of the lake: the rows that differ, as the mart's function counts them, and the marts."""

from collections.abc import Callable, Collection, Iterator
from functools import partial

import polars as pl

from carti_lake.explain.split import Evidence, member_column
from carti_lake.explain.steps import changed_rows, row_changes, tagged_steps
from carti_lake.metrics import Metric
from carti_lake.pipeline.codes import name_key
from carti_lake.release import Release
from carti_lake.runner.entities import changed_months
from carti_lake.runner.fingerprint import MADE_BY
from carti_lake.runner.marts import MARTS, Mart, made_by
from carti_lake.storage import LakeError, Storage, commits, transaction
from carti_lake.tables import ENTITIES, TABLES, Entity
from carti_lake.tables.gold import DimProvider, Gold, Reconciliation

PROVIDER = "provider_id"


class ExplainError(LakeError):
    """A change that cannot be split into causes, and why."""


def evidence(storage: Storage, metrics: Collection[Metric], before: Release, after: Release) -> Evidence:
    """What two releases hold of the columns that metrics of one mart sum, and what rows that differ add to those.

    Only the months that silver's commits between the releases name are read. Where other code than today's made the
    mart of either release, both are computed again from all their silver.
    """
    (table,) = {metric.mart for metric in metrics}
    wanted = [*table.key(), *dict.fromkeys(name for metric in metrics for name in metric.summed())]
    sources = {f"silver.{source.partition('.')[0]}" for metric in metrics for source in metric.sources()}
    changed: dict[type[Entity], pl.LazyFrame] = {}
    tagged: dict[str, pl.LazyFrame] = {}
    rows = 0
    for entity in [one for one in ENTITIES.values() if one.full_name() in sources and _tags(table, one)]:
        differing = _changed(storage, entity, before, after).with_row_index("row", offset=rows)
        rows += differing.height
        changed[entity] = differing.lazy()
        tagged[entity.full_name()] = tagged_steps(changed[entity], entity, _tags(table, entity))

    def steps(name: str) -> pl.LazyFrame:
        """Tagged rows of what the metrics count, all rows of what they look up, none of anything else."""
        if name in tagged:
            return tagged[name]
        return _at(storage, after, name) if name in sources else pl.LazyFrame(schema=TABLES[name].dtypes())

    plans = [
        _at(storage, before, table.full_name()),
        _at(storage, after, table.full_name()),
        _made(table, steps),
    ]
    one_code = all(_made_by_this_code(storage, mart, release) for mart in _marts(table) for release in (before, after))
    if not one_code:
        plans += [_made(table, partial(_at, storage, release)) for release in (before, after)]
    told = pl.concat([row_changes(rows, entity) for entity, rows in changed.items()])
    *states, told_rows = pl.collect_all([*(plan.select(wanted) for plan in plans), told], engine="streaming")
    old, new, by_rows, *recomputed = states
    return Evidence(table, old, new, by_rows, told_rows, None if one_code else (recomputed[0], recomputed[1]))


def provider(storage: Storage, given: str, before: Release, after: Release) -> tuple[str, str]:
    """Id and name of the provider who is meant by an id or a name, as the later release knows it, else the earlier.

    Raises
    ------
    ExplainError
        Where neither knows the provider, or several bear the name.
    """
    from difflib import get_close_matches

    known: dict[str, str] = {}
    for release in (after, before):
        directory = _at(storage, release, DimProvider.full_name()).select(PROVIDER, "provider_name")
        meant = (pl.col(PROVIDER) == given) | (name_key(pl.col("provider_name")) == name_key(pl.lit(given)))
        found = directory.filter(meant).collect().rows()
        exact = [row for row in found if row[0] == given] or found
        if len(exact) == 1:
            return exact[0]
        if exact:
            ids = ", ".join(sorted(row[0] for row in exact))
            raise ExplainError(f"{len(exact)} providers are named {given!r}: give the id, one of {ids}.")
        known |= {name: name for row in directory.collect().rows() for name in row}
    near = get_close_matches(given, known, n=3)
    hint = f" Did you mean {', '.join(near)}?" if near else " gold.dim_provider lists them."
    raise ExplainError(f"Releases {before.number} and {after.number} know no provider {given!r}.{hint}")


def by_provider(table: type[Gold]) -> bool:
    """Whether the mart tells its rows apart by provider."""
    return member_column(table).endswith(PROVIDER)


def _marts(table: type[Gold]) -> Iterator[Mart]:
    """The mart that makes the table, and those that make its inputs."""
    mart = next((one for one in MARTS if table in one.tables), None)
    if mart is None:
        raise ExplainError(f"{table.full_name()} is not made from rows of silver, so that none explain its changes.")
    yield mart
    for name in mart.inputs:
        made = TABLES[name]
        if issubclass(made, Gold):
            yield from _marts(made)


def _tags(table: type[Gold], entity: type[Entity]) -> list[str]:
    """The entity's columns that end up in the mart's member column."""
    if by_provider(table):
        return list(entity.providers)
    return [name for name in (member_column(table),) if name in entity.columns()]


def _made(table: type[Gold], silver: Callable[[str], pl.LazyFrame]) -> pl.LazyFrame:
    """The mart's rows as its own functions make them from these rows of silver."""
    mart = next(_marts(table))
    inputs = []
    for name in mart.inputs:
        declared = TABLES[name]
        inputs.append(_made(declared, silver) if issubclass(declared, Gold) else silver(name))
    return mart.make(*inputs)[mart.tables.index(table)]


def _made_by_this_code(storage: Storage, mart: Mart, release: Release) -> bool:
    names = [table.full_name() for table in mart.tables]
    if not release.versions.keys() >= set(names):
        return False
    handles = [storage.open(name, release.versions[name]) for name in names]
    return all(handle is not None and transaction(handle, MADE_BY) == made_by(mart) for handle in handles)


def _changed(storage: Storage, entity: type[Entity], before: Release, after: Release) -> pl.DataFrame:
    """The entity's rows that differ, from the months that commits between the releases touched."""
    name, month = entity.full_name(), entity.partition_by
    was, became = (_at(storage, release, name) for release in (before, after))
    versions = [release.versions.get(name) for release in (before, after)]
    if versions[0] == versions[1]:
        was, became = was.clear(), became.clear()
    elif versions[0] is not None and month is not None:
        handle = storage.open(name, versions[1])
        assert handle is not None
        months, rebuilt = changed_months(commits(handle, versions[0]))
        if not rebuilt:
            touched = pl.col(month).is_in([one for one in months if one])
            was, became = was.filter(touched), became.filter(touched)
    batches = _at(storage, before, Reconciliation.full_name())
    return changed_rows(was, became, entity, batches, before.data_as_of).collect(engine="streaming")


def _at(storage: Storage, release: Release, name: str) -> pl.LazyFrame:
    """Rows of a table in a release, with null in the columns that it had not yet; none where it had not the table."""
    dtypes = TABLES[name].dtypes()
    if name not in release.versions:
        return pl.LazyFrame(schema=dtypes)
    rows = storage.scan(name, release.versions[name])
    held = rows.collect_schema()
    return rows.select(name if name in held else pl.lit(None, dtype).alias(name) for name, dtype in dtypes.items())
