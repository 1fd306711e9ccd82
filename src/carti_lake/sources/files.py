"""Files of any kind, told by their content: delimited text, newline-delimited JSON, Parquet, spreadsheets."""

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from functools import partial
from pathlib import Path

import polars as pl

from carti_lake.sources.delimited import bad_record, scan_delimited
from carti_lake.sources.extract import (
    Extract,
    ExtractError,
    date_in_name,
    file_hash,
    keep_with,
    nothing_found,
    whole_milliseconds,
)
from carti_lake.sources.headers import column_names, match_headers
from carti_lake.sources.locate import locate
from carti_lake.sources.mapping import NO_MAP, SourceMap
from carti_lake.sources.ndjson import bad_line, scan_ndjson
from carti_lake.sources.sheets import read_sheet
from carti_lake.sources.text import as_utf8, decompressed, encoding_of, head, is_binary
from carti_lake.tables.feeds import Feed

ZIP, OLE, PARQUET = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1"


def open_paths(
    paths: Sequence[str | Path],
    feed: type[Feed],
    *,
    mapping: SourceMap = NO_MAP,
    extract_date: date | None = None,
    delivered_at: datetime | None = None,
    storage_options: dict[str, str] | None = None,
) -> Iterator[Extract]:
    """Each file that the paths name, opened and checked as an extract of the feed, in the order of the names.

    Parameters
    ----------
    paths
        Files, globs, folders, or object-store URIs of these.
    feed
        Contract of the extracts.
    mapping
        What the user says of them.
    extract_date
        Day that the extracts are about; else the last date in the file's name, else the day of delivery.
    delivered_at
        When they were delivered; else the file's own time.
    storage_options
        Credentials and endpoints of the object store.

    Raises
    ------
    ExtractError
        A file cannot be this feed's extract: what is wrong, where, and what to do.
    """
    for found in locate(paths, storage_options):
        folder = Path(tempfile.mkdtemp(prefix="carti-lake-"))
        try:
            path = found.local(folder)
            # The bytes are hashed beside the checks: both take about as long.
            with ThreadPoolExecutor(1) as beside:
                content_hash = beside.submit(file_hash, path)
                rows, diagnose = _open(path, folder, feed, mapping, found.name)
            moment = whole_milliseconds(delivered_at or found.modified)
            extract = Extract(
                name=found.name,
                content_hash=content_hash.result(),
                delivered_at=moment,
                extract_date=extract_date or date_in_name(found.name) or moment.date(),
                rows=rows,
                diagnose=diagnose,
                mapping=mapping,
            )
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        yield keep_with(extract, folder)


def explain_failure(extract: Extract, failure: BaseException) -> ExtractError:
    """Why reading the extract's rows failed, in words that help its sender.

    Parameters
    ----------
    extract
        The extract whose rows were read.
    failure
        What Polars raised. Its text is not repeated: it may quote patients' values.
    """
    if isinstance(failure, ExtractError):
        return failure
    found = extract.diagnose()
    if found is None and isinstance(failure, OSError) and failure.strerror:
        found = f"{extract.name}: {failure.strerror}."
    return ExtractError(
        found
        or f"{extract.name}: the content cannot be read ({type(failure).__name__}); it is damaged, or changed while "
        "being read. Ask the source for it again."
    )


def _open(
    path: Path, folder: Path, feed: type[Feed], mapping: SourceMap, name: str
) -> tuple[pl.LazyFrame, Callable[[], str | None]]:
    """Rows of a file, and what reads it again for the place of a failure."""
    plain = decompressed(path, folder, name)
    start = head(plain)
    if start.startswith(PARQUET):
        return _scan_parquet(plain, feed, mapping, name), nothing_found
    if start.startswith((ZIP, OLE)):
        return read_sheet(plain, feed, mapping, name), nothing_found
    encoding = encoding_of(start)
    if encoding is not None:
        plain = as_utf8(plain, folder, name, encoding)
    elif is_binary(start):
        raise ExtractError(
            f"{name}: a binary file, neither text nor Parquet nor a workbook. Export the extract as CSV, NDJSON, "
            "Parquet or XLSX."
        )
    try:
        return _scan_text(plain, feed, mapping, name)
    except UnicodeDecodeError:
        return _scan_text(as_utf8(plain, folder, name, "utf-8"), feed, mapping, name)


def _scan_text(
    path: Path, feed: type[Feed], mapping: SourceMap, name: str
) -> tuple[pl.LazyFrame, Callable[[], str | None]]:
    start = head(path, 1024).lstrip()
    if re.match(rb"\[\s*\{", start):
        raise ExtractError(f"{name}: a JSON array. Deliver NDJSON instead, one object a line, without brackets.")
    if start.startswith(b"{"):
        return scan_ndjson(path, feed, mapping, name), partial(bad_line, path, name)
    return scan_delimited(path, feed, mapping, name), partial(bad_record, path, feed, mapping, name)


def _scan_parquet(path: Path, feed: type[Feed], mapping: SourceMap, name: str) -> pl.LazyFrame:
    rows = pl.scan_parquet(path, glob=False, hive_partitioning=False)
    try:
        headers = rows.collect_schema().names()
    except (pl.exceptions.PolarsError, OSError):
        raise ExtractError(
            f"{name}: a Parquet file whose footer cannot be read, probably cut short. Ask the source for it again."
        ) from None
    return rows.rename(
        dict(zip(headers, column_names(headers, match_headers(headers, feed, mapping, name)), strict=True))
    )
