"""Results of the checks, by month of the rows."""

import polars as pl

from carti_lake.pipeline.gold.dimensions import UNDATED
from carti_lake.tables.gold import DataQuality
from carti_lake.tables.silver import Entity


def findings(rows: pl.LazyFrame, entity: type[Entity]) -> pl.LazyFrame:
    """Rows of ``gold.data_quality`` for the entity's findings, over the months of the given rows."""
    month = pl.col(entity.partition_by) if entity.partition_by else pl.lit(UNDATED)
    current = rows.filter(~pl.col("withdrawn")).with_columns(month=month)
    results = [
        current.group_by("month").agg(
            table_name=pl.lit(entity.full_name()),
            rule=pl.lit(finding.id),
            category=pl.lit(finding.category),
            severity=pl.lit("warn"),
            description=pl.lit(finding.description),
            checked=finding.applies.fill_null(False).sum() if finding.applies.meta.root_names() else pl.len(),
            failed=(finding.applies & finding.failed).fill_null(False).sum(),
            failed_amount=(
                pl.col(finding.amount).filter((finding.applies & finding.failed).fill_null(False)).sum()
                if finding.amount
                else pl.lit(None)
            ),
        )
        for finding in entity.findings()
    ]
    if not results:
        return pl.LazyFrame(schema=DataQuality.dtypes())
    return pl.concat(_shaped(result) for result in results)


def refusals(quarantine: pl.LazyFrame, reconciliation: pl.LazyFrame, entity: type[Entity]) -> pl.LazyFrame:
    """Rows of ``gold.data_quality`` for the rules that refuse, by month of the extract."""
    month = pl.col("extract_date").dt.truncate("1mo").alias("month")
    delivered = (
        reconciliation.filter(pl.col("feed") == entity.feed.short_name)
        .group_by(month)
        .agg(checked=pl.col("bronze_rows").sum())
    )
    broken = (
        quarantine.select(month, rule=pl.col("rules").str.split(","))
        .explode("rule")
        .group_by("month", "rule")
        .agg(failed=pl.len())
    )
    return _shaped(
        broken.join(delivered, on="month", how="left").with_columns(
            table_name=pl.lit(entity.full_name()),
            category=_category(pl.col("rule")),
            severity=pl.lit("quarantine"),
            description=_meaning(entity),
            failed_amount=pl.lit(None),
        )
    )


def _category(rule: pl.Expr) -> pl.Expr:
    kind = rule.str.split("|").list.last()
    return (
        pl.when(kind == "nullability")
        .then(pl.lit("completeness"))
        .when(kind == "unreadable")
        .then(pl.lit("conformance"))
        .otherwise(pl.lit("plausibility"))
    )


def _meaning(entity: type[Entity]) -> pl.Expr:
    texts = entity.rule_text()
    column, kind = (pl.col("rule").str.split("|").list.get(i, null_on_oob=True) for i in (0, 1))
    return (
        pl.when(kind == "unreadable")
        .then(pl.format("{}: the delivered value cannot be read", column))
        .when(kind == "nullability")
        .then(pl.format("{}: missing", column))
        .when(kind.is_in(["min", "max"]))
        .then(pl.format("{}: out of its range", column))
        .otherwise(pl.col("rule").replace_strict(texts, default=pl.col("rule"), return_dtype=pl.String))
    )


def _shaped(rows: pl.LazyFrame) -> pl.LazyFrame:
    return rows.select(pl.col(name).cast(dtype) for name, dtype in DataQuality.dtypes().items())
