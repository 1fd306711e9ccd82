"""What a user says of a source's extracts: which header is which column, and how its values are written."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

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
    sources
        By declared column, the headers or paths into nested values that it comes from; several are joined by a blank.
    strip
        By declared column, what each of its values begins with and is no part of it: ``Patient/``.
    constants
        By declared column, the text of its value in every row.
    absent
        Columns that the source does not have.
    file
        Where this is said; for errors.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    hints: Mapping[str, Hint] = field(default_factory=dict)
    everywhere: Hint = field(default_factory=Hint)
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    strip: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    file: str = field(default="the map", compare=False)

    def targets(self) -> dict[str, str]:
        """Every declared column that the map speaks of, with the key that names it."""
        named = {column: f"columns.{column}" for column in (*self.hints, *self.sources, *self.strip)}
        named |= {column: header for header, column in self.headers.items()}
        named |= {column: f"constants.{column}" for column in self.constants}
        return named | dict.fromkeys(self.absent, "absent")

    def said(self) -> dict[str, Any]:
        """The map as JSON values, without what it leaves open; equal maps say the same, however they are laid out."""
        whole = {name: value for name, value in asdict(self).items() if name != "file"}
        filled: dict[str, Any] = _filled(whole)
        return filled

    def number(self) -> int:
        """A positive number that tells this map from others; 1 for none."""
        said = self.said()
        if not said:
            return 1
        digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
        return int(digest[:15], 16) + 2


def _filled(value: Any) -> Any:
    if isinstance(value, Mapping):
        members = {key: _filled(one) for key, one in value.items()}
        return {key: one for key, one in members.items() if one not in (None, {}, [])}
    return sorted(value) if isinstance(value, frozenset) else list(value) if isinstance(value, tuple) else value


#: Headers match by name, and how values are written is found out.
NO_MAP = SourceMap()
