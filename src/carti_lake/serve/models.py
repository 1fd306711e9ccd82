"""What answers look like, for the OpenAPI document: pydantic models made from the tables' own declarations."""

from datetime import date, datetime
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, create_model

from carti_lake.releases.release import Release
from carti_lake.serve.resources import Column, Resource

_TYPES: dict[Any, Any] = {
    pl.String: str,
    pl.Int64: int,
    pl.Boolean: bool,
    pl.Date: date,
    pl.Datetime: datetime,
    pl.List: list[str],
}
#: What stands in an example, by the end of a column's name, else by its type.
_EXAMPLES_BY_NAME = {"provider_id": "1234567893", "provider_name": "Dr. Ann Lee", "service_line": "lung"}
_EXAMPLES: dict[Any, Any] = {
    str: "text",
    int: 120,
    bool: True,
    date: "2026-01-01",
    datetime: "2026-02-01T06:30:00Z",
    list[str]: ["text"],
    float: 0.25,
}


class ReleaseRead(BaseModel):
    """The release that an answer was read from."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"title": "Release"})
    number: int = Field(description="Number of the release", examples=[12])
    at: datetime = Field(description="When it was published (UTC)")
    data_as_of: date | None = Field(description="Newest extract date in it")
    caption: str = Field(
        description="The line that every outlet carries", examples=["release 12 · 2026-02-01 · data as of 2026-01-31"]
    )


def release_read(release: Release) -> dict[str, Any]:
    """What an answer says of its release."""
    return {
        "number": release.number,
        "at": release.at.isoformat(),
        "data_as_of": release.data_as_of and release.data_as_of.isoformat(),
        "caption": release.caption,
    }


def python_type(dtype: pl.DataType) -> Any:
    """The type of a column's values in JSON."""
    return _TYPES.get(dtype.base_type(), float)


def page_model(resource: Resource) -> type[BaseModel]:
    """A page of the resource's rows. Every column may be absent (``fields``) and, but for the key, null."""
    name = "".join(part.capitalize() for part in resource.path.replace("/", "-").split("-"))
    row = create_model(
        f"{name}Row",
        __config__=ConfigDict(extra="forbid"),
        __doc__=resource.title,
        **{column: _field(said, column, column in resource.key) for column, said in resource.columns.items()},  # type: ignore[call-overload]
    )
    return page_of(row, f"{name}Page", resource.title)


def page_of(row: type[BaseModel], name: str, title: str) -> type[BaseModel]:
    """A page of such rows."""
    return create_model(
        name,
        __config__=ConfigDict(extra="forbid"),
        __doc__=title,
        release=(ReleaseRead, Field(description="The release that the rows are of")),
        total=(int, Field(description="Rows in all pages together", ge=0, examples=[1])),
        next=(str | None, Field(description="Cursor of the next page; null on the last", examples=[None])),
        rows=(list[row], Field(description=title)),  # type: ignore[valid-type]
    )


def _field(column: Column, name: str, in_key: bool) -> tuple[Any, Any]:
    kind = python_type(column.dtype)
    example = next((value for end, value in _EXAMPLES_BY_NAME.items() if name.endswith(end)), _EXAMPLES[kind])
    said = Field(default=None, description=column.description, examples=[example])
    return (kind if in_key else kind | None), said


class MetricValue(BaseModel):
    """A metric's value in one group; the columns that it is grouped by stand beside these."""

    model_config = ConfigDict(extra="allow")
    numerator: float | None = Field(default=None, description="Sum above")
    denominator: float | None = Field(default=None, description="Sum below; null where it has none")
    n: float | None = Field(default=None, description="Cases; null where no column counts them")
    value: float | None = Field(default=None, description="The metric; null exactly where there is a reason")
    reason: str | None = Field(default=None, description="Why there is no value")


class Change(BaseModel):
    """A row that two releases hold differently; beside these stand its columns, old values as ``…_before``."""

    model_config = ConfigDict(extra="allow")
    change: str = Field(default="", description="inserted, updated or deleted")
    changed_columns: list[str] = Field(default=[], description="Columns whose value differs")


class Part(BaseModel):
    """What one cause did to a metric."""

    model_config = ConfigDict(extra="forbid")
    cause: str = Field(description="The cause")
    meaning: str = Field(description="In words")
    rows: int = Field(description="Rows whose share of the numerator or denominator it changed")
    numerator: float = Field(description="By how much it changed the numerator")
    denominator: float | None = Field(description="By how much it changed the denominator; null without one")
    value: float | None = Field(description="By how much it changed the metric")


class Side(BaseModel):
    """The metric in one of the two releases."""

    model_config = ConfigDict(extra="forbid")
    release: int
    data_as_of: date | None
    numerator: float
    denominator: float | None
    value: float | None


class Explained(BaseModel):
    """The change of a metric between two releases, split into causes that sum to it exactly."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    metric: str
    title: str
    unit: str
    provider: dict[str, str] | None = Field(description="Id and name; null for the network")
    before: Side = Field(alias="from")
    after: Side = Field(alias="to")
    parts: list[Part]
