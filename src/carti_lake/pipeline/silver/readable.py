"""Silver as its readers see it."""

import polars as pl

from carti_lake.pipeline.silver.claim_lines import with_lines
from carti_lake.pipeline.silver.visits import claims
from carti_lake.tables import Table
from carti_lake.tables.silver import HIDDEN, Claims, Entity


def readable(table: type[Table], rows: pl.LazyFrame, of_lines: pl.LazyFrame | None = None) -> pl.LazyFrame:
    """Rows of a table, or of the one that it is a view of, without withdrawn ones and bookkeeping columns.

    Claims are as their lines add them up, where ``silver.claims_of_lines`` is given.
    """
    if table is Claims and of_lines is not None:
        rows = with_lines(rows, of_lines)
    if issubclass(table.view_of or table, Entity):
        rows = rows.filter(~pl.col("withdrawn")).drop(HIDDEN)
    return claims(rows) if table is Claims else rows
