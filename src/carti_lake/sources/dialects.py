"""The one dialect that explains every record of a delimited file, and its records in a form that leaves no doubt."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from carti_lake.sources.extract import ExtractError
from carti_lake.sources.quotes import (
    APOSTROPHE,
    BACKSLASH,
    CARRIAGE_RETURN,
    DOUBLED,
    ESCAPED,
    QUOTE,
    SINGLE,
    UNDOUBLED,
    UNQUOTED,
    Dialect,
    Octets,
    Quoting,
    Words,
    escaping,
    flagged,
)
from carti_lake.sources.records import BYTE_ORDER_MARK, Header, Seen, check_records, whole_records

#: Ends of fields and of records in what is rewritten: characters that no delivered text holds.
UNIT, RECORD = "\x1f", "\x1e"
#: Dialects beside doubled quotes, by the octet that they are about.
OTHERS = {QUOTE: (UNQUOTED, UNDOUBLED), BACKSLASH: (ESCAPED,), APOSTROPHE: (SINGLE,)}
REWRITTEN = Dialect(UNIT, RECORD, UNQUOTED)


def explain(path: Path, separator: str, newline: str, header: Header, name: str) -> tuple[Dialect, Seen]:
    """The dialect under which every record has its fields and every quote its place, and what the records show.

    Doubled quotes are tried first, and nothing else where they explain the file and nothing hints at another dialect.

    Raises
    ------
    ExtractError
        No dialect explains every record (the error is that of doubled quotes), or two do and read other rows.
    UnicodeDecodeError
        The text is not UTF-8.
    """
    usual = Dialect(separator, newline, DOUBLED)
    single = usual._replace(quoting=SINGLE)
    try:
        seen = check_records(path, usual, header, name)
    except ExtractError as error:
        signs = _signs(path, separator)
        if signs.neighbours:
            return single, check_records(path, single, header, name)
        others = []
        for quotings in (OTHERS[sign] for sign in OTHERS if sign in signs.octets):
            # Where the first of them explains the file, the next would read the same.
            explained = (found for one in quotings if (found := _explains(path, usual, one, header, name)))
            others += [found for found in [next(explained, None)] if found]
        if len(others) != 1:
            raise error from None
        return others[0]
    if seen.backslashes and _explains(path, usual, ESCAPED, header, name):
        raise ExtractError(
            f'{name}, line {seen.backslashes}: the backslash before a quote (") can belong to the text or escape the '
            "quote, and either way all records have their fields. Double the quotes within quoted fields instead."
        )
    if seen.apostrophes and not seen.quotes:
        return single, check_records(path, single, header, name)
    return usual, seen


class Signs(NamedTuple):
    """What of a file hints at other dialects: which octets it has, and single quotes around neighbouring fields."""

    octets: set[int]
    neighbours: bool


def _signs(path: Path, separator: str) -> Signs:
    octets: set[int] = set()
    neighbours = f"'{separator}'".encode()
    tail = b""
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            octets |= {one for one in OTHERS if one in chunk}
            if APOSTROPHE in octets and neighbours in tail + chunk:
                return Signs(octets, True)
            tail = chunk[-2:]
    return Signs(octets, False)


def _explains(path: Path, usual: Dialect, quoting: Quoting, header: Header, name: str) -> tuple[Dialect, Seen] | None:
    dialect = usual._replace(quoting=quoting)
    try:
        return dialect, check_records(path, dialect, header, name)
    except ExtractError:
        return None


def is_read_as_it_is(dialect: Dialect, seen: Seen) -> bool:
    """Whether the CSV reader reads the file exactly without its being rewritten."""
    return dialect.quoting in (DOUBLED, UNQUOTED) and not seen.marks


def rewritten(path: Path, dialect: Dialect, header: Header, folder: Path, name: str) -> Path:
    """The records in the folder, without header, quotes and escapes: fields end in ``UNIT`` and records in ``RECORD``.

    Raises
    ------
    ExtractError
        The text holds one of these two characters.
    """
    target = folder / "rewritten"
    with target.open("wb") as file:
        for block, plain, inside in whole_records(path, dialect, header, name):
            if UNIT.encode() in block or RECORD.encode() in block:
                raise ExtractError(
                    f"{name}: holds the control characters 0x1E or 0x1F, which no text needs. Remove them, and quote "
                    'fields by double quotes ("), doubled within them.'
                )
            file.write(_bare(np.frombuffer(block, np.uint8), np.frombuffer(plain, np.uint8), dialect, inside))
    return target


def _bare(octets: Octets, plain: Octets, dialect: Dialect, inside: Words | None) -> bytes:
    """A block's records without what quotes and escapes."""
    outside = True if inside is None else ~flagged(inside, len(plain))
    ends = (plain == ord(dialect.newline)) & outside
    bare = octets.copy()
    bare[(plain == ord(dialect.separator)) & outside] = ord(UNIT)
    bare[ends] = ord(RECORD)
    keep = np.ones(len(octets), np.bool_)
    if dialect.newline == "\n":
        keep[:-1] = ~(ends[1:] & (octets[:-1] == CARRIAGE_RETURN))
    if inside is not None:
        quotes = plain == dialect.quoting.quote
        # Of two quotes that stand for one, the second stays.
        doubled = quotes & ~outside
        doubled[1:] &= quotes[:-1]
        doubled[0] = False
        keep &= ~quotes | doubled
    if dialect.quoting.escapes:
        backslashes = escaping(octets)
        meant = (QUOTE, BACKSLASH, ord(dialect.separator), ord(dialect.newline), CARRIAGE_RETURN)
        keep[backslashes[np.isin(octets[backslashes + 1], meant)]] = False
    if BYTE_ORDER_MARK in octets.tobytes():
        begins = np.concatenate(([True], ends[:-1]))
        for place, octet in enumerate(BYTE_ORDER_MARK):
            begins &= np.roll(octets, -place) == octet
        for place in range(len(BYTE_ORDER_MARK)):
            keep &= ~np.roll(begins, place)
    return bare[keep].tobytes()
