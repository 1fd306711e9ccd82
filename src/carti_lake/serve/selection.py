"""What a request asks of a resource's rows: filters, order, fields and page, read from its query string."""

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import polars.selectors as cs

from carti_lake.serve.cursor import Cursor, CursorError
from carti_lake.serve.problems import Problem, wrong_parameter

MOST_ROWS, USUAL_ROWS = 10_000, 100
#: Parameters that are no columns.
RESERVED = ("sort", "fields", "limit", "cursor", "as_of", "release")
#: Those of them that another page of the same question may have otherwise.
_OF_A_PAGE = ("limit", "cursor", "as_of", "release")
Schema = Mapping[str, pl.DataType]

_TESTS: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "gte": lambda column, value: column >= value,
    "lte": lambda column, value: column <= value,
    "gt": lambda column, value: column > value,
    "lt": lambda column, value: column < value,
}
_WHOLE = re.compile(r"[+-]?\d{1,18}")
_DECIMAL = re.compile(r"[+-]?\d{1,14}(\.\d{1,10})?")


@dataclass(frozen=True)
class Selection:
    """Which rows, in which order, which of their columns, and which page.

    Attributes
    ----------
    where
        All must hold.
    order
        Column and whether it descends; ends with the key, so that no two rows tie. Null comes last either way.
    fields
        Columns, in the order in which they were asked for.
    limit
        Most rows of a page.
    question
        The request without its page: a cursor of another question does not fit.
    after
        Values of the order's columns in the last row of the page before; None for the first page.
    """

    where: tuple[pl.Expr, ...]
    order: tuple[tuple[str, bool], ...]
    fields: tuple[str, ...]
    limit: int
    question: str
    after: Mapping[str, Any] | None


@dataclass(frozen=True)
class Selected:
    """One page: its rows, how many rows there are in all pages, and where the next page begins."""

    rows: pl.DataFrame
    total: int
    next: str | None


def selection(path: str, query: Sequence[tuple[str, str]], schema: Schema, key: Sequence[str]) -> Selection:
    """Read a query string.

    Parameters
    ----------
    path
        Of the resource; a cursor of another one does not fit.
    query
        Names and values, as they came.
    schema
        Columns of the resource.
    key
        Those that together tell its rows apart.

    Raises
    ------
    Problem
        422, naming the parameter: an unknown one is never passed over, since its filter would be missed.
    """
    single: dict[str, str] = {}
    equal: dict[str, list[Any]] = {}
    where = []
    for name, text in query:
        column, _, test = name.rpartition(".") if name.rpartition(".")[2] in (*_TESTS, "null") else (name, "", "")
        if name in RESERVED:
            if name in single:
                raise wrong_parameter(name, "give it once")
            single[name] = text
        elif column not in schema or isinstance(schema[column], pl.List):
            raise wrong_parameter(name, f"there is no such parameter; columns are {', '.join(schema)}")
        elif test == "null":
            wanted = pl.col(column).is_null()
            where.append(wanted if _value(name, text, pl.Boolean()) else ~wanted)
        elif test:
            where.append(_TESTS[test](pl.col(column), pl.lit(_value(name, text, schema[column]))))
        else:
            equal.setdefault(column, []).append(_value(name, text, schema[column]))
    for column, values in equal.items():
        where.append(pl.any_horizontal(pl.col(column) == pl.lit(value) for value in values))
    order = _order(single.get("sort"), schema, key)
    fields = tuple(_names("fields", single["fields"], schema)) if "fields" in single else tuple(schema)
    question = repr((path, sorted(one for one in query if one[0] not in _OF_A_PAGE)))
    after = _after(single["cursor"], question, order, schema) if "cursor" in single else None
    return Selection(tuple(where), order, fields, _limit(single.get("limit")), question, after)


