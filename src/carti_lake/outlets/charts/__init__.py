"""The charts of a release, each a function that takes it and returns an Altair chart: for notebooks and for files.

``charts.volume_trend(lake.at())`` draws the newest release as anyone may see it. Several charts of one release, or with
small counts, share one opening of it: ``release = charts.shown(lake.at(), full_counts="…")``, then
``charts.volume_trend(release)``, ``charts.provider_ranking(release, "leakage_rate")``.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from carti_lake.outlets.charts.claims import claims_by_payer, denial_trend, denials_by_reason
from carti_lake.outlets.charts.comparison import provider_funnel, provider_ranking
from carti_lake.outlets.charts.marketing import campaign_returns, roi_by_provider
from carti_lake.outlets.charts.opportunity import predicted_vs_actual_opportunity
from carti_lake.outlets.charts.quality import data_quality
from carti_lake.outlets.charts.referrals import referral_leakage
from carti_lake.outlets.charts.shown import Shown, shown
from carti_lake.outlets.charts.volume import volume_trend

if TYPE_CHECKING:
    import altair as alt

#: Metrics whose providers are compared in files; `carti-lake compare` prints the others.
COMPARED = ("remittance_denial_rate", "leakage_rate", "no_show_rate")

#: Every chart that is written to a file, by the file's name.
VIEWS: "dict[str, Callable[[Shown], alt.LayerChart]]" = {
    "roi_by_provider": roi_by_provider,
    "predicted_vs_actual_opportunity": predicted_vs_actual_opportunity,
    "volume_trend": volume_trend,
    "referral_leakage": referral_leakage,
    "claims_by_payer": claims_by_payer,
    "denials_by_reason": denials_by_reason,
    "denial_trend": denial_trend,
    "campaign_returns": campaign_returns,
    **{f"funnel_{metric}": partial(provider_funnel, metric=metric) for metric in COMPARED},
    **{f"intervals_{metric}": partial(provider_ranking, metric=metric) for metric in COMPARED},
    "data_quality": data_quality,
}

__all__ = [
    "VIEWS",
    "Shown",
    "campaign_returns",
    "claims_by_payer",
    "data_quality",
    "denial_trend",
    "denials_by_reason",
    "predicted_vs_actual_opportunity",
    "provider_funnel",
    "provider_ranking",
    "referral_leakage",
    "roi_by_provider",
    "shown",
    "volume_trend",
]
