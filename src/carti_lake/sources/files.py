"""Files of any kind, told by their content: delimited text, newline-delimited JSON, Parquet, spreadsheets."""

import codecs
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path

import polars as pl

from carti_lake.sources.delimited import read_delimited
from carti_lake.sources.extract import (
    Content,
    Extract,
    ExtractError,
    file_hash,
    keep_with,
    whole_milliseconds,
)
from carti_lake.sources.headers import column_names, match_headers, unmatched
from carti_lake.sources.locate import locate
from carti_lake.sources.mapping import NO_MAP, SourceMap
from carti_lake.sources.names import day_and_moment
from carti_lake.sources.ndjson import read_ndjson
from carti_lake.sources.sheets import read_workbook
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
        Day that the extracts are about; else the last day or month in the file's name, else the day of delivery.
    delivered_at
        When they were delivered; else the time in the file's name, else the file's own.
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
                content = _open(path, folder, feed, mapping, found.name)
            named_day, named_moment = day_and_moment(found.name)
            moment = whole_milliseconds(delivered_at or named_moment or found.modified)
            extract = Extract(
                name=found.name,
                content_hash=content_hash.result(),
                delivered_at=moment,
                extract_date=extract_date or named_day or moment.date(),
                rows=content.rows,
                diagnose=content.diagnose,
                notes=content.notes,
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


def _open(path: Path, folder: Path, feed: type[Feed], mapping: SourceMap, name: str) -> Content:
    plain = decompressed(path, folder, name)
    start = head(plain)
    if start.startswith(PARQUET):
        return _read_parquet(plain, feed, mapping, name)
    if start.startswith((ZIP, OLE)):
        return read_workbook(plain, feed, mapping, name)
    encoding = encoding_of(start)
    if encoding is not None:
        plain = as_utf8(plain, folder, name, encoding)
    elif is_binary(start):
        raise ExtractError(
            f"{name}: a binary file, neither text nor Parquet nor a workbook. Export the extract as CSV, NDJSON, "
            "Parquet or XLSX."
        )
    try:
        return _read_text(plain, folder, feed, mapping, name)
    except UnicodeDecodeError:
        return _read_text(as_utf8(plain, folder, name, "utf-8"), folder, feed, mapping, name)


def _read_text(path: Path, folder: Path, feed: type[Feed], mapping: SourceMap, name: str) -> Content:
    start = head(path, 1024).removeprefix(codecs.BOM_UTF8).lstrip()
    if re.match(rb"<(!doctype\s+html|html|table|head|body|meta)\b", start, re.IGNORECASE):
        raise ExtractError(
            f"{name}: an HTML page, whatever its name says. Open it in Excel and save it as .xlsx or CSV."
        )
    if start.startswith(b"<?xml"):
        raise ExtractError(f"{name}: an XML file. Export the extract as CSV, NDJSON, Parquet or XLSX.")
    if re.match(rb"[\[{]", start):
        return read_ndjson(path, folder, feed, mapping, name)
    return read_delimited(path, folder, feed, mapping, name)


def _read_parquet(path: Path, feed: type[Feed], mapping: SourceMap, name: str) -> Content:
    rows = pl.scan_parquet(path, glob=False, hive_partitioning=False)
    try:
        headers = rows.collect_schema().names()
    except (pl.exceptions.PolarsError, OSError):
        raise ExtractError(
            f"{name}: a Parquet file whose footer cannot be read, probably cut short. Ask the source for it again."
        ) from None
    columns = column_names(headers, match_headers(headers, feed, mapping, name))
    return Content(rows.rename(dict(zip(headers, columns, strict=True))), notes=unmatched(headers, feed, mapping))
