"""How a page of the report is laid out: title and slicers above, figures, two rows of charts, the release below."""

from collections.abc import Sequence
from dataclasses import dataclass

from carti_lake.outlets.powerbi.names import DATE, RELEASE
from carti_lake.outlets.powerbi.visuals import Field, Place, Visual, heading, slicer

WIDTH, HEIGHT, EDGE, GAP = 1280, 720, 24, 16
#: Top and height of the rows of a page: title and slicers, figures, two rows of charts, the release.
HEAD, FIGURES, UPPER, LOWER, FOOT = (16, 68), (92, 92), (200, 212), (428, 208), (652, 60)
BOTH = (UPPER[0], LOWER[0] + LOWER[1] - UPPER[0])


#: Width of the canvas of a phone in portrait, its margin and gap, and the heights of what stands on it.
PHONE, PHONE_EDGE = 324, 8
_HEIGHTS = {"textbox": 44, "slicer": 64, "actionButton": 44, "cardVisual": 230, "tableEx": 300}
_CHART = 220

#: Of the calendar those months that a fact is of: the others are no choice.
WITH_FACTS = Field(DATE, "Has Facts")


@dataclass(frozen=True)
class Page:
    """A page of the report.

    Attributes
    ----------
    name, title
        In the project, and for people.
    visuals
        In the order of the tab key.
    use
        ``Drillthrough`` or ``Tooltip`` of a page that is shown from a mark of another; None for one of its own.
    about
        The column whose member such a page is about.
    size
        Width and height.
    """

    name: str
    title: str
    visuals: tuple[Visual, ...]
    use: str | None = None
    about: Field | None = None
    size: tuple[int, int] = (WIDTH, HEIGHT)


def on_a_phone(visuals: Sequence[Visual]) -> dict[str, Place]:
    """Where each visual stands on a phone: one below the other in their order, slicers two beside each other."""
    whole, y, beside = PHONE - 2 * PHONE_EDGE, PHONE_EDGE, False
    half, places = (whole - PHONE_EDGE) // 2, {}
    for visual in visuals:
        height = _HEIGHTS.get(visual.kind, _CHART)
        narrow = visual.kind == "slicer"
        if beside and not narrow:
            y, beside = y + _HEIGHTS["slicer"] + PHONE_EDGE, False
        x = PHONE_EDGE + (half + PHONE_EDGE if beside else 0)
        places[visual.name] = Place(x, y, half if narrow else whole, height)
        if narrow and not beside:
            beside = True
        else:
            y, beside = y + height + PHONE_EDGE, False
    return places


def cell(row: tuple[int, int], first: int, of: int, wide: int = 1) -> Place:
    """A place in a row that is divided into equal columns; ``wide`` of them from ``first`` on."""
    column = (WIDTH - 2 * EDGE - (of - 1) * GAP) // of
    return Place(EDGE + first * (column + GAP), row[0], wide * column + (wide - 1) * GAP, row[1])


def page(name: str, title: str, slicers: tuple[Field, ...], *visuals: Visual) -> Page:
    """A page with its title and slicers above, and the release that it shows below."""
    count = len(slicers)
    choices = [
        slicer(
            f"choose_{field.table.lower().replace(' ', '_')}",
            cell(HEAD, 12 - 2 * (count - n), 12, 2),
            field,
            only=((WITH_FACTS, True),) if field.table == DATE else (),
        )
        for n, field in enumerate(slicers)
    ]
    about = Visual(
        "about",
        "tableEx",
        cell(FOOT, 0, 1),
        "The release that all numbers are from, the months of the headline numbers, and how many tables are from "
        "another release: it must be 0.",
        {
            "Values": [
                Field(RELEASE, "Caption"),
                Field(RELEASE, "Months of the Headlines", True),
                Field(RELEASE, "Tables of Another Release", True),
            ]
        },
    )
    return Page(name, title, (heading("title", cell(HEAD, 0, 12, 12 - 2 * count), title), *choices, *visuals, about))


def figures(alternative: str, *fields: Field) -> Visual:
    """The page's key figures, in one row."""
    return Visual("key_figures", "cardVisual", cell(FIGURES, 0, 1), alternative, {"Data": fields})
