"""The one door of all outlets: a release as it may be shown, or in full where someone says why."""

from getpass import getuser
from typing import TYPE_CHECKING

import polars as pl

from carti_lake import trail
from carti_lake.disclosure import Publication, in_full, publication
from carti_lake.tables.gold.events import COMPARED

if TYPE_CHECKING:
    from carti_lake.access import Visible
    from carti_lake.lake import When
    from carti_lake.view import View


def gold_frames(view: "View | Visible", names: frozenset[str] | None = None) -> dict[str, pl.LazyFrame]:
    """Gold tables of the release by bare name, as stored: all, or those of ``names`` (full ones) that it has."""
    kept = [name for name in view.tables() if name.startswith("gold.") and (names is None or name in names)]
    return {name.removeprefix("gold."): view.scan(name) for name in kept}


def opened(view: "View", outlet: str, *, after: "When | None" = None, full_counts: str | None = None) -> Publication:
    """The release as the outlet may show it.

    Parameters
    ----------
    view
        The release.
    outlet
        Name of the outlet, for the audit trail.
    after
        The release that its readers had before: what moved little since is hidden. None for the one before it.
    full_counts
        Why small counts are to be shown. None, as a rule: they are not.

    Raises
    ------
    ReasonError
        Where ``full_counts`` is blank.
    """
    if full_counts is not None:
        lake = view.lake
        trail.record(
            lake.storage,
            user=getuser(),
            outlet=outlet,
            release=view.release.number,
            reason=full_counts,
            now=lake.clock(),
        )
        return in_full(gold_frames(view))
    return compared(view, view.before() if after is None else view.lake.at(after))


def compared(view: "View | Visible", before: "View | Visible | None") -> Publication:
    """The release without small counts, nor small changes since another that its readers have; None for none."""
    if before is None:
        return publication(gold_frames(view))
    return publication(gold_frames(view), gold_frames(before, COMPARED), f"release {before.release.number}")
