"""Query parameters as the OpenAPI document tells of them: those of every read, and those that columns make."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from carti_lake.serve.models import python_type
from carti_lake.serve.resources import Column, Resource
from carti_lake.serve.selection import MOST_ROWS, USUAL_ROWS

_TEXT = {"type": "string", "minLength": 1}
_WHICH = {**_TEXT, "examples": ["12", "board-2026-q1", "2026-01-31"]}


def parameter(name: str, description: str, schema: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A query parameter."""
    return {"name": name, "in": "query", "description": description, "schema": dict(schema), **more}


def names(name: str, description: str, of: list[str], **more: Any) -> dict[str, Any]:
    """A query parameter that is a list with commas between."""
    schema = {"type": "array", "items": {"type": "string", "enum": of}, "minItems": 1, "uniqueItems": True}
    return parameter(name, description, schema, style="form", explode=False, **more)


OF_A_RELEASE = [
    parameter("release", "Number, or name of a lock; else the latest release", _WHICH),
    parameter(
        "as_of",
        "The release that stood then: at a day's end, or at a time (UTC)",
        {**_TEXT, "examples": ["2026-01-31"]},
    ),
]
OF_A_PAGE = [
    parameter(
        "limit",
        "Most rows of a page",
        {"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": USUAL_ROWS},
    ),
    parameter("cursor", "Where the page before ended: its `next`", _TEXT),
]
BETWEEN = [
    parameter("from", "Release before: number, lock or date", _WHICH, required=True),
    parameter("to", "Release after: number, lock or date", _WHICH, required=True),
]
PROVIDER = parameter("provider", "Id of a provider; else the network's metric", _TEXT)


def of_rows(resource: Resource) -> list[dict[str, Any]]:
    """Everything that may be asked of a resource's rows.

    Filters on the key, on texts and on yes or no are listed; the resource's description says how to make the others.
    """
    plain = [name for name, column in resource.columns.items() if not isinstance(column.dtype, pl.List)]
    order = [*plain, *(f"-{name}" for name in plain)]
    found = [
        names("fields", "Columns, with commas between; else all", list(resource.columns)),
        names("sort", "Columns in order, with commas between; a minus before a name descends", order),
        *OF_A_PAGE,
    ]
    for name in plain:
        column = resource.columns[name]
        if isinstance(column.dtype, pl.String | pl.Boolean):
            schema = {"type": "array", "items": _schema(column)}
            found.append(parameter(name, f"{column.description}; repeated: any of them", schema))
        elif name in resource.key:
            found.append(parameter(f"{name}.gte", f"{column.description}: from this on", _schema(column)))
            found.append(parameter(f"{name}.lte", f"{column.description}: up to this", _schema(column)))
    return found


def _schema(column: Column) -> dict[str, Any]:
    if isinstance(column.dtype, pl.Date):
        return {"type": "string", "format": "date"}
    if isinstance(column.dtype, pl.Datetime):
        return {"type": "string", "format": "date-time"}
    kind = python_type(column.dtype)
    if kind is int:
        return {"type": "integer", "minimum": -(10**17), "maximum": 10**17}
    return {"type": {str: "string", bool: "boolean"}.get(kind, "number")}
