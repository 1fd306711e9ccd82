"""Whether every record of a delimited file has the header's number of fields, found before anything is written.

Polars fills a short row with nulls in silence, and takes a stray quote for one that opens a field. Here separators
outside quotes are counted and quotes are looked at where they stand, bit-parallel, at the speed of reading; only a
block where something is wrong is looked at row by row.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from carti_lake.sources import faults
from carti_lake.sources.extract import ExtractError
from carti_lake.sources.quotes import (
    CARRIAGE_RETURN,
    DOUBLED,
    QUOTE,
    Dialect,
    Octets,
    Words,
    are_flagged,
    count,
    flagged_before,
    inside_quotes,
    misplaced,
    places_outside,
    structure,
    unquoted_fault,
    words,
)

#: Fits the cache with all flags of its octets.
BLOCK = 1 << 18
#: A record beyond this is taken for the rest of the file behind an unclosed quote.
LONGEST_RECORD = 32 << 20
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
#: Records of a block that are looked at because they hold the longest of the headers.
MOST_LIKE_HEADER = 100
NUMERIC = re.compile(rb"\W{0,4}\d")


@dataclass(frozen=True)
class Header:
    """What is known of a file before its records are read.

    Attributes
    ----------
    columns
        A name for each of the header's fields.
    lines
        Lines down to the header, its own included.
    bytes
        Where the data begins.
    numeric
        Places of columns that hold dates or numbers.
    texts
        The header's fields as delivered.
    """

    columns: Sequence[str]
    lines: int
    bytes: int
    numeric: Collection[int] = ()
    texts: Sequence[str] = ()


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


class Records(NamedTuple):
    """Whole records of a file, one behind the other.

    Attributes
    ----------
    block
        Their octets, the last line end included.
    plain
        The same octets, with quotes, separators and line ends replaced that are text (`quotes.structure`).
    inside
        Flags of the octets within quotes; None where there are none.
    ends
        Flags of the line ends of ``plain``; None where there are no quotes.
    """

    block: bytes
    plain: bytes
    inside: Words | None
    ends: Words | None = None


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
    neighbours = f"'{dialect.separator}'".encode()
    sign = max(header.texts, key=len, default="").encode()
    line = header.lines
    seen = Seen()
    for whole in whole_records(path, dialect, header, name):
        block, plain, inside, ends = whole
        if b"\0" in block:
            raise ExtractError(faults.nul_byte(block, dialect.separator, header.columns, line, name))
        marks = seen.marks
        if not block.isascii():
            block.decode("utf-8")
            marks = marks or block.startswith(BYTE_ORDER_MARK) or bytes([end]) + BYTE_ORDER_MARK in block
        if sign and sign in block and (other := _other_header(block, sign, dialect, header)) is not None:
            raise ExtractError(faults.other_header(line + 1 + other, header.lines, name))
        octets = np.frombuffer(plain, np.uint8)
        if inside is None or ends is None:
            stray = None
            records = lines = int(np.count_nonzero(octets == end))
            separators = int(np.count_nonzero(octets == comma))
        else:
            flags = words(octets == comma)
            stray = misplaced(octets, dialect, inside, ends, flags)
            records, lines = count(ends & ~inside), _lines(block, end)
            separators = count(flags & ~inside)
        if stray is None and dialect.quoting.quote != QUOTE and QUOTE in plain:
            stray = unquoted_fault(octets, dialect)
        if stray is not None:
            raise ExtractError(faults.stray(line + 1 + block.count(end, 0, stray), name))
        if lines > records:
            swallowed = _swallowed(block, octets, dialect, inside, header)
            if swallowed is None and dialect.quoting.escapes and inside is not None:
                swallowed = _whole_before(block, octets, dialect, inside, header)
            if swallowed is not None:
                raise ExtractError(faults.swallowing(line + 1 + swallowed, name))
        blanks = seen.blanks
        if each or separators != (expected - 1) * records:
            ragged = _first_ragged(octets, comma, end, inside, expected)
            if ragged is not None:
                raise ExtractError(faults.wrong_fields(line + ragged[0], ragged[1], expected, name))
            blanks = True
        backslashes, apostrophes, quotes = seen.backslashes, seen.apostrophes, seen.quotes or QUOTE in block
        # The single octet first: it is looked for much faster.
        if not backslashes and b"\\" in block and b'\\"' in block:
            backslashes = line + 1 + block.count(end, 0, block.index(b'\\"'))
        apostrophes = apostrophes or (b"'" in block and neighbours in block)
        plain_so_far = seen.plain and not (quotes or b"\\" in block or b"'" in block)
        line += lines
        seen = Seen(blanks, marks, backslashes, apostrophes, quotes, plain_so_far, line)
        yield whole, seen


def whole_records(path: Path, dialect: Dialect, header: Header, name: str) -> Iterator[Records]:
    """Blocks of the file behind its header, each ending where a record ends."""
    end, quote = ord(dialect.newline), dialect.quoting.quote
    place = header.bytes
    with path.open("rb") as file:
        file.seek(header.bytes)
        rest = b""
        # As much again as is left over: a record that never ends is looked at a few times, not at every block.
        while chunk := file.read(max(BLOCK, len(rest))):
            data = rest + chunk
            plain = structure(data, dialect)
            inside = inside_quotes(plain, quote)
            ends = None if inside is None else words(np.frombuffer(plain, np.uint8) == end)
            cut = _last_record(plain, end, inside, ends)
            if cut == 0 and len(data) > LONGEST_RECORD:
                raise ExtractError(faults.unclosed_quote(_line_of(place, path, header, end), name))
            rest = data[cut:]
            if cut:
                block = data[:cut]
                place += cut
                kept = block if plain is data else plain[:cut]
                filled = -(-cut // 64)
                yield Records(
                    block, kept, None if inside is None else inside[:filled], None if ends is None else ends[:filled]
                )
    if rest:
        # The last line may lack its end.
        data = rest if rest[-1] == end else rest + bytes([end])
        plain = structure(data, dialect)
        inside = inside_quotes(plain, quote)
        ends = None if inside is None else words(np.frombuffer(plain, np.uint8) == end)
        cut = _last_record(plain, end, inside, ends)
        if cut < len(data):
            raise ExtractError(faults.unclosed_quote(_line_of(place + cut, path, header, end), name))
        yield Records(data, plain, inside, ends)


def _line_of(place: int, path: Path, header: Header, end: int) -> int:
    """The line of the record that begins there."""
    line = header.lines + 1
    with path.open("rb") as file:
        file.seek(header.bytes)
        while chunk := file.read(min(BLOCK, place - file.tell())):
            line += chunk.count(end)
    return line


def _lines(block: bytes, end: int) -> int:
    # Ten times as fast as bytes.count where lines are short.
    return int(np.count_nonzero(np.frombuffer(block, np.uint8) == end))


def _last_record(block: bytes, end: int, inside: Words | None, ends: Words | None) -> int:
    """Where the last record that ends in the block ends; 0 if none does."""
    if inside is None or ends is None:
        return block.rfind(end) + 1
    outside = ends & ~inside
    filled = np.flatnonzero(outside)
    return int(filled[-1]) * 64 + int(outside[filled[-1]]).bit_length() if len(filled) else 0


def _swallowed(block: bytes, octets: Octets, dialect: Dialect, inside: Words | None, header: Header) -> int | None:
    """Line in the block (from 0) of the first record of several lines that are records themselves.

    One of its inner lines is, or the first and the last both are, or one of these to the last number: then two quotes
    far apart have been taken for a pair.
    """
    end, expected = ord(dialect.newline), len(header.columns)
    raw = np.frombuffer(block, np.uint8)
    stops = np.flatnonzero(raw == end)
    outside = octets[stops] == end
    ends = stops[outside if inside is None else outside & ~are_flagged(inside, stops)]
    separators = flagged_before(words(raw == ord(dialect.separator)), stops)
    fields = np.diff(separators, prepend=0) + 1
    wide = fields >= expected
    record = np.searchsorted(ends, stops)
    first = np.diff(record, prepend=-1) > 0
    last = np.append(first[1:], True)
    opening = np.maximum.accumulate(np.where(first, np.arange(len(stops)), 0))
    whole = wide & ~first & ~last
    torn = wide & last & ~first & wide[opening]
    alone = (fields == expected) & (first != last)
    for number in np.flatnonzero(whole | torn | alone).tolist():
        if alone[number] and _is_surely_record(
            block[stops[number - 1] + 1 if number else 0 : stops[number]], dialect, header
        ):
            return int(opening[number])
        if not (whole[number] or torn[number]):
            continue
        pair = [number] if whole[number] else [number, int(opening[number])]
        starts = [int(stops[one - 1]) + 1 if one else 0 for one in pair]
        if all(_is_record(block[start : stops[one]], dialect, header) for one, start in zip(pair, starts, strict=True)):
            return int(opening[number])
    return None


def _whole_before(block: bytes, octets: Octets, dialect: Dialect, inside: Words, header: Header) -> int | None:
    """Line in the block (from 0) of the first record that is whole at an earlier line's end, were quotes doubled.

    Then a backslash that is text has made a field's last quote one of its text.
    """
    usual = dialect._replace(quoting=DOUBLED)
    raw = np.frombuffer(block, np.uint8)
    quoted, separators = inside_quotes(block, QUOTE), words(raw == ord(dialect.separator))
    stops = np.flatnonzero(raw == ord(dialect.newline))
    ends = (octets[stops] == raw[stops]) & ~are_flagged(inside, stops)
    number = np.arange(len(stops))
    opening = np.maximum.accumulate(np.where(np.concatenate(([True], ends[:-1])), number, 0))
    starts = np.concatenate(([0], stops[:-1] + 1))[opening]
    if quoted is None:
        return None
    # The quotes so far are counted from the record's start.
    odd = are_flagged(quoted, np.maximum(starts - 1, 0)) & (starts > 0)
    outside, within = (
        flagged_before(separators & flags, stops) - flagged_before(separators & flags, starts)
        for flags in (~quoted, quoted)
    )
    fields = np.where(odd, within, outside) + 1
    for line in np.flatnonzero(~ends & (are_flagged(quoted, stops) == odd) & (fields == len(header.columns))).tolist():
        record = block[starts[line] : stops[line] + 1]
        around = inside_quotes(record, QUOTE)
        if around is None or _misplaced(record, usual, around) is None:
            return int(opening[line])
    return None


def _misplaced(record: bytes, dialect: Dialect, inside: Words) -> int | None:
    octets = np.frombuffer(record, np.uint8)
    ends, separators = (words(octets == ord(sign)) for sign in (dialect.newline, dialect.separator))
    return misplaced(octets, dialect, inside, ends, separators)


def _is_record(line: bytes, dialect: Dialect, header: Header) -> bool:
    """Whether a line has the header's fields, with numbers or dates where the header has them.

    A text with separators makes them more: columns are then counted from the left or from the right.
    """
    fields = line.rstrip(b"\r").split(dialect.separator.encode())
    more = len(fields) - len(header.columns)
    if more < 0:
        return False
    places = [(fields[place].strip(b" \"'"), fields[place + more].strip(b" \"'")) for place in header.numeric]
    held = [values for values in places if any(values)]
    fitting = sum(any(NUMERIC.match(value) for value in values) for values in held)
    return not header.numeric or fitting * 2 >= max(len(held), 1)


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


def _is_surely_record(line: bytes, dialect: Dialect, header: Header) -> bool:
    """Whether a line of just the header's fields has several numbers or dates, and wherever the header has them."""
    fields = line.rstrip(b"\r").split(dialect.separator.encode())
    held = [value for place in header.numeric if (value := fields[place].strip(b" \"'"))]
    return len(held) > 1 and all(NUMERIC.match(value) for value in held)


def _first_ragged(octets: Octets, comma: int, end: int, inside: Words | None, expected: int) -> tuple[int, int] | None:
    """Line in the block and fields of the first record that is neither blank nor as wide as the header."""
    ends = places_outside(octets == end, inside)
    starts = np.concatenate(([0], ends[:-1] + 1))
    fields = np.diff(np.searchsorted(places_outside(octets == comma, inside), ends), prepend=0) + 1
    blank = (ends == starts) | ((ends == starts + 1) & (octets[starts] == CARRIAGE_RETURN))
    ragged = np.flatnonzero((fields != expected) & ~blank)
    if not len(ragged):
        return None
    first = ragged[0]
    return int(np.count_nonzero(octets[: starts[first]] == end)) + 1, int(fields[first])
