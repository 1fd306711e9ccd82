"""Whole records of a delimited file, block by block, with the flags of their quotes and line ends."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from carti_lake.sources import faults
from carti_lake.sources.extract import ExtractError
from carti_lake.sources.quotes import (
    CARRIAGE_RETURN,
    NOWHERE,
    Dialect,
    Places,
    Words,
    amid_text,
    escaping,
    flagged_places,
    flags_before,
    inside_quotes,
    misplaced,
    words,
)

#: Fits the cache with all flags of its octets.
BLOCK = 1 << 18
#: A record beyond this is taken for the rest of the file behind an unclosed quote.
LONGEST_RECORD = 32 << 20


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


class Records(NamedTuple):
    """Whole records of a file, one behind the other, and which of their octets have a meaning in the dialect.

    Flags leave out what is text. All but the quotes' are None where nothing is quoted or escaped: then every separator
    and line end is one.

    Attributes
    ----------
    block
        Their octets, the last line end included.
    signs
        Where the backslashes stand that escape, or the quotes amid text: what makes the others text.
    ends, separators
        Flags of line ends and separators, also of those within quotes.
    quotes
        Flags of quotes around fields or doubled within them; None where there are none.
    inside
        Flags of the octets within quotes; None where there are no quotes.
    """

    block: bytes
    signs: Places = NOWHERE
    ends: Words | None = None
    separators: Words | None = None
    quotes: Words | None = None
    inside: Words | None = None

    def outside(self, flags: Words) -> Words:
        """Those of the flags that are of octets outside quotes."""
        return flags if self.inside is None else flags & ~self.inside

    def inner_ends(self, end: int) -> Places:
        """Where the line ends stand that end no record: those within quotes and those that are escaped."""
        behind = self.signs + 1
        escaped: Places = behind[np.frombuffer(self.block, np.uint8)[behind] == end]
        if self.inside is None or self.ends is None:
            return escaped
        within = flagged_places(self.ends & self.inside)
        return np.sort(np.concatenate((within, escaped))) if len(escaped) else within

    def stray_quote(self, dialect: Dialect) -> int | None:
        """Where the first quote stands that is neither around a field nor doubled within one; None where none does."""
        if self.quotes is None or self.inside is None or self.ends is None or self.separators is None:
            return None
        returns = None
        if dialect.newline == "\n" and b"\r" in self.block:
            returns = _flags(self.block, CARRIAGE_RETURN, self.signs + 1)
        return misplaced(self.quotes, self.inside, self.ends, self.separators, returns)

    def down_to(self, cut: int) -> "Records":
        """The records that end there or before."""
        if cut == len(self.block):
            return self
        kept = (None if flags is None else flags_before(flags, cut) for flags in self[2:])
        return Records(self.block[:cut], self.signs[: np.searchsorted(self.signs, cut)], *kept)


def flagged_records(data: bytes, dialect: Dialect) -> Records:
    """The data with its flags; its last record may not end in it."""
    quoting = dialect.quoting
    quoted = quoting.quote is not None and quoting.quote in data
    escaped = quoting.escapes and b"\\" in data
    if not (quoted or escaped):
        return Records(data)
    signs = texts = NOWHERE
    if escaped:
        signs = escaping(np.frombuffer(data, np.uint8))
        texts = signs[signs + 1 < len(data)] + 1
    ends, separators = (_flags(data, ord(sign), texts) for sign in (dialect.newline, dialect.separator))
    quotes = _flags(data, quoting.quote, texts) if quoted and quoting.quote is not None else None
    if quotes is not None and quoting.lenient:
        amid = amid_text(data, quotes, ends, separators)
        signs = flagged_places(amid)
        quotes &= ~amid
    if quotes is None or not quotes.any():
        return Records(data, signs, ends, separators)
    return Records(data, signs, ends, separators, quotes, inside_quotes(quotes))


def _flags(block: bytes, octet: int, texts: Places) -> Words:
    """Flags of the octets that are that one, without those that are text."""
    found = np.frombuffer(block, np.uint8) == octet
    if len(texts):
        found[texts] = False
    return words(found)


def whole_records(path: Path, dialect: Dialect, header: Header, name: str) -> Iterator[Records]:
    """Blocks of the file behind its header, each ending where a record ends."""
    end = ord(dialect.newline)
    place = header.bytes
    with path.open("rb") as file:
        file.seek(header.bytes)
        rest = b""
        # As much again as is left over: a record that never ends is looked at a few times, not at every block.
        while chunk := file.read(max(BLOCK, len(rest))):
            records = flagged_records(rest + chunk, dialect)
            cut = _last_record(records, end)
            if cut == 0 and len(records.block) > LONGEST_RECORD:
                raise ExtractError(faults.unclosed_quote(_line_of(place, path, header, end), name))
            rest = records.block[cut:]
            if cut:
                place += cut
                yield records.down_to(cut)
    if rest:
        # The last line may lack its end.
        records = flagged_records(rest if rest[-1] == end else rest + bytes([end]), dialect)
        cut = _last_record(records, end)
        if cut < len(records.block):
            raise ExtractError(faults.unclosed_quote(_line_of(place + cut, path, header, end), name))
        yield records


def _line_of(place: int, path: Path, header: Header, end: int) -> int:
    """The line of the record that begins there."""
    line = header.lines + 1
    with path.open("rb") as file:
        file.seek(header.bytes)
        while chunk := file.read(min(BLOCK, place - file.tell())):
            line += chunk.count(end)
    return line


def _last_record(records: Records, end: int) -> int:
    """Where the last record that ends in the block ends; 0 if none does."""
    if records.ends is None:
        return records.block.rfind(end) + 1
    ends = records.outside(records.ends)
    filled = np.flatnonzero(ends)
    return int(filled[-1]) * 64 + int(ends[filled[-1]]).bit_length() if len(filled) else 0
