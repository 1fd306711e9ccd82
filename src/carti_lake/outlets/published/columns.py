"""Columns of every published table, with types and descriptions: derived from the star and the gold declarations."""

from dataclasses import dataclass

import polars as pl

from carti_lake.outlets.months import ANSWERED, ENDED, OVER
from carti_lake.outlets.published.star import AXIS_FACTS, DIMENSIONS, FACTS, UNKNOWN_KEY, Dimension, Fact, Reference
from carti_lake.tables.gold import DimDate, Gold

#: Money and other exact numbers: Power BI's fixed decimal number.
MONEY = pl.Decimal(18, 4)


@dataclass(frozen=True)
class Column:
    """A published column: its name, type, description, and unit where it is a number of something."""

    name: str
    dtype: pl.DataType
    description: str
    unit: str | None = None


@dataclass(frozen=True)
class Published:
    """A published table.

    Attributes
    ----------
    name, description
        Of the table.
    columns
        In the order of the file.
    key
        Columns that together identify a row.
    references
        For each column that joins: the table and the column that it joins to.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    references: tuple[tuple[str, str, str], ...] = ()

    def schema(self) -> dict[str, pl.DataType]:
        """Names and types."""
        return {column.name: column.dtype for column in self.columns}


def published_type(dtype: pl.DataType) -> pl.DataType:
    """The type that Power BI, its gateway and Direct Lake all read, without loss.

    An exact number with more than four decimals becomes a double: a fixed decimal would cut them off.
    """
    if isinstance(dtype, pl.Decimal):
        return MONEY if dtype.scale <= MONEY.scale and dtype.precision <= MONEY.precision else pl.Float64()
    if dtype.is_integer():
        return pl.Int64()
    if dtype in (pl.Float64, pl.Date, pl.String, pl.Boolean):
        return dtype
    raise TypeError(f"{dtype} has no type that every reader of published files knows.")


RELEASE = Column("release", pl.Int64(), "Number of the release that the row is from; the same in every table of a set")
DATE, MONTH = "dim_date", "month"

_CALENDAR = (
    Column("quarter_name", pl.String(), "Year and quarter, such as 2026 Q1"),
    Column("month_year", pl.String(), "Month and year, such as Jan 2026"),
    Column(OVER, pl.Boolean(), "The month was over when the newest extract came"),
    Column(ANSWERED, pl.Boolean(), "The month is over and 90 % of its claims are expected to be adjudicated"),
    Column(ENDED, pl.Boolean(), "The month is over and 90 % of its referrals have an outcome"),
    Column("has_facts", pl.Boolean(), "Some fact of the set is of the month, the newest extract's or an earlier one"),
    Column("newest_period", pl.Boolean(), "The month is one of the period that every outlet opens with"),
)
SECURITY = Published(
    "security_map",
    "Who may see which provider; without a row nobody sees any. Read by row-level security alone.",
    (
        RELEASE,
        Column("user_principal_name", pl.String(), "Sign-in name that may see the provider"),
        Column("provider_key", pl.Int64(), "Provider that the user may see"),
    ),
    ("user_principal_name", "provider_key"),
    (("provider_key", "dim_provider", "provider_key"),),
)
ABOUT = Published(
    "release",
    "The release that all tables are from: one row.",
    (
        RELEASE,
        Column("caption", pl.String(), "Number, day and data-as-of line, as every outlet carries it"),
        Column("released_on", pl.Date(), "Day on which it was published (UTC)"),
        Column("data_as_of", pl.Date(), "Newest extract date in it"),
        Column("notes", pl.String(), "What the reader must know: what is hidden, and why"),
    ),
    ("release",),
)


def _column(table: type[Gold], name: str) -> Column:
    declared = table.columns()[name]
    description = (declared.description or name).replace("`", "")
    return Column(name, published_type(table.dtypes()[name]), description, table.meta(name).get("unit"))


def _dates() -> Published:
    columns = tuple(_column(DimDate, name) for name in DimDate.columns())
    return Published(DATE, DimDate.purpose(), (RELEASE, *columns, *_CALENDAR), ("date",))


def _dimension(one: Dimension) -> Published:
    made = () if one.label in (*one.natural, *one.attributes) else (one.label,)
    columns = (
        RELEASE,
        Column(one.key, pl.Int64(), f"Key of the {one.title}; {UNKNOWN_KEY} for the unknown one"),
        *(_column(one.declared, name) for name in one.natural),
        *(Column(name, pl.String(), f"{one.title.capitalize()} as people read it") for name in made),
        *(_column(one.declared, name) for name in one.attributes),
    )
    return Published(one.name, f"One row per {one.title}, and one for the unknown {one.title}.", columns, (one.key,))


def _fact(one: Fact) -> Published:
    columns = (
        RELEASE,
        *(_reference(reference) for reference in one.references),
        *([Column(MONTH, pl.Date(), _column(one.mart, one.month).description)] if one.month else []),
        *(_column(one.mart, name) for name in one.texts),
        *(Column(f"{name}_title", pl.String(), "The metric in words") for name in one.texts if name == "metric"),
        *(_column(one.mart, name) for name in one.numbers),
    )
    keys = tuple(reference.key for reference in one.references)
    months = (MONTH,) if one.month else ()
    return Published(
        one.name,
        one.mart.purpose() if one.table is None else f"{one.mart.purpose().rstrip('.')}: sums along one axis alone.",
        columns,
        (*keys, *months, *one.texts) or ("release",),
        (
            *((reference.key, reference.to.name, reference.to.key) for reference in one.references),
            *((month, DATE, "date") for month in months),
        ),
    )


def _reference(one: Reference) -> Column:
    who = one.role or one.to.title
    return Column(one.key, pl.Int64(), f"The {who}: joins to {one.to.name}, {UNKNOWN_KEY} where it is not known")


#: Every published table by name: the dimensions, the facts, the axes, and what goes with them.
PUBLISHED: dict[str, Published] = {
    table.name: table
    for table in (
        _dates(),
        *(_dimension(one) for one in DIMENSIONS),
        *(_fact(one) for one in (*FACTS, *AXIS_FACTS)),
        SECURITY,
        ABOUT,
    )
}
