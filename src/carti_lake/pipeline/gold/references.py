"""References to what silver does not know: found in the months that changed, kept until what they name arrives."""

import polars as pl

from carti_lake.pipeline.keys import key_hash
from carti_lake.tables.checks import Finding
from carti_lake.tables.gold.dimensions import UNDATED
from carti_lake.tables.silver import Entity, UnknownReferences
from carti_lake.tables.table import Table


def month_of(entity: type[Table]) -> pl.Expr:
    """Month of a table's rows."""
    return (pl.col(entity.partition_by) if entity.partition_by else pl.lit(UNDATED)).alias("month")


def named(rows: pl.LazyFrame, entity: type[Entity], finding: Finding) -> pl.LazyFrame:
    """What the rows name, by month: rows of ``silver.unknown_references``, known or not."""
    assert finding.refers is not None
    column, _ = finding.refers
    return (
        rows.filter(~pl.col("withdrawn") & pl.col(column).is_not_null())
        .select(month_of(entity), reference=key_hash([column]))
        .group_by("month", "reference")
        .agg(rows=pl.len())
        .with_columns(table_name=pl.lit(entity.full_name()), rule=pl.lit(finding.id))
        .select(pl.col(name).cast(dtype) for name, dtype in UnknownReferences.dtypes().items())
    )


def unknown(candidates: pl.LazyFrame, known: pl.LazyFrame) -> pl.LazyFrame:
    """Candidates that are no key of the rows ``known``; one that its source withdrew is known all the same.

    A key that silver once has, it keeps. So a month that did not change loses unknown references and gains none: those
    that stood before are candidates enough.
    """
    return candidates.join(known.select(reference="key_hash"), on="reference", how="anti")
