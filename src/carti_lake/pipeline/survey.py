"""A look at delivered rows before they are cleansed: which checks and readings there is any need for.

A month of clean rows asks for next to none of them; what no row can break is not looked for in each.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from carti_lake.pipeline.codes import NORMALISERS
from carti_lake.pipeline.evidence import YEARS_AHEAD, rescued_columns
from carti_lake.pipeline.keys import SALESFORCE_ID, blank, filler, identifier, mangled, odd, suspect, total_row
from carti_lake.pipeline.parse import age, as_decimal, may_be_no_dollars, whole
from carti_lake.tables.silver import Entity

#: Column of bronze with the values that fit no type, as JSON.
RESCUED = "rescued"
#: What a look at identifiers and names, and at the ends of numbers and days, finds: a column for each
#: ``<column>|<kind>`` of which there is some; what is not there need not be looked for row by row.
SEEN, ENDS = "seen", "ends"
#: Days that stand for having none: no system of a hospital has events before, and nobody plans so far ahead.
FIRST_DAY, NO_DAY = date(1910, 1, 1), date(1970, 1, 1)
#: How far behind the extract a day may lie.
AHEAD = pl.duration(days=366 * YEARS_AHEAD)


def survey(rows: pl.LazyFrame, entity: type[Entity]) -> dict[str, pl.DataFrame]:
    """What decides how the rows are read, found by looks at a few narrow columns.

    The looks follow each other and hold little; all at once they hold much.

    Parameters
    ----------
    rows
        Bronze rows of the entity's feed.
    entity
        Declaration to cleanse for.

    Returns
    -------
    dict
        For each coded column, the delivered spellings that are not the code itself (``spelling``) with their
        ``code``: codes repeat, so normalising distinct spellings costs a hundredth of normalising every row. Under
        ``rescued``, the columns (``name``) of which some row holds a value as text. Under ``seen``, whether some
        identifier is odd, mangled, filled in, blank or Salesforce's, and whether some name says ``Total``. Under
        ``ends``, whether some number or day lies beyond what can be meant.
    """
    found = {}
    for name in entity.parsed_columns():
        normalise = NORMALISERS.get(entity.meta(name).get("code", ""))
        if normalise is not None:
            spellings = rows.select(pl.col(name).alias("spelling")).unique().drop_nulls()
            coded = spellings.with_columns(code=normalise(pl.col("spelling")))
            found[name] = coded.filter(pl.col("spelling").ne_missing(pl.col("code")))
    found[SEEN], found[ENDS] = _look(rows, entity), _ends(rows, entity)
    found[RESCUED] = rescued_columns(rows)
    return {name: look.collect(engine="streaming") for name, look in found.items()}


def combined(surveys: Sequence[Mapping[str, pl.DataFrame]]) -> dict[str, pl.DataFrame]:
    """The survey of all rows, from those of their parts: what some part needs, all are read by."""
    looks = {name: pl.concat([one[name] for one in surveys]) for name in surveys[0]}
    return {
        name: look.select(pl.all().any()) if name in (SEEN, ENDS) else look.unique() for name, look in looks.items()
    }


def _look(rows: pl.LazyFrame, entity: type[Entity]) -> pl.LazyFrame:
    """Whether some identifier is odd, mangled, filled in or Salesforce's, and some name a total: a column each."""
    named = dict.fromkeys((*entity.identifiers(), *entity.names()))
    looks = [suspect(pl.col(name)) for name in named]
    looks += [pl.col(name).str.len_bytes().is_in([15, 18]) for name in salesforce_columns(entity)]
    asked = {f"{name}|odd": odd(pl.col(name)) for name in entity.identifiers()}
    asked |= {f"{name}|blank": blank(pl.col(name)) for name in named}
    asked |= {f"{name}|mangled": mangled(pl.col(name)) for name in entity.identifiers()}
    asked |= {f"{name}|filler": filled_in(pl.col(name), name, entity) for name in entity.numbers()}
    asked |= {f"{name}|total_row": total_row(pl.col(name)) for name in entity.names()}
    asked |= {f"{name}|salesforce": pl.col(name).str.contains(SALESFORCE_ID) for name in salesforce_columns(entity)}
    some = rows.select(*named, *(name for name in salesforce_columns(entity) if name not in named)).filter(
        pl.any_horizontal(looks)
    )
    return some.select(found.any().alias(name) for name, found in asked.items())


def _ends(rows: pl.LazyFrame, entity: type[Entity]) -> pl.LazyFrame:
    """Whether the least or the greatest of a column is no value of its type, or no day that can be meant: a row."""
    keys = [key for key in entity.key()[:1] if key in entity.feed.delivered()]
    asked = {f"{key}|missing": pl.col(key).is_null().any() for key in keys}
    for name in entity.parsed_columns():
        least, greatest = pl.col(name).min(), pl.col(name).max()
        if entity.columns()[name].dtype == pl.Date:
            asked[f"{name}|implausible"] = (least <= NO_DAY) | (greatest > pl.col("extract_date").min() + AHEAD)
        elif by_its_ends(name, entity):
            unread = [as_number(end, name, entity).is_null() for end in (least, greatest)]
            if in_dollars(name, entity):
                unread += [may_be_no_dollars(end) for end in (least, greatest)]
            asked[f"{name}|unreadable"] = least.is_not_null() & pl.any_horizontal(unread)
    return rows.select(found.fill_null(False).alias(name) for name, found in asked.items())


def by_its_ends(name: str, entity: type[Entity]) -> bool:
    """Whether every number of a column can be read where the least and the greatest can."""
    return isinstance(entity.columns()[name].dtype, pl.Decimal) or entity.meta(name).get("code") == "age"


def in_dollars(name: str, entity: type[Entity]) -> bool:
    """Whether a column is delivered as an amount of money."""
    return name in entity.amounts()


def seen_in(surveyed: Mapping[str, pl.DataFrame]) -> frozenset[str]:
    """What a survey has found some of, as ``<column>|<kind>``."""
    looks = (found for found in (SEEN, ENDS) if surveyed[found].width)
    return frozenset(name for found in looks for name, some in surveyed[found].row(0, named=True).items() if some)


def salesforce_columns(entity: type[Entity]) -> list[str]:
    """Columns that hold Salesforce's Ids."""
    return [name for name in entity.parsed_columns() if entity.meta(name).get("salesforce")]


def named(name: str, seen: frozenset[str]) -> pl.Expr:
    """An identifier without blanks around it, where some have such, or may have once they are cleaned."""
    around = {f"{name}|blank", f"{name}|odd"} & seen
    return identifier(pl.col(name)) if around else pl.col(name)


def filled_in(column: pl.Expr, name: str, entity: type[Entity]) -> pl.Expr:
    """Whether an identifier was filled in where there is none; a key that must be delivered may well begin at 0."""
    return filler(column, nought=name not in entity.key() or name not in entity.feed.required()).fill_null(False)


def as_number(column: pl.Expr, name: str, entity: type[Entity]) -> pl.Expr:
    """A delivered number in the entity's type; null where that cannot hold it."""
    if entity.meta(name).get("code") == "age":
        return age(column)
    wanted = entity.columns()[name].dtype
    if isinstance(wanted, pl.Decimal):
        return as_decimal(column, wanted, dollars=in_dollars(name, entity))
    return whole(column) if wanted == pl.Int64 else column.cast(wanted, strict=False)
