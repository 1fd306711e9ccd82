"""Providers as the rows of a chart: as many as can be read, each with a label of its own."""

from typing import TYPE_CHECKING

import polars as pl

from carti_lake.metrics.names import NOT_DELIVERED, called
from carti_lake.outlets.theme import LABEL

if TYPE_CHECKING:
    import altair as alt

#: More providers than this are shown as the first and the last half of it, and the rest are counted.
MOST_ROWS = 24


def first_and_last(ranked: pl.DataFrame) -> tuple[pl.DataFrame, str | None]:
    """The first and last rows where there are too many, with an empty row between that says how many are left out."""
    if ranked.height <= MOST_ROWS:
        return ranked, None
    half, between = MOST_ROWS // 2, ranked.height - MOST_ROWS
    gap = pl.DataFrame({"provider_id": "", "provider_name": f"… {between} more …"})
    rows = pl.concat([ranked.head(half), gap, ranked.tail(half)], how="diagonal")
    return rows, f"First and last {half} of {ranked.height} providers; {between} between them are not shown"


def labelled(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with a ``label`` that tells apart providers of the same name."""
    name, number = pl.col("provider_name"), pl.col("provider_id")
    return rows.with_columns(label=pl.when(name.is_duplicated()).then(name + " · " + number).otherwise(name))


def in_words(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """The rows with the words of a column's codes as their ``label``: ``Medicare Advantage``."""
    words = called(column, rows[column].unique())
    return rows.with_columns(label=pl.col(column).replace_strict(words, default=NOT_DELIVERED, return_dtype=pl.String))


def row_axis(rows: pl.DataFrame, limit: int = LABEL) -> "alt.Y":
    """The axis of the labels, in the order of the rows; longer ones than ``limit`` pixels are cut."""
    import altair as alt

    return alt.Y("label:N", sort=rows["label"].to_list(), axis=alt.Axis(labelLimit=limit), title=None)
