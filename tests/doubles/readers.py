"""Viewers and what they see, for tests of the service alone."""

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from carti_lake.disclosure import Publication, in_full
from carti_lake.disclosure.release import gold_frames
from carti_lake.metrics import find_metric
from carti_lake.releases.measure import delivered, measure
from carti_lake.releases.view import View


@dataclass(frozen=True)
class Viewer:
    name: str
    providers: frozenset[str] | None = None
    service_lines: frozenset[str] | None = None
    exact: bool = True
    scopes: frozenset[str] = frozenset({"read", "download", "predict", "admin"})

    @property
    def unrestricted(self) -> bool:
        return self.providers is None and self.service_lines is None


@dataclass(frozen=True)
class Visible:
    view: View
    viewer: Viewer

    @property
    def storage(self):
        return self.view.storage

    @property
    def release(self):
        return self.view.release

    @property
    def fingerprint(self) -> str:
        return repr(sorted(self.viewer.providers or ())) if self.viewer.providers is not None else "all"

    def tables(self) -> list[str]:
        return self.view.tables()

    def scan(self, table: str) -> pl.LazyFrame:
        rows = self.view.scan(table)
        if self.viewer.providers is None:
            return rows
        names = [name for name in rows.collect_schema() if name.endswith("provider_id")]
        return rows.filter(*(pl.col(name).is_in(list(self.viewer.providers)) for name in names))

    def metric(self, metric_id, by=()):
        return measure(find_metric(metric_id), by, self.tables(), self.scan)

    def delivered(self) -> set[str]:
        return delivered(self.tables(), self.scan)

    def publication(self) -> Publication:
        return self._publication

    @cached_property
    def _publication(self) -> Publication:
        return in_full(gold_frames(self))


see = Visible
