"""The one dialect that explains every record of a delimited file, and its records in a form that leaves no doubt."""

from pathlib import Path

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
    Words,
    escaping,
    flagged,
)
from carti_lake.sources.records import BYTE_ORDER_MARK, Header, Seen, check_records, whole_records

#: Ends of fields and of records in what is rewritten: characters that no delivered text holds.
UNIT, RECORD = "\x1f", "\x1e"
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
    try:
        seen = check_records(path, usual, header, name)
    except ExtractError as error:
        others = [found for found in _others(path, usual, header, name) if found is not None]
        readings = {found[0].quoting.escapes or found[0].quoting.quote == APOSTROPHE for found in others}
        if not others or len(readings) > 1:
            raise error from None
        return others[0]
    if seen.backslashes and _explains(path, usual._replace(quoting=ESCAPED), header, name):
        raise ExtractError(
            f'{name}, line {seen.backslashes}: the backslash before a quote (") can belong to the text or escape the '
            "quote, and either way all records have their fields. Double the quotes within quoted fields instead."
        )
    if seen.apostrophes and not seen.quotes:
        single = _explains(path, usual._replace(quoting=SINGLE), header, name)
        if single is not None:
            return single
    return usual, seen


def _others(path: Path, usual: Dialect, header: Header, name: str) -> list[tuple[Dialect, Seen] | None]:
    """The other dialects, as far as the file has the characters that they are about."""
    signs = {QUOTE: (UNDOUBLED, UNQUOTED), BACKSLASH: (ESCAPED,), APOSTROPHE: (SINGLE,)}
    held = _octets_of(path, set(signs))
    tried = [quoting for sign, quotings in signs.items() if sign in held for quoting in quotings]
    return [_explains(path, usual._replace(quoting=quoting), header, name) for quoting in tried]


def _octets_of(path: Path, wanted: set[int]) -> set[int]:
    held: set[int] = set()
    with path.open("rb") as file:
        while held < wanted and (chunk := file.read(1 << 20)):
            held |= {one for one in wanted if one in chunk}
    return held


def _explains(path: Path, dialect: Dialect, header: Header, name: str) -> tuple[Dialect, Seen] | None:
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
