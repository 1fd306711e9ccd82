"""A release's dashboard as a file."""

from typing import TYPE_CHECKING

from carti_lake.metrics import METRICS
from carti_lake.metrics.value import undelivered
from carti_lake.outlets.destination import file_at, file_of
from carti_lake.releases.measure import delivered

if TYPE_CHECKING:
    from carti_lake.access.viewer import Audience
    from carti_lake.outlets.charts.shown import Shown
    from carti_lake.releases.release import When
    from carti_lake.releases.view import View


def dashboard_of(
    view: "View",
    target: str,
    *,
    audience: "Audience | None" = None,
    after: "When | None" = None,
    full_counts: str | None = None,
) -> str:
    """Write the release's dashboard to a file, or to ``dashboard.html`` of a folder; returns the file.

    For ``audience``, ``after`` and ``full_counts`` see :func:`carti_lake.outlets.disclosure.opened`.
    """
    from carti_lake.outlets.charts.shown import shown
    from carti_lake.outlets.dashboard.cubes import SHOWN
    from carti_lake.outlets.dashboard.page import page

    release = shown(view, outlet="dashboard", audience=audience, after=after, full_counts=full_counts)
    had = delivered(view.tables(), view.scan, SHOWN.values())
    missing = {name: why for name, metric in SHOWN.items() if (why := undelivered(metric, had))}
    why = _why(view, release, after) if release.in_full else None
    file = file_of(target, "dashboard.html")
    with file_at(file, view.storage.options) as path:
        path.write_text(page(release, missing, why), "utf-8", newline="\n")
    return file


def _why(view: "View", release: "Shown", after: "When | None") -> str | None:
    """Why the numbers changed of which the first sentence tells."""
    from carti_lake.outlets.dashboard.cubes import KPIS
    from carti_lake.outlets.headline import headlines, over, usual_period
    from carti_lake.outlets.story import changed
    from carti_lake.outlets.why import explained, in_words
    from carti_lake.releases.explain import ExplainError

    period = usual_period(over(release.published, release.data_as_of))
    heads = headlines(release.published, release.data_as_of, period, (METRICS[name] for name in KPIS))
    try:
        return in_words(explained(view, delivered(view.tables(), view.scan), after, changed(heads)))
    except ExplainError:
        # Files of the release before are gone: the page says what changed all the same.
        return None
