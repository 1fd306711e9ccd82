"""The one dialect that explains every record of a delimited file, and its records in a form that leaves no doubt."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from carti_lake.sources.blocks import BLOCK, Header, Records
from carti_lake.sources.extract import ExtractError
from carti_lake.sources.quotes import (
    APOSTROPHE,
    BACKSLASH,
    CARRIAGE_RETURN,
    DOUBLED,
    ESCAPED,
    NOWHERE,
    QUOTE,
    SINGLE,
    UNDOUBLED,
    UNQUOTED,
    Dialect,
    Octets,
    Places,
    are_flagged,
    flagged_around,
    flagged_places,
)
from carti_lake.sources.records import BYTE_ORDER_MARK, Seen, checked_records

#: Octets to each one put in below which flags are faster than slices.
MANY = 200
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
    usual, front = Dialect(separator, newline, DOUBLED), Front(header)
    single = usual._replace(quoting=SINGLE)
    # Found below too, but only after another look at the whole file.
    if _is_in_single_quotes(path, separator, header):
        found = _explains(path, single, Front(header), folder, name)
        if found and found.seen.apostrophes and not found.seen.quotes:
            return found
    try:
        read = _read(path, usual, front, folder, name)
    except ExtractError as error:
        signs = _signs(path, separator, front.rest.bytes)
        if signs.neighbours:
            return _read(path, single, front, folder, name)
        others = []
        for quotings in (OTHERS[sign] for sign in OTHERS if sign in signs.octets):
            dialects = (usual._replace(quoting=one) for one in quotings)
            # Where the first of them explains the file, the next would read the same.
            explained = (found for one in dialects if (found := _explains(path, one, front, folder, name)))
            others += [found for found in [next(explained, None)] if found]
        if len(others) != 1:
            raise error from None
        return others[0]
    seen = read.seen
    if seen.backslashes and _explains(path, usual._replace(quoting=ESCAPED), front, folder, name):
        raise ExtractError(
            f'{name}, line {seen.backslashes}: the backslash before a quote (") can belong to the text or escape the '
            "quote, and either way all records have their fields. Double the quotes within quoted fields instead."
        )
    if seen.apostrophes and not seen.quotes:
        return _read(path, single, front, folder, name)
    return read


class Front:
    """The beginning of a file in which all dialects read the same: it is checked once.

    Attributes
    ----------
    header
        The file's.
    rest
        What is above the records behind it: the header and that beginning.
    """

    def __init__(self, header: Header) -> None:
        self.header = self.rest = header

    def reach(self, place: int, seen: Seen) -> None:
        """Add what has been checked down to the place, if nothing in it is for a dialect to explain."""
        if seen == Seen(lines=seen.lines):
            self.rest = replace(self.header, lines=seen.lines, bytes=place)


class Signs(NamedTuple):
    """What of a file hints at other dialects: which octets it has, and single quotes around neighbouring fields."""

    octets: set[int]
    neighbours: bool


def _signs(path: Path, separator: str, start: int) -> Signs:
    octets: set[int] = set()
    neighbours = f"'{separator}'".encode()
    tail = b""
    with path.open("rb") as file:
        file.seek(start)
        while chunk := file.read(BLOCK):
            octets |= {one for one in OTHERS if one in chunk}
            if APOSTROPHE in octets and neighbours in tail + chunk:
                return Signs(octets, True)
            tail = chunk[-2:]
    return Signs(octets, False)


def _is_in_single_quotes(path: Path, separator: str, header: Header) -> bool:
    """Whether the header or the first records have single quotes around neighbouring fields."""
    with path.open("rb") as file:
        return f"'{separator}'".encode() in file.read(header.bytes + BLOCK)


def _explains(path: Path, dialect: Dialect, front: Front, folder: Path, name: str) -> Read | None:
    try:
        return _read(path, dialect, front, folder, name)
    except ExtractError:
        return None


def _read(path: Path, dialect: Dialect, front: Front, folder: Path, name: str) -> Read:
    """The file as the dialect explains it; its records are copied where the CSV reader would read them otherwise."""
    seen, place, header = Seen(), front.rest.bytes, front.header
    strict = folder / f"strict from {dialect.quoting.title}"
    with ExitStack() as opened:
        copy: BinaryIO | None = None
        for records, seen in checked_records(path, dialect, front.rest, name):
            written = strictly(records, dialect, marks=seen.marks)
            if copy is None and written is not records.block:
                copy = opened.enter_context(strict.open("wb"))
                _copy(path, header.bytes, place, copy)
            if copy is not None:
                copy.write(written)
            place += len(records.block)
            front.reach(place, seen)
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
    block, signs, inside = records.block, records.signs, records.inside
    octets = np.frombuffer(block, np.uint8)
    turned = dropped = added = NOWHERE
    if dialect.quoting.escapes:
        turned, dropped = _escapes(octets, signs, dialect)
    else:
        added = signs
    bare = np.concatenate((turned, dropped, added))
    if inside is not None:
        bare = bare[~are_flagged(inside, bare)]
    if len(bare):
        added = np.sort(np.concatenate((added, _around(records, bare, dialect))))
    if marks and BYTE_ORDER_MARK in block:
        dropped = np.concatenate((dropped, _marks(records, dialect)))
    if not (len(turned) or len(dropped) or len(added)):
        return block
    strict = block
    if len(turned):
        written = octets.copy()
        written[turned] = QUOTE
        strict = written.tobytes()
    if len(dropped):
        dropped = np.sort(dropped)
        strict = b"".join([strict[start:stop] for start, stop in _between(dropped, dropped + 1, len(block))])
        added = added - np.searchsorted(dropped, added)
    return _with_added(strict, added, dialect.quoting.quote or QUOTE) if len(added) else strict


def _with_added(block: bytes, places: Places, octet: int) -> bytes:
    """The block with the octet put in before each of the places, which are sorted."""
    if len(places) * MANY < len(block):
        return bytes([octet]).join([block[start:stop] for start, stop in _between(places, places, len(block))])
    octets = np.full(len(block) + len(places), octet, np.uint8)
    kept = np.ones(len(octets), np.bool_)
    kept[places + np.arange(len(places))] = False
    octets[kept] = np.frombuffer(block, np.uint8)
    return octets.tobytes()


def _between(stops: Places, starts: Places, length: int) -> Iterator[tuple[int, int]]:
    """The stretches between the places: each from where one before it starts to where the next one stops."""
    return zip([0, *starts.tolist()], [*stops.tolist(), length], strict=True)


def _escapes(octets: Octets, backslashes: Places, dialect: Dialect) -> tuple[Places, Places]:
    """Where backslashes stand before quotes that are text, and where before other characters that they escape."""
    after = octets[backslashes + 1]
    ends = (after == ord(dialect.newline)) | (after == CARRIAGE_RETURN)
    return backslashes[after == QUOTE], backslashes[(after == BACKSLASH) | (after == ord(dialect.separator)) | ends]


def _around(records: Records, places: Places, dialect: Dialect) -> Places:
    """Where quotes have to be put around the fields at the places, which have none."""
    assert records.ends is not None and records.separators is not None, "there are signs"
    before, stops = flagged_around(records.outside(records.ends | records.separators), places)
    stops, first = np.unique(stops, return_index=True)
    starts = before[first] + 1
    if dialect.newline == "\n":
        octets = np.frombuffer(records.block, np.uint8)
        returns = (octets[stops] == ord("\n")) & (octets[stops - 1] == CARRIAGE_RETURN)
        # An escaped one is text.
        stops = stops - (returns & ~np.isin(stops - 1, records.signs + 1) if returns.any() else returns)
    return np.concatenate((starts, stops))


def _marks(records: Records, dialect: Dialect) -> Places:
    """Where the octets of byte-order marks stand that begin a record."""
    octets = np.frombuffer(records.block, np.uint8)
    if records.ends is None:
        ends = np.flatnonzero(octets == ord(dialect.newline))
    else:
        ends = flagged_places(records.outside(records.ends))
    begins = np.concatenate(([0], ends + 1))
    begins = begins[begins + len(BYTE_ORDER_MARK) <= len(octets)]
    for place, octet in enumerate(BYTE_ORDER_MARK):
        begins = begins[octets[begins + place] == octet]
    return np.concatenate([begins + place for place in range(len(BYTE_ORDER_MARK))])
