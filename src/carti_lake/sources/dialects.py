"""The one dialect that explains every record of a delimited file, and its records in a form that leaves no doubt."""

from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, NamedTuple

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
    Places,
    Words,
    are_flagged,
    escaping,
    places_outside,
)
from carti_lake.sources.records import BLOCK, BYTE_ORDER_MARK, Header, Records, Seen, checked_records

#: No places in a block.
NOWHERE: Places = np.zeros(0, np.intp)
#: Dialects beside doubled quotes, by the octet that they are about.
OTHERS = {QUOTE: (UNQUOTED, UNDOUBLED), BACKSLASH: (ESCAPED,), APOSTROPHE: (SINGLE,)}


class Read(NamedTuple):
    """How the records of a file are read.

    Attributes
    ----------
    dialect
        The one that explains every record.
    seen
        What the records show.
    path
        The file itself, or a copy of its records in strict form: what the CSV reader reads exactly in that dialect.
    lines
        Lines to skip to reach the records.
    """

    dialect: Dialect
    seen: Seen
    path: Path
    lines: int


def explain(path: Path, separator: str, newline: str, header: Header, folder: Path, name: str) -> Read:
    """The file under the one dialect in which every record has its fields and every quote its place.

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
    # Found below too, but only after another look at the whole file.
    if _is_in_single_quotes(path, separator, header):
        found = _explains(path, single, header, folder, name)
        if found and found.seen.apostrophes and not found.seen.quotes:
            return found
    try:
        read = _read(path, usual, header, folder, name)
    except ExtractError as error:
        signs = _signs(path, separator)
        if signs.neighbours:
            return _read(path, single, header, folder, name)
        others = []
        for quotings in (OTHERS[sign] for sign in OTHERS if sign in signs.octets):
            dialects = (usual._replace(quoting=one) for one in quotings)
            # Where the first of them explains the file, the next would read the same.
            explained = (found for one in dialects if (found := _explains(path, one, header, folder, name)))
            others += [found for found in [next(explained, None)] if found]
        if len(others) != 1:
            raise error from None
        return others[0]
    seen = read.seen
    if seen.backslashes and _explains(path, usual._replace(quoting=ESCAPED), header, folder, name):
        raise ExtractError(
            f'{name}, line {seen.backslashes}: the backslash before a quote (") can belong to the text or escape the '
            "quote, and either way all records have their fields. Double the quotes within quoted fields instead."
        )
    if seen.apostrophes and not seen.quotes:
        return _read(path, single, header, folder, name)
    return read


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


def _is_in_single_quotes(path: Path, separator: str, header: Header) -> bool:
    with path.open("rb") as file:
        return f"'{separator}'".encode() in file.read(header.bytes)


def _explains(path: Path, dialect: Dialect, header: Header, folder: Path, name: str) -> Read | None:
    try:
        return _read(path, dialect, header, folder, name)
    except ExtractError:
        return None


def _read(path: Path, dialect: Dialect, header: Header, folder: Path, name: str) -> Read:
    """The file as the dialect explains it; its records are copied where the CSV reader would read them otherwise."""
    seen, place = Seen(), header.bytes
    strict = folder / f"strict from {dialect.quoting.title}"
    with ExitStack() as opened:
        copy: BinaryIO | None = None
        for records, seen in checked_records(path, dialect, header, name):
            written = strictly(records, dialect, marks=seen.marks)
            if copy is None and written is not records.block:
                copy = opened.enter_context(strict.open("wb"))
                _copy(path, header.bytes, place, copy)
            if copy is not None:
                copy.write(written)
            place += len(records.block)
    return Read(dialect, seen, path, header.lines) if copy is None else Read(dialect, seen, strict, 0)


def _copy(path: Path, start: int, stop: int, target: BinaryIO) -> None:
    with path.open("rb") as file:
        file.seek(start)
        while chunk := file.read(min(BLOCK, stop - file.tell())):
            target.write(chunk)


def strictly(records: Records, dialect: Dialect, *, marks: bool = False) -> bytes:
    """The records with quotes around every field that holds one, doubled within it, and no escapes.

    They are the same octets where they are written so already.

    Parameters
    ----------
    records
        Whole records that the dialect explains.
    dialect
        How they are written.
    marks
        Whether there may be byte-order marks at the start of records, which are left out.
    """
    block, plain, inside = records
    octets, shape = np.frombuffer(block, np.uint8), np.frombuffer(plain, np.uint8)
    turned = dropped = added = NOWHERE
    if dialect.quoting.escapes and b"\\" in block:
        turned, dropped = _escapes(octets, dialect)
    elif plain is not block:
        added = np.flatnonzero(octets != shape)
    bare = np.concatenate((turned, dropped, added))
    if inside is not None:
        bare = bare[~are_flagged(inside, bare)]
    if len(bare):
        added = np.sort(np.concatenate((added, _around(shape, bare, dialect, inside))))
    if marks and BYTE_ORDER_MARK in block:
        dropped = np.concatenate((dropped, _marks(octets, shape, dialect, inside)))
    if not (len(turned) or len(dropped) or len(added)):
        return block
    strict, keep = octets.copy(), np.ones(len(octets) if len(dropped) else 0, np.bool_)
    strict[turned] = QUOTE
    keep[dropped] = False
    if len(added):
        strict = np.insert(strict, added, dialect.quoting.quote or QUOTE)
        keep = np.insert(keep, added, True) if len(dropped) else keep
    return (strict[keep] if len(dropped) else strict).tobytes()


def _escapes(octets: Octets, dialect: Dialect) -> tuple[Places, Places]:
    """Where backslashes stand before quotes that are text, and where before other characters that they escape."""
    backslashes = escaping(octets)
    after = octets[backslashes + 1]
    others = (BACKSLASH, ord(dialect.separator), ord(dialect.newline), CARRIAGE_RETURN)
    return backslashes[after == QUOTE], backslashes[np.isin(after, others)]


def _around(shape: Octets, places: Places, dialect: Dialect, inside: Words | None) -> Places:
    """Where quotes have to be put around the fields at the places, which have none."""
    edges = places_outside((shape == ord(dialect.separator)) | (shape == ord(dialect.newline)), inside)
    fields = np.unique(np.searchsorted(edges, places))
    starts = np.concatenate(([0], edges + 1))[fields]
    stops = edges[fields]
    if dialect.newline == "\n":
        stops = stops - ((shape[stops] == ord("\n")) & (shape[stops - 1] == CARRIAGE_RETURN))
    return np.concatenate((starts, stops))


def _marks(octets: Octets, shape: Octets, dialect: Dialect, inside: Words | None) -> Places:
    """Where the octets of byte-order marks stand that begin a record."""
    ends = places_outside(shape == ord(dialect.newline), inside)
    begins = np.concatenate(([0], ends + 1))
    begins = begins[begins + len(BYTE_ORDER_MARK) <= len(octets)]
    for place, octet in enumerate(BYTE_ORDER_MARK):
        begins = begins[octets[begins + place] == octet]
    return np.concatenate([begins + place for place in range(len(BYTE_ORDER_MARK))])