def select(rows: pl.LazyFrame, wanted: Selection, release: int) -> Selected:
    """The page of the rows that a selection asks for.

    Parameters
    ----------
    rows
        Rows of the resource, those alone that the viewer may see.
    wanted
        The selection.
    release
        That the next page is to come from.
    """
    names = [name for name, _ in wanted.order]
    needed = dict.fromkeys((*names, *wanted.fields))
    # JSON has no infinity.
    finite = pl.when(cs.float().is_finite()).then(cs.float())
    kept = rows.filter(*wanted.where).select(*needed).collect(engine="streaming").with_columns(finite)
    ordered = kept.sort(names, descending=[down for _, down in wanted.order], nulls_last=True) if names else kept
    page = ordered if wanted.after is None else ordered.filter(_behind(wanted.order, wanted.after))
    found = page.head(wanted.limit + 1)
    shown = found.head(wanted.limit)
    following = None
    if found.height > wanted.limit:
        last = shown.tail(1).select(names).write_json()
        following = Cursor.after(last, wanted.question, release).text
    return Selected(shown.select(wanted.fields), kept.height, following)


def _behind(order: Sequence[tuple[str, bool]], after: Mapping[str, Any]) -> pl.Expr:
    """Rows that come after one with these values, where null is last in each column."""
    rest = pl.lit(False)
    for name, down in reversed(order):
        column, value = pl.col(name), after[name]
        if value is None:
            rest = column.is_null() & rest
        else:
            here = pl.lit(value)
            further = (column < here if down else column > here) | column.is_null()
            rest = further.fill_null(True) | (column.eq_missing(here) & rest)
    return rest


def _order(text: str | None, schema: Schema, key: Sequence[str]) -> tuple[tuple[str, bool], ...]:
    names = [] if text is None else text.split(",")
    if len({*names}) < len(names):
        raise wrong_parameter("sort", "name a column once")
    # Of a column named in both directions the first counts: by then no rows are left that tie.
    context: dict[str, bool] = {}
    for name in names:
        context.setdefault(name.removeprefix("-"), name.startswith("-"))
    for name in context:
        if name not in schema or isinstance(schema[name], pl.List):
            raise wrong_parameter("sort", f"there is no column {name!r} to sort by; a minus before its name descends")
    return tuple({**context, **{name: False for name in key if name not in context}}.items())


def _names(parameter: str, text: str, schema: Schema) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in schema]
    if unknown or len({*names}) < len(names):
        raise wrong_parameter(parameter, f"name columns once each, with commas between: {', '.join(schema)}")
    return names


def _limit(text: str | None) -> int:
    if text is None:
        return USUAL_ROWS
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MOST_ROWS or len(text) > 9:
        raise wrong_parameter("limit", f"give a whole number from 1 to {MOST_ROWS}")
    return int(text)


def _after(text: str, question: str, order: Sequence[tuple[str, bool]], schema: Schema) -> Mapping[str, Any]:
    wanted = {name: schema[name] for name, _ in order}
    try:
        cursor = Cursor.read(text)
        cursor.check(question)
        row = pl.read_json(io.StringIO(cursor.last), schema=wanted)
        return row.row(0, named=True)
    except (CursorError, pl.exceptions.PolarsError, ValueError) as error:
        raise Problem(
            422,
            "cursor: it does not belong to this request; give it with the same path, filters, sort and fields",
            errors=[{"in": "query", "name": "cursor", "detail": "does not belong to this request"}],
        ) from error


def _value(name: str, text: str, dtype: pl.DataType) -> Any:
    """A parameter's text as a value of the column's type."""
    base = dtype.base_type()
    try:
        if base is pl.Boolean:
            return {"true": True, "false": False}[text]
        if base is pl.Date:
            return date.fromisoformat(text) if len(text) == 10 else _refuse()
        if base is pl.Datetime:
            context = datetime.fromisoformat(text)
            return context if context.tzinfo else _refuse()
        if dtype.is_integer():
            return int(text) if _WHOLE.fullmatch(text) else _refuse()
        if dtype.is_numeric():
            return Decimal(text) if _DECIMAL.fullmatch(text) else _refuse()
    except (KeyError, ValueError):
        raise wrong_parameter(name, f"{_MEANT.get(base, 'a number, e.g. 12.5')} is needed here") from None
    return text


_MEANT = {
    pl.Boolean: "true or false",
    pl.Date: "a day such as 2026-01-31",
    pl.Datetime: "a time with its zone such as 2026-01-31T12:00:00Z",
    pl.Int64: "a whole number",
}


def _refuse() -> Any:
    raise ValueError
