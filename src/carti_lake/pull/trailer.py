"""Trailers: the last line of a file, which says how many rows it holds and what they come to."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

import polars as pl

from carti_lake.pipeline.bronze import bronze
from carti_lake.pipeline.reading import Reading
from carti_lake.sources.apply import as_mapped
from carti_lake.sources.extract import Extract, ExtractError
from carti_lake.sources.readings import find_readings
from carti_lake.sources.text import decompressed
from carti_lake.tables.feeds import Feed

#: A placeholder: the number of rows (and so many lines more), the sum of a column, anything.
PLACE = re.compile(r"\{(?:rows(?:\+(?P<more>\d+))?|sum:(?P<column>\w+)|(?P<any>\*))\}")
NUMBER = r"\s*\"?\s*(\$?[-+]?[\d,]*\.?\d+|\(\$?[\d,]*\.?\d+\))\s*\"?\s*"
#: No trailer is longer.
LONGEST = 1 << 16
CHUNK = 1 << 20


@dataclass(frozen=True)
class Totals:
    """What a trailer says.

    Attributes
    ----------
    rows
        Rows in the file, None where it does not say.
    sums
        By column of the feed, what its values come to.
    """

    rows: int | None
    sums: Mapping[str, Decimal]


def wrong_with(pattern: str, feed: type[Feed]) -> str | None:
    """What is wrong with a declared trailer; None where nothing is."""
    places = [*PLACE.finditer(pattern)]
    if "{" in PLACE.sub("", pattern) or "}" in PLACE.sub("", pattern):
        return "has something in braces that is none of {rows}, {rows+1}, {sum:COLUMN}, {*}"
    if not any(place["any"] is None for place in places):
        return "says neither {rows} nor {sum:COLUMN}"
    for column in (place["column"] for place in places if place["column"]):
        dtype = feed.delivered().get(column)
        if dtype is None or not dtype.is_numeric():
            return f"sums up {column}, which is no number of {feed.short_name}"
    return None


def split(path: Path, pattern: str, folder: Path) -> tuple[Path, Totals]:
    """A file without its trailer, under its own name in the folder, and what the trailer says.

    Raises
    ------
    ExtractError
        The last line is no such trailer.
    """
    plain = decompressed(path, folder, path.name)
    start, line = _last_line(plain)
    (into := folder / "body").mkdir()
    body = into / (path.stem if path.suffix in (".gz", ".zst") else path.name)
    totals = _read(line, pattern, path.name)
    with plain.open("rb") as source, body.open("wb") as target:
        while start > 0 and (chunk := source.read(min(CHUNK, start))):
            start -= len(chunk)
            target.write(chunk)
    state = path.stat()
    os.utime(body, ns=(state.st_atime_ns, state.st_mtime_ns))
    return body, totals


def check(extract: Extract, feed: type[Feed], totals: Totals) -> None:
    """Compare an extract with what its trailer says.

    Raises
    ------
    ExtractError
        They differ: nothing of the file may be taken.
    """
    mapped = as_mapped(extract, feed)
    readings: dict[str, Reading] = find_readings(mapped, extract, feed, whole=True) or {} if totals.sums else {}
    rows = bronze(mapped, feed, readings)
    # In whole hundredths of cents: sums of doubles differ in their last digits.
    sums = [
        (pl.col(name).fill_null(0) * 10_000).round().cast(pl.Int128).sum().cast(pl.String).alias(name)
        for name in totals.sums
    ]
    (found,) = rows.select(pl.len().alias("\x1frows"), *sums).collect(engine="streaming").to_dicts()
    differ = []
    if totals.rows is not None and found["\x1frows"] != totals.rows:
        differ.append(f"{found[chr(31) + 'rows']:,} rows, where it says {totals.rows:,}")
    for name, wanted in totals.sums.items():
        if abs((came := Decimal(found[name]) / 10_000) - wanted) >= Decimal("0.005"):
            differ.append(f"{name} comes to {came:,.2f}, where it says {wanted:,.2f}")
    if differ:
        raise ExtractError(
            f"{extract.name}: its trailer does not agree with it: {'; '.join(differ)}. Nothing of it is taken; ask the "
            "source for it again."
        )


def _last_line(path: Path) -> tuple[int, str]:
    """Where the last line that is not blank begins, and that line."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - LONGEST))
        tail = file.read()
    bare = tail.rstrip(b"\r\n \t\x1a\0")
    start = max(bare.rfind(b"\n"), bare.rfind(b"\r")) + 1
    return size - len(tail) + start, bare[start:].decode("utf-8", "replace").removeprefix("\ufeff")


def _read(line: str, pattern: str, name: str) -> Totals:
    form, end, says = "", 0, []
    for place in PLACE.finditer(pattern):
        form += re.escape(pattern[end : place.start()])
        form += ".*?" if place["any"] else NUMBER
        says += [] if place["any"] else [place]
        end = place.end()
    match = re.fullmatch(form + re.escape(pattern[end:]), line.strip())
    if match is None:
        raise ExtractError(
            f"{name}: its last line is no trailer as declared, so the file is probably cut short. Nothing of it is "
            "taken; ask the source for it again."
        )
    rows, sums = None, {}
    for place, text in zip(says, match.groups(), strict=True):
        number = _number(text)
        if place["column"]:
            sums[place["column"]] = number
        elif number == int(number):
            rows = int(number) - int(place["more"] or 0)
        else:
            raise ExtractError(f"{name}: its trailer says a number of rows that is none.")
    return Totals(rows, sums)


def _number(text: str) -> Decimal:
    bare = text.replace(",", "").replace("$", "")
    try:
        return Decimal(bare.strip("()")) * (-1 if bare.startswith("(") else 1)
    except InvalidOperation:
        raise ExtractError("A trailer's number cannot be read.") from None
