"""One delivery of one feed, opened but not yet read."""

import hashlib
import shutil
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from carti_lake.sources.mapping import NO_MAP, SourceMap


class ExtractError(ValueError):
    """What is wrong with an extract, where (file, line, column), and what to do; never the values themselves."""


def nothing_found() -> str | None:
    """Nothing more is known about a failure than that it happened."""
    return None


@dataclass(frozen=True)
class Content:
    """What an opened file holds.

    Attributes
    ----------
    rows
        As in :class:`Extract`.
    diagnose
        As in :class:`Extract`.
    notes
        As in :class:`Extract`.
    """

    rows: pl.LazyFrame
    diagnose: Callable[[], str | None] = nothing_found
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mark:
    """How far a declared source has been read; written in the commit that the rows are in.

    Attributes
    ----------
    source
        The source's name.
    follows
        Number of the mark that stood when reading began, 0 for none: another one means that somebody else has read on.
    says
        Where the source stands after these rows, as JSON values.
    """

    source: str
    follows: int
    says: Mapping[str, Any]

    @property
    def application(self) -> str:
        """Name of the source's application transactions."""
        return application_of(self.source)


def application_of(source: str) -> str:
    """Under which name a source's marks stand in the log."""
    return f"source:{source}"


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
    mapping
        What the user says of it.
    diagnose
        Reads the source again and says what is wrong with it and where, None if nothing is found.
    notes
        What its sender should know, though it loads: headers that name no column, files left out.
    mark
        How far its source has been read with it; None where nobody declares the source.
    """

    name: str
    content_hash: str
    delivered_at: datetime
    extract_date: date
    rows: pl.LazyFrame = field(repr=False)
    mapping: SourceMap = NO_MAP
    diagnose: Callable[[], str | None] = field(default=nothing_found, repr=False, compare=False)
    notes: tuple[str, ...] = ()
    mark: Mark | None = None


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def whole_milliseconds(moment: datetime) -> datetime:
    """The moment in UTC, cut to milliseconds; one without a zone is taken as UTC."""
    utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


def keep_with(extract: Extract, folder: Path) -> Extract:
    """The same extract; the folder with its temporary files goes when it is no longer used."""
    weakref.finalize(extract, shutil.rmtree, folder, ignore_errors=True)
    return extract
