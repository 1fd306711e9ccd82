"""Whether every record of a delimited file has the header's number of fields, found before anything is written.

Polars fills a short row with nulls in silence, and takes a stray quote for one that opens a field. Here separators
outside quotes are counted and quotes are looked at where they stand, bit-parallel, at the speed of reading; only a
block where something is wrong is looked at row by row.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from carti_lake.sources import faults
from carti_lake.sources.blocks import Header, Records, whole_records
from carti_lake.sources.extract import ExtractError
from carti_lake.sources.lines import swallowed
from carti_lake.sources.quotes import (
    APOSTROPHE,
    BACKSLASH,
    CARRIAGE_RETURN,
    QUOTE,
    Dialect,
    count,
    flagged_places,
    unquoted_fault,
)

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
#: Records of a block that are looked at because they hold the longest of the headers.
MOST_LIKE_HEADER = 100


class Seen(NamedTuple):
    """What records show beside their fields.

    Attributes
    ----------
    blanks
        Blank lines.
    marks
        Byte-order marks at the start of a record: files that were put together.
    backslashes
        Line of the first backslash before a quote; 0 if there is none.
    apostrophes
        Single quotes around neighbouring fields.
    quotes
        Double quotes.
    plain
        Whether there was nothing so far that any dialect takes for more than text: quotes of any kind, backslashes.
    lines
        Lines down to here.
    """

    blanks: bool = False
    marks: bool = False
    backslashes: int = 0
    apostrophes: bool = False
    quotes: bool = False
    plain: bool = True
    lines: int = 0


def check_records(path: Path, dialect: Dialect, header: Header, name: str, *, each: bool = False) -> Seen:
    """What the records show; raises where the dialect does not explain one of them, as `checked_records` does."""
    seen = Seen()
    for _, shown in checked_records(path, dialect, header, name, each=each):
        seen = shown
    return seen


def checked_records(
    path: Path, dialect: Dialect, header: Header, name: str, *, each: bool = False
) -> Iterator[tuple[Records, Seen]]:
    """Blocks of records that the dialect explains, and what all down to them show.

    Parameters
    ----------
    path
        UTF-8 text.
    dialect
        How it is taken to be written.
    header
        What is above the records.
    name
        The file's name, for errors.
    each
        Look at each record, and not at the sums of blocks first, where a long and a short record may hide one another
        (Polars refuses the long one).

    Raises
    ------
    ExtractError
        Too many or too few fields, an unclosed or stray quote, lines within quotes that are records themselves, a NUL
        byte: with line, column where there is one, and remedy.
    UnicodeDecodeError
        The text is not UTF-8.
    """
    comma, end, expected = ord(dialect.separator), ord(dialect.newline), len(header.columns)
    sign = max(header.texts, key=len, default="").encode()
    line = header.lines
    seen = Seen()
    for whole in whole_records(path, dialect, header, name):
        block = whole.block
        if b"\0" in block:
            raise ExtractError(faults.nul_byte(block, dialect.separator, header.columns, line, name))
        marks = seen.marks
        if not block.isascii():
            block.decode("utf-8")
            marks = marks or block.startswith(BYTE_ORDER_MARK) or bytes([end]) + BYTE_ORDER_MARK in block
        if sign and sign in block and (other := _other_header(block, sign, dialect, header)) is not None:
            raise ExtractError(faults.other_header(line + 1 + other, header.lines, name))
        octets = np.frombuffer(block, np.uint8)
        inner = whole.inner_ends(end)
        if whole.ends is None or whole.separators is None:
            records = int(np.count_nonzero(octets == end))
            separators = int(np.count_nonzero(octets == comma))
        else:
            records, separators = (count(whole.outside(flags)) for flags in (whole.ends, whole.separators))
        stray = whole.stray_quote(dialect)
        if stray is None and dialect.quoting.quote != QUOTE and QUOTE in block:
            stray = unquoted_fault(octets, dialect)
        if stray is not None:
            raise ExtractError(faults.stray(line + 1 + block.count(end, 0, stray), name))
        held = swallowed(whole, inner, dialect, header) if len(inner) and whole.inside is not None else None
        if held is not None:
            raise ExtractError(faults.swallowing(line + 1 + held, name))
        blanks = seen.blanks
        if each or separators != (expected - 1) * records:
            ragged = _first_ragged(whole, comma, end, expected)
            if ragged is not None:
                raise ExtractError(faults.wrong_fields(line + ragged[0], ragged[1], expected, name))
            blanks = True
        backslashes, apostrophes, quotes = seen.backslashes, seen.apostrophes, seen.quotes or QUOTE in block
        if not backslashes and (place := _backslash_before_quote(block)) is not None:
            backslashes = line + 1 + block.count(end, 0, place)
        apostrophes = apostrophes or _has_neighbours(block, comma)
        plain_so_far = seen.plain and not (quotes or b"\\" in block or b"'" in block)
        line += records + len(inner)
        seen = Seen(blanks, marks, backslashes, apostrophes, quotes, plain_so_far, line)
        yield whole, seen


def _backslash_before_quote(block: bytes) -> int | None:
    """Where the first one stands in whole lines; looked for octet by octet, which is much faster than as a pair."""
    if b"\\" not in block:
        return None
    octets = np.frombuffer(block, np.uint8)
    backslashes = np.flatnonzero(octets == BACKSLASH)
    found = backslashes[octets[backslashes + 1] == QUOTE]
    return int(found[0]) if len(found) else None


def _has_neighbours(block: bytes, separator: int) -> bool:
    """Whether single quotes stand around neighbouring fields."""
    if b"'" not in block:
        return False
    octets = np.frombuffer(block, np.uint8)
    apostrophes = np.flatnonzero(octets == APOSTROPHE)
    between = apostrophes[:-1][np.diff(apostrophes) == 2] + 1
    return bool((octets[between] == separator).any())


def _other_header(block: bytes, sign: bytes, dialect: Dialect, header: Header) -> int | None:
    """Line in the block (from 0) of a record that is a header, of other columns than the file's or in another order."""
    own, end = _bare(header.texts), dialect.newline.encode()
    for found in islice(re.finditer(re.escape(sign), block), MOST_LIKE_HEADER):
        start = block.rfind(end, 0, found.start()) + 1
        record = block[start : block.find(end, found.start())].decode("utf-8", "replace")
        fields = _bare(record.split(dialect.separator))
        if fields != own and 2 * len({*fields} & {*own}) > len(own):
            return block.count(end, 0, start)
    return None


def _bare(texts: Sequence[str]) -> list[str]:
    return [text.strip("\ufeff\r \"'").casefold() for text in texts]


def _first_ragged(records: Records, comma: int, end: int, expected: int) -> tuple[int, int] | None:
    """Line in the block and fields of the first record that is neither blank nor as wide as the header."""
    octets = np.frombuffer(records.block, np.uint8)
    ends, separators = (
        np.flatnonzero(octets == octet) if flags is None else flagged_places(records.outside(flags))
        for octet, flags in ((end, records.ends), (comma, records.separators))
    )
    starts = np.concatenate(([0], ends[:-1] + 1))
    fields = np.diff(np.searchsorted(separators, ends), prepend=0) + 1
    blank = (ends == starts) | ((ends == starts + 1) & (octets[starts] == CARRIAGE_RETURN))
    ragged = np.flatnonzero((fields != expected) & ~blank)
    if not len(ragged):
        return None
    first = ragged[0]
    return int(np.count_nonzero(octets[: starts[first]] == end)) + 1, int(fields[first])
