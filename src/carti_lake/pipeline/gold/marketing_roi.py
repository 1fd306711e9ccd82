"""What campaigns return: from their cost, over opportunities, referrals, visits and claims, to cash."""

from collections.abc import Iterable

import polars as pl

from carti_lake.metrics.marketing import RETURNS
from carti_lake.pipeline.gold.opportunities import opportunity_sums
from carti_lake.pipeline.gold.referral_flow import REALISED, cash, outcomes
from carti_lake.pipeline.mart import mart
from carti_lake.pipeline.silver.claim_lines import with_lines
from carti_lake.tables.gold import MarketingMonthly, MarketingRoi
from carti_lake.tables.gold.marketing import NONE

KEY = ("month", "campaign_id", "opportunity_id")
#: Columns of ``gold.marketing_roi`` that are null where the feed behind them is not delivered.
FROM_OPPORTUNITIES = (
    "opportunities",
    "open_opportunities",
    "won_opportunities",
    "lost_opportunities",
    "opportunity_value",
    "won_value",
    "weighted_pipeline",
)
FROM_REFERRALS = ("referrals", "first_visits", "first_visits_in_network")
FROM_VISITS = (*REALISED, "realised_claims", "realised_paid_claims")


@mart(
    MarketingMonthly,
    inputs=("silver.visits", "silver.referrals", "silver.claims_of_lines"),
    by_month=True,
    lasting=("silver.referrals",),
    totals={
        "referrals": ("silver.referrals", pl.len()),
        "realised_visits": ("silver.visits", pl.len()),
        "realised_cash": ("silver.visits", pl.when(pl.col("claim_status") == "paid").then("claim_paid").sum()),
    },
)
def marketing_monthly(visits: pl.LazyFrame, referrals: pl.LazyFrame, of_lines: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of ``gold.marketing_monthly``: each referral and each visit in exactly one.

    Parameters
    ----------
    visits
        ``silver.visits`` of some months.
    referrals
        ``silver.referrals`` of these months and of all before.
    of_lines
        ``silver.claims_of_lines`` of the visits' months.
    """
    sources = _sources(referrals)
    made = sources.group_by(KEY).agg(
        referrals=pl.len(),
        first_visits=pl.col("first_visit_date").count(),
        first_visits_in_network=outcomes()["completed_in_network"].sum(),
    )
    brought = (
        _credited(with_lines(visits, of_lines), sources)
        .group_by(KEY)
        .agg(
            realised_visits=pl.len(),
            realised_claims=pl.col("claim_status").count(),
            realised_paid_claims=(pl.col("claim_status") == "paid").sum(),
            realised_charges=pl.col("claim_amount").sum(),
            realised_cash=pl.col("cash").sum(),
        )
    )
    dtypes = MarketingMonthly.dtypes()
    return (
        pl.concat([made, brought], how="diagonal")
        .group_by(KEY)
        .agg(pl.col(name).sum() for name in dtypes if name not in KEY)
        .select(pl.col(name).cast(dtype) for name, dtype in dtypes.items())
    )


def _sources(referrals: pl.LazyFrame) -> pl.LazyFrame:
    """Referrals that stand, each with what is credited with it."""
    named = pl.col("campaign_id").is_not_null()
    return referrals.filter(~pl.col("withdrawn")).with_columns(
        month=pl.col("referral_month"),
        campaign_id=pl.col("campaign_id").fill_null(NONE),
        opportunity_id=pl.when(~named).then("opportunity_id").fill_null(NONE),
    )


def _credited(visits: pl.LazyFrame, sources: pl.LazyFrame) -> pl.LazyFrame:
    """Visits that stand, each with the one campaign or opportunity that is credited with it."""
    credit = ["campaign_id", "opportunity_id"]
    seen = visits.filter(~pl.col("withdrawn")).select(
        "referral_id",
        "patient_key",
        "visit_date",
        "claim_status",
        "claim_amount",
        month="visit_month",
        cash=cash(),
    )
    by_referral = (
        seen.filter(pl.col("referral_id").is_not_null())
        .join(sources.select("referral_id", "referral_date", *credit), on="referral_id", how="left")
        .with_columns(pl.when(pl.col("referral_date") <= pl.col("visit_date")).then(pl.col(credit)).fill_null(NONE))
    )
    # Of two referrals of a patient on one day, the greater number is the later one.
    history = (
        sources.filter(pl.col("campaign_id") != NONE)
        .group_by("patient_key", "referral_date")
        .agg(pl.col(credit).sort_by("referral_id").last())
        .sort("referral_date")
    )
    unnamed = seen.filter(pl.col("referral_id").is_null())
    # Most patients came by no campaign: only the others' visits need to be in order.
    by_history = (
        unnamed.join(history, on="patient_key", how="semi")
        .sort("visit_date")
        .join_asof(history, left_on="visit_date", right_on="referral_date", by="patient_key", check_sortedness=False)
        .with_columns(pl.col(credit).fill_null(NONE))
    )
    by_nothing = unnamed.join(history, on="patient_key", how="anti").with_columns(
        pl.lit(NONE).alias(name) for name in credit
    )
    wanted = ["month", *credit, "claim_status", "claim_amount", "cash"]
    return pl.concat(part.select(wanted) for part in (by_referral, by_history, by_nothing))


@mart(MarketingRoi, inputs=("silver.campaigns", "silver.opportunities", "gold.marketing_monthly"))
def marketing_roi(campaigns: pl.LazyFrame, opportunities: pl.LazyFrame, monthly: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of ``gold.marketing_roi``: every campaign that the CRM lists, or that an opportunity or referral names."""
    listed = campaigns.filter(~pl.col("withdrawn"))
    sourced = opportunities.filter(~pl.col("withdrawn") & pl.col("campaign_id").is_not_null())
    deals = sourced.group_by("campaign_id").agg(
        opportunities=pl.len(), opportunity_value=pl.col("amount").sum(), **opportunity_sums()
    )
    parts = [listed, deals, _brought(monthly, sourced)]
    rows = pl.concat([part.select("campaign_id") for part in parts]).unique()
    for part in parts:
        rows = rows.join(part, on="campaign_id", how="left")
    return (
        rows.with_columns(
            *_zero_where_delivered(FROM_OPPORTUNITIES, pl.col("opportunities").is_not_null().any()),
            *_zero_where_delivered(FROM_REFERRALS, pl.col("referrals").is_not_null().any()),
            *_zero_where_delivered(FROM_VISITS, pl.col("visits_delivered").any()),
        )
        .with_columns(roi.expression().over("campaign_id") for roi in RETURNS)
        .select(pl.col(name).cast(dtype) for name, dtype in MarketingRoi.dtypes().items())
    )


def _brought(monthly: pl.LazyFrame, sourced: pl.LazyFrame) -> pl.LazyFrame:
    """By campaign, what it is credited with itself and what its opportunities are; and whether visits are delivered."""
    source = sourced.select("opportunity_id", by_opportunity="campaign_id")
    named = pl.when(pl.col("campaign_id") != NONE).then("campaign_id")
    return (
        monthly.with_columns(visits_delivered=pl.col("realised_visits").sum() > 0)
        .join(source, on="opportunity_id", how="left")
        .with_columns(campaign_id=pl.coalesce(named, "by_opportunity"))
        .drop_nulls("campaign_id")
        .group_by("campaign_id")
        .agg(pl.col(*FROM_REFERRALS, *FROM_VISITS).sum(), pl.col("visits_delivered").any())
    )


def _zero_where_delivered(columns: Iterable[str], delivered: pl.Expr) -> list[pl.Expr]:
    """The columns with 0 where a campaign has nothing, and null everywhere unless their input is delivered."""
    return [pl.when(delivered).then(pl.col(name).fill_null(0)).alias(name) for name in columns]
