"""Whoever reads, and for whom outlets are made."""

from dataclasses import dataclass
from enum import StrEnum

#: What a viewer may do: read numbers, take files away, ask what-if questions, see who reads.
SCOPES = ("read", "download", "predict", "admin")


class Audience(StrEnum):
    """For whom an outlet is made."""

    INSIDE = "inside"
    """The workforce of the organisation under its access policies: exact numbers."""
    PUBLIC = "public"
    """Everybody: small counts, and what they could be worked out from, are suppressed."""


@dataclass(frozen=True)
class Viewer:
    """Whoever reads; equal viewers see the same.

    Attributes
    ----------
    name
        As it stands in the audit log.
    providers, service_lines
        Ids that are seen; None: all.
    exact
        Exact numbers; else small counts are suppressed.
    scopes
        What may be done.
    """

    name: str
    providers: frozenset[str] | None = frozenset()
    service_lines: frozenset[str] | None = frozenset()
    exact: bool = False
    scopes: frozenset[str] = frozenset({"read"})

    @property
    def unrestricted(self) -> bool:
        """Whether every row is seen."""
        return self.providers is None and self.service_lines is None
