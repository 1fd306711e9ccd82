"""What a mart declares of itself: the tables that a pure function makes, and from which; registered where it stands."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import polars as pl

from carti_lake.tables import TABLES, Table
from carti_lake.tables.gold import GOLD, Gold

#: Totals that a table must hold exactly as silver does: its column to silver table and sum.
Totals = Mapping[str, tuple[str, pl.Expr]]


@dataclass(frozen=True)
class Mart:
    """Gold tables that are made together, what they are made from, and how.

    Attributes
    ----------
    tables
        Declarations of the tables.
    inputs
        Full names of the tables that they are made from.
    make
        Pure function of the inputs' rows: the rows of the table, or of each of several.
    by_month
        Whether a month of the tables follows from the same month of their inputs alone, but for the ``lasting`` ones.
    lasting
        Inputs that matter to every later month too, as a referral does to the visits that follow it: what changes in
        a month of theirs touches that month and all after it, and they are read whole.
    month
        Column of the tables that holds that month; it need not be their partition.
    about
        Input that the rows are about: while nothing has filled it, no other input is looked at.
    totals
        By full name of a table, what the audit compares with silver.
    """

    tables: tuple[type[Table], ...]
    inputs: tuple[str, ...]
    make: Callable[..., pl.LazyFrame | tuple[pl.LazyFrame, ...]]
    by_month: bool = False
    lasting: tuple[str, ...] = ()
    month: str = "month"
    about: str | None = None
    totals: Mapping[str, Totals] = field(default_factory=dict)

    def rows(self, *inputs: pl.LazyFrame) -> tuple[pl.LazyFrame, ...]:
        """Rows of each table, in the order of ``tables``."""
        made = self.make(*inputs)
        return (made,) if isinstance(made, pl.LazyFrame) else made


#: Every mart that a module has declared, in the order of import.
REGISTERED: list[Mart] = []

Make = TypeVar("Make", bound=Callable[..., pl.LazyFrame | tuple[pl.LazyFrame, ...]])


def mart(
    *tables: type[Gold],
    inputs: tuple[str, ...],
    by_month: bool = False,
    lasting: tuple[str, ...] = (),
    month: str = "month",
    about: str | None = None,
    totals: Totals | None = None,
) -> Callable[[Make], Make]:
    """Register the decorated pure function as what makes the tables; a table that only it knows joins the catalogue.

    Parameters are those of :class:`Mart`; ``totals`` are those of the first table. The function stays as it is.

    Raises
    ------
    ValueError
        Where another mart makes one of the tables.
    """

    def register(make: Make) -> Make:
        for table in tables:
            if any(table in other.tables for other in REGISTERED):
                raise ValueError(f"{table.full_name()} is made by two marts.")
            GOLD.setdefault(table.short_name, table)
            TABLES.setdefault(table.full_name(), table)
        compared = {tables[0].full_name(): totals} if totals else {}
        REGISTERED.append(Mart(tables, inputs, make, by_month, lasting, month, about, compared))
        return make

    return register
