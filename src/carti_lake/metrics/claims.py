"""Metrics of claims, over the claims marts.

``gross_collection_rate``, ``net_collection_rate`` and ``remittance_denial_rate`` of providers read columns that
``gold.claims_monthly`` holds under the same names: they are the same there, by payer too.
"""

import polars as pl

from carti_lake.metrics.metric import Metric, Sum, Window
from carti_lake.tables.gold import ClaimsActivity, ClaimsAged, ClaimsMaturity, ClaimsMonthly

HFMA_TASK_FORCE = "HFMA Claim Integrity Task Force"

CLAIMS_METRICS: tuple[Metric, ...] = (
    Metric(
        "net_collection_rate_12_months",
        "Net collection rate, 12 months (adapted: paid claims that deliver the adjustment)",
        ClaimsMonthly,
        Sum.of("contractual_payments"),
        Sum.of("contractual_charges", minus=("contractual_adjustments",)),
        "AAFP",
        counted_by=("contractual_claims",),
        window=Window(numerator=(0, 11), denominator=(0, 11)),
        definition="Payments per dollar that could be collected, over the twelve months of service that end with the "
        "reporting month. Adapted: over paid claims that deliver the adjustment, without credits.",
        target=0.95,
    ),
    Metric(
        "initial_denial_rate",
        "Initial denial rate, volume",
        ClaimsActivity,
        Sum.of("initially_denied_claims"),
        Sum.of("submitted_claims"),
        HFMA_TASK_FORCE,
        good="down",
        window=Window(denominator=(1, 3), month="activity_month"),
        definition="Claims first denied in a month, whatever became of them, over the claims submitted in the mean "
        "month of the three before it.",
    ),
    Metric(
        "initial_denial_rate_dollars",
        "Initial denial rate, dollars",
        ClaimsActivity,
        Sum.of("initially_denied_charges"),
        Sum.of("submitted_charges"),
        HFMA_TASK_FORCE,
        good="down",
        counted_by=("submitted_claims",),
        window=Window(denominator=(1, 3), month="activity_month"),
        definition="Billed charges of the claims first denied in a month, over the charges submitted in the mean month "
        "of the three before it.",
    ),
    Metric(
        "initial_denial_share",
        "Initial denials among adjudicated claims",
        ClaimsMonthly,
        Sum.of("initially_denied_claims"),
        Sum.of("paid_claims", "denied_claims", "reversed_claims"),
        "convention; no authoritative text found: HFMA's numerator over the same claims, for intervals",
        good="down",
        proportion=True,
        definition="Claims ever denied, as a share of the claims of the month of service that a payer has answered.",
    ),
    Metric(
        "overturn_rate",
        "Overturn rate",
        ClaimsMonthly,
        Sum.of("overturned_claims"),
        Sum.of("initially_denied_claims"),
        "HFMA Claim Integrity Task Force, metric 6; convention, no authoritative text found",
        proportion=True,
        definition="Claims denied once and paid now, as a share of the claims ever denied.",
    ),
    Metric(
        "aged_receivables_rate",
        "Aged A/R over 90 days (adapted: claims not yet adjudicated)",
        ClaimsAged,
        Sum.of("charges_91_120", "charges_over_120"),
        Sum.of("dated_charges"),
        "HFMA MAP keys",
        good="down",
        counted_by=("open_claims",),
        definition="Billed charges of claims open for more than 90 days since submission, as a share of those of all "
        "open claims with a day of submission. Adapted: receivables are claims that no payer has answered yet; what "
        "patients owe is not delivered.",
    ),
    Metric(
        "claim_maturity",
        "Claim maturity",
        ClaimsMaturity,
        Sum.of("adjudicated_claims"),
        Sum.of("expected_claims"),
        "actuarial chain ladder (Mack 1993)",
        counted_by=("adjudicated_claims",),
        definition="Claims of a month adjudicated by now, as a share of those expected in the end from the lags of "
        "earlier months. Rates on months under 90 % are provisional.",
    ),
)


def with_maturity(rows: pl.LazyFrame, maturity: pl.LazyFrame) -> pl.LazyFrame:
    """Rows by ``month`` of service with ``maturity`` and ``provisional``, which whoever shows a rate on them must show.

    Parameters
    ----------
    rows
        Rows with the column ``month``.
    maturity
        Rows of ``gold.claims_maturity``. Months before its first are complete; without any row nothing is known.
    """
    begins = maturity.select(begins=pl.col("month").min())
    complete = pl.col("month") < pl.col("begins")
    return (
        rows.join(maturity.select("month", "maturity", "provisional"), on="month", how="left")
        .join(begins, how="cross")
        .with_columns(
            pl.when(complete).then(1.0).otherwise("maturity").alias("maturity"),
            pl.when(complete).then(False).otherwise("provisional").alias("provisional"),
        )
        .drop("begins")
    )
