"""Records of several lines: whether a line within one is a record itself, since then two quotes are no pair."""

import re
from typing import NamedTuple

import numpy as np

from carti_lake.sources.blocks import Header, Records, flagged_records
from carti_lake.sources.quotes import (
    DOUBLED,
    QUOTE,
    Dialect,
    Mask,
    Places,
    Words,
    are_flagged,
    flagged_around,
    flagged_before,
    inside_quotes,
    words,
)

NUMERIC = re.compile(rb"\W{0,4}\d")


class Lines(NamedTuple):
    """Lines of the records that have several: where each starts and stops, and whether its record starts there."""

    starts: Places
    stops: Places
    first: Mask


def swallowed(records: Records, inner: Places, dialect: Dialect, header: Header) -> int | None:
    """Line in the block (from 0) of the first record that holds others, None where none does.

    Parameters
    ----------
    records
        Whole records.
    inner
        Where those of their line ends stand that end none; at least one.
    dialect
        How they are taken to be written.
    header
        The file's.
    """
    block, end = records.block, ord(dialect.newline)
    assert records.ends is not None, "without quotes and escapes every line end ends a record"
    before, after = flagged_around(records.outside(records.ends), inner)
    separators = words(np.frombuffer(block, np.uint8) == ord(dialect.separator))
    lines = _lines(inner, before, after)
    held = np.zeros(len(lines.first), np.bool_) if records.inside is None else _hold(lines, separators & records.inside)
    found = _of_records(block, lines, separators, held, dialect, header)
    if found is None and dialect.quoting.escapes and QUOTE in block:
        found = _whole_before(block, inner, before + 1, separators, dialect, header)
    return None if found is None else block.count(end, 0, found)


def _lines(inner: Places, before: Places, after: Places) -> Lines:
    """Of the inner line ends, and the ends of records before and after each of them."""
    closing, opening = np.unique(after, return_index=True)
    stops = np.sort(np.concatenate((inner, closing)))
    record = np.searchsorted(closing, stops)
    first = np.diff(record, prepend=-1) > 0
    starts = np.where(first, before[opening][record] + 1, np.concatenate(([0], stops[:-1] + 1)))
    return Lines(starts, stops, first)


def _hold(lines: Lines, flags: Words) -> Mask:
    """Whether some octet of each line is flagged."""
    held: Mask = flagged_before(flags, lines.stops) > flagged_before(flags, lines.starts)
    return held


def _of_records(
    block: bytes, lines: Lines, separators: Words, held: Mask, dialect: Dialect, header: Header
) -> int | None:
    """Where the first record begins of whose lines some are records themselves.

    One of its inner lines is, or the first and the last both are, or one of these to the last number. That one has
    separators within quotes (``held``): else it is the first line of a text in the last column, or the last of one in
    the first column, and has the header's fields because of that.
    """
    starts, stops, first = lines
    expected = len(header.columns)
    fields = flagged_before(separators, stops) - flagged_before(separators, starts) + 1
    wide = fields >= expected
    last = np.append(first[1:], True)
    opening = np.maximum.accumulate(np.where(first, np.arange(len(stops)), 0))
    whole = wide & ~first & ~last
    torn = wide & last & ~first & wide[opening]
    alone = (fields == expected) & (first != last) & held
    for number in np.flatnonzero(whole | torn | alone).tolist():
        if alone[number] and _is_surely_record(block[starts[number] : stops[number]], dialect, header):
            return int(starts[opening[number]])
        if not (whole[number] or torn[number]):
            continue
        pair = [number] if whole[number] else [number, int(opening[number])]
        if all(_is_record(block[starts[one] : stops[one]], dialect, header) for one in pair):
            return int(starts[opening[number]])
    return None


def _whole_before(
    block: bytes, inner: Places, starts: Places, separators: Words, dialect: Dialect, header: Header
) -> int | None:
    """Where the first record begins that is whole at one of the inner line ends, were quotes doubled.

    Then a backslash that is text has made a field's last quote one of its text. ``starts`` is where the record of each
    inner line end begins.
    """
    usual = dialect._replace(quoting=DOUBLED)
    quoted = inside_quotes(words(np.frombuffer(block, np.uint8) == QUOTE))
    # The quotes so far are counted from the record's start.
    odd = are_flagged(quoted, np.maximum(starts - 1, 0)) & (starts > 0)
    outside, within = (
        flagged_before(separators & flags, inner) - flagged_before(separators & flags, starts)
        for flags in (~quoted, quoted)
    )
    fields = np.where(odd, within, outside) + 1
    for number in np.flatnonzero((are_flagged(quoted, inner) == odd) & (fields == len(header.columns))).tolist():
        record = flagged_records(block[starts[number] : inner[number] + 1], usual)
        if record.stray_quote(usual) is None:
            return int(starts[number])
    return None


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


def _is_surely_record(line: bytes, dialect: Dialect, header: Header) -> bool:
    """Whether a line of just the header's fields has several numbers or dates, and wherever the header has them."""
    fields = line.rstrip(b"\r").split(dialect.separator.encode())
    held = [value for place in header.numeric if (value := fields[place].strip(b" \"'"))]
    return len(held) > 1 and all(NUMERIC.match(value) for value in held)
