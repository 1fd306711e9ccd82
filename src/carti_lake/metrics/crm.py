"""Metrics of what the CRM tells of a provider, whatever the month, over ``gold.provider_summary``."""

from carti_lake.metrics.metric import Metric, Sum
from carti_lake.metrics.sums import CONVENTION, SEED, sum_of
from carti_lake.tables.gold import ProviderSummary

_SALESFORCE = "Salesforce object reference"

#: Each is a column of ``gold.provider_summary`` under its id.
CRM_RATES: tuple[Metric, ...] = (
    Metric(
        "win_rate",
        "Win rate",
        ProviderSummary,
        Sum.of("won_opportunities"),
        Sum.of("won_opportunities", "lost_opportunities"),
        CONVENTION,
        proportion=True,
        definition="Opportunities won, as a share of those decided (won or lost), by the stage's own flags.",
    ),
    Metric(
        "roi",
        "ROI (original definition: whatever the stage)",
        ProviderSummary,
        Sum.of("deals_value", minus=("marketing_cost",)),
        Sum.of("marketing_cost"),
        SEED,
        definition="Value of deals less marketing cost, per dollar of marketing cost, over the providers of whom both "
        "are delivered; deals count whether won or not.",
    ),
    Metric(
        "value_per_patient",
        "Value per patient (original definition)",
        ProviderSummary,
        Sum.of("deals_value"),
        Sum.of("total_patients"),
        SEED,
        unit="USD",
        definition="Value of a provider's deals per distinct patient whom the provider referred for a stay. A patient "
        "of two providers would count twice, so there is no value for several providers together.",
    ),
    Metric(
        "expected_revenue",
        "Expected revenue of an open opportunity",
        ProviderSummary,
        Sum.of("weighted_pipeline"),
        Sum.of("valued_opportunities"),
        _SALESFORCE,
        unit="USD",
        definition="Amount x probability of an open opportunity; over several, their mean.",
    ),
)

CRM_SUMS: tuple[Metric, ...] = (
    sum_of(ProviderSummary, "deals_value"),
    sum_of(ProviderSummary, "marketing_cost", good="down"),
    sum_of(ProviderSummary, "opportunity_value"),
    sum_of(ProviderSummary, "open_opportunities"),
    sum_of(ProviderSummary, "won_opportunities"),
    sum_of(ProviderSummary, "lost_opportunities", good="down"),
    sum_of(ProviderSummary, "won_value", counted_by=("won_opportunities",)),
    sum_of(
        ProviderSummary,
        "weighted_pipeline",
        title="Weighted pipeline",
        source=CONVENTION,
        definition="Expected revenue of all open opportunities: the sum of amount x probability.",
        counted_by=("valued_opportunities",),
    ),
)
