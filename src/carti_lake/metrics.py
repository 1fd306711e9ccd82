"""The metric registry: each metric declared once, as a ratio of sums, with its standard definition and source."""

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Sum:
    """Sum of columns of ``gold.provider_monthly`` (or of a roll-up of it), with their signs."""

    columns: tuple[str, ...]
    minus: tuple[str, ...] = ()

    def expression(self) -> pl.Expr:
        """The sum at any grain, as an aggregation."""
        total = pl.sum_horizontal(pl.col(name).sum() for name in self.columns)
        return total - pl.sum_horizontal(pl.col(name).sum() for name in self.minus) if self.minus else total


@dataclass(frozen=True)
class Rate:
    """A ratio of sums.

    Attributes
    ----------
    id
        Name of the metric, and of its column where a mart holds it.
    title
        Label for people; ``adapted`` stands in it where our data cannot meet the whole definition.
    numerator, denominator
        Sums whose ratio it is at every grain; never a mean of rates. A denominator of zero gives null.
    unit
        ``ratio``, ``USD``, ``days`` or ``points``.
    good
        ``up``, ``down``, or ``none`` where neither direction is good by itself.
    source
        Where the definition comes from.
    """

    id: str
    title: str
    numerator: Sum
    denominator: Sum
    source: str
    unit: str = "ratio"
    good: str = "up"

    def expression(self) -> pl.Expr:
        """The ratio at any grain, as an aggregation (Float64)."""
        below = self.denominator.expression().cast(pl.Float64)
        return pl.when(below != 0).then(self.numerator.expression().cast(pl.Float64) / below).alias(self.id)


def _sum(*columns: str, minus: tuple[str, ...] = ()) -> Sum:
    return Sum(columns, minus)


SEED = "the original CARTI BI project's own ETL; kept so that its table reproduces"

PROVIDER_RATES: tuple[Rate, ...] = (
    Rate(
        "avg_length_of_stay",
        "Average length of stay",
        _sum("length_of_stay_days"),
        _sum("length_of_stay_count"),
        "CMS",
        "days",
        "down",
    ),
    Rate("avg_satisfaction", "Mean satisfaction", _sum("satisfaction_sum"), _sum("satisfaction_count"), SEED, "points"),
    Rate("avg_cost", "Mean cost of a stay", _sum("treatment_cost"), _sum("treatment_cost_count"), SEED, "USD", "down"),
    Rate("denial_rate", "Denial rate (as in the seed)", _sum("denied_claims"), _sum("visits"), SEED, good="down"),
    Rate(
        "claim_collection_rate",
        "Claim collection rate (as delivered)",
        _sum("payments_as_delivered"),
        _sum("gross_charges"),
        SEED,
    ),
    Rate("gross_collection_rate", "Gross collection rate", _sum("payments"), _sum("gross_charges"), "MGMA"),
    Rate(
        "adjudicated_collection_rate",
        "Collection rate, adjudicated",
        _sum("payments"),
        _sum("paid_charges", "denied_charges"),
        "convention; no authoritative text found",
    ),
    Rate(
        "net_collection_rate",
        "Net collection rate (adapted: paid claims that deliver the adjustment, all months)",
        _sum("contractual_payments"),
        _sum("contractual_charges", minus=("contractual_adjustments",)),
        "AAFP",
    ),
    Rate(
        "remittance_denial_rate",
        "Remittance denial rate",
        _sum("denied_claims"),
        _sum("paid_claims", "denied_claims"),
        "HFMA MAP AR-5",
        good="down",
    ),
    Rate(
        "top_box_rate",
        "Experience, top box (adapted: 90 of 100)",
        _sum("top_box_count"),
        _sum("satisfaction_count"),
        "HCAHPS",
    ),
    Rate(
        "leakage_rate",
        "Referral leakage",
        _sum("referrals_made_out_of_network", "referrals_made_lost"),
        _sum("referrals_made"),
        "no single standard: both parts are shown beside it",
        good="down",
    ),
    Rate(
        "keepage_rate",
        "Keepage",
        _sum("referrals_completed"),
        _sum("referrals_received"),
        "convention; no authoritative text found",
    ),
    Rate(
        "no_show_rate",
        "No-show rate",
        _sum("no_shows"),
        _sum("appointments"),
        "convention; no authoritative text found",
        good="down",
    ),
)
