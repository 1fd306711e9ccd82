"""Open receivables by age."""

import polars as pl

from carti_lake.pipeline.mart import mart
from carti_lake.tables.gold import ClaimsAged
from carti_lake.tables.gold.dimensions import UNDATED
from carti_lake.tables.silver import Visits

#: First and last day of age of each bucket (HFMA MAP keys).
BUCKETS = {"0_30": (0, 30), "31_60": (31, 60), "61_90": (61, 90), "91_120": (91, 120), "over_120": (121, 1 << 30)}


def as_of(reconciliation: pl.LazyFrame) -> pl.LazyFrame:
    """The day that claims are known up to: the newest extract date of visits (one row, or none), never a clock's."""
    visits = reconciliation.filter(pl.col("feed") == Visits.feed.short_name)
    return visits.select(as_of=pl.col("extract_date").max()).drop_nulls()


@mart(ClaimsAged, inputs=("gold.claims_open", "gold.reconciliation"))
def claims_aged(open_claims: pl.LazyFrame, reconciliation: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of ``gold.claims_aged`` from ``gold.claims_open``: days from submission to :func:`as_of`.

    A claim submitted after that day is as new as can be; one without a day of submission has no age and no bucket.
    """
    days = (pl.col("as_of") - pl.col("submitted_date")).dt.total_days()
    dated = pl.col("submitted_date") != UNDATED
    sums = {
        f"{of}_{name}": pl.when(pl.col("days").is_between(first, last)).then(f"open_{of}").sum()
        for of in ("claims", "charges")
        for name, (first, last) in BUCKETS.items()
    }
    dtypes = ClaimsAged.dtypes()
    return (
        open_claims.join(as_of(reconciliation), how="cross")
        .with_columns(days=pl.when(dated).then(days.clip(0)))
        .group_by("provider_id", "payer", "service_line", "as_of")
        .agg(
            pl.col("open_claims", "open_charges").sum(),
            **sums,
            dated_charges=pl.when(dated).then("open_charges").sum(),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in dtypes.items())
    )
