"""A lake's tables as a model is told of them, with the months that they are parted by."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from carti_lake.models.model import Known
from carti_lake.tables.silver import Entity
from tests.worlds.rows import Row, held

START = date(2026, 1, 1)
#: An artifact of a classifier without features: the same chance for all, and nothing that drives it.
KNOWS_NOTHING: dict[str, Any] = {
    **{"levels": {}, "curves": [], "weights": [], "means": np.empty(0), "intercept": 0.0, "boosted": None},
    **{"slope": 1.0, "offset": 0.0, "value": None, "returned_by": [0.0] * 30 + [1.0]},
}


def day(place: int) -> date:
    """A day, counted from the first of January."""
    return START + timedelta(days=place)


def silver(table: type[Entity], *rows: Row, **everywhere: Any) -> pl.LazyFrame:
    """Rows of a table as the lake holds them, in the months that their dates name."""
    month = table.partition_by
    found = held(table, *rows, **everywhere)
    return (
        found if month is None else found.with_columns(pl.col(table.month_of or month).dt.truncate("1mo").alias(month))
    )


def releases(tables: Callable[[int], dict[str, pl.LazyFrame]], *places: int) -> list[Known]:
    """What was known on each of these days."""
    return [Known(day(place), number, tables(place)) for number, place in enumerate(places, 1)]
