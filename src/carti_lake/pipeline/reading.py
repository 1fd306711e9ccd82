"""How the columns of an extract are written, where a source has said so."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Hint:
    """What a source says of the way in which its values are written; what it does not say is found out.

    Attributes
    ----------
    date_order
        ``ymd``, ``mdy`` or ``dmy``.
    decimal
        ``.`` or ``,``.
    time_zone
        IANA name of the zone whose calendar day an instant belongs to, e.g. ``America/Chicago``.
    null_words
        Words that stand for no value, beside those that do everywhere.
    values
        Delivered values to what they mean, e.g. ``Paid in full`` to ``paid``.
    scale
        What a delivered number is multiplied by, e.g. 0.01 for cents.
    """

    date_order: str | None = None
    decimal: str | None = None
    time_zone: str | None = None
    null_words: frozenset[str] = frozenset()
    values: Mapping[str, str] = field(default_factory=dict)
    scale: float | None = None
