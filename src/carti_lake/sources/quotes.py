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
#: Stands in a block's structure for octets that are text, whatever they look like.
TEXT = ord("x")


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


def structure(block: bytes, dialect: Dialect) -> bytes:
    """The block, with every quote, separator and line end that is text replaced: what remains has structure."""
    quoting = dialect.quoting
    if quoting.escapes and b"\\" in block:
        octets = np.frombuffer(block, np.uint8).copy()
        backslashes = escaping(octets)
        octets[backslashes] = TEXT
        octets[backslashes[backslashes + 1 < len(octets)] + 1] = TEXT
        return octets.tobytes()
    if quoting.lenient and quoting.quote is not None and quoting.quote in block:
        raw = np.frombuffer(block, np.uint8)
        amid = _amid_text(raw, quoting.quote, dialect)
        if len(amid):
            octets = raw.copy()
            octets[amid] = TEXT
            return octets.tobytes()
    return block


def escaping(octets: Octets) -> Places:
    """Where the backslashes stand that are not escaped themselves: the first, third, … of each run."""
    places = np.flatnonzero(octets == BACKSLASH)
    if not len(places):
        return places
    opens = np.concatenate(([True], np.diff(places) > 1))
    numbers = np.arange(len(places))
    odd: Places = places[(numbers - np.maximum.accumulate(np.where(opens, numbers, 0))) % 2 == 0]
    return odd


def _amid_text(octets: Octets, quote: int, dialect: Dialect) -> Places:
    """Where quotes stand between two characters that end no field and are no quotes; behind a backslash none does."""
    quotes = words(octets == quote)
    ends = (octets == ord(dialect.separator)) | (octets == ord(dialect.newline)) | (octets == CARRIAGE_RETURN)
    edges = words(ends) | quotes
    before = _next(edges | words(octets == BACKSLASH))
    after = _previous(edges)
    before[0] |= np.uint64(1)
    last = len(octets) - 1
    after[last // 64] |= np.uint64(1 << last % 64)
    return flagged_places(quotes & ~before & ~after)


def words(mask: Mask) -> Words:
    """64 octets' flags in each word."""
    packed = np.packbits(mask, bitorder="little")
    # Much faster than np.pad.
    return np.concatenate((packed, np.zeros(-len(packed) % 8, np.uint8))).view(np.uint64)


def inside_quotes(block: bytes, quote: int | None) -> Words | None:
    """Flags of the octets between an opening quote and its closing one; None where there is no quote."""
    if quote is None or quote not in block:
        return None
    flags = words(np.frombuffer(block, np.uint8) == quote)
    # The parity of the quotes so far, by prefix sums of bits: within each word, then from word to word.
    for shift in (1, 2, 4, 8, 16, 32):
        flags ^= flags << np.uint64(shift)
    odd = flags >> np.uint64(63)
    before: Words = np.bitwise_xor.accumulate(odd) ^ odd
    flags ^= np.uint64(0) - before
    return flags


def misplaced(octets: Octets, dialect: Dialect, inside: Words) -> int | None:
    """Where the first quote stands in whole records that is neither around a field nor doubled within one."""
    quotes = words(octets == dialect.quoting.quote)
    ends = octets == ord(dialect.newline)
    edges = words(ends | (octets == ord(dialect.separator))) | quotes
    before, after = _next(edges), _previous(edges)
    before[0] |= np.uint64(1)
    returns = octets == CARRIAGE_RETURN
    if dialect.newline == "\n" and returns.any():
        after |= _previous(words(returns) & _previous(words(ends)))
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


def count(mask: Mask, inside: Words | None) -> int:
    """How many of the octets stand outside quotes."""
    return int(np.count_nonzero(mask) if inside is None else np.bitwise_count(words(mask) & ~inside).sum())


def flagged(inside: Words, length: int) -> Mask:
    """The flags of a block's octets, one each."""
    return np.unpackbits(inside.view(np.uint8), bitorder="little")[:length].astype(np.bool_)


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
    rows, bits = np.nonzero(np.unpackbits(flags[filled].view(np.uint8), bitorder="little").reshape(-1, 64))
    places: Places = filled[rows] * 64 + bits
    return places


def places_outside(mask: Mask, inside: Words | None) -> Places:
    """Where those of the octets stand that are outside quotes."""
    return np.flatnonzero(mask if inside is None else mask & ~flagged(inside, len(mask)))


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
