"""Claims by month of service: what became of them, what was denied, what is open, and when they were adjudicated."""

import polars as pl

from carti_lake.pipeline.gold.provider_monthly import claim_sums
from carti_lake.pipeline.mart import mart
from carti_lake.pipeline.silver.claim_lines import answers_with_lines, with_lines
from carti_lake.tables import Table
from carti_lake.tables.gold import ClaimsActivity, ClaimsLag, ClaimsMonthly, ClaimsOpen, DenialsMonthly
from carti_lake.tables.gold.dimensions import UNDATED

CELL = ("month", "provider_id", "payer", "service_line")
STATUS, CHARGES = pl.col("claim_status"), pl.col("claim_amount")
INITIALLY_DENIED = pl.col("told_date").is_not_null()


#: Visits that carry a claim.
BILLED = pl.col("claim_status").is_not_null()


@mart(
    ClaimsMonthly,
    DenialsMonthly,
    ClaimsActivity,
    ClaimsLag,
    ClaimsOpen,
    inputs=("silver.visits", "silver.earlier_answers", "silver.claims_of_lines"),
    by_month=True,
    totals={
        "claims": ("silver.visits", pl.col("claim_status").count()),
        "gross_charges": ("silver.visits", pl.when(BILLED).then("claim_amount").sum()),
        "payments_as_delivered": ("silver.visits", pl.when(BILLED).then("claim_paid").sum()),
    },
)
def claims(visits: pl.LazyFrame, earlier: pl.LazyFrame, of_lines: pl.LazyFrame) -> tuple[pl.LazyFrame, ...]:
    """Rows of the five claims tables, in one pass over the claims."""
    rows = billed(with_lines(visits, of_lines), answers_with_lines(earlier, of_lines))
    makes = (claims_monthly, denials_monthly, claims_activity, claims_lag, claims_open)
    return tuple(made.lazy() for made in pl.collect_all([make(rows) for make in makes], engine="streaming"))


def billed(visits: pl.LazyFrame, earlier: pl.LazyFrame) -> pl.LazyFrame:
    """Claims with the cell that they count in, and how they were answered first.

    Parameters
    ----------
    visits
        Rows of ``silver.visits``.
    earlier
        Rows of ``silver.earlier_answers`` of the same months.

    Returns
    -------
    pl.LazyFrame
        :data:`CELL`; the claim's columns; ``answered_date``, the first day of adjudication that is known; and of the
        first denial ``denied_date`` (adjudicated), ``told_date`` (never null where there was one), ``first_reason``.
    """
    visit = ["key_hash", "visit_id"]
    was_denied, is_denied = pl.col("claim_status") == "denied", STATUS == "denied"
    before = earlier.group_by(visit).agg(
        answered_before=pl.col("claim_paid_date").min(),
        denied_before=pl.col("claim_paid_date").filter(was_denied).first(),
        reason_before=pl.col("denial_reason").filter(was_denied).first(),
        told_before=pl.col("extract_date").filter(was_denied).first(),
    )
    # A denial that nothing has replaced is the current row itself.
    first = pl.when(pl.col("told_before").is_not_null())
    return (
        visits.filter(~pl.col("withdrawn") & STATUS.is_not_null())
        .select(
            *visit,
            "claim_status",
            "claim_amount",
            "claim_paid",
            "contractual_adjustment",
            "claim_submitted_date",
            "claim_paid_date",
            "denial_reason",
            "extract_date",
            month="visit_month",
            provider_id="rendering_provider_id",
            payer=pl.col("payer").fill_null("unknown"),
            service_line=pl.col("service_line").fill_null("unknown"),
        )
        .join(before, on=visit, how="left")
        .with_columns(
            answered_date=pl.min_horizontal("answered_before", pl.when(STATUS != "pending").then("claim_paid_date")),
            denied_date=first.then("denied_before").when(is_denied).then("claim_paid_date"),
            told_date=first.then("told_before").when(is_denied).then("extract_date"),
            first_reason=first.then("reason_before").when(is_denied).then("denial_reason"),
        )
        .drop(*visit, "answered_before", "denied_before", "reason_before", "told_before")
    )


def claims_monthly(claims: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of ``gold.claims_monthly`` from :func:`billed` claims."""
    is_pending, is_reversed = STATUS == "pending", STATUS == "reversed"
    rows = claims.group_by(CELL).agg(
        **claim_sums(),
        submitted_claims=pl.col("claim_submitted_date").count(),
        reversed_claims=is_reversed.sum(),
        pending_charges=pl.when(is_pending).then(CHARGES).sum(),
        reversed_charges=pl.when(is_reversed).then(CHARGES).sum(),
        **_denied(),
    )
    return _shaped(rows, ClaimsMonthly)


def denials_monthly(claims: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of ``gold.denials_monthly`` from :func:`billed` claims; the reason is that of the first denial."""
    is_denied = STATUS == "denied"
    rows = (
        claims.filter(INITIALLY_DENIED)
        .group_by(*CELL, denial_reason=pl.col("first_reason").fill_null("unknown"))
        .agg(denied_claims=is_denied.sum(), denied_charges=pl.when(is_denied).then(CHARGES).sum(), **_denied())
    )
    return _shaped(rows, DenialsMonthly)


def claims_activity(claims: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of ``gold.claims_activity`` from :func:`billed` claims.

    A first denial belongs to the month of its adjudication; where that day was not delivered, to the month of the
    extract that told it.
    """
    happened = {
        "submitted": pl.col("claim_submitted_date"),
        "initially_denied": pl.when(INITIALLY_DENIED).then(pl.coalesce("denied_date", "told_date")),
    }
    parts = [
        claims.with_columns(activity_month=day.dt.truncate("1mo"))
        .filter(pl.col("activity_month").is_not_null())
        .group_by(*CELL, "activity_month")
        .agg(pl.len().alias(f"{what}_claims"), CHARGES.sum().alias(f"{what}_charges"))
        for what, day in happened.items()
    ]
    sums = [f"{what}_{of}" for what in happened for of in ("claims", "charges")]
    rows = pl.concat(parts, how="diagonal").group_by(*CELL, "activity_month").agg(pl.col(sums).sum())
    return _shaped(rows, ClaimsActivity)


def claims_lag(claims: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of ``gold.claims_lag`` from :func:`billed` claims: a later revision does not move a claim's first day."""
    rows = (
        claims.filter((STATUS != "pending") & pl.col("answered_date").is_not_null())
        .group_by("month", adjudicated_date="answered_date")
        .agg(adjudicated_claims=pl.len())
    )
    return _shaped(rows, ClaimsLag)


def claims_open(claims: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of ``gold.claims_open`` from :func:`billed` claims: those that no payer has answered."""
    rows = (
        claims.filter(STATUS == "pending")
        .group_by(*CELL, submitted_date=pl.col("claim_submitted_date").fill_null(UNDATED))
        .agg(open_claims=pl.len(), open_charges=CHARGES.sum())
    )
    return _shaped(rows, ClaimsOpen)


def _denied() -> dict[str, pl.Expr]:
    overturned = INITIALLY_DENIED & (STATUS == "paid")
    return {
        "initially_denied_claims": INITIALLY_DENIED.sum(),
        "initially_denied_charges": pl.when(INITIALLY_DENIED).then(CHARGES).sum(),
        "overturned_claims": overturned.sum(),
        "overturned_charges": pl.when(overturned).then(CHARGES).sum(),
    }


def _shaped(rows: pl.LazyFrame, table: type[Table]) -> pl.LazyFrame:
    return rows.select(pl.col(name).cast(dtype) for name, dtype in table.dtypes().items())
