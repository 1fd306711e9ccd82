"""Visuals of the report in Power BI's PBIR form, each from the fields of the model that it shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from carti_lake.outlets.powerbi.names import WHY_BLANK, WHY_EMPTY
from carti_lake.outlets.theme import MEANS

SCHEMAS = "https://developer.microsoft.com/json-schemas/fabric/item/report/definition"
#: An older version of each schema than the newest: then older Desktops open the report as well.
VISUAL = f"{SCHEMAS}/visualContainer/2.1.0/schema.json"

#: Query roles of each type of visual that the report uses.
ROLES: dict[str, tuple[str, ...]] = {
    "actionButton": (),
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
    """A visual of a page.

    Attributes
    ----------
    name, kind, place
        Its name, type, and where it stands.
    alternative
        What it is, for who cannot see it.
    roles
        What each role shows.
    title
        Above it.
    only
        Values that columns are held to.
    objects
        Its formatting.
    tip
        Name of the page that is shown where the pointer rests.
    link
        What a click does: ``Back``.
    """

    name: str
    kind: str
    place: Place
    alternative: str
    roles: Mapping[str, Sequence[Field]]
    title: str | None = None
    only: Sequence[tuple[Field, str | bool]] = ()
    objects: Mapping[str, Any] | None = None
    tip: str | None = None
    link: str | None = None

    @property
    def empty(self) -> Field | None:
        """The measure that says why the visual shows nothing: that of the table of its first measure."""
        why = WHY_EMPTY | WHY_BLANK
        shown = [one for fields in self.roles.values() for one in fields if one.measure and one.table in why]
        return Field(shown[0].table, why[shown[0].table], True) if shown else None


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


def slicer(name: str, place: Place, field: Field, only: Sequence[tuple[Field, bool]] = ()) -> Visual:
    """A list to choose from."""
    objects = {"data": [{"properties": {"mode": text("Dropdown")}}]}
    title = field.label or field.name
    return Visual(name, "slicer", place, f"Choose by {title.lower()}.", {"Values": [field]}, title, only, objects)


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
                **_container(visual),
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


def _container(visual: Visual) -> dict[str, Any]:
    """What stands around a visual: why it is empty, the page that explains a mark, and what a click does."""
    made: dict[str, Any] = {}
    if visual.title and visual.empty:
        words = {"expr": visual.empty.expression}
        made["subTitle"] = [{"properties": {"show": flag(True), "text": words, "titleWrap": flag(True)}}]
    if visual.tip:
        shown = {"show": flag(True), "type": text("Canvas"), "section": text(visual.tip)}
        made["visualTooltip"] = [{"properties": shown}]
    if visual.link:
        made["visualLink"] = [{"properties": {"show": flag(True), "type": text(visual.link)}}]
    return made


def _only(page: str, visual: Visual, field: Field, value: str | bool, *, place: int) -> dict[str, Any]:
    """A filter that holds the visual to one value of a column."""
    column = {"Column": {"Expression": {"SourceRef": {"Source": "t"}}, "Property": field.name}}
    literal = (flag(value) if isinstance(value, bool) else text(value))["expr"]["Literal"]
    held = {"In": {"Expressions": [column], "Values": [[{"Literal": literal}]]}}
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
