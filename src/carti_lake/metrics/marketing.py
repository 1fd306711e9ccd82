"""Metrics of campaigns, over ``gold.marketing_roi``."""

from carti_lake.metrics.metric import Metric, Sum
from carti_lake.metrics.sums import SEED
from carti_lake.tables.gold import MarketingRoi

_CHAIN = "ours: campaign, opportunity, referral, first visit, claim, cash"
_COSTED = "over the campaigns of which both are delivered"


def _return(metric_id: str, title: str, value: str, meaning: str, source: str) -> Metric:
    return Metric(
        metric_id,
        f"Campaign ROI, {title}",
        MarketingRoi,
        Sum.of(value, minus=("actual_cost",)),
        Sum.of("actual_cost"),
        source,
        definition=f"{meaning} less actual cost, per dollar of actual cost, {_COSTED}.",
    )


#: Each is a column of ``gold.marketing_roi`` under its id.
RETURNS: tuple[Metric, ...] = (
    _return(
        "roi_as_delivered",
        "as delivered (whatever the stage)",
        "opportunity_value",
        "Value of the opportunities whose primary source the campaign is, won or not,",
        f"{SEED}; by campaign",
    ),
    _return(
        "campaign_roi",
        "closed-won",
        "won_value",
        "Value of the won opportunities whose primary source the campaign is",
        "Salesforce help",
    ),
    _return(
        "realised_roi",
        "realised",
        "realised_cash",
        "Payments on paid claims of the visits that the campaign's referrals brought",
        _CHAIN,
    ),
)

MARKETING_METRICS: tuple[Metric, ...] = (
    *RETURNS,
    Metric(
        "campaign_pipeline",
        "Weighted pipeline of campaigns",
        MarketingRoi,
        Sum.of("weighted_pipeline"),
        None,
        "Salesforce object reference",
        "USD",
        definition="Expected revenue (amount x probability) of the open opportunities that name a campaign.",
    ),
    Metric(
        "campaign_cash",
        "Cash that campaigns brought",
        MarketingRoi,
        Sum.of("realised_cash"),
        None,
        _CHAIN,
        "USD",
        definition="Payments on paid claims of the visits that the campaigns' referrals brought; each visit counts for "
        "one campaign at most.",
    ),
)
