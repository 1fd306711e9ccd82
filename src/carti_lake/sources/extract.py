"""One delivery of one feed, opened but not yet read."""

import hashlib
import re
import shutil
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from carti_lake.sources.mapping import NO_MAP, SourceMap


class ExtractError(ValueError):
    """What is wrong with an extract, where (file, line, column), and what to do; never the values themselves."""


def nothing_found() -> str | None:
    """Nothing more is known about a failure than that it happened."""
    return None


@dataclass(frozen=True)
class Extract:
    """What a source delivered, ready for bronze.

    Hold it for as long as its rows are read: temporary files (of a compressed source, say) go when it goes.

    Attributes
    ----------
    name
        File name, or ``frame``; for errors and lineage.
    content_hash
        SHA-256 in hexadecimal: of a file's bytes, or of a frame's columns and rows in their order.
    delivered_at
        When the source delivered it, UTC, whole milliseconds.
    extract_date
        The day that it is about.
    rows
        Delivered columns in delivered order, under the feed's names where they match and their own where not. Text
        sources give text, typed sources their types.
    diagnose
        Reads the source again and says what is wrong with it and where, None if nothing is found.
    mapping
        What the user says of the extract.
    """

    name: str
    content_hash: str
    delivered_at: datetime
    extract_date: date
    rows: pl.LazyFrame = field(repr=False)
    diagnose: Callable[[], str | None] = field(default=nothing_found, repr=False, compare=False)
    mapping: SourceMap = field(default=NO_MAP, repr=False)


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def date_in_name(name: str) -> date | None:
    """The last date in a file's name (``2026-11-22`` or ``20261122``), None if there is none."""
    found = None
    for year, _, month, day in re.findall(r"(?<!\d)(\d{4})(-?)(\d{2})\2(\d{2})(?!\d)", name):
        try:
            found = date(int(year), int(month), int(day))
        except ValueError:
            continue
    return found


def whole_milliseconds(moment: datetime) -> datetime:
    """The moment in UTC, cut to milliseconds; one without a zone is taken as UTC."""
    utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


def keep_with(extract: Extract, folder: Path) -> Extract:
    """The same extract; the folder with its temporary files goes when it is no longer used."""
    weakref.finalize(extract, shutil.rmtree, folder, ignore_errors=True)
    return extract
