"""Visuals of the report in Power BI's PBIR form, each from the fields of the model that it shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from carti_lake.outlets.theme import MEANS

SCHEMAS = "https://developer.microsoft.com/json-schemas/fabric/item/report/definition"
#: An older version of each schema than the newest: then older Desktops open the report as well.
VISUAL = f"{SCHEMAS}/visualContainer/2.1.0/schema.json"

#: Query roles of each type of visual that the report uses.
ROLES: dict[str, tuple[str, ...]] = {
    "cardVisual": ("Data",),
    "clusteredBarChart": ("Category", "Series", "Y"),
    "clusteredColumnChart": ("Category", "Series", "Y"),
    "lineChart": ("Category", "Series", "Y"),
    "pivotTable": ("Rows", "Columns", "Values"),
    "slicer": ("Values",),
    "stackedColumnChart": ("Category", "Series", "Y"),
    "tableEx": ("Values",),
    "textbox": (),
}


@dataclass(frozen=True)
class Field:
    """A column or a measure of the model, and the label that stands for its name where that is too long."""

    table: str
    name: str
    measure: bool = False
    label: str | None = None

    @property
    def expression(self) -> dict[str, Any]:
        """The field in a query."""
        kind = "Measure" if self.measure else "Column"
        return {kind: {"Expression": {"SourceRef": {"Entity": self.table}}, "Property": self.name}}

    def projection(self, *, active: bool) -> dict[str, Any]:
        """The field in a role of a visual."""
        return {
            "field": self.expression,
            "queryRef": f"{self.table}.{self.name}",
            "nativeQueryRef": self.name,
            **({"displayName": self.label} if self.label else {}),
            **({"active": True} if active else {}),
        }


@dataclass(frozen=True)
class Place:
    """Where a visual stands on its page, in pixels."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Visual:
    """A visual: its type, what each role shows, its title, a text for who cannot see it, and values it is held to."""

    name: str
    kind: str
    place: Place
    alternative: str
    roles: Mapping[str, Sequence[Field]]
    title: str | None = None
    only: Sequence[tuple[Field, str]] = ()
    objects: Mapping[str, Any] | None = None


def meaning(parts: Mapping[Field, str]) -> dict[str, Any]:
    """Objects of a chart whose series have the colours of what they mean, by :data:`carti_lake.outlets.theme.MEANS`."""

    def point(field: Field, means: str) -> dict[str, Any]:
        fill = {"solid": {"color": text(MEANS[means])}}
        return {"properties": {"fill": fill}, "selector": {"metadata": f"{field.table}.{field.name}"}}

    return {"dataPoint": [point(field, means) for field, means in parts.items()]}


def text(value: str) -> dict[str, Any]:
    """A text as a literal: in quotes of its own, without which Power BI reads it as something else."""
    return {"expr": {"Literal": {"Value": "'" + value.replace("'", "''") + "'"}}}


def flag(value: bool) -> dict[str, Any]:
    """True or false as a literal."""
    return {"expr": {"Literal": {"Value": "true" if value else "false"}}}


def heading(name: str, place: Place, words: str) -> Visual:
    """A page's title."""
    runs = [{"value": words, "textStyle": {"fontWeight": "bold", "fontSize": "20pt"}}]
    objects = {"general": [{"properties": {"paragraphs": [{"textRuns": runs}]}}]}
    return Visual(name, "textbox", place, f"Page title: {words}.", {}, objects=objects)


def slicer(name: str, place: Place, field: Field) -> Visual:
    """A list to choose from."""
    objects = {"data": [{"properties": {"mode": text("Dropdown")}}]}
    title = field.label or field.name
    return Visual(name, "slicer", place, f"Choose by {title.lower()}.", {"Values": [field]}, title, objects=objects)


def visual_json(page: str, visual: Visual, order: int) -> dict[str, Any]:
    """The visual as PBIR has it."""
    grouping = visual.kind in ("slicer",) or "Category" in visual.roles
    state = {
        role: {"projections": [one.projection(active=grouping and role in ("Values", "Category")) for one in fields]}
        for role, fields in visual.roles.items()
    }
    title = {"title": [{"properties": {"show": flag(True), "text": text(visual.title)}}]} if visual.title else {}
    place = visual.place
    return {
        "$schema": VISUAL,
        "name": visual.name,
        "position": {
            "x": place.x,
            "y": place.y,
            "z": order * 1000,
            "height": place.height,
            "width": place.width,
            "tabOrder": order * 1000,
        },
        "visual": {
            "visualType": visual.kind,
            **({"query": {"queryState": state}} if state else {}),
            **({"objects": visual.objects} if visual.objects else {}),
            "visualContainerObjects": {
                **title,
                "general": [{"properties": {"altText": text(visual.alternative)}}],
            },
            "drillFilterOtherVisuals": True,
        },
        **(
            {"filterConfig": {"filters": [_only(page, visual, *one, place=n) for n, one in enumerate(visual.only)]}}
            if visual.only
            else {}
        ),
    }


def _only(page: str, visual: Visual, field: Field, value: str, *, place: int) -> dict[str, Any]:
    """A filter that holds the visual to one value of a column."""
    column = {"Column": {"Expression": {"SourceRef": {"Source": "t"}}, "Property": field.name}}
    held = {"In": {"Expressions": [column], "Values": [[{"Literal": text(value)["expr"]["Literal"]}]]}}
    return {
        "name": f"{page}_{visual.name}_{place}",
        "field": field.expression,
        "type": "Categorical",
        "filter": {
            "Version": 2,
            "From": [{"Name": "t", "Entity": field.table, "Type": 0}],
            "Where": [{"Condition": held}],
        },
        "howCreated": "User",
    }
