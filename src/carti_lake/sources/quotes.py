"""How a delimited file quotes its fields, and where its quotes stand: bit-parallel, 64 octets at a time."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Octets = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]

QUOTE, APOSTROPHE, BACKSLASH, CARRIAGE_RETURN = (ord(sign) for sign in "\"'\\\r")
DIGITS = (ord("0"), ord("9"))
#: No places in a block.
NOWHERE: Places = np.zeros(0, np.intp)


@dataclass(frozen=True)
class Quoting:
    """A way to quote fields.

    Attributes
    ----------
    title
        What people call it.
    quote
        The octet around a quoted field, which is doubled within it; None where no field is quoted.
    escapes
        Whether a backslash makes the next character text.
    lenient
        Whether a quote between two characters of a field's text is text too.
    """

    title: str
    quote: int | None = QUOTE
    escapes: bool = False
    lenient: bool = False


DOUBLED = Quoting("quotes doubled within quoted fields")
ESCAPED = Quoting("quotes escaped by a backslash", escapes=True)
UNDOUBLED = Quoting("quotes left as they are within fields", lenient=True)
UNQUOTED = Quoting("no quoted fields", quote=None)
SINGLE = Quoting("single quotes", quote=APOSTROPHE, lenient=True)


class Dialect(NamedTuple):
    """How a delimited file is written: a character each for separator and line end (CRLF counts as LF), and quotes."""

    separator: str
    newline: str
    quoting: Quoting = DOUBLED


def escaping(octets: Octets) -> Places:
    """Where the backslashes stand that are not escaped themselves: the first, third, … of each run."""
    places = np.flatnonzero(octets == BACKSLASH)
    if not len(places):
        return places
    opens = np.concatenate(([True], np.diff(places) > 1))
    numbers = np.arange(len(places))
    odd: Places = places[(numbers - np.maximum.accumulate(np.where(opens, numbers, 0))) % 2 == 0]
    return odd


def amid_text(block: bytes, quotes: Words, ends: Words, separators: Words) -> Words:
    """Flags of quotes between two characters that end no field and are no quotes; behind a backslash none is such.

    Parameters
    ----------
    block
        Octets.
    quotes, ends, separators
        Flags of those that are quotes, line ends, separators.
    """
    octets = np.frombuffer(block, np.uint8)
    edges = quotes | ends | separators
    if b"\r" in block:
        edges |= words(octets == CARRIAGE_RETURN)
    before = _next(edges | words(octets == BACKSLASH) if b"\\" in block else edges)
    after = _previous(edges)
    before[0] |= np.uint64(1)
    last = len(octets) - 1
    after[last // 64] |= np.uint64(1 << last % 64)
    return quotes & ~before & ~after


def words(mask: Mask) -> Words:
    """64 octets' flags in each word."""
    packed = np.packbits(mask, bitorder="little")
    # Much faster than np.pad.
    return np.concatenate((packed, np.zeros(-len(packed) % 8, np.uint8))).view(np.uint64)


def inside_quotes(quotes: Words) -> Words:
    """Flags of the octets between an opening quote and its closing one, of the quotes' flags."""
    flags = quotes.copy()
    # The parity of the quotes so far, by prefix sums of bits: within each word, then from word to word.
    for shift in (1, 2, 4, 8, 16, 32):
        flags ^= flags << np.uint64(shift)
    odd = flags >> np.uint64(63)
    before: Words = np.bitwise_xor.accumulate(odd) ^ odd
    flags ^= np.uint64(0) - before
    return flags


def misplaced(quotes: Words, inside: Words, ends: Words, separators: Words, returns: Words | None) -> int | None:
    """Where the first quote stands in whole records that is neither around a field nor doubled within one.

    The others are flags, too: of the octets within quotes, of line ends, separators and the carriage returns before
    line ends.
    """
    edges = ends | separators | quotes
    before, after = _next(edges), _previous(edges)
    before[0] |= np.uint64(1)
    if returns is not None:
        after |= _previous(returns & _previous(ends))
    wrong = quotes & ((inside & ~before) | (~inside & ~after))
    filled = np.flatnonzero(wrong)
    if not len(filled):
        return None
    word = int(wrong[filled[0]])
    return int(filled[0]) * 64 + (word & -word).bit_length() - 1


