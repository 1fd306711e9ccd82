"""View definitions of SQL on FHIR v2: resources of one type as the rows of a table."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import polars as pl

from carti_lake.pull.secrets import SourceError
from carti_lake.pull.views.compiled import ROW_INDEX, Value, condition, literal, value_of
from carti_lake.pull.views.fhirpath import Constant, Node, PathError, names_in, parse_path

Made = TypeVar("Made")

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
#: Types of FHIR's that are no text; a column of any other type, or of none, is text.
TYPES: dict[str, pl.DataType] = {
    **dict.fromkeys(("integer", "integer64", "positiveInt", "unsignedInt"), pl.Int64()),
    "decimal": pl.Float64(),
    "boolean": pl.Boolean(),
}
#: Types of which a column holds a day or a moment, as text.
MOMENTS = ("date", "dateTime", "instant")
OF_SELECT = ("column", "select", "forEach", "forEachOrNull", "unionAll")
OF_COLUMN = ("name", "path", "type", "collection", "description", "tag")
#: The resource as a whole, and columns of our own on the way; no column of a view holds a control character.
RESOURCE, OWN = "\x1fresource", "\x1f"


@dataclass(frozen=True)
class Column:
    """A column of a view.

    Attributes
    ----------
    name, path
        What it is called, and where its values are.
    type
        The FHIR type that the view gives it, ``string`` where it gives none.
    collection
        Whether it holds lists.
    """

    name: str
    path: Node
    type: str
    collection: bool

    @property
    def dtype(self) -> pl.DataType:
        """The type of its values."""
        one = TYPES.get(self.type, pl.String())
        return pl.List(one) if self.collection else one


@dataclass(frozen=True)
class Select:
    """A part of a view: columns, and parts below it, for each element that it names.

    Attributes
    ----------
    columns, selects, unions
        What its rows are put together from.
    each
        The elements that it goes through; None: the one that it starts from.
    or_null
        Whether there is a row where there is no such element.
    """

    columns: tuple[Column, ...] = ()
    selects: "tuple[Select, ...]" = ()
    unions: "tuple[Select, ...]" = ()
    each: Node | None = None
    or_null: bool = False

    def all_columns(self) -> list[Column]:
        """Its columns, in the order of the table."""
        below = [one.all_columns() for one in (*self.selects, *self.unions[:1])]
        return [*self.columns, *(column for columns in below for column in columns)]

    def paths(self) -> Iterator[Node]:
        """All paths in it."""
        if self.each is not None:
            yield self.each
        yield from (column.path for column in self.columns)
        for one in (*self.selects, *self.unions):
            yield from one.paths()


@dataclass(frozen=True)
class View:
    """A view definition.

    Attributes
    ----------
    name
        Of the table.
    resource
        Type of the resources.
    select
        Its parts, one beside the other.
    where
        What must be true of a resource.
    constants
        Constants of its paths.
    file
        Where it stands; for errors.
    said
        What tells it from another.
    """

    name: str
    resource: str
    select: Select
    where: tuple[Node, ...]
    constants: Mapping[str, Value]
    file: str
    said: str = field(repr=False)

    def schema(self) -> dict[str, pl.DataType]:
        """Its columns, with the types of their values."""
        return {column.name: column.dtype for column in self.select.all_columns()}

    def elements(self) -> set[str]:
        """Names of all elements that its rows can depend on."""
        return {name for path in (*self.where, *self.select.paths()) for name in names_in(path)}


def read_view(path: Path) -> View:
    """The view definition in a JSON file.

    Raises
    ------
    SourceError
        It is none, or has what is not supported: the file, the element, and what to do.
    """
    try:
        said = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise SourceError(f"{path.name}: the view cannot be read: {error.strerror}.") from None
    except ValueError:
        raise SourceError(f"{path.name}: not valid JSON in UTF-8.") from None
    return view_of(said, path.stem, path.name)


def view_of(said: Any, stem: str, file: str) -> View:
    """What a view definition says; ``stem`` is its name where it gives none."""
    if not isinstance(said, dict) or said.get("resourceType", "ViewDefinition") != "ViewDefinition":
        raise SourceError(f"{file}: no ViewDefinition of SQL on FHIR.")
    resource = said.get("resource")
    if not isinstance(resource, str) or not NAME.fullmatch(resource):
        raise SourceError(f"{file}: resource must name the type of the resources, such as Encounter.")
    name = said.get("name", re.sub(r"\W", "_", stem))
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise SourceError(f"{file}: name must begin with a letter and have letters, digits and _ only.")
    select = Select(selects=tuple(_selects(said.get("select"), f"{file}: select")))
    names = [column.name for column in select.all_columns()]
    twice = next((one for one in names if names.count(one) > 1), None)
    if twice is not None:
        raise SourceError(f"{file}: two columns have the name {twice}.")
    where = [
        _path(one.get("path") if isinstance(one, dict) else None, f"{file}: where[{place}].path")
        for place, one in enumerate(_list(said.get("where", []), f"{file}: where"))
    ]
    view = View(
        name=name,
        resource=resource,
        select=select,
        where=tuple(where),
        constants=dict(_constants(said.get("constant", []), file)),
        file=file,
        said=json.dumps({key: said.get(key) for key in ("resource", "select", "where", "constant")}, sort_keys=True),
    )
    # On no resource at all: what is wrong with a path whatever the resources hold is told now.
    rows_of(view, pl.LazyFrame({RESOURCE: []}, schema={RESOURCE: pl.Struct({})})).collect_schema()
    return view


def rows_of(view: View, resources: pl.LazyFrame, keep: Sequence[str] = ()) -> pl.LazyFrame:
    """The view's rows, of resources in the column :data:`RESOURCE`.

    Parameters
    ----------
    view
        The view.
    resources
        Of the view's type.
    keep
        Columns that the rows take over.

    Raises
    ------
    SourceError
        A path does not fit what the resources hold, named by its column.
    """
    focus = Value(pl.col(RESOURCE), _struct(resources), whole=True)
    kept = resources
    for place, path in enumerate(view.where):
        kept = kept.filter(_placed(partial(condition, path, focus, view.constants), f"where[{place}]", view))
    made = _made(view, kept, view.select, _Within(focus, pl.lit(True), _number(pl.lit(0))), count(1), owns=True)
    return made.select(*keep, *view.schema())


def _struct(rows: pl.LazyFrame) -> pl.DataType:
    return rows.collect_schema()[RESOURCE]


@dataclass(frozen=True)
class _Within:
    """Where a part of a view is: the element, whether there is one at all, and its number."""

    element: Value
    alive: pl.Expr
    index: Value


def _number(expr: pl.Expr) -> Value:
    return Value(expr.cast(pl.Int64), pl.Int64())


@dataclass(frozen=True)
class _Listed:
    """The elements that a part goes through, as a column of lists."""

    number: int
    dtype: pl.DataType | None

    @property
    def element(self) -> str:
        return f"{OWN}element{self.number}"


def _made(
    view: View,
    rows: pl.LazyFrame,
    select: Select,
    within: _Within,
    numbers: Iterator[int],
    *,
    listed: _Listed | None = None,
    owns: bool = False,
) -> pl.LazyFrame:
    """The rows with a part's columns; ``owns``: whether nobody else asks for the element after it."""
    if select.each is not None:
        if listed is None:
            rows, listed = _lists(view, rows, select.each, within, next(numbers))
        rows, within = _each(rows, select, within, listed)
        owns = True
    rows = rows.with_columns(_column(column, within, view).alias(column.name) for column in select.columns)
    for one in select.selects:
        if one.each is None:
            rows = _made(view, rows, one, within, numbers)
    goes_through = []
    for one in select.selects:
        if one.each is not None:
            rows, of_one = _lists(view, rows, one.each, within, next(numbers))
            goes_through.append((one, of_one))
    if goes_through and owns and not select.unions:
        # To repeat a whole tree for each row costs more than all the rest.
        rows = rows.drop(within.element.expr.meta.output_name())
    for one, of_one in goes_through:
        rows = _made(view, rows, one, within, numbers, listed=of_one)
    if not select.unions:
        return rows
    parts = [
        # A row without an element is one row, not one for each part.
        _made(view, rows if place == 0 else rows.filter(within.alive), one, within, numbers)
        for place, one in enumerate(select.unions)
    ]
    kept = rows.collect_schema().names()
    names = [*kept, *(column.name for column in select.unions[0].all_columns())]
    return pl.concat([part.select(names) for part in parts])


