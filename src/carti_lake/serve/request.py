"""One request, as the layers of the service come to know it: who asks, of which release, and what it came to."""

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from carti_lake.serve.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Scope

    from carti_lake.access import Viewer, Visible
    from carti_lake.releases.release import Release
    from carti_lake.serve.current import Known

#: Where a request's scope holds it.
PLACE = "carti_lake"


@dataclass(slots=True)
class RequestContext:
    """What is known of a request so far.

    Attributes
    ----------
    id
        Of the request: in the answer, the log and the audit log.
    viewer
        Who asks; None on pages for everybody.
    known
        The releases when it came in.
    visible
        The one release that it reads, as the viewer may see it.
    route
        Template of the path that answered, without what a person typed.
    rows
        Rows that the answer holds.
    kept
        Whether the answer was at hand.
    """

    id: str = field(default_factory=lambda: secrets.token_hex(8))
    viewer: "Viewer | None" = None
    known: "Known | None" = None
    visible: "Visible | None" = None
    route: str = ""
    rows: int | None = None
    kept: bool = False
    #: Another release, by number, lock or time, as the viewer may see it; may raise Problem, and may be slow.
    at: "Callable[[str], Visible]" = field(default=None, repr=False)  # type: ignore[assignment]

    @property
    def release(self) -> "Release":
        """The release that the request reads."""
        return self.opened.release

    @property
    def opened(self) -> "Visible":
        """What the viewer may see of it."""
        assert self.visible is not None
        return self.visible

    def needs(self, scope: str) -> None:
        """Refuse a viewer without this scope.

        Raises
        ------
        Problem
            403.
        """
        if self.viewer is None or scope not in self.viewer.scopes:
            raise Problem(403, f"Your key does not allow this: it has no scope {scope!r}.")


def context_of(scope: "Scope | dict[str, Any]") -> RequestContext:
    """The request of a scope."""
    found: RequestContext = scope[PLACE]
    return found
