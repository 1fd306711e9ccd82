"""Where referrals come from, where they go, and what the visits that followed brought."""

import polars as pl

from carti_lake.pipeline.gold.provider_monthly import IN_NETWORK, OUT_OF_NETWORK
from carti_lake.pipeline.mart import mart
from carti_lake.pipeline.silver.claim_lines import with_lines
from carti_lake.tables.gold import ReferralDays, ReferralFlow, ReferralRevenue
from carti_lake.tables.gold.referrals import UNKNOWN

#: What places a referral in the flow.
CELL = ("month", "origin_zip3", "referring_provider_id", "rendering_provider_id", "service_line")
#: Sums over the visits that followed.
REALISED = ("realised_visits", "realised_charges", "realised_cash")


def outcomes() -> dict[str, pl.Expr]:
    """What became of a referral, as Boolean expressions of which exactly one holds.

    Out of network comes first, as in ``gold.provider_monthly``: seen elsewhere and lost is one leak, not two.
    """
    network, status = pl.col("network_status"), pl.col("referral_status")
    stays = network.ne_missing(OUT_OF_NETWORK)
    known = network.eq_missing(IN_NETWORK)
    return {
        "completed_in_network": known & (status == "completed"),
        "completed_network_unknown": stays & ~known & (status == "completed"),
        "out_of_network": ~stays,
        "never_completed": stays & (status == "lost"),
        "still_open": stays & ~status.is_in(["completed", "lost"]),
    }


@mart(
    ReferralFlow,
    ReferralDays,
    inputs=("silver.referrals", "gold.referral_revenue"),
    by_month=True,
    totals={
        "referrals": ("silver.referrals", pl.len()),
        "estimated_value": ("silver.referrals", pl.col("estimated_value").sum()),
    },
)
def flow_and_days(referrals: pl.LazyFrame, revenue: pl.LazyFrame) -> tuple[pl.LazyFrame, ...]:
    """Rows of ``gold.referral_flow`` and ``gold.referral_days``."""
    return referral_flow(referrals, revenue), referral_days(referrals)


def referral_flow(referrals: pl.LazyFrame, revenue: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of ``gold.referral_flow`` for the months of the given rows.

    Parameters
    ----------
    referrals
        ``silver.referrals``, withdrawn rows too.
    revenue
        ``gold.referral_revenue`` of the same months of referral.
    """
    value, wait = pl.col("estimated_value"), days_to_first_visit()
    made = (
        _placed(referrals)
        .group_by(CELL)
        .agg(
            *(holds.sum().alias(outcome) for outcome, holds in outcomes().items()),
            *(pl.when(holds).then(value).sum().alias(f"{outcome}_value") for outcome, holds in outcomes().items()),
            referrals=pl.len(),
            estimated_value=value.sum(),
            valued_referrals=value.count(),
            first_visits=wait.count(),
            days_to_first_visit=wait.sum(),
        )
    )
    followed = revenue.group_by(CELL).agg(pl.col(name).sum() for name in REALISED)
    return (
        made.join(followed, on=CELL, how="left")
        .with_columns(pl.col(REALISED).fill_null(0))
        .select(pl.col(name).cast(dtype) for name, dtype in ReferralFlow.dtypes().items())
    )


def referral_days(referrals: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of ``gold.referral_days``: referrals by the days that they took to the first visit."""
    return (
        _placed(referrals)
        .select("month", "service_line", pl.col("network_status").fill_null(UNKNOWN), days=days_to_first_visit())
        .drop_nulls("days")
        .group_by("month", "service_line", "network_status", "days")
        .agg(referrals=pl.len())
        .select(pl.col(name).cast(dtype) for name, dtype in ReferralDays.dtypes().items())
    )


@mart(
    ReferralRevenue,
    inputs=("silver.visits", "silver.referrals", "silver.claims_of_lines"),
    by_month=True,
    lasting=("silver.referrals",),
    month="visit_month",
)
def referral_revenue(visits: pl.LazyFrame, referrals: pl.LazyFrame, of_lines: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of ``gold.referral_revenue`` for the months of the given visits.

    Parameters
    ----------
    visits
        ``silver.visits``. A visit counts for the referral that it names, if that was made on or before its day.
    referrals
        ``silver.referrals`` of these months and of all before.
    of_lines
        ``silver.claims_of_lines`` of the visits' months.
    """
    places = _placed(referrals).select("referral_id", "referral_date", *CELL)
    return (
        with_lines(visits, of_lines)
        .filter(~pl.col("withdrawn") & pl.col("referral_id").is_not_null())
        .select("referral_id", "visit_date", "visit_month", "claim_amount", cash=cash())
        .join(places, on="referral_id")
        .filter(pl.col("referral_date") <= pl.col("visit_date"))
        .group_by(*CELL, "visit_month")
        .agg(
            realised_visits=pl.len(),
            realised_charges=pl.col("claim_amount").sum(),
            realised_cash=pl.col("cash").sum(),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in ReferralRevenue.dtypes().items())
    )


def cash() -> pl.Expr:
    """The payment on a visit's claim where it counts as cash: on a paid claim alone."""
    return pl.when(pl.col("claim_status") == "paid").then("claim_paid")


def days_to_first_visit() -> pl.Expr:
    """Days from the referral to the first visit; null where there was none."""
    return (pl.col("first_visit_date") - pl.col("referral_date")).dt.total_days()


def _placed(referrals: pl.LazyFrame) -> pl.LazyFrame:
    """Referrals that stand, each with its cell."""
    unknown = {"origin_zip3": "patient_zip3", "rendering_provider_id": "rendering_provider_id"}
    return referrals.filter(~pl.col("withdrawn")).with_columns(
        pl.col("service_line").fill_null(UNKNOWN),
        month=pl.col("referral_month"),
        **{name: pl.col(column).fill_null(UNKNOWN) for name, column in unknown.items()},
    )
