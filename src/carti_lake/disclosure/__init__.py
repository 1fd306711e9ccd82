"""Disclosure control: no count of people from 1 to 10 leaves the lake, nor one that can be worked out (ADR 0019)."""

from carti_lake.disclosure.blocks import SMALLEST_CELL
from carti_lake.disclosure.former import as_shown_before
from carti_lake.disclosure.lineage import of_people
from carti_lake.disclosure.margins import Told
from carti_lake.disclosure.publication import IN_FULL, INSIDE, Publication, in_full, publication, told_of

__all__ = [
    "INSIDE",
    "IN_FULL",
    "SMALLEST_CELL",
    "Publication",
    "Told",
    "as_shown_before",
    "in_full",
    "of_people",
    "publication",
    "told_of",
]