def unquoted_fault(octets: Octets, dialect: Dialect) -> int | None:
    """Where the first quote stands that speaks against a block without quoted fields.

    A quote that begins a field does, and one that ends a field unless it is one of a pair or follows a digit (inches).
    """
    places = np.flatnonzero(octets == QUOTE)
    ends = [ord(dialect.separator), ord(dialect.newline)]
    # The last octet ends a line.
    after = octets[places + 1]
    if dialect.newline != "\r":
        after = octets[places + 1 + (after == CARRIAGE_RETURN)]
    starts, stops = (places == 0) | np.isin(octets[places - 1], ends), np.isin(after, ends)
    if not (starts | stops).any():
        return None
    fields = np.searchsorted(np.flatnonzero(np.isin(octets, ends)), places)
    odd = np.bincount(fields)[fields] % 2 == 1
    digit = (octets[places - 1] >= DIGITS[0]) & (octets[places - 1] <= DIGITS[1])
    wrong = np.flatnonzero(starts | (stops & odd & ~digit))
    return int(places[wrong[0]]) if len(wrong) else None


def count(flags: Words) -> int:
    """How many octets are flagged."""
    return int(np.bitwise_count(flags).sum())


def flags_before(flags: Words, length: int) -> Words:
    """The flags of the first octets alone."""
    first = flags[: -(-length // 64)].copy()
    if length % 64:
        first[-1] &= np.uint64((1 << length % 64) - 1)
    return first


def are_flagged(flags: Words, places: Places) -> Mask:
    """Whether the octets at the places are flagged."""
    found: Mask = (flags[places >> 6] >> (places & 63).astype(np.uint64) & np.uint64(1)).astype(np.bool_)
    return found


def flagged_before(flags: Words, places: Places) -> Places:
    """How many octets are flagged before each of the places."""
    counts = np.bitwise_count(flags).astype(np.intp)
    before = (np.uint64(1) << (places & 63).astype(np.uint64)) - np.uint64(1)
    found: Places = (np.cumsum(counts) - counts)[places >> 6] + np.bitwise_count(flags[places >> 6] & before)
    return found


def flagged_places(flags: Words) -> Places:
    """Where the flagged octets stand, found quickly where they are few."""
    filled = np.flatnonzero(flags)
    bits = np.flatnonzero(np.unpackbits(flags[filled].view(np.uint8), bitorder="little").view(np.bool_))
    places: Places = filled[bits >> 6] * 64 + (bits & 63)
    return places


def flagged_around(flags: Words, places: Places) -> tuple[Places, Places]:
    """The last flagged octet before each of the places (-1: none), and the first behind it, which there must be."""
    filled, number = flags != 0, np.arange(len(flags))
    before = np.maximum.accumulate(np.where(filled, number, -1))
    after = np.minimum.accumulate(np.where(filled, number, len(flags))[::-1])[::-1]
    word, bit = places >> 6, (places & 63).astype(np.uint64)
    lower = flags[word] & ((np.uint64(1) << bit) - np.uint64(1))
    upper = flags[word] & ~((np.uint64(2) << bit) - np.uint64(1))
    earlier = np.where(word > 0, before[word - 1], -1)
    later = np.where(word + 1 < len(flags), after[np.minimum(word + 1, len(flags) - 1)], len(flags))
    at = np.where(lower != 0, word, earlier)
    last = at * 64 + _highest(np.where(lower != 0, lower, flags[np.maximum(at, 0)]))
    at = np.where(upper != 0, word, later)
    first = at * 64 + _lowest(np.where(upper != 0, upper, flags[np.minimum(at, len(flags) - 1)]))
    return np.where((lower != 0) | (earlier >= 0), last, -1), first


def _lowest(flags: Words) -> Places:
    """Place of the first flag of each word, which has one."""
    found: Places = np.bitwise_count((flags & (~flags + np.uint64(1))) - np.uint64(1)).astype(np.intp)
    return found


def _highest(flags: Words) -> Places:
    """Place of the last flag of each word, which has one."""
    below = flags.copy()
    for shift in (1, 2, 4, 8, 16, 32):
        below |= below >> np.uint64(shift)
    found: Places = np.bitwise_count(below).astype(np.intp) - 1
    return found


def _next(flags: Words) -> Words:
    """Flags of the octets that follow a flagged one."""
    moved = flags << np.uint64(1)
    moved[1:] |= flags[:-1] >> np.uint64(63)
    return moved


def _previous(flags: Words) -> Words:
    """Flags of the octets that a flagged one follows."""
    moved = flags >> np.uint64(1)
    moved[:-1] |= flags[1:] << np.uint64(63)
    return moved
