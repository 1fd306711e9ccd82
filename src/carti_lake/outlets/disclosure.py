"""The one door of all outlets: a release as it may be shown, or in full where someone says why."""

from dataclasses import replace
from getpass import getuser

from carti_lake.access import full_counts as full
from carti_lake.access.audience import asked
from carti_lake.access.publications import published
from carti_lake.access.viewer import Audience
from carti_lake.disclosure import IN_FULL, INSIDE, Publication, in_full
from carti_lake.disclosure.release import gold_frames
from carti_lake.releases.release import Release, When
from carti_lake.releases.view import View


def opened(
    view: View,
    outlet: str,
    *,
    audience: Audience | None = None,
    after: When | None = None,
    full_counts: str | None = None,
) -> Publication:
    """The release as the outlet may show it.

    Parameters
    ----------
    view
        The release.
    outlet
        Name of the outlet, for the audit log.
    audience
        For whom it is made; None for the audience that is declared for the lake.
    after
        The release that its readers had before, alone: what moved little since is hidden. ``none`` where nobody has had
        one: only whoever hands out the publications can say so. None for all that the record of publications has.
    full_counts
        Why small counts are to be shown this once, whoever the audience is.

    Raises
    ------
    ReasonError
        Where ``full_counts`` is blank.
    AudienceError
        Where exact numbers are asked for that nobody has declared to be for the inside.
    """
    if full_counts is None:
        audience, why = asked(view.storage, outlet, audience)
    else:
        audience, why = Audience.INSIDE, full_counts
    if audience is Audience.INSIDE and why is not None:
        full.record(
            view.storage,
            user=getuser(),
            outlet=outlet,
            release=view.release.number,
            reason=why if full_counts is not None else f"for the audience inside: {why}",
            now=view.clock(),
        )
        return in_full(gold_frames(view), IN_FULL if full_counts is not None else INSIDE)
    return published(view, outlet, after)


def without_figures(release: Release) -> Release:
    """The release as it may be told of: which audits failed and were accepted, without the counts that they quote."""
    return replace(release, audits=tuple(replace(one, detail="accepted") for one in release.audits))
