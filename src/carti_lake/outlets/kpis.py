"""The network's numbers: sums of what adds over providers, and the registry's rates as sum over sum."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from carti_lake.metrics import CRM_RATES, PROVIDER_RATES, Metric
from carti_lake.outlets.disclosure import CASES, SMALLEST_CELL
from carti_lake.tables.gold import ProviderSummary

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


def kpis(frames: Mapping[str, pl.DataFrame]) -> list[Kpi]:
    """The network's rates, then its sums.

    Parameters
    ----------
    frames
        ``provider_summary`` and ``provider_monthly``, as stored: what disclosure hides is part of the sums.
    """
    summary, monthly = frames["provider_summary"], frames["provider_monthly"]
    return [
        *(network_rate(rate, monthly, summary) for rate in PROVIDER_RATES),
        *(network_rate(rate, summary, summary) for rate in CRM_RATES),
        *(network_sum(column, summary) for column in SUMS),
    ]


def network_sum(column: str, summary: pl.DataFrame) -> Kpi:
    """Sum of a column of ``provider_summary``; None where no provider has a value."""
    values = summary[column].drop_nulls()
    declared = ProviderSummary.columns()[column]
    value = _number(values.sum()) if values.len() else None
    return Kpi(column, declared.description or column, str(ProviderSummary.meta(column)["unit"]), value)


def network_rate(rate: Metric, parts: pl.DataFrame, summary: pl.DataFrame) -> Kpi:
    """A rate over all rows of ``parts`` that hold both its sums; hidden on too few cases in ``summary``."""
    assert rate.denominator is not None
    needed = {*rate.numerator.inputs(), *rate.denominator.inputs()}
    whole = parts.drop_nulls(sorted(needed))
    numerator, denominator = (
        _number(whole.select(part.expression()).item()) for part in (rate.numerator, rate.denominator)
    )
    few = rate.id in CASES and sum(summary[column].sum() for column in CASES[rate.id]) < SMALLEST_CELL
    if few or not denominator:
        return Kpi(rate.id, rate.title, rate.unit, None, source=rate.source)
    return Kpi(rate.id, rate.title, rate.unit, numerator / denominator, numerator, denominator, rate.source)


def _number(value: object) -> float:
    # Sums of doubles depend on the order of work in their last bits; the same release must give the same file.
    return round(float(str(value or 0)), 6)
