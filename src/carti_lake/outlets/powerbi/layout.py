"""How a page of the report is laid out: title and slicers above, figures, two rows of charts, the release below."""

from dataclasses import dataclass

from carti_lake.outlets.powerbi.names import RELEASE
from carti_lake.outlets.powerbi.visuals import Field, Place, Visual, heading, slicer

WIDTH, HEIGHT, EDGE, GAP = 1280, 720, 24, 16
#: Top and height of the rows of a page: title and slicers, figures, two rows of charts, the release.
HEAD, FIGURES, UPPER, LOWER, FOOT = (16, 68), (92, 92), (200, 212), (428, 208), (652, 60)
BOTH = (UPPER[0], LOWER[0] + LOWER[1] - UPPER[0])


@dataclass(frozen=True)
class Page:
    """A page: its name in the project, its title, its visuals in the order of the tab key."""

    name: str
    title: str
    visuals: tuple[Visual, ...]


def cell(row: tuple[int, int], first: int, of: int, wide: int = 1) -> Place:
    """A place in a row that is divided into equal columns; ``wide`` of them from ``first`` on."""
    column = (WIDTH - 2 * EDGE - (of - 1) * GAP) // of
    return Place(EDGE + first * (column + GAP), row[0], wide * column + (wide - 1) * GAP, row[1])


def page(name: str, title: str, slicers: tuple[Field, ...], *visuals: Visual) -> Page:
    """A page with its title and slicers above, and the release that it shows below."""
    count = len(slicers)
    choices = [
        slicer(f"choose_{field.table.lower().replace(' ', '_')}", cell(HEAD, 12 - 2 * (count - n), 12, 2), field)
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
