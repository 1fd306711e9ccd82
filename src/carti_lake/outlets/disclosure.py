"""The one door of all outlets: a release as it may be shown, or in full where someone says why."""

from dataclasses import replace
from getpass import getuser

from carti_lake.access import full_counts as full
from carti_lake.disclosure import Publication, in_full
from carti_lake.disclosure.release import compared, gold_frames
from carti_lake.releases.release import Release, When
from carti_lake.releases.view import View


def opened(view: View, outlet: str, *, after: When | None = None, full_counts: str | None = None) -> Publication:
    """The release as the outlet may show it.

    Parameters
    ----------
    view
        The release.
    outlet
        Name of the outlet, for the audit log.
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
        full.record(
            view.storage,
            user=getuser(),
            outlet=outlet,
            release=view.release.number,
            reason=full_counts,
            now=view.clock(),
        )
        return in_full(gold_frames(view))
    return compared(view, view.before() if after is None else view.at(after))


def without_figures(release: Release) -> Release:
    """The release as it may be told of: which audits failed and were accepted, without the counts that they quote."""
    return replace(release, audits=tuple(replace(one, detail="accepted") for one in release.audits))
