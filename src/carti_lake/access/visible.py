"""One release as one viewer sees it: every outlet reads through it."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from carti_lake.access.part import part
from carti_lake.access.publications import published
from carti_lake.access.rows import row_filter
from carti_lake.access.viewer import Viewer
from carti_lake.disclosure import INSIDE, Publication, in_full
from carti_lake.disclosure.release import gold_frames
from carti_lake.disclosure.remade import maturity
from carti_lake.metrics import PROVIDER_RATES, Metric, find_metric
from carti_lake.metrics.value import undelivered, values
from carti_lake.pipeline.gold.dimensions import dim_date, dim_service_line
from carti_lake.pipeline.gold.opportunity_predictions import predictions
from carti_lake.pipeline.gold.provider_summary import provider_summary, sums_of_months
from carti_lake.releases.measure import delivered, measure
from carti_lake.releases.release import ReleaseError
from carti_lake.tables import TABLES, Table, find
from carti_lake.tables.gold import (
    ClaimsMaturity,
    DimDate,
    DimProvider,
    DimServiceLine,
    OpportunityPredictions,
    OpportunityScores,
    ProviderMonthly,
    ProviderSummary,
)
from carti_lake.tables.gold.events import AXES, MADE_FROM
from carti_lake.tables.silver import CrmAccounts, Encounters, Opportunities

if TYPE_CHECKING:
    from carti_lake.releases.release import Release
    from carti_lake.releases.view import View
    from carti_lake.store.storage import Storage

#: Why a metric is blank for whoever may not see exact numbers.
SUPPRESSED = "suppressed: it tells of 1 to 10 people, or lets others be worked out"


@dataclass(frozen=True)
class Visible:
    """One release as one viewer may see it.

    What the viewer may not see is filtered away first; sums and rates come after. Nothing of it is in a total, a rank,
    a count or an error. Whoever may not read exact numbers reads the publication, the same as everybody, by every call:
    of it the rows that are about what they may see, and the network's averages beside them.

    Attributes
    ----------
    view
        The release.
    viewer
        Who reads.
    """

    view: "View"
    viewer: Viewer

    @property
    def storage(self) -> "Storage":
        """The lake that the release is of."""
        return self.view.storage

    @property
    def release(self) -> "Release":
        """The release."""
        return self.view.release

    @cached_property
    def fingerprint(self) -> str:
        """The same for viewers who see the same rows of a release, and for nobody else."""
        rights = [
            None if names is None else sorted(names) for names in (self.viewer.providers, self.viewer.service_lines)
        ]
        return hashlib.sha256(json.dumps([*rights, self.viewer.exact]).encode()).hexdigest()[:16]

    def tables(self) -> list[str]:
        """Full names of the gold tables that may be read."""
        if self.viewer.exact:
            return [name for name in self._readable() if name.startswith("gold.")]
        return [name for name in TABLES if name.startswith("gold.") and _bare(name) in self._publication.tables]

    def scan(self, table: str) -> pl.LazyFrame:
        """Rows of a gold table that may be seen, with small counts suppressed for whoever may not see exact ones.

        Raises
        ------
        ReleaseError
            Where the release has no such table for the viewer: whether it is absent or hidden is not said.
        """
        name = find(table).full_name()
        if name not in self.tables():
            raise ReleaseError(f"Release {self.release.number} has no {name} for you.")
        if not self.viewer.exact:
            return self._publication.tables[_bare(name)].lazy()
        # The order in which rows are stored hangs on those that the viewer does not see.
        return self._rows(name) if self.viewer.unrestricted else self._rows(name).sort(TABLES[name].key())

    def metric(self, metric_id: str, by: Sequence[str] = ()) -> pl.LazyFrame:
        """A metric over the rows that may be seen.

        Raises
        ------
        ReleaseError
            Where it is only to be had for viewers of exact numbers: of several axes at once, or of unpublished sums.
        """
        metric = find_metric(metric_id)
        if not self.viewer.exact:
            rows = self._published(metric, by)
        else:
            rows = measure(metric, by, self._readable(), self._rows)
        return rows.sort(by) if by else rows

    def delivered(self) -> set[str]:
        """What the sources delivered of the rows that may be seen, as `carti_lake.measure.delivered` finds it."""
        return delivered(self._readable(), self._rows)

    def publication(self) -> Publication:
        """The rows that may be seen as outlets show them: exact, or with small counts suppressed."""
        return self._publication

    @cached_property
    def _publication(self) -> Publication:
        if self.viewer.exact:
            return in_full(gold_frames(self), INSIDE)
        whole = published(self.view, "the service")
        return whole if self.viewer.unrestricted else part(whole, self.viewer)

    def _published(self, metric: Metric, by: Sequence[str]) -> pl.LazyFrame:
        """A metric of the sums that are published, and no others: null where one of them is blank."""
        tables = {one.key: self._publication.tables.get(one.table) for one in AXES if one.mart is metric.mart}
        rows = tables.get(by[0]) if len(by) == 1 else None if by else self._publication.network
        if rows is not None:
            # The summary calls some of its sums by other names than the months do.
            own = {name: made[0] for name, made in MADE_FROM.items() if name in rows.columns and len(made) == 1}
            rows = rows.rename(own)
        if rows is None or metric.window is not None or not {*metric.inputs()} <= {*rows.columns}:
            raise ReleaseError(f"{metric.id} by {', '.join(by) or 'nothing'} is for viewers of exact numbers.")
        shown = pl.all_horizontal(pl.col(metric.inputs()).is_not_null())
        missing = undelivered(metric, self.delivered())
        exact = values(metric, rows.filter(shown).lazy(), by, missing)
        blank = values(metric, rows.filter(~shown).lazy(), by, missing or SUPPRESSED).cast(exact.collect_schema())
        if not by:
            return exact if rows.select(shown.all()).item() else blank
        return pl.concat([exact, blank])

    def _readable(self) -> list[str]:
        """Tables whose rows may be counted; silver's are not shown."""
        return [name for name in self.view.tables() if self._reads(name) is not None]

    def _rows(self, name: str) -> pl.LazyFrame:
        reads = self._reads(name)
        assert reads is not None
        return reads()

    def _reads(self, name: str) -> Callable[[], pl.LazyFrame] | None:
        """How the viewer's rows of a table are made; None where none may be seen."""
        table = TABLES[name]
        condition = row_filter(table, self.viewer)
        if self.viewer.unrestricted:
            return None if condition is None else lambda: self.view.scan(name)
        if table in (DimDate, DimServiceLine):
            # Days and lines that the viewer's facts span, not those of everybody's.
            makes = dim_date if table is DimDate else dim_service_line
            return lambda: makes(self._rows(ProviderMonthly.full_name()))
        if table is ClaimsMaturity and condition is None:
            # How the months of everybody's claims mature tells of others; of the own ones, which are still open.
            claims = [pl.col("claims", "pending_claims").sum()]
            return lambda: maturity(self._rows(ProviderMonthly.full_name()).group_by("month").agg(claims))
        if table is OpportunityPredictions and condition is not None:
            # A fit on everybody's rows would tell of those that are not seen.
            return lambda: predictions(self._rows(ProviderSummary.full_name()))
        if table is DimProvider and self.viewer.providers is None:
            seen = pl.col("provider_id")
            facts = self._rows
            return lambda: self.view.scan(name).join(
                facts(ProviderMonthly.full_name()).select(seen).unique(), on="provider_id", how="semi"
            )
        if table is ProviderSummary and self.viewer.service_lines is not None:
            return self._summary_of_lines
        if table is DimProvider and self.viewer.service_lines is not None:
            wanted = sorted(self.viewer.providers or ())
            return lambda: self.view.scan(name).filter(pl.col("provider_id").is_in(wanted))
        return None if condition is None else lambda: self.view.scan(name).filter(condition)

    def _summary_of_lines(self) -> pl.LazyFrame:
        """The summary of some service lines: what months tell; what is known of all lines together stays blank."""
        monthly, providers = self._rows(ProviderMonthly.full_name()), self._rows(DimProvider.full_name())
        rows = provider_summary(
            monthly,
            encounters=_none(Encounters),
            accounts=_none(CrmAccounts),
            opportunities=_none(Opportunities),
            dim_provider=providers,
            opportunity_scores=_none(OpportunityScores),
        )
        known = {*sums_of_months(), *(rate.id for rate in PROVIDER_RATES), *DimProvider.columns()}
        blank = [name for name in ProviderSummary.columns() if name not in known]
        return rows.with_columns(pl.lit(None).cast(ProviderSummary.dtypes()[name]).alias(name) for name in blank)


def _bare(name: str) -> str:
    return name.removeprefix("gold.")


def _none(table: type[Table]) -> pl.LazyFrame:
    return pl.LazyFrame(schema=table.dtypes())


def visible(view: "View", viewer: Viewer) -> Visible:
    """The release as the viewer may see it."""
    return Visible(view, viewer)
