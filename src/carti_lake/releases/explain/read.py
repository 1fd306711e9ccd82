"""What an explanation needs of the lake: the rows that differ, as the mart's function counts them, and the marts."""

from collections.abc import Callable, Collection, Iterator
from datetime import date
from functools import partial

import polars as pl

from carti_lake.metrics import Metric
from carti_lake.pipeline.codes import name_key
from carti_lake.pipeline.fingerprint import MADE_BY
from carti_lake.pipeline.mart import Mart
from carti_lake.pipeline.marts import MARTS, made_by
from carti_lake.releases.explain.causes import ExplainError
from carti_lake.releases.explain.split import Evidence, member_column
from carti_lake.releases.explain.steps import changed_rows, row_changes, tagged_steps
from carti_lake.releases.release import Release
from carti_lake.store.log import changed_months, commits, transaction
from carti_lake.store.storage import Storage
from carti_lake.tables import ENTITIES, TABLES, Entity, Table
from carti_lake.tables.gold import DimProvider, Gold, Reconciliation
from carti_lake.tables.silver import ClaimsOfLines

PROVIDER = "provider_id"


def evidence(storage: Storage, metrics: Collection[Metric], before: Release, after: Release) -> Evidence:
    """What two releases hold of the columns that metrics of one mart sum, and what rows that differ add to those.

    Only the months that silver's commits between the releases name are read. Where other code than today's made the
    mart of either release, both are computed again from all their silver.
    """
    (table,) = {metric.mart for metric in metrics}
    wanted = [*table.key(), *dict.fromkeys(name for metric in metrics for name in metric.summed())]
    sources = {f"silver.{source.partition('.')[0]}" for metric in metrics for source in metric.sources()}
    # What silver keeps beside an entity, by its key, is no delivery: marts look it up.
    kept = (name for mart in _marts(table) for name in mart.inputs if TABLES[name].layer == "silver")
    sources |= {name for name in kept if not issubclass(TABLES[name], Entity)}
    counted = [entity for entity in ENTITIES.values() if entity.full_name() in sources and _tags(table, entity)]
    looked_up = sorted(sources - {entity.full_name() for entity in counted})
    changed: dict[type[Entity], pl.LazyFrame] = {}
    tagged: dict[str, tuple[pl.LazyFrame, pl.LazyFrame]] = {}
    rows = 0
    for entity in counted:
        differing = _changed(storage, entity, looked_up, before, after).with_row_index("row", offset=rows)
        rows += differing.height
        changed[entity] = differing.lazy()
        tagged[entity.full_name()] = tagged_steps(changed[entity], entity, _tags(table, entity))

    def steps(place: int, name: str) -> pl.LazyFrame:
        """Tagged rows of what the metrics count, all rows of what they look up, none of anything else."""
        if name in tagged:
            return tagged[name][place]
        return _at(storage, (before, after)[place], name) if name in sources else _nothing(name)

    plans = [
        _at(storage, before, table.full_name()),
        _at(storage, after, table.full_name()),
        pl.concat(_made(table, partial(steps, place)) for place in (0, 1)),
    ]
    one_code = all(_made_by_this_code(storage, mart, release) for mart in _marts(table) for release in (before, after))
    if not one_code:
        plans += [_made(table, partial(_at, storage, release)) for release in (before, after)]
    changes = pl.concat([row_changes(rows, entity) for entity, rows in changed.items()])
    *states, told_rows = pl.collect_all([*(plan.select(wanted) for plan in plans), changes], engine="streaming")
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


def _mart(table: type[Table]) -> Mart | None:
    """The mart that makes the table; none where a model or the runner itself does."""
    return next((one for one in MARTS if table in one.tables), None)


def _marts(table: type[Table]) -> Iterator[Mart]:
    """The mart that makes the table, and those that make its inputs."""
    mart = _mart(table)
    if mart is None:
        raise ExplainError(f"{table.full_name()} is not made from rows of silver, so that none explain its changes.")
    yield mart
    for name in mart.inputs:
        if _mart(TABLES[name]):
            yield from _marts(TABLES[name])


