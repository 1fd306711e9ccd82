"""Providers, days and service lines that the marts join to."""

import polars as pl

from carti_lake.pipeline.mart import mart
from carti_lake.tables.gold import DimDate, DimProvider, DimServiceLine


@mart(DimProvider, inputs=("silver.providers", "silver.provider_references"))
def dim_provider(directory: pl.LazyFrame, references: pl.LazyFrame) -> pl.LazyFrame:
    """The directory's providers, and one row for whoever else a source names."""
    listed = (
        directory.filter(~pl.col("withdrawn"))
        .with_columns(in_directory=pl.lit(True))
        .select(DimProvider.column_names())
    )
    others = (
        references.join(listed, on="provider_id", how="anti")
        .group_by("provider_id")
        .agg(
            provider_name=pl.col("reference_name").filter(pl.col("reference_name") != "").max(),
            npi=pl.col("provider_id").filter(~pl.col("provider_id").str.starts_with("name:")).first(),
        )
        .with_columns(provider_name=pl.coalesce("provider_name", "provider_id"), in_directory=pl.lit(False))
    )
    dtypes = DimProvider.dtypes()
    return pl.concat([listed, others], how="diagonal").select(
        pl.col(name).cast(dtype) for name, dtype in dtypes.items()
    )


@mart(DimDate, DimServiceLine, inputs=("gold.provider_monthly", "gold.readmissions"))
def dates_and_lines(*marts: pl.LazyFrame) -> tuple[pl.LazyFrame, ...]:
    """Days and service lines that the facts span."""
    facts = pl.concat([rows.select("month", "service_line") for rows in marts])
    return dim_date(facts), dim_service_line(facts)


def dim_date(facts: pl.LazyFrame) -> pl.LazyFrame:
    """Every day of the years that the facts' months span; none before the first fact."""
    span = facts.select(first=pl.col("month").min(), last=pl.col("month").max()).drop_nulls()
    day = pl.col("date")
    columns = {
        "month": day.dt.truncate("1mo"),
        "quarter": day.dt.truncate("1q"),
        "year": day.dt.year(),
        "month_of_year": day.dt.month(),
        "month_name": day.dt.strftime("%B"),
        "day_of_week": day.dt.weekday(),
        "is_weekend": day.dt.weekday() >= 6,
    }
    return (
        span.select(
            date=pl.date_ranges(
                pl.date(pl.col("first").dt.year(), 1, 1), pl.date(pl.col("last").dt.year(), 12, 31), closed="both"
            )
        )
        .explode("date")
        .with_columns(**columns)
        .select(pl.col(name).cast(dtype) for name, dtype in DimDate.dtypes().items())
    )


def dim_service_line(facts: pl.LazyFrame) -> pl.LazyFrame:
    """Every service line that a fact names, with a title for people."""
    title = pl.col("service_line").str.replace_all("_", " ", literal=True).str.to_titlecase()
    return facts.select("service_line").unique().with_columns(title=title).select(DimServiceLine.column_names())
