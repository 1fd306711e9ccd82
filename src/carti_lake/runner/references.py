"""Which months of an entity are to be checked anew; and ``silver.unknown_references``, brought up to date with them."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from carti_lake.pipeline.fingerprint import MADE_BY, fingerprint
from carti_lake.pipeline.gold import references
from carti_lake.pipeline.gold.references import named, unknown
from carti_lake.runner.marts import changes
from carti_lake.store.log import changed_months, commits, transaction
from carti_lake.store.storage import Storage, scan
from carti_lake.store.write import merge
from carti_lake.tables import ENTITIES
from carti_lake.tables.silver import Entity, UnknownReferences

if TYPE_CHECKING:
    from deltalake import DeltaTable


@dataclass(frozen=True)
class Months:
    """Months of an entity that a table has still to take in; None for all.

    Attributes
    ----------
    days
        First days of the months.
    """

    days: tuple[date, ...] | None

    def contain(self, column: str | None) -> pl.Expr:
        """Whether a row's month is one of them; an entity without months has one, and changes as a whole."""
        if self.days is None or column is None:
            return pl.lit(self.days is None)
        return pl.col(column).is_in(self.days)


def waiting(storage: Storage, table: "DeltaTable", entity: type[Entity], *, full: bool) -> Months:
    """Months of the entity's silver that changed since the table last took it in."""
    others = [ENTITIES[one.refers[1]].full_name() for one in entity.findings() if one.refers is not None]
    touched: set[date] = set()
    for name in (entity.full_name(), *others):
        source = storage.open(name)
        if source is None:
            continue
        seen = transaction(table, name)
        if full or seen is None:
            return Months(None)
        if seen == source.version():
            continue
        months, rebuilt = changed_months(commits(source, seen))
        own = name == entity.full_name()
        # What others have as keys only grows, unless they are rebuilt.
        if rebuilt or (own and entity.partition_by is None):
            return Months(None)
        touched.update(month for month in months if own and month)
    return Months(tuple(sorted(touched)))


def update_references(storage: Storage, *, full: bool) -> bool:
    """Bring ``silver.unknown_references`` up to date; true where it changed."""
    handle = storage.create(UnknownReferences.full_name(), UnknownReferences)
    # A column that came later stands last.
    existing = scan(handle, storage.options).select(UnknownReferences.column_names())
    referring = {one.full_name(): one for one in ENTITIES.values() if any(check.refers for check in one.findings())}
    versions = {MADE_BY: fingerprint([references], [*referring.values(), UnknownReferences])}
    full = full or transaction(handle, MADE_BY) != versions[MADE_BY]
    parts = [pl.DataFrame(schema={**UnknownReferences.dtypes(), "delete": pl.Boolean})]
    for name, entity in referring.items():
        silver = storage.open(name)
        if silver is None:
            continue
        versions[name] = silver.version()
        months = waiting(storage, handle, entity, full=full)
        rows = scan(silver, storage.options).filter(months.contain(entity.partition_by))
        for finding in entity.findings():
            known = storage.open(ENTITIES[finding.refers[1]].full_name()) if finding.refers else None
            if finding.refers is None or known is None:
                continue
            versions[ENTITIES[finding.refers[1]].full_name()] = known.version()
            before = existing.filter((pl.col("table_name") == name) & (pl.col("rule") == finding.id))
            candidates = pl.concat([named(rows, entity, finding), before.filter(~months.contain("month"))])
            parts.append(changes(unknown(candidates, scan(known, storage.options)), before, UnknownReferences))
    change = pl.concat(parts)
    if all(transaction(handle, name) == version for name, version in versions.items()):
        return False
    merge(storage, handle, change, key=UnknownReferences.key(), partition_by=None, transactions=versions, metadata={})
    return not change.is_empty()
