"""How the truth's numbers look when they are delivered: days as dates, cents as dollars, places as labels."""

from collections.abc import Sequence
from typing import Any

import polars as pl
from numpy.typing import NDArray

from carti_lake.generate.calendar import NEVER


def to_date(day: str) -> pl.Expr:
    """The numbered day of a column as a date; a day that never comes is null."""
    return pl.when(pl.col(day) < NEVER).then(pl.col(day)).cast(pl.Int32).cast(pl.Date)


def hundredths(whole: pl.Expr) -> pl.Expr:
    """Cents as dollars, or hundredths of points as points: the double nearest to two decimals."""
    # Polars divides by multiplying with 0.01, which is off in the last bit; rounding puts that right.
    return (whole / 100).round(2)


def label(names: Sequence[str | int] | NDArray[Any] | pl.Series, place: pl.Expr) -> pl.Expr:
    """What stands at a place (from 0); null where the place is null."""
    return pl.lit(pl.Series(names)).gather(place)
