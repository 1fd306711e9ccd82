"""Fields of objects, as the org describes them: proved before the first row is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any

import polars as pl

from carti_lake.pull.declaration import Source
from carti_lake.pull.salesforce.org import Org, RefusedError
from carti_lake.pull.secrets import SourceError
from carti_lake.pull.soql import PATH, Asked
from carti_lake.pull.types import misfit
from carti_lake.sources.headers import matches

#: Types of fields that are no text.
TYPES: Mapping[str, pl.DataType] = {
    "boolean": pl.Boolean(),
    "currency": pl.Float64(),
    "date": pl.Date(),
    "datetime": pl.Datetime("ms", "UTC"),
    "double": pl.Float64(),
    "int": pl.Int64(),
    "long": pl.Int64(),
    "percent": pl.Float64(),
}
#: Types of fields that hold several values, or bytes; results have no column for them.
COMPOUND = {"address", "location", "base64", "complexvalue", "anyType"}
#: What a reference to one of several objects can be asked for is described under this name.
ANY = "Name"


@dataclass(frozen=True)
class Reads:
    """What is read of an org, and proved to be there.

    Attributes
    ----------
    object
        API name of the object.
    types
        Fields and paths in the order that they are asked for, with their types.
    where
        The declared condition.
    deleted
        Whether rows in the recycle bin are read, too.
    nullable
        Whether a row may be without the cursor.
    """

    object: str
    types: Mapping[str, pl.DataType]
    where: str | None
    deleted: bool
    nullable: bool


def proved(org: Org, source: Source) -> Reads:
    """What the source reads, compared with the org's objects and with the feed.

    Raises
    ------
    SourceError
        An object or a field that is not there, with the nearest; a type whose values the feed's column cannot hold.
    """
    said = source.asked
    assert said is not None

    @cache
    def described(name: str) -> dict[str, dict[str, Any]]:
        return _described(org, name)

    own = described(said.object)
    cursor = source.cursor
    # The Id tells a page that comes again from one that is alike.
    fields = tuple(dict.fromkeys([*(said.fields or _taken(own, source)), "Id", *([cursor] if cursor else [])]))
    found = {path: _at(path, said.object, described, source.name) for path in fields}
    types = {path: TYPES.get(one["type"], pl.String()) for path, one in found.items()}
    for path, one in found.items():
        if one["type"] in COMPOUND:
            raise SourceError(f'{source.name}: the field "{path}" holds several values; name its parts instead.')
    _check(types, source, said)
    if cursor is not None and types[cursor] not in (pl.Date, TYPES["datetime"]):
        raise SourceError(f"{source.name}: a cursor is a moment or a day; {cursor} is of type {found[cursor]['type']}.")
    return Reads(
        object=said.object,
        types=types,
        where=said.where,
        deleted="IsDeleted" in fields,
        nullable=cursor is not None and bool(found[cursor].get("nillable")),
    )


def _described(org: Org, name: str) -> dict[str, dict[str, Any]]:
    """Fields of an object by their API names."""
    try:
        said = org.get(f"/sobjects/{name}/describe")
    except RefusedError as error:
        if error.status != 404:
            raise
        names = [one["name"] for one in org.get("/sobjects").get("sobjects", [])]
        raise SourceError(f'{org.name}: there is no object "{name}"{_near(name, names)}') from None
    return {one["name"]: one for one in said["fields"]}


def _taken(own: Mapping[str, Mapping[str, Any]], source: Source) -> tuple[str, ...]:
    """Fields that the feed takes, by the map or by their names; no other is asked for."""
    mapping = source.mapping
    mapped = [*mapping.headers, *(part for parts in mapping.sources.values() for part in parts)]
    spoken_of = mapping.targets()
    named = matches([*own], source.feed, mapping)
    free = [name for name, column in named.items() if column not in spoken_of or column in mapping.hints]
    return tuple(dict.fromkeys([*mapped, *(name for name in free if name not in mapped)]))


def _at(path: str, object: str, described: Any, name: str) -> Mapping[str, Any]:
    """The field that a path from the object leads to."""
    if not PATH.fullmatch(path):
        raise SourceError(f'{name}: "{path}" is no field, nor a path of fields such as Account.Name.')
    *relations, last = path.split(".")
    for relation in relations:
        fields = described(object)
        by_name = {one["relationshipName"]: one for one in fields.values() if one.get("relationshipName")}
        if relation not in by_name:
            raise SourceError(f'{name}: {object} has no relationship "{relation}"{_near(relation, [*by_name])}')
        targets = by_name[relation]["referenceTo"]
        object = targets[0] if len(targets) == 1 else ANY
    fields = described(object)
    if last not in fields:
        raise SourceError(f'{name}: {object} has no field "{last}"{_near(last, [*fields])}')
    found: Mapping[str, Any] = fields[last]
    return found


def _check(types: Mapping[str, pl.DataType], source: Source, said: Asked) -> None:
    if (found := misfit(types, source)) is not None:
        header, column = found
        raise SourceError(
            f'{source.name}: the field "{header}" of {said.object} is of type {types[header]}, and {column} of '
            f"{source.feed.short_name} is {source.feed.delivered()[column]}. Map {column} to another field."
        )


def _near(name: str, names: Sequence[str]) -> str:
    """The end of a sentence: the nearest name, whatever its case."""
    spelt = {one.casefold(): one for one in names}
    close = get_close_matches(name.casefold(), spelt, n=1)
    return f'; did you mean "{spelt[close[0]]}"?' if close else ", or its user may not see it."
