"""What the service needs to know of a viewer, and of a release as that viewer may see it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import polars as pl

if TYPE_CHECKING:
    from carti_lake.disclosure import Publication
    from carti_lake.lake import Lake
    from carti_lake.release import Release


class Viewer(Protocol):
    """Whoever reads. Equal viewers see the same."""

    @property
    def name(self) -> str:
        """As it stands in the audit trail."""

    @property
    def providers(self) -> frozenset[str] | None:
        """Ids of the providers that are seen; None: all."""

    @property
    def service_lines(self) -> frozenset[str] | None:
        """Service lines that are seen; None: all."""

    @property
    def exact(self) -> bool:
        """Exact numbers, or suppressed ones."""

    @property
    def scopes(self) -> frozenset[str]:
        """What may be done: ``read``, ``download``, ``predict``, ``admin``."""


class Visible(Protocol):
    """One release as one viewer may see it: nothing else of the lake is read on the way to an answer."""

    @property
    def lake(self) -> "Lake":
        """The lake that the release is of."""

    @property
    def release(self) -> "Release":
        """The release."""

    @property
    def fingerprint(self) -> str:
        """Changes when what this viewer sees of the release would change, and for nothing else."""

    def tables(self) -> list[str]:
        """Full names of the tables that may be read."""

    def scan(self, table: str) -> pl.LazyFrame:
        """Rows of a table that may be seen."""

    def metric(self, metric_id: str, by: Sequence[str] = ()) -> pl.LazyFrame:
        """A metric over the rows that may be seen."""

    def publication(self) -> "Publication":
        """What outlets show of the rows that may be seen."""
