"""The dashboard of what a viewer may see, where this installation has that outlet."""

import re
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from carti_lake.metrics.value import undelivered
from carti_lake.outlets.charts.shown import Shown, checks_of
from carti_lake.outlets.why import earlier, in_brief
from carti_lake.releases.measure import delivered

if TYPE_CHECKING:
    from carti_lake.access import Visible
    from carti_lake.releases.release import Release

OUTLET = "carti_lake.outlets.dashboard"
_POLICY = re.compile(r'http-equiv="Content-Security-Policy"\s+content="([^"]+)"', re.IGNORECASE)
_BODY = re.compile(r"<body[^>]*>")
#: The dashboard's own styles rule its page; these are the service's few elements on it.
_LOOK = """<style>
#ways, #ways ul { display: flex; flex-wrap: wrap; gap: 0 1.25rem; align-items: center; margin: 0; list-style: none }
#ways { justify-content: space-between; padding: .25rem 1rem }
#ways ul { padding: 0 } #ways a { display: inline-block; padding: .375rem 0; color: inherit }
@media print { #ways { display: none } }
</style>"""


@cache
def installed() -> bool:
    """Whether this installation has the outlet."""
    return find_spec(OUTLET) is not None


def before(visible: "Visible", known: "Sequence[Release]") -> "Release | None":
    """The release since which the page says why numbers changed: for who sees all of them, and exactly."""
    whole = visible.viewer.exact and visible.viewer.unrestricted
    return earlier(known, visible.release) if whole else None


def page(visible: "Visible", since: "Release | None") -> str:
    """The page of a release as its viewer may see it: a function of the release and of the viewer's fingerprint.

    Parameters
    ----------
    visible
        What is seen.
    since
        Of :func:`before`.
    """
    cubes = import_module(f"{OUTLET}.cubes")
    view, viewer, published = visible.view, visible.viewer, visible.publication()
    missing, had, checks = {}, set[str](), None
    # Of some providers' rows it is not known what was never delivered, and what only they have none of.
    if viewer.unrestricted:
        had = delivered(view.tables(), view.scan)
        missing = {name: why for name, metric in cubes.SHOWN.items() if (why := undelivered(metric, had))}
        checks = checks_of(view, viewer.exact)
    release = visible.release
    shown = Shown(published, release.caption, release.data_as_of, checks, viewer.exact, viewer.unrestricted)
    why = in_brief(view, published, had, since, cubes.KPIS) if since else None
    html: str = import_module(f"{OUTLET}.page").page(shown, missing, why)
    return html


def served(html: str, ways: str) -> tuple[str, str]:
    """The page with the ways on from it, and the policy under which its browser is to run it.

    The policy is the page's own, and nobody may frame it.
    """
    policy = _POLICY.search(html)
    own = policy[1].replace("&#x27;", "'").replace("&#39;", "'") if policy else "default-src 'none'"
    bar = f'{_LOOK}<div id="ways">{ways}</div>'
    placed = _BODY.sub(lambda body: body[0] + bar, html, count=1)
    return placed, f"{own}; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
