"""Frames as extracts: Polars, Arrow tables and streams, anything that speaks Arrow, lists of dictionaries."""

import hashlib
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import polars_hash as plh

from carti_lake.sources.extract import Extract, ExtractError, keep_with, whole_milliseconds
from carti_lake.sources.headers import column_names, match_headers, nowhere, unmatched
from carti_lake.sources.mapping import NO_MAP, SourceMap
from carti_lake.tables.feeds import Feed

NAME = "frame"


def open_frame(
    frame: Any,
    feed: type[Feed],
    *,
    mapping: SourceMap = NO_MAP,
    extract_date: date | None = None,
    delivered_at: datetime | None = None,
    now: datetime,
) -> Extract:
    """A frame as an extract of the feed.

    Parameters
    ----------
    frame
        A Polars DataFrame or LazyFrame, a list of dictionaries, or what gives an Arrow stream (pyarrow, pandas,
        DuckDB). A LazyFrame or stream is run once, into a temporary file, so that it may be larger than memory.
    feed
        Contract of the extract.
    mapping
        What the user says of it.
    extract_date
        Day that the extract is about; else the day of delivery.
    delivered_at
        When it was delivered; else now.
    now
        The present moment.

    Raises
    ------
    ExtractError
        The frame cannot be this feed's extract.
    """
    folder = Path(tempfile.mkdtemp(prefix="carti-lake-"))
    try:
        extract = extract_of(
            _as_rows(frame, folder),
            feed,
            mapping=mapping,
            name=NAME,
            extract_date=extract_date,
            delivered_at=delivered_at or now,
        )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return keep_with(extract, folder)


def extract_of(
    rows: pl.LazyFrame,
    feed: type[Feed],
    *,
    mapping: SourceMap,
    name: str,
    content_hash: str | None = None,
    extract_date: date | None = None,
    delivered_at: datetime,
) -> Extract:
    """Rows that are the same however often they are read, as an extract of the feed; parameters as in `open_frame`.

    ``content_hash`` is that of the rows where it is known.
    """
    schema = rows.collect_schema()
    headers = schema.names()
    columns = column_names(headers, match_headers(headers, feed, mapping, name))
    delivered, rows = rows, rows.rename(dict(zip(headers, columns, strict=True)))
    moment = whole_milliseconds(delivered_at)
    return Extract(
        name=name,
        # What a map calls a column does not make the content another one.
        content_hash=content_hash or hash_of(rows if mapping == NO_MAP else delivered),
        delivered_at=moment,
        extract_date=extract_date or moment.date(),
        rows=rows,
        notes=(*nowhere(schema, mapping), *unmatched(headers, feed, mapping)),
        mapping=mapping,
    )


def _as_rows(frame: Any, folder: Path) -> pl.LazyFrame:
    if isinstance(frame, pl.DataFrame):
        return frame.lazy()
    if isinstance(frame, pl.LazyFrame):
        return spooled(frame, folder)
    if isinstance(frame, Sequence):
        return _from_records(frame).lazy()
    if not hasattr(frame, "__arrow_c_stream__"):
        raise ExtractError(
            f"A {type(frame).__name__} is no extract. Give a path, a Polars or pandas frame, Arrow, or a list of "
            "dictionaries."
        )
    # A stream has no length, and can be read only once.
    return pl.DataFrame(frame).lazy() if hasattr(frame, "__len__") else spooled(pl.scan_arrow_c_stream(frame), folder)


def spooled(rows: pl.LazyFrame, folder: Path) -> pl.LazyFrame:
    """The rows, run once: they are hashed and then loaded, and need not be the same if run twice."""
    path = folder / "rows.parquet"
    rows.sink_parquet(path, compression="lz4", engine="streaming")
    return pl.scan_parquet(path, glob=False)


def _from_records(records: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    keys = dict.fromkeys(key for record in records for key in record)
    return pl.DataFrame([_column(key, [record.get(key) for record in records]) for key in keys])


def _column(name: str, values: list[Any]) -> pl.Series:
    """Values of one type keep it; mixed ones become text, and bronze types what fits."""
    try:
        return pl.Series(name, values, strict=True)
    except (TypeError, pl.exceptions.PolarsError):
        return pl.Series(name, [None if value is None else str(value) for value in values], pl.String)


def hash_of(rows: pl.LazyFrame) -> str:
    """SHA-256 over the columns' names and every row, in order; the same for equal rows of any kind of frame."""
    names = sorted(rows.collect_schema().names())
    digest = hashlib.sha256("\x1f".join(names).encode())
    hashed = rows.select(row=plh.hash_rows(names).nchash.xxh3_64())
    for batch in hashed.collect_batches(maintain_order=True, engine="streaming"):
        digest.update(batch.get_column("row").to_numpy().tobytes())
    return digest.hexdigest()
