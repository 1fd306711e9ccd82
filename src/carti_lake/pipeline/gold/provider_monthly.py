"""Counts and sums by provider, month and service line, from every entity that names a provider."""

import polars as pl

from carti_lake.pipeline.mart import mart
from carti_lake.pipeline.silver.claim_lines import with_lines
from carti_lake.tables.gold import ProviderMonthly

KEY = ("provider_id", "month", "service_line")
IN_NETWORK, OUT_OF_NETWORK = "in_network", "out_of_network"
TOP_BOX = 90


@mart(
    ProviderMonthly,
    inputs=(
        "silver.visits",
        "silver.encounters",
        "silver.referrals",
        "silver.appointments",
        "silver.claims_of_lines",
    ),
    by_month=True,
    totals={
        "visits": ("silver.visits", pl.len()),
        "gross_charges": ("silver.visits", pl.col("claim_amount").sum()),
        "payments_as_delivered": ("silver.visits", pl.col("claim_paid").sum()),
        "stays": ("silver.encounters", pl.len()),
        "treatment_cost": ("silver.encounters", pl.col("treatment_cost").sum()),
        "referrals_made": ("silver.referrals", pl.len()),
    },
)
def provider_monthly(
    visits: pl.LazyFrame,
    encounters: pl.LazyFrame,
    referrals: pl.LazyFrame,
    appointments: pl.LazyFrame,
    of_lines: pl.LazyFrame,
) -> pl.LazyFrame:
    """Rows of ``gold.provider_monthly`` for the months of the given rows.

    Referring and rendering are two roles: stays and referrals made count for the referring provider, visits, claims
    and referrals received for the rendering one.
    """
    parts = [
        _cells(with_lines(visits, of_lines), "rendering_provider_id", "visit_month", _visit_sums()),
        _cells(encounters, "referring_provider_id", "admission_month", _stay_sums()),
        _cells(referrals, "referring_provider_id", "referral_month", _made_sums()),
        _cells(referrals, "rendering_provider_id", "referral_month", _received_sums()),
        _cells(appointments, "provider_id", "appointment_month", _appointment_sums()),
    ]
    measures = [name for name in ProviderMonthly.columns() if name not in KEY]
    dtypes = ProviderMonthly.dtypes()
    return (
        pl.concat(parts, how="diagonal")
        .group_by(KEY)
        .agg(pl.col(name).sum() for name in measures)
        .select(pl.col(name).cast(dtype) for name, dtype in dtypes.items())
    )


def _cells(rows: pl.LazyFrame, provider: str, month: str, sums: dict[str, pl.Expr]) -> pl.LazyFrame:
    dtypes = ProviderMonthly.dtypes()
    return (
        rows.filter(~pl.col("withdrawn") & pl.col(provider).is_not_null())
        .group_by(
            pl.col(provider).alias("provider_id"),
            pl.col(month).alias("month"),
            pl.col("service_line").fill_null("unknown"),
        )
        .agg(expression.cast(dtypes[name]).alias(name) for name, expression in sums.items())
    )


def _visit_sums() -> dict[str, pl.Expr]:
    return {"visits": pl.len(), "visit_patients": pl.col("patient_key").n_unique(), **claim_sums()}


def claim_sums() -> dict[str, pl.Expr]:
    """Counts and dollars of the claims among visits; a payment is cash on a paid claim alone."""
    status, charges, paid = pl.col("claim_status"), pl.col("claim_amount"), pl.col("claim_paid")
    is_paid, is_denied = status == "paid", status == "denied"
    explained = is_paid & pl.col("contractual_adjustment").is_not_null() & charges.is_not_null()
    return {
        "claims": status.count(),
        "paid_claims": is_paid.sum(),
        "denied_claims": is_denied.sum(),
        "pending_claims": (status == "pending").sum(),
        "gross_charges": charges.sum(),
        "paid_charges": pl.when(is_paid).then(charges).sum(),
        "denied_charges": pl.when(is_denied).then(charges).sum(),
        "payments_as_delivered": paid.sum(),
        "payments": pl.when(is_paid).then(paid).sum(),
        "contractual_claims": explained.sum(),
        "contractual_charges": pl.when(explained).then(charges).sum(),
        "contractual_adjustments": pl.when(explained).then("contractual_adjustment").sum(),
        "contractual_payments": pl.when(explained).then(paid).sum(),
    }


def _stay_sums() -> dict[str, pl.Expr]:
    stay, score, cost = pl.col("length_of_stay"), pl.col("satisfaction_score"), pl.col("treatment_cost")
    return {
        "stays": pl.len(),
        "length_of_stay_count": stay.count(),
        "length_of_stay_days": stay.sum(),
        "satisfaction_count": score.count(),
        "satisfaction_sum": score.sum(),
        "top_box_count": (score >= TOP_BOX).sum(),
        "treatment_cost_count": cost.count(),
        "treatment_cost": cost.sum(),
    }


def _made_sums() -> dict[str, pl.Expr]:
    return {
        "referrals_made": pl.len(),
        "referrals_made_out_of_network": (pl.col("network_status") == OUT_OF_NETWORK).sum(),
        "referrals_made_lost": (
            (pl.col("referral_status") == "lost") & (pl.col("network_status").ne_missing(OUT_OF_NETWORK))
        ).sum(),
    }


def _received_sums() -> dict[str, pl.Expr]:
    completed = (pl.col("referral_status") == "completed") & (pl.col("network_status") == IN_NETWORK)
    return {"referrals_received": pl.len(), "referrals_completed": completed.sum()}


def _appointment_sums() -> dict[str, pl.Expr]:
    status = pl.col("appointment_status")
    return {"appointments": status.is_in(["completed", "no_show"]).sum(), "no_shows": (status == "no_show").sum()}
