"""The network's numbers: sums of what adds over providers, and the registry's rates as sum over sum."""

from dataclasses import dataclass

import polars as pl

from carti_lake.disclosure import SMALLEST_CELL, Publication
from carti_lake.metrics import CRM_RATES, PROVIDER_RATES, Metric
from carti_lake.tables.gold import ProviderSummary
from carti_lake.tables.gold.events import MADE_FROM, NOT_OF_PEOPLE

#: Columns of ``provider_summary`` that add over providers. Distinct patients do not.
SUMS = (
    "total_visits",
    "total_claim_amount",
    "total_claim_paid",
    "payments",
    "paid_claims",
    "denied_claims",
    "pending_claims",
    "stays",
    "referrals_made",
    "referrals_made_out_of_network",
    "referrals_made_lost",
    "referrals_received",
    "referrals_completed",
    "appointments",
    "no_shows",
    "deals_value",
    "marketing_cost",
    "opportunity_value",
    "open_opportunities",
    "won_opportunities",
    "lost_opportunities",
    "won_value",
    "weighted_pipeline",
)


@dataclass(frozen=True)
class Kpi:
    """One number of the network.

    Attributes
    ----------
    column
        Column of ``provider_summary`` that it is the network's value of.
    title
        What it is.
    unit
        ``USD``, ``count``, ``ratio``, ``days`` or ``points``.
    value
        The sum, or numerator over denominator; None where nothing was delivered or the cases are too few.
    numerator, denominator
        The two sums of a ratio; None with its value.
    source
        Where a ratio's definition comes from.
    """

    column: str
    title: str
    unit: str
    value: float | None
    numerator: float | None = None
    denominator: float | None = None
    source: str | None = None


def kpis(published: Publication) -> list[Kpi]:
    """The network's rates, then its sums; what the publication hides has no value here either."""
    network, summary = published.network, published.tables["provider_summary"]
    return [
        *(network_rate(rate, network) for rate in PROVIDER_RATES),
        *(network_rate(rate, summary) for rate in CRM_RATES),
        *(network_sum(column, published) for column in SUMS),
    ]


def network_sum(column: str, published: Publication) -> Kpi:
    """A column of ``provider_summary`` over the network; None where it is hidden, or no provider has a value."""
    of_deals = column in NOT_OF_PEOPLE
    rows = published.tables["provider_summary"] if of_deals else published.network
    (source,) = (column,) if of_deals else MADE_FROM.get(column, (column,))
    values = rows[source].drop_nulls()
    declared = ProviderSummary.columns()[column]
    value = _number(values.sum()) if values.len() else None
    return Kpi(column, declared.description or column, str(ProviderSummary.meta(column)["unit"]), value)


def network_rate(rate: Metric, rows: pl.DataFrame) -> Kpi:
    """A rate over all rows that hold both its sums; None on too few cases."""
    assert rate.denominator is not None
    needed = {*rate.numerator.inputs(), *rate.denominator.inputs()}
    whole = rows.drop_nulls(sorted(needed))
    numerator, denominator = (
        _number(whole.select(part.expression()).item()) for part in (rate.numerator, rate.denominator)
    )
    if not denominator or (rate.proportion and denominator < SMALLEST_CELL):
        return Kpi(rate.id, rate.title, rate.unit, None, source=rate.source)
    return Kpi(rate.id, rate.title, rate.unit, numerator / denominator, numerator, denominator, rate.source)


def _number(value: object) -> float:
    # Sums of doubles depend on the order of work in their last bits; the same release must give the same file.
    return round(float(str(value or 0)), 6)
