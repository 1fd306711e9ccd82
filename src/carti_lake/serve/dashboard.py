"""The dashboard of what a viewer may see, where this installation has that outlet."""

import re
from functools import cache
from importlib import import_module
from importlib.util import find_spec

from carti_lake.metrics.value import undelivered
from carti_lake.outlets.charts.shown import Shown
from carti_lake.releases.measure import delivered
from carti_lake.releases.quality import checks_then
from carti_lake.serve.request import RequestContext
from carti_lake.tables.gold import DataQuality

OUTLET = "carti_lake.outlets.dashboard"
#: The way from the dashboard to the files and to sign out.
WAY_BACK = '<p style="margin:0;padding:.5rem 1rem;text-align:right"><a href="/files">Files, sign out</a></p>'
_POLICY = re.compile(r'http-equiv="Content-Security-Policy"\s+content="([^"]+)"', re.IGNORECASE)


@cache
def installed() -> bool:
    """Whether this installation has the outlet."""
    return find_spec(OUTLET) is not None


def page(context: RequestContext) -> tuple[str, str]:
    """The page, and the policy under which its browser is to run it: its own, and nobody may frame it."""
    context.needs("read")
    visible, viewer = context.opened, context.viewer
    exact = viewer is not None and viewer.exact
    metrics = import_module(f"{OUTLET}.cubes").SHOWN
    tables = visible.tables()
    missing = {}
    if any(name.startswith("silver.") for name in tables):
        had = delivered(tables, visible.scan, metrics.values())
        missing = {name: why for name, metric in metrics.items() if (why := undelivered(metric, had))}
    checks = None
    if DataQuality.full_name() in tables:
        checks = checks_then(visible.storage, visible.scan(DataQuality.full_name()).collect(), context.release)
    shown = Shown(visible.publication(), context.release.caption, context.release.data_as_of, checks, exact)
    html: str = import_module(f"{OUTLET}.page").page(shown, missing)
    policy = _POLICY.search(html)
    own = policy[1].replace("&#x27;", "'").replace("&#39;", "'") if policy else "default-src 'none'"
    return re.sub(r"(<body[^>]*>)", rf"\1{WAY_BACK}", html, count=1), f"{own}; frame-ancestors 'none'; base-uri 'none'"