def _lists(view: View, rows: pl.LazyFrame, path: Node, within: _Within, number: int) -> tuple[pl.LazyFrame, _Listed]:
    each = _placed(partial(value_of, path, within.element, _constants_in(view, within)), "forEach", view)
    lists = each.expr if each.many else pl.when(each.expr.is_not_null()).then(pl.concat_list(each.expr))
    listed = _Listed(number, each.dtype)
    return rows.with_columns(lists.alias(listed.element)), listed


def _each(rows: pl.LazyFrame, select: Select, within: _Within, listed: _Listed) -> tuple[pl.LazyFrame, _Within]:
    """A row for each element that the part goes through."""
    element, index, there = listed.element, f"{OWN}index{listed.number}", f"{OWN}there{listed.number}"
    several = pl.col(element).list.len() > 0
    rows = (
        # Two lists are exploded together where they are null together.
        rows.with_columns(
            pl.when(several).then(pl.col(element)).alias(element),
            pl.when(several).then(pl.int_ranges(pl.col(element).list.len())).alias(index),
        )
        .explode(element, index)
        .with_columns(pl.col(index).fill_null(0), pl.col(element).is_not_null().alias(there))
    )
    below = _Within(Value(pl.col(element), listed.dtype), within.alive & pl.col(there), _number(pl.col(index)))
    return rows if select.or_null else rows.filter(pl.col(there) | ~within.alive), below


