"""Where a page ended: the release and the last row's place in the order, so that no row is missed or seen twice."""

import base64
import hashlib
import json
from dataclasses import dataclass

#: A cursor names a place and no more; whatever is longer was not made here.
LONGEST = 4096


class CursorError(ValueError):
    """Text that is no cursor, or one of another request."""


@dataclass(frozen=True)
class Cursor:
    """A place between two rows.

    It holds nothing that its reader has not seen, and grants nothing: the rows after it are filtered for the viewer
    like any others. So it is not signed.

    Attributes
    ----------
    release
        That all pages come from, whatever is published meanwhile.
    question
        Hash of the question without its page.
    last
        The last row's values of the columns in the order, as JSON.
    """

    release: int
    question: str
    last: str

    @classmethod
    def after(cls, last: str, question: str, release: int) -> "Cursor":
        """The cursor after a row, for the next page of that question."""
        return cls(release, _hash(question), last)

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """The cursor that a client sends back.

        Raises
        ------
        CursorError
            Where it is none.
        """
        try:
            if len(text) > LONGEST:
                raise CursorError
            release, question, last = json.loads(base64.b64decode(text, altchars=b"-_", validate=True))
        except (ValueError, TypeError, RecursionError) as error:
            raise CursorError from error
        if type(release) is not int or type(question) is not str or type(last) is not str:
            raise CursorError
        return cls(release, question, last)

    @property
    def text(self) -> str:
        """As the client gets it."""
        return base64.urlsafe_b64encode(json.dumps([self.release, self.question, self.last]).encode()).decode()

    def check(self, question: str) -> None:
        """Raise CursorError where the question is another one."""
        if self.question != _hash(question):
            raise CursorError


def _hash(question: str) -> str:
    return hashlib.sha256(question.encode("utf-8", "surrogatepass")).hexdigest()[:16]
