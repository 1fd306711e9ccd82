"""Whether every record of a delimited file has the header's number of fields, found before anything is written.

Polars fills a short row with nulls in silence. Here the separators outside quotes are counted, bit-parallel, at the
speed of reading; only a block where the sum is wrong is looked at row by row.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from carti_lake.sources.extract import ExtractError
from carti_lake.sources.text import HEAD

Words = npt.NDArray[np.uint64]
Octets = npt.NDArray[np.uint8]

BLOCK = 4 << 20
#: A record beyond this is taken for the rest of the file behind an unclosed quote.
LONGEST_RECORD = 32 << 20
QUOTE = ord('"')


def check_records(path: Path, separator: str, newline: str, columns: Sequence[str], skip_lines: int, name: str) -> bool:
    """Whether the file has blank lines; raises where a record does not have a field for each column.

    Parameters
    ----------
    path
        UTF-8 text.
    separator, newline
        One character each.
    columns
        Names of the header's columns.
    skip_lines
        Lines down to the header.
    name
        The file's name, for errors.

    Raises
    ------
    ExtractError
        Too many or too few fields, an unclosed quote, a NUL byte: with line, column where there is one, and remedy.
    UnicodeDecodeError
        The text is not UTF-8.
    """
    end = ord(newline)
    line = skip_lines
    blanks = False
    for block in _whole_records(path, end, skip_lines, name):
        if b"\0" in block:
            raise ExtractError(_nul_byte(block, separator, columns, line, name))
        if not block.isascii():
            block.decode("utf-8")
        octets = np.frombuffer(block, np.uint8)
        fields, records = _count(octets, ord(separator), end)
        if fields != (len(columns) - 1) * records:
            ragged = _first_ragged(block, separator, len(columns))
            if ragged is not None:
                raise ExtractError(_wrong_fields(line + ragged[0], ragged[1], len(columns), name))
            blanks = True
        line += int(np.count_nonzero(octets == end))
    return blanks


def stray_quote(path: Path, separator: str, newline: str, skip_lines: int, name: str) -> str | None:
    """Where the first quote stands that is neither around a field nor doubled, None if there is none."""
    end = re.escape(newline)
    field = re.compile(
        rf'(?:"(?:[^"]|"")*"|[^"{end}{re.escape(separator)}][^{end}{re.escape(separator)}]*)?(?:{re.escape(separator)}|\r?{end})'
    )
    line = skip_lines
    for block in _whole_records(path, ord(newline), skip_lines, name):
        text = block.decode("utf-8")
        place = 0
        while place < len(text):
            match = field.match(text, place)
            if match is None:
                return (
                    f'{name}, line {line + 1 + text.count(newline, 0, place)}: a quote (") stands before or after the '
                    "text of a field. Quote the whole field, and double the quotes within it."
                )
            place = match.end()
        line += text.count(newline)
    return None


def _whole_records(path: Path, end: int, skip_lines: int, name: str) -> Iterator[bytes]:
    """Blocks of the file behind its header, each ending where a record ends."""
    line = skip_lines
    with path.open("rb") as file:
        file.seek(_behind(file.read(HEAD), end, skip_lines))
        rest = b""
        while chunk := file.read(BLOCK):
            data = rest + chunk
            cut = _last_record(np.frombuffer(data, np.uint8), end)
            if cut == 0 and len(data) > LONGEST_RECORD:
                raise ExtractError(_unclosed_quote(line + 1, name))
            rest = data[cut:]
            if cut:
                line += data.count(end, 0, cut)
                yield data[:cut]
    if rest:
        cut = _last_record(np.frombuffer(rest + bytes([end]), np.uint8), end)
        if cut <= len(rest):
            raise ExtractError(_unclosed_quote(line + 1 + rest.count(end, 0, cut), name))
        yield rest if rest[-1] == end else rest + bytes([end])


def _behind(start: bytes, end: int, lines: int) -> int:
    """Where the file goes on behind its first lines."""
    place = -1
    for _ in range(lines):
        place = start.find(end, place + 1)
        if place < 0:
            return len(start)
    return place + 1


def _words(mask: npt.NDArray[np.bool_]) -> Words:
    """64 octets' flags in each word."""
    packed = np.packbits(mask, bitorder="little")
    padded = np.zeros(-(-len(packed) // 8) * 8, np.uint8)
    padded[: len(packed)] = packed
    return padded.view(np.uint64)


def _inside_quotes(octets: Octets) -> Words | None:
    """Flags of the octets between an opening and its closing quote; None where there is no quote."""
    quotes = octets == QUOTE
    if not quotes.any():
        return None
    words: Words = _words(quotes)
    # The parity of the quotes so far, by prefix sums of bits: within each word, then from word to word.
    for shift in (1, 2, 4, 8, 16, 32):
        words ^= words << np.uint64(shift)
    odd = words >> np.uint64(63)
    before: Words = np.bitwise_xor.accumulate(odd) ^ odd
    words ^= np.uint64(0) - before
    return words


def _count(octets: Octets, separator: int, end: int) -> tuple[int, int]:
    """Separators and record ends outside quotes."""
    inside = _inside_quotes(octets)
    if inside is None:
        return int(np.count_nonzero(octets == separator)), int(np.count_nonzero(octets == end))
    return tuple(int(np.bitwise_count(_words(octets == byte) & ~inside).sum()) for byte in (separator, end))  # type: ignore[return-value]


def _last_record(octets: Octets, end: int) -> int:
    """Where the last record that ends in these octets ends; 0 if none does."""
    inside = _inside_quotes(octets)
    ends = _words(octets == end)
    if inside is not None:
        ends &= ~inside
    filled = np.flatnonzero(ends)
    return int(filled[-1]) * 64 + int(ends[filled[-1]]).bit_length() if len(filled) else 0


def _first_ragged(block: bytes, separator: str, fields: int) -> tuple[int, int] | None:
    """Line in the block and fields of the first record that is neither blank nor as wide as the header."""
    limit = csv.field_size_limit(len(block) + 1)
    try:
        reader = csv.reader(io.StringIO(block.decode("utf-8"), newline=""), delimiter=separator)
        line = 1
        for record in reader:
            if record and len(record) != fields:
                return line, len(record)
            line = reader.line_num + 1
    finally:
        csv.field_size_limit(limit)
    return None


def _wrong_fields(line: int, found: int, expected: int, name: str) -> str:
    if found < expected:
        hint = "a line break without quotes, a different separator, a footer, or a transfer that was cut short"
    else:
        hint = "a separator or quote within a field that is not quoted"
    return (
        f"{name}, line {line}: {found} {'field' if found == 1 else 'fields'} where the header has {expected} columns; "
        f"probably {hint}. Mend the line or ask the source for the file again."
    )


def _unclosed_quote(line: int, name: str) -> str:
    return (
        f'{name}, line {line}: a quote (") is opened in this record and never closed. Close it, or double a quote that '
        "belongs to the text."
    )


def _nul_byte(block: bytes, separator: str, columns: Sequence[str], line: int, name: str) -> str:
    before = block[: block.index(0)]
    start = before.rfind(b"\n") + 1
    column = min(before.count(separator.encode(), start), len(columns) - 1)
    line += 1 + before.count(b"\n")
    return (
        f'{name}, line {line}, column "{columns[column]}": a NUL byte; the file is damaged or not text. Ask the source '
        "for it again."
    )
