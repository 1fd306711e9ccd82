"""Whether every record of a delimited file has the header's number of fields, found before anything is written.

Polars fills a short row with nulls in silence. Here the separators outside quotes are counted, bit-parallel, at the
speed of reading; only a block where the sum is wrong is looked at row by row.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from carti_lake.sources.extract import ExtractError
from carti_lake.sources.text import HEAD

Words = npt.NDArray[np.uint64]
Octets = npt.NDArray[np.uint8]

BLOCK = 1 << 20
#: A record beyond this is taken for the rest of the file behind an unclosed quote.
LONGEST_RECORD = 32 << 20
QUOTE, CARRIAGE_RETURN = ord('"'), ord("\r")


def check_records(
    path: Path,
    separator: str,
    newline: str,
    columns: Sequence[str],
    skip_lines: int,
    name: str,
    *,
    each: bool = False,
) -> bool:
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
    each
        Look at each record, and not at the sums of blocks first, where a long and a short record may hide one another
        (Polars refuses the long one).

    Raises
    ------
    ExtractError
        Too many or too few fields, an unclosed quote, a NUL byte: with line, column where there is one, and remedy.
    UnicodeDecodeError
        The text is not UTF-8.
    """
    comma, end = ord(separator), ord(newline)
    line = skip_lines
    blanks = False
    for block, inside in _whole_records(path, end, skip_lines, name):
        if b"\0" in block:
            raise ExtractError(_nul_byte(block, separator, columns, line, name))
        if not block.isascii():
            block.decode("utf-8")
        octets = np.frombuffer(block, np.uint8)
        records = _count(octets == end, inside)
        if each or _count(octets == comma, inside) != (len(columns) - 1) * records:
            ragged = _first_ragged(octets, comma, end, inside, len(columns))
            if ragged is not None:
                raise ExtractError(_wrong_fields(line + ragged[0], ragged[1], len(columns), name))
            blanks = True
        line += records if inside is None else block.count(end)
    return blanks


def stray_quote(path: Path, separator: str, newline: str, skip_lines: int, name: str) -> str | None:
    """Where the first quote stands that is neither around a field nor doubled nor one of a pair within a field."""
    rest = f'[^"{re.escape(separator + newline)}]'
    field = re.compile(rf'(?:"(?:[^"]|"")*"|{rest}(?:{rest}|"{rest}*")*)?(?:{re.escape(separator)}|\r?{newline})')
    line = skip_lines + 1
    for block, _ in _whole_records(path, ord(newline), skip_lines, name):
        text = block.decode("utf-8")
        place = 0
        while match := field.match(text, place):
            place = match.end()
        line += text.count(newline, 0, place)
        if place < len(text):
            return (
                f'{name}, line {line}: a quote (") stands before or after the text of a field. Quote the whole field, '
                "and double the quotes within it."
            )
    return None


def _whole_records(path: Path, end: int, skip_lines: int, name: str) -> Iterator[tuple[bytes, Words | None]]:
    """Blocks of the file behind its header, each ending where a record ends, with their :func:`_inside_quotes`."""
    line = skip_lines
    with path.open("rb") as file:
        file.seek(_behind(file.read(HEAD), end, skip_lines))
        rest = b""
        while chunk := file.read(BLOCK):
            data = rest + chunk
            inside = _inside_quotes(data)
            cut = _last_record(data, end, inside)
            if cut == 0 and len(data) > LONGEST_RECORD:
                raise ExtractError(_unclosed_quote(line + 1, name))
            rest = data[cut:]
            if cut:
                line += data.count(end, 0, cut)
                yield data[:cut], inside if inside is None else inside[: -(-cut // 64)]
    if rest:
        # The last line may lack its end.
        data = rest if rest[-1] == end else rest + bytes([end])
        inside = _inside_quotes(data)
        cut = _last_record(data, end, inside)
        if cut < len(data):
            raise ExtractError(_unclosed_quote(line + 1 + data.count(end, 0, cut), name))
        yield data, inside


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
    return np.pad(packed, (0, -len(packed) % 8)).view(np.uint64)


def _inside_quotes(block: bytes) -> Words | None:
    """Flags of the octets between an opening quote and its closing one; None where there is no quote."""
    if QUOTE not in block:
        return None
    words: Words = _words(np.frombuffer(block, np.uint8) == QUOTE)
    # The parity of the quotes so far, by prefix sums of bits: within each word, then from word to word.
    for shift in (1, 2, 4, 8, 16, 32):
        words ^= words << np.uint64(shift)
    odd = words >> np.uint64(63)
    before: Words = np.bitwise_xor.accumulate(odd) ^ odd
    words ^= np.uint64(0) - before
    return words


def _count(mask: npt.NDArray[np.bool_], inside: Words | None) -> int:
    """How many of the octets stand outside quotes."""
    return int(np.count_nonzero(mask) if inside is None else np.bitwise_count(_words(mask) & ~inside).sum())


def _places(mask: npt.NDArray[np.bool_], inside: Words | None) -> npt.NDArray[np.intp]:
    """Where those of the octets stand that are outside quotes."""
    if inside is not None:
        mask = mask & ~np.unpackbits(inside.view(np.uint8), bitorder="little")[: len(mask)].astype(np.bool_)
    return np.flatnonzero(mask)


def _last_record(block: bytes, end: int, inside: Words | None) -> int:
    """Where the last record that ends in the block ends; 0 if none does."""
    if inside is None:
        return block.rfind(end) + 1
    ends = _words(np.frombuffer(block, np.uint8) == end) & ~inside
    filled = np.flatnonzero(ends)
    return int(filled[-1]) * 64 + int(ends[filled[-1]]).bit_length() if len(filled) else 0


def _first_ragged(octets: Octets, comma: int, end: int, inside: Words | None, expected: int) -> tuple[int, int] | None:
    """Line in the block and fields of the first record that is neither blank nor as wide as the header."""
    ends = _places(octets == end, inside)
    starts = np.concatenate(([0], ends[:-1] + 1))
    fields = np.diff(np.searchsorted(_places(octets == comma, inside), ends), prepend=0) + 1
    blank = (ends == starts) | ((ends == starts + 1) & (octets[starts] == CARRIAGE_RETURN))
    ragged = np.flatnonzero((fields != expected) & ~blank)
    if not len(ragged):
        return None
    first = ragged[0]
    return int(np.count_nonzero(octets[: starts[first]] == end)) + 1, int(fields[first])


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
