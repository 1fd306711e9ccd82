"""The gold tables of whatever has the shape of a release: a view, or what one viewer sees of it."""

from typing import Protocol

import polars as pl

from carti_lake.releases.release import Release


class Readable(Protocol):
    """One release, whole or as far as somebody sees it."""

    @property
    def release(self) -> Release:
        """The release."""

    def tables(self) -> list[str]:
        """Full names of the tables that can be read."""

    def scan(self, table: str) -> pl.LazyFrame:
        """Rows of a table."""


def gold_frames(view: Readable) -> dict[str, pl.LazyFrame]:
    """Gold tables of the release by bare name, as stored."""
    return {name.removeprefix("gold."): view.scan(name) for name in view.tables() if name.startswith("gold.")}
