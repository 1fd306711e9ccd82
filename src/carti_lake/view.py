"""A release as a reader sees it: its tables, metrics and data quality."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from carti_lake import quality
from carti_lake.integrity import damage, refuse_damaged
from carti_lake.measure import measure
from carti_lake.metrics import find_metric
from carti_lake.pipeline.silver.readable import readable
from carti_lake.query import query
from carti_lake.release import Release, ReleaseError, preceding
from carti_lake.tables import TABLES, find
from carti_lake.tables.gold.events import COMPARED

if TYPE_CHECKING:
    from carti_lake.lake import Lake


@dataclass(frozen=True)
class View:
    """One release of a lake, as a reader sees it.

    Attributes
    ----------
    lake
        The lake.
    release
        The release.
    """

    lake: "Lake"
    release: Release

    def before(self) -> "View | None":
        """The release that publications of this one are compared with, if any; only what is compared can be read.

        Raises
        ------
        ReleaseError
            Where its files are gone.
        """
        earlier = preceding(self.lake.releases(), self.release)
        if earlier is None:
            return None
        compared = COMPARED & earlier.versions.keys()
        if earlier.expired and any(damage(self.lake.storage, name, earlier.versions[name]) for name in compared):
            raise ReleaseError(
                f"Release {self.release.number} hides what would tell it from release {earlier.number}, and the files "
                "of that are gone. Take a later release, name the one that its readers had (--after), or give a reason "
                "for full counts (--full-counts)."
            )
        return View(self.lake, earlier)

    def scan(self, table: str) -> pl.LazyFrame:
        """Lazy rows of a table of this release; withdrawn rows and bookkeeping columns are left out."""
        declared = find(table)
        stored = declared.view_of or declared
        name = stored.full_name()
        if declared.layer not in ("silver", "gold"):
            raise ReleaseError(f"{name} is not for readers: a release shows silver and gold.")
        if name not in self.release.versions:
            raise ReleaseError(f"Release {self.release.number} has no {name}; nothing has filled it yet.")
        refuse_damaged(self.lake.storage, name, self.release.versions[name])
        return readable(declared, self.lake.storage.scan(name, self.release.versions[name]))

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
        before = [one for one in self.lake.releases() if one.number < self.release.number and not one.expired]
        return quality.report(self.lake.storage, self.release, before)

    def quality_by_month(self, check: str) -> pl.DataFrame:
        """The months of one check, newest first: counts, failing ``share`` and ``status``."""
        entity, rule = quality.find_check(check)
        months = quality.judged(self.lake.storage, quality.version(self.release), None)
        return months.filter(table_name=entity.full_name(), rule=rule).sort("month", descending=True)

    def failing(self, check: str) -> pl.LazyFrame:
        """Lazy rows of this release that fail a check, e.g. ``payment_on_unpaid_claim``; no identifiers of patients.

        Of a rule that refuses rows, those that wait in quarantine now.
        """
        entity, rule = quality.find_check(check)
        if rule in entity.refusing_rules():
            return self.lake.quarantine(entity.short_name, rule=rule)
        return quality.failing(self.scan, entity, rule)
