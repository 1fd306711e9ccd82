"""Why a number differs between two releases: every cause, in the order in which they are told."""

from enum import StrEnum

from carti_lake.metrics.names import plain
from carti_lake.store.errors import LakeError


class ExplainError(LakeError):
    """A change that cannot be split into causes, and why."""


class Cause(StrEnum):
    """A cause; what it means stands in :data:`MEANING`."""

    NEW_ROWS = "new_rows"
    LATE_ROWS = "late_rows"
    CORRECTED_VALUES = "corrected_values"
    STATUS_CHANGES = "status_changes"
    REVERSALS = "reversals"
    REATTRIBUTION = "reattribution"
    WITHDRAWN_ROWS = "withdrawn_rows"
    DEFINITION_CHANGE = "definition_change"

    @property
    def label(self) -> str:
        """Label for people."""
        return plain(self)


MEANING: dict[Cause, str] = {
    Cause.NEW_ROWS: "New keys dated after the earlier release's data, or without a date: ordinary business",
    Cause.LATE_ROWS: "New keys dated within what the earlier release covered",
    Cause.CORRECTED_VALUES: "Values that the source delivered anew",
    Cause.STATUS_CHANGES: "A status that moved on, with what becomes known with it (a payment, a denial's reason)",
    Cause.REVERSALS: "Rows that now take back what they said: a payer reversed its payment of the claim",
    Cause.REATTRIBUTION: "Rows that count for another provider: named anew by the source, or known by the directory",
    Cause.WITHDRAWN_ROWS: "Rows that the source took back",
    Cause.DEFINITION_CHANGE: "The lake's own code: a metric's inputs are computed anew, or a row is cleansed otherwise",
}
