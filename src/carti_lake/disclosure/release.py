"""A release as it may be shown: what has its shape, a view or what one viewer sees of it, without small counts."""

from typing import Protocol

import polars as pl

from carti_lake.disclosure.publication import Publication, publication
from carti_lake.releases.release import Release
from carti_lake.tables.gold.events import COMPARED


class Readable(Protocol):
    """One release, whole or as far as somebody sees it."""

    @property
    def release(self) -> Release:
        """The release."""

    def tables(self) -> list[str]:
        """Full names of the tables that can be read."""

    def scan(self, table: str) -> pl.LazyFrame:
        """Rows of a table."""


def gold_frames(view: Readable, names: frozenset[str] | None = None) -> dict[str, pl.LazyFrame]:
    """Gold tables of the release by bare name, as stored: all, or those of ``names`` (full ones) that it has."""
    kept = [name for name in view.tables() if name.startswith("gold.") and (names is None or name in names)]
    return {name.removeprefix("gold."): view.scan(name) for name in kept}


def compared(view: Readable, before: Readable | None) -> Publication:
    """The release without small counts, nor small changes since another that its readers have; None for none."""
    if before is None:
        return publication(gold_frames(view))
    return publication(gold_frames(view), gold_frames(before, COMPARED), f"release {before.release.number}")
