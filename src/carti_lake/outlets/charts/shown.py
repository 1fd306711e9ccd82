"""What every chart is drawn from: one release as it may be shown."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec

import polars as pl

from carti_lake.disclosure import SMALLEST_CELL, Publication
from carti_lake.outlets.disclosure import opened
from carti_lake.pipeline.gold.verdicts import by_check
from carti_lake.releases import quality
from carti_lake.tables.gold import DataQuality
from carti_lake.tables.thresholds import ThresholdChanges

if TYPE_CHECKING:
    import altair as alt

    from carti_lake.access.viewer import Audience
    from carti_lake.releases.release import When
    from carti_lake.releases.view import View

Asked = ParamSpec("Asked")


@dataclass(frozen=True)
class Shown:
    """One release as its charts show it.

    Attributes
    ----------
    published
        Its tables, with what may not be shown blank.
    line
        Its caption: ``release 12 · 2026-11-23 · data as of 2026-11-22``.
    data_as_of
        Newest extract date; None where nothing says it.
    checks
        Its data-quality checks with their ``status``, worst first; None where the release has none.
    in_full
        Whether small counts are shown.
    whole
        Whether it is all of the network, and not what some viewer may see of it.
    """

    published: Publication
    line: str
    data_as_of: date | None = None
    checks: pl.DataFrame | None = None
    in_full: bool = False
    whole: bool = True

    def table(self, name: str) -> pl.DataFrame | None:
        """A published table; None where the release has none, or it is not published."""
        return self.published.tables.get(name)


def shown(
    view: "View",
    *,
    outlet: str = "charts",
    audience: "Audience | None" = None,
    after: "When | None" = None,
    full_counts: str | None = None,
) -> Shown:
    """Open a release for its charts: once for as many as are drawn.

    For ``outlet``, ``audience``, ``after`` and ``full_counts`` see :func:`carti_lake.outlets.disclosure.opened`.
    """
    published = opened(view, outlet, audience=audience, after=after, full_counts=full_counts)
    line = view.release.caption + (" · FULL COUNTS" if full_counts else " · INSIDE" if published.exact else "")
    return Shown(published, line, view.release.data_as_of, checks_of(view, published.exact), published.exact)


def checks_of(view: "View", in_full: bool) -> pl.DataFrame | None:
    """The checks under the thresholds of the release itself, so that it gives the same picture whenever drawn.

    Unless small counts are shown, months of 1 to 10 failing or passing rows have no say: by its status and the
    thresholds, a share of few rows would be told.
    """
    versions = view.release.versions
    if DataQuality.full_name() not in versions:
        return None
    in_force = versions.get(ThresholdChanges.full_name(), -1)
    months = quality.judged(view.storage, versions[DataQuality.full_name()], in_force)
    return by_check(months if in_full else months.filter(~told_by_few()))


def told_by_few() -> pl.Expr:
    """Whether a month of a check is about 1 to 10 rows that fail, or that pass; extracts are nobody's rows."""
    few = pl.col("failed", "passed").is_between(1, SMALLEST_CELL - 1)
    return pl.any_horizontal(few) & (pl.col("severity") != "extract")


def chart(
    draw: "Callable[Concatenate[Shown, Asked], alt.LayerChart]",
) -> "Callable[Concatenate[View | Shown, Asked], alt.LayerChart]":
    """Let a drawing take a release straight away: ``charts.volume_trend(lake.at())``."""

    @wraps(draw)
    def drawn(release: "View | Shown", /, *args: Asked.args, **asked: Asked.kwargs) -> "alt.LayerChart":
        return draw(release if isinstance(release, Shown) else shown(release), *args, **asked)

    return drawn
