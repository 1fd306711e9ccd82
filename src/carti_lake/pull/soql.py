"""Queries in SOQL: what a declaration may say, and what is asked of Salesforce for it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from carti_lake.pull.secrets import SourceError

NAME = re.compile(r"[A-Za-z]\w*")
PATH = re.compile(r"[A-Za-z]\w*(?:\.[A-Za-z]\w*)*")
SHAPE = re.compile(
    r"\s*SELECT\s+(?P<fields>.+?)\s+FROM\s+(?P<object>\S+)(?:\s+WHERE\s+(?P<where>.+?))?\s*;?\s*",
    re.IGNORECASE | re.DOTALL,
)
#: A text between quotes; a backslash takes the sign after it as it is.
QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'", re.DOTALL)
#: What may stand behind a condition, and cannot where the cursor's own is added to it.
BEHIND = re.compile(r"\b(GROUP\s+BY|ORDER\s+BY|HAVING|LIMIT|OFFSET|ALL\s+ROWS|WITH|USING|FOR|UPDATE|TYPEOF)\b", re.I)


@dataclass(frozen=True)
class Asked:
    """What a source reads.

    Attributes
    ----------
    object
        API name of the object.
    fields
        API names, or paths through relationships; none: those that the feed takes.
    where
        Condition on its rows.
    """

    object: str
    fields: tuple[str, ...] = ()
    where: str | None = None


def asked(object: str | None, query: str | None, where: str | None, place: str) -> Asked:
    """What a declaration asks for, by an object's name or by a query of fields.

    Raises
    ------
    SourceError
        What is wrong, without the query's own text.
    """
    if query is not None:
        match = SHAPE.fullmatch(query)
        if match is None or not NAME.fullmatch(match["object"]):
            raise SourceError(f"{place}: query must be of the form SELECT fields FROM Object [WHERE condition].")
        fields = tuple(part.strip() for part in match["fields"].split(","))
        if not all(PATH.fullmatch(part) for part in fields):
            raise SourceError(
                f"{place}: query must name fields and paths such as Account.Name; no functions, aliases, subqueries."
            )
        return Asked(match["object"], tuple(dict.fromkeys(fields)), checked(match["where"], place, "query"))
    if object is None or not NAME.fullmatch(object):
        raise SourceError(f"{place}: object must be the API name of one, such as Opportunity.")
    return Asked(object, (), checked(where, place, "where"))


def checked(where: str | None, place: str, key: str) -> str | None:
    """The condition, if another one may be added to it."""
    if where is None:
        return None
    bare = QUOTED.sub("''", where)
    found = BEHIND.search(bare)
    if found is not None:
        raise SourceError(f"{place}: {key} has {' '.join(found[1].upper().split())}; only a condition may stand there.")
    depth = 0
    for sign in bare:
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            break
    if depth != 0 or bare.count("'") % 2 or ";" in bare:
        raise SourceError(f"{place}: {key} has a parenthesis or a quote that is not closed, or a semicolon.")
    return where.strip()


def select(fields: Sequence[str], object: str, *conditions: str | None) -> str:
    """The query for the fields of all rows that meet every condition."""
    held = [f"({condition})" for condition in conditions if condition]
    return f"SELECT {', '.join(fields)} FROM {object}" + (f" WHERE {' AND '.join(held)}" if held else "")


def moment(value: datetime) -> str:
    """A moment as SOQL and Salesforce's results write it."""
    return f"{value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
