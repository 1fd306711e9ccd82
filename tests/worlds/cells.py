"""Rows of marts to work examples on: what an example leaves out is zero, or null where it may be."""

import polars as pl

from carti_lake.tables import Table
from tests.worlds.rows import Row, held


def cells(mart: type[Table], *rows: Row) -> pl.DataFrame:
    """Rows of a mart with the given columns."""
    zeros = {
        name: 0 for name, column in mart.columns().items() if not column.nullable and mart.dtypes()[name].is_numeric()
    }
    return held(mart, *rows, **zeros).collect()
