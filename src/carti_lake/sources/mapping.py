"""What a user says of a source's extracts: which header is which column."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from carti_lake.pipeline.reading import Hint


@dataclass(frozen=True)
class SourceMap:
    """How a source's extracts become a feed's.

    Attributes
    ----------
    headers
        Foreign header to declared column.
    hints
        By declared column, how its values are written.
    everywhere
        How the values of all other columns are written.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    hints: Mapping[str, Hint] = field(default_factory=dict)
    everywhere: Hint = field(default_factory=Hint)


#: Headers match by name, and how values are written is found out.
NO_MAP = SourceMap()


def source_map(given: "Mapping[str, str] | SourceMap | None") -> SourceMap:
    """The map that was given, as Python callers may give it: foreign headers to columns, a whole map, or none."""
    return given if isinstance(given, SourceMap) else SourceMap(headers=given) if given else NO_MAP