def _tags(table: type[Gold], entity: type[Entity]) -> list[str]:
    """The entity's columns that end up in the mart's member column."""
    if by_provider(table):
        return list(entity.providers)
    return [name for name in (member_column(table),) if name in entity.columns()]


def _made(table: type[Table], given: Callable[[str], pl.LazyFrame]) -> pl.LazyFrame:
    """The mart's rows as its own functions make them from these rows of silver, and of what else no mart makes."""
    mart = next(_marts(table))
    inputs = [_made(TABLES[name], given) if _mart(TABLES[name]) else given(name) for name in mart.inputs]
    return mart.rows(*inputs)[mart.tables.index(table)]


def _made_by_this_code(storage: Storage, mart: Mart, release: Release) -> bool:
    names = [table.full_name() for table in mart.tables]
    if not release.versions.keys() >= set(names):
        return False
    handles = [storage.open(name, release.versions[name]) for name in names]
    return all(handle is not None and transaction(handle, MADE_BY) == made_by(mart) for handle in handles)


def _changed(
    storage: Storage, entity: type[Entity], looked_up: Collection[str], before: Release, after: Release
) -> pl.DataFrame:
    """The entity's rows that differ, or whose row in a table that is looked up by the same key does."""
    beside = [name for name in looked_up if {*entity.key()} <= {*TABLES[name].columns()}]
    touched = [_touched(storage, name, before, after) for name in (entity.full_name(), *beside)]
    months = None if None in touched else {month for some in touched if some is not None for month in some}
    was, became = _between(storage, entity.full_name(), before, after, months)
    also = [_nothing(entity.full_name()).select(*entity.key(), reversed=pl.lit(False))]
    for name in beside:
        sides = _between(storage, name, before, after, months)
        for one, other in (sides, sides[::-1]):
            differing = one.join(other, on=TABLES[name].column_names(), how="anti", nulls_equal=True)
            also.append(differing.select(*entity.key(), reversed=pl.lit(False)))
        if name == ClaimsOfLines.full_name():
            now, then = (side.filter(claim_status="reversed") for side in sides[::-1])
            turned = now.join(then, on=entity.key(), how="anti")
            also.append(turned.select(*entity.key(), reversed=pl.lit(True)))
    batches = _at(storage, before, Reconciliation.full_name())
    changed = changed_rows(was, became, entity, batches, before.data_as_of, pl.concat(also))
    return changed.collect(engine="streaming")


def _touched(storage: Storage, name: str, before: Release, after: Release) -> set[date | None] | None:
    """Months that the table's commits between the releases touched; None where any row may differ."""
    was, became = (release.versions.get(name) for release in (before, after))
    if was == became:
        return set()
    handle = storage.open(name, became)
    if was is None or handle is None or TABLES[name].partition_by is None:
        return None
    months, rebuilt = changed_months(commits(handle, was))
    return None if rebuilt else set(months)


def _between(
    storage: Storage, name: str, before: Release, after: Release, months: set[date | None] | None
) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """The table's rows of those months in both releases; all rows where no months are given."""
    was, became = _at(storage, before, name), _at(storage, after, name)
    month = TABLES[name].partition_by
    if months is None:
        return was, became
    if month is None:
        return was.clear(), became.clear()
    there = pl.col(month).is_in([one for one in months if one])
    return was.filter(there), became.filter(there)


def _at(storage: Storage, release: Release, name: str) -> pl.LazyFrame:
    """Rows of a table in a release, with null in the columns that it had not yet; none where it had not the table."""
    if name not in release.versions:
        return _nothing(name)
    rows = storage.scan(name, release.versions[name])
    held = rows.collect_schema()
    dtypes = TABLES[name].dtypes()
    return rows.select(name if name in held else pl.lit(None, dtype).alias(name) for name, dtype in dtypes.items())


def _nothing(name: str) -> pl.LazyFrame:
    return pl.LazyFrame(schema=TABLES[name].dtypes())