def _constants_in(view: View, within: _Within) -> Mapping[str, Value]:
    return {**view.constants, ROW_INDEX: within.index}


def _column(column: Column, within: _Within, view: View) -> pl.Expr:
    def made() -> pl.Expr:
        value = value_of(column.path, within.element, _constants_in(view, within))
        if value.dtype is None:
            return pl.lit(None, column.dtype)
        if value.dtype.is_nested():
            raise PathError("it comes to an element with children; name one of them")
        one = TYPES.get(column.type, pl.String())
        if one != pl.String() and value.dtype != one and not (one == pl.Float64() and value.dtype.is_integer()):
            raise PathError(f"it is to be {column.type}, and the resources hold {value.dtype}")
        if not column.collection:
            return value.single().expr.cast(one)
        return (value.expr if value.many else pl.concat_list(value.expr)).cast(column.dtype)

    expr: pl.Expr = _placed(made, f"column {column.name}", view)
    # An element that is not there has the number 0, and no other value.
    return expr if column.path == Constant(ROW_INDEX) else pl.when(within.alive).then(expr)


def _placed(make: Callable[[], Made], place: str, view: View) -> Made:
    try:
        return make()
    except PathError as error:
        raise SourceError(f"{view.file}: {place}: {error}.") from None


def _selects(said: Any, where: str) -> list[Select]:
    listed = _list(said, where)
    if not listed:
        raise SourceError(f"{where} has nothing in it: say what the columns are.")
    return [_select(one, f"{where}[{place}]") for place, one in enumerate(listed)]


def _select(said: Any, where: str) -> Select:
    if not isinstance(said, dict):
        raise SourceError(f"{where} must be an object.")
    for key in said:
        if key not in (*OF_SELECT, "id", "extension"):
            raise SourceError(f"{where}: {key} is not supported; a select has {', '.join(OF_SELECT)}.")
    if "forEach" in said and "forEachOrNull" in said:
        raise SourceError(f"{where}: forEach and forEachOrNull exclude each other.")
    key = "forEachOrNull" if "forEachOrNull" in said else "forEach"
    made = Select(
        columns=tuple(
            _declared(one, f"{where}.column[{place}]")
            for place, one in enumerate(_list(said.get("column", []), f"{where}.column"))
        ),
        selects=tuple(_selects(said["select"], f"{where}.select")) if "select" in said else (),
        unions=tuple(_selects(said["unionAll"], f"{where}.unionAll")) if "unionAll" in said else (),
        each=_path(said[key], f"{where}.{key}") if key in said else None,
        or_null=key == "forEachOrNull",
    )
    shapes = [[(column.name, column.dtype) for column in one.all_columns()] for one in made.unions]
    if any(shape != shapes[0] for shape in shapes):
        raise SourceError(f"{where}.unionAll: its parts must have the same columns, of the same types, in one order.")
    return made


def _declared(said: Any, where: str) -> Column:
    if not isinstance(said, dict) or not isinstance(said.get("name"), str) or not NAME.fullmatch(said["name"]):
        raise SourceError(f"{where}.name must begin with a letter and have letters, digits and _ only.")
    for key in said:
        if key not in OF_COLUMN:
            raise SourceError(f"{where}: {key} is not supported; a column has {', '.join(OF_COLUMN)}.")
    kind = str(said.get("type", "string")).rpartition("/")[2]
    return Column(said["name"], _path(said.get("path"), f"{where}.path"), kind, said.get("collection") is True)


def _constants(said: Any, file: str) -> Iterator[tuple[str, Value]]:
    for place, one in enumerate(_list(said, f"{file}: constant")):
        values = [key for key in one if key.startswith("value")] if isinstance(one, dict) else []
        if len(values) != 1 or not isinstance(one.get("name"), str):
            raise SourceError(f"{file}: constant[{place}] must have a name and one value, such as valueString.")
        if not isinstance(one[values[0]], bool | int | float | str):
            raise SourceError(f"{file}: constant[{place}].{values[0]} must be one value.")
        yield one["name"], literal(one[values[0]])


def _path(said: Any, where: str) -> Node:
    if not isinstance(said, str):
        raise SourceError(f"{where} must be a FHIRPath.")
    try:
        return parse_path(said)
    except PathError as error:
        raise SourceError(f"{where}: {error}.") from None


def _list(said: Any, where: str) -> list[Any]:
    if not isinstance(said, list):
        raise SourceError(f"{where} must be a list.")
    return said
