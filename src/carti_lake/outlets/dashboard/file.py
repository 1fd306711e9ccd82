"""A release's dashboard as a file."""

from typing import TYPE_CHECKING

from carti_lake.metrics.value import undelivered
from carti_lake.outlets.destination import file_at, file_of
from carti_lake.releases.measure import delivered

if TYPE_CHECKING:
    from carti_lake.access.viewer import Audience
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
    from carti_lake.outlets.dashboard.cubes import KPIS, SHOWN
    from carti_lake.outlets.dashboard.page import page
    from carti_lake.outlets.why import compared_with, in_brief

    release = shown(view, outlet="dashboard", audience=audience, after=after, full_counts=full_counts)
    had = delivered(view.tables(), view.scan)
    missing = {name: why for name, metric in SHOWN.items() if (why := undelivered(metric, had))}
    why = in_brief(view, release.published, had, compared_with(view, after), KPIS) if release.in_full else None
    file = file_of(target, "dashboard.html")
    with file_at(file, view.storage.options) as path:
        path.write_text(page(release, missing, why), "utf-8", newline="\n")
    return file
