"""FHIRPath to Polars expressions, by the types that the resources at hand show."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import polars as pl

from carti_lake.pull.views.fhirpath import (
    Call,
    Constant,
    Index,
    Literal,
    Member,
    Node,
    Operation,
    PathError,
    This,
    choice,
    type_named,
)

#: A literal reference, relative or absolute, with or without its version: the type and the id.
REFERENCE = r"^(?:.*/)?({type})/([A-Za-z0-9\-.]+)(?:/_history/[A-Za-z0-9\-.]+)?$"
ANY_TYPE = "[A-Z][A-Za-z]+"
#: The constant that a runner gives: the number of an element among those that ``forEach`` names.
ROW_INDEX = "rowIndex"
FUNCTIONS = "where, exists, empty, not, first, ofType, extension, join, getResourceKey, getReferenceKey"


@dataclass(frozen=True)
class Value:
    """What a path comes to.

    Attributes
    ----------
    expr
        A value, or a list of values.
    dtype
        Of one value; None where no resource has any, so that there is nothing.
    many
        Whether it is a list.
    whole
        Whether it is the resource itself.
    """

    expr: pl.Expr
    dtype: pl.DataType | None
    many: bool = False
    whole: bool = False

    def count(self) -> pl.Expr:
        """How many values there are."""
        if self.many:
            return self.expr.list.len().fill_null(0)
        return self.expr.is_not_null().cast(pl.UInt32)

    def single(self) -> "Value":
        """The only value; more than one stop the reading."""
        if not self.many:
            return self
        only = self.expr.map_batches(_only, return_dtype=self.dtype, is_elementwise=True)
        return Value(only, self.dtype)


class SeveralError(PathError):
    """Several values where there is room for one."""


def _only(lists: pl.Series) -> pl.Series:
    if (lists.list.len() > 1).any():
        raise SeveralError("several values where there is room for one")
    return lists.list.first()


#: No value.
NOTHING = Value(pl.lit(None), None)


def value_of(node: Node, focus: Value, constants: Mapping[str, Value]) -> Value:
    """What a path comes to, from an element on.

    Parameters
    ----------
    node
        The path.
    focus
        The element.
    constants
        By name.

    Raises
    ------
    PathError
        What is not supported, or does not fit the types.
    """
    of = partial(value_of, focus=focus, constants=constants)
    match node:
        case This():
            return focus
        case Literal(value):
            return literal(value)
        case Constant(name):
            if name not in constants:
                raise PathError(f"there is no constant %{name}")
            return constants[name]
        case Member(base, name):
            return _member(of(base), name)
        case Index(base, place):
            return _at(of(base), of(place))
        case Call(Member(base, name), "ofType", (kind,)):
            return _member(of(base), choice(name, type_named(kind)))
        case Call(base, name, arguments):
            return _called(of(base), name, arguments, constants)
        case Operation(operator, left, right):
            return _operated(operator, of(left), of(right))


def literal(value: Any) -> Value:
    """A literal, or a constant's value."""
    kinds: dict[type[Any], pl.DataType] = {
        bool: pl.Boolean(),
        int: pl.Int64(),
        float: pl.Float64(),
        str: pl.String(),
    }
    return Value(pl.lit(value, kinds[type(value)]), kinds[type(value)])


def condition(node: Node, focus: Value, constants: Mapping[str, Value]) -> pl.Expr:
    """Whether a path is true; where there is no value it is not.

    Raises
    ------
    PathError
        It comes to something else than true or false.
    """
    return _flag(value_of(node, focus, constants), "a condition").fill_null(False)


def _member(value: Value, name: str) -> Value:
    if not isinstance(value.dtype, pl.Struct):
        return NOTHING
    dtype = next((_kind(field.dtype) for field in value.dtype.fields if field.name == name), None)
    if dtype is None:
        return NOTHING
    if not value.many:
        child = value.expr.struct.field(name)
        return Value(child, _kind(dtype.inner), True) if isinstance(dtype, pl.List) else Value(child, dtype)
    child = pl.element().struct.field(name)
    if isinstance(dtype, pl.List):
        return Value(_those_there(value.expr.list.eval(child.explode())), _kind(dtype.inner), True)
    return Value(_those_there(value.expr.list.eval(child)), dtype, True)


def _those_there(lists: pl.Expr) -> pl.Expr:
    # Of elements with children, `list.drop_nulls` takes several hundred times as long.
    return lists.list.filter(pl.element().is_not_null())


def _kind(dtype: Any) -> pl.DataType:
    kind: pl.DataType = dtype() if isinstance(dtype, type) else dtype
    return kind


def _at(value: Value, place: Value) -> Value:
    if place.dtype != pl.Int64 or place.many:
        raise PathError("an index is a whole number")
    if value.many:
        return Value(value.expr.list.get(place.expr, null_on_oob=True), value.dtype)
    return Value(pl.when(place.expr == 0).then(value.expr), value.dtype)


