"""Rates of providers, compared fairly."""

import dataframely as dy

from carti_lake.tables import fields as f
from carti_lake.tables.gold.provider import Gold


class ProviderComparison(Gold, table="provider_comparison"):
    """A provider's rate beside the network's: intervals, shrunk rate, control limits, and rank with its uncertainty."""

    provider_id = f.provider_id("Provider", primary_key=True)
    metric = f.key("Proportion of the metric registry, over the provider's cases")
    first_month = f.day("First month of the twelve that are compared; null where all months are")
    last_month = f.day("Last month: the newest one that had ended by the newest extract date; null where all are")
    numerator = f.count("Cases that the metric counts")
    n = f.count("Cases; a provider without any has no row")
    rate = f.rate("numerator / n; null on fewer than 11 cases")
    lower_95 = f.rate("Lower end of the rate's Wilson 95 % interval")
    upper_95 = f.rate("Upper end of the rate's Wilson 95 % interval")
    network_rate = f.rate("The same rate over all providers")
    prior_cases = dy.Float64(
        nullable=True,
        description="Own cases at which a provider's rate counts as much as the network's; null where none is fitted",
        metadata={"unit": "count"},
    )
    shrunk_rate = f.rate("Empirical-Bayes rate: the provider's cases weighed against all providers' (beta-binomial)")
    shrunk_lower_95 = f.rate("Lower end of the shrunk rate's 95 % interval")
    shrunk_upper_95 = f.rate("Upper end of the shrunk rate's 95 % interval")
    limit_lower_95 = f.rate("Control limit: of providers like the others, 2.5 % lie below it")
    limit_upper_95 = f.rate("Control limit: of providers like the others, 2.5 % lie above it")
    limit_lower_998 = f.rate("Control limit: of providers like the others, 0.1 % lie below it")
    limit_upper_998 = f.rate("Control limit: of providers like the others, 0.1 % lie above it")
    outside_95 = f.text("`above` or `below` the 95 % limits; null within them")
    outside_998 = f.text("`above` or `below` the 99.8 % limits; null within them")
    dispersion = dy.Float64(
        nullable=True,
        description="Winsorised variance of the rates as a multiple of chance; clearly above 1, it widens the limits",
        metadata={"unit": "ratio"},
    )
    ranked = f.count("Providers that are ranked on the metric")
    rank = f.count("Median rank; 1 is the lowest rate where lower is better, else the highest", nullable=True)
    rank_low = f.count("Lower end of the rank's 95 % interval", nullable=True)
    rank_high = f.count("Upper end of the rank's 95 % interval", nullable=True)
    first_quarter = f.rate("Probability to be among the first quarter of the ranks")
    last_quarter = f.rate("Probability to be among the last quarter of the ranks")
    reason = f.text("Why there is no rate, no shrunk rate or no rank")
