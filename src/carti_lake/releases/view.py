"""A release as a reader sees it: its tables, metrics and data quality."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from carti_lake.metrics import find_metric
from carti_lake.pipeline.silver.readable import readable
from carti_lake.releases import quality
from carti_lake.releases.measure import measure
from carti_lake.releases.quarantine import refused
from carti_lake.releases.query import query
from carti_lake.releases.release import Release, ReleaseError, When, releases, select
from carti_lake.store.integrity import refuse_damaged
from carti_lake.store.storage import Storage
from carti_lake.tables import TABLES, Entity, find
from carti_lake.tables.silver import Claims, ClaimsOfLines


@dataclass(frozen=True)
class View:
    """One release of a lake, as a reader sees it.

    Attributes
    ----------
    storage
        The lake.
    release
        The release.
    clock
        Gives the present (UTC).
    """

    storage: Storage
    release: Release
    clock: Callable[[], datetime]

    def at(self, which: When | None) -> "View":
        """Another release of the same lake, as :func:`carti_lake.releases.release.select` finds it."""
        return replace(self, release=select(self.storage, which, self.clock()))

    def scan(self, table: str) -> pl.LazyFrame:
        """Lazy rows of a table of this release; withdrawn rows and bookkeeping columns are left out."""
        declared = find(table)
        stored = declared.view_of or declared
        name = stored.full_name()
        if declared.layer not in ("silver", "gold"):
            raise ReleaseError(f"{name} is not for readers: a release shows silver and gold.")
        if name not in self.release.versions:
            raise ReleaseError(f"Release {self.release.number} has no {name}; nothing has filled it yet.")
        refuse_damaged(self.storage, {name: self.release.versions[name]})
        of_lines = self.release.versions.get(ClaimsOfLines.full_name()) if declared is Claims else None
        beside = None if of_lines is None else self.storage.scan(ClaimsOfLines.full_name(), of_lines)
        return readable(declared, self.storage.scan(name, self.release.versions[name]), beside)

    def tables(self) -> list[str]:
        """Full names of the tables that this release holds, views included; quarantine is not for outlets."""
        return [
            name
            for name, table in TABLES.items()
            if table.layer in ("silver", "gold") and (table.view_of or table).full_name() in self.release.versions
        ]

    def query(self, sql: str) -> pl.LazyFrame:
        """Lazy result of a SELECT over the tables of this release."""
        return query(sql, self.tables(), self.scan)

    def metric(self, metric_id: str, by: Sequence[str] = ()) -> pl.LazyFrame:
        """A metric by the given columns of its mart: numerator, denominator, n, value, and the reason for a null."""
        return measure(find_metric(metric_id), by, self.tables(), self.scan)

    def quality(self) -> pl.DataFrame:
        """Every data-quality check of this release with its status under the thresholds in force now, worst first."""
        before = [one for one in releases(self.storage) if one.number < self.release.number and not one.expired]
        return quality.report(self.storage, self.release, before)

    def quality_by_month(self, check: str) -> pl.DataFrame:
        """The months of one check, newest first: counts, failing ``share`` and ``status``."""
        entity, rule = quality.find_check(check)
        months = quality.judged(self.storage, quality.version(self.release), None)
        return months.filter(table_name=entity.full_name(), rule=rule).sort("month", descending=True)

    def failing(self, check: str) -> pl.LazyFrame:
        """Lazy rows of this release that fail a check, e.g. ``payment_on_unpaid_claim``; no identifiers of patients.

        Of a rule that refuses rows, those that wait in quarantine now.
        """
        table, rule = quality.find_check(check)
        if issubclass(table, Entity) and rule in table.refusing_rules():
            return refused(self.storage, table.short_name, rule)
        return quality.failing(self.scan, table, rule)