def _called(base: Value, name: str, arguments: tuple[Node, ...], constants: Mapping[str, Value]) -> Value:
    match name, arguments:
        case "where", (criterion,):
            return _where(base, criterion, constants)
        case "exists", ():
            return Value(base.count() > 0, pl.Boolean())
        case "exists", (criterion,):
            return Value(_where(base, criterion, constants).count() > 0, pl.Boolean())
        case "empty", ():
            return Value(base.count() == 0, pl.Boolean())
        case "not", ():
            return Value(~_flag(base, "not()"), pl.Boolean())
        case "first", ():
            return Value(base.expr.list.first(), base.dtype) if base.many else base
        case "extension", (url,):
            return _where(_member(base, "extension"), Operation("=", Member(This(), "url"), url), constants)
        case "join", () | (Literal(str()),):
            separator = arguments[0].value if arguments and isinstance(arguments[0], Literal) else ""
            return _joined(base, separator)
        case "getResourceKey", () if base.whole:
            return _member(base, "id")
        case "getResourceKey", ():
            raise PathError("getResourceKey() is asked of a resource only")
        case "getReferenceKey", ():
            return _referenced(_member(base, "reference"), ANY_TYPE)
        case "getReferenceKey", (kind,):
            return _referenced(_member(base, "reference"), type_named(kind))
        case "ofType", _:
            raise PathError("ofType() is supported right behind the name of an element, as in value.ofType(Quantity)")
    raise PathError(f"{name}() with {len(arguments)} arguments is not supported; functions are {FUNCTIONS}")


def _where(base: Value, criterion: Node, constants: Mapping[str, Value]) -> Value:
    if base.dtype is None:
        condition(criterion, NOTHING, constants)
        return NOTHING
    if not base.many:
        return Value(pl.when(condition(criterion, base, constants)).then(base.expr), base.dtype, whole=base.whole)
    # Within a list there is no row to be numbered.
    within = {name: value for name, value in constants.items() if name != ROW_INDEX}
    keep = condition(criterion, Value(pl.element(), base.dtype), within)
    # With the element in it: a criterion that looks at none is of one value, whatever the number of elements.
    return Value(base.expr.list.filter(keep & pl.element().is_not_null()), base.dtype, True)


def _joined(base: Value, separator: str) -> Value:
    if base.dtype not in (pl.String, None):
        raise PathError("join() is of texts")
    if base.dtype is None:
        return literal("")
    text = base.expr.list.join(separator) if base.many else base.expr
    return Value(text.fill_null(""), pl.String())


def _referenced(reference: Value, kind: str) -> Value:
    if reference.dtype is None:
        return NOTHING
    pattern = REFERENCE.format(type=kind)
    if reference.many:
        return Value(_those_there(reference.expr.list.eval(pl.element().str.extract(pattern, 2))), pl.String(), True)
    return Value(reference.expr.str.extract(pattern, 2), pl.String())


def _flag(value: Value, what: str) -> pl.Expr:
    if value.dtype is None:
        return pl.lit(None, pl.Boolean)
    if value.dtype != pl.Boolean:
        raise PathError(f"{what} must be true or false, and here is something else")
    return value.single().expr


ARITHMETIC: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: pl.when(right != 0).then(left / right),
}
ORDER: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


def _operated(operator: str, left: Value, right: Value) -> Value:
    if operator in ("and", "or"):
        one, other = _flag(left, operator), _flag(right, operator)
        return Value(one & other if operator == "and" else one | other, pl.Boolean())
    arithmetic = operator in ARITHMETIC
    if left.dtype is None or right.dtype is None:
        return NOTHING if arithmetic else Value(pl.lit(None, pl.Boolean), pl.Boolean())
    numbers = left.dtype.is_numeric() and right.dtype.is_numeric()
    if not numbers and left.dtype != right.dtype:
        raise PathError(f"{operator} stands between values of two kinds")
    if operator in ("=", "!="):
        equal = _equal(left, right)
        return Value(equal if operator == "=" else ~equal, pl.Boolean())
    text = left.dtype == pl.String
    if not (numbers or (text and (operator in ORDER or operator == "+"))):
        raise PathError(f"{operator} stands between values that it is not for")
    one, other = left.single().expr, right.single().expr
    if operator in ORDER:
        return Value(ORDER[operator](one, other), pl.Boolean())
    whole = left.dtype.is_integer() and right.dtype.is_integer() and operator != "/"
    dtype: pl.DataType = pl.String() if text else pl.Int64() if whole else pl.Float64()
    return Value(ARITHMETIC[operator](one, other), dtype)


def _equal(left: Value, right: Value) -> pl.Expr:
    """Whether two collections are the same; nothing where one of them is empty."""
    if left.many and right.many:
        return pl.when((left.count() > 0) & (right.count() > 0)).then(left.expr == right.expr)
    if not (left.many or right.many):
        return left.expr == right.expr
    many, one = (left, right) if left.many else (right, left)
    same = pl.when(many.count() > 1).then(pl.lit(False)).otherwise(many.expr.list.first() == one.expr)
    return pl.when((many.count() > 0) & one.expr.is_not_null()).then(same)
