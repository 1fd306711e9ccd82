"""Files of any kind, told by their content: delimited text, newline-delimited JSON, Parquet, spreadsheets."""

import codecs
import hashlib
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path
from urllib.parse import quote

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
from carti_lake.sources.folders import day_of_folders, given_by_folders, told
from carti_lake.sources.headers import column_names, match_headers, nowhere, unmatched
from carti_lake.sources.locate import Found, locate, names_beside
from carti_lake.sources.mapping import NO_MAP, SourceMap
from carti_lake.sources.names import AmbiguousNameError, day_and_moment
from carti_lake.sources.objects import read_json
from carti_lake.sources.sheets import read_workbook
from carti_lake.sources.text import as_utf8, decompressed, encoding_of, head, is_binary, packed_by
from carti_lake.store.errors import CorruptTableError, LakeError, fault
from carti_lake.store.others import other_table
from carti_lake.tables.feeds import Feed

#: More files that are left out are counted, not named.
MOST_NAMED = 10
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
    listing = locate(paths, storage_options)
    beside = _left_out(listing.left_out)
    for found in listing.found:
        folder = Path(tempfile.mkdtemp(prefix="carti-lake-"))
        try:
            given = given_by_folders(found, feed, mapping)
            if found.is_table:
                content, content_hash, modified = _read_table(found, feed, mapping, storage_options or {}, given)
            else:
                path = found.local(folder)
                # The bytes are hashed beside the checks: both take about as long.
                with ThreadPoolExecutor(1) as hashing:
                    hashed = hashing.submit(file_hash, path)
                    content = _open(path, folder, feed, mapping, found.name, given)
                content_hash, modified = hashed.result(), found.modified
            held = content.rows.collect_schema().names()
            added = {column: value for column, value in given.items() if column not in held}
            by = (delivered_at or modified).date()
            named_day, named_moment = _named(found, by, mapping, listing.found, asked=extract_date is None)
            moment = whole_milliseconds(delivered_at or named_moment or modified)
            extract = Extract(
                name=found.name,
                content_hash=_with_values(content_hash, added),
                delivered_at=moment,
                extract_date=extract_date or named_day or moment.date(),
                rows=content.rows.with_columns(pl.lit(value, pl.String).alias(name) for name, value in added.items()),
                diagnose=content.diagnose,
                notes=(*content.notes, *told(found, feed, mapping, given, held), *beside),
                mapping=mapping,
            )
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        beside = ()
        yield keep_with(extract, folder)


def _named(
    found: Found, delivered: date, mapping: SourceMap, beside: Sequence[Found], *, asked: bool
) -> tuple[date | None, datetime | None]:
    """Day and moment that the name says, or the folders; where figures can be two days, as the files beside it tell."""
    order = mapping.everywhere.date_order
    try:
        day, moment = day_and_moment(found.name, delivered, order, names_beside(found, beside))
        return day or (day_of_folders(found, order) if asked else None), moment
    except AmbiguousNameError as error:
        if not asked:
            return None, None
        days = [f"{day.day} {day:%B %Y}" for day in error.days]
        readings = " or ".join(days if len(days) > 1 else [*days, "no day"])
        raise ExtractError(
            f"{found.name}: {error.figures} in its name is {readings}, and no file beside it tells which. Say the day "
            f"with --extract-date, or how the source writes days with [defaults] date_order in a map."
        ) from None


def _left_out(names: Sequence[str]) -> tuple[str, ...]:
    if not names:
        return ()
    more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
    return (f"left out beside it: {', '.join(names[:MOST_NAMED])}{more}",)


def _with_values(content_hash: str, added: Mapping[str, str | None]) -> str:
    """The hash of a file and of what its folders add: the same bytes in another folder are other rows."""
    return hashlib.sha256(f"{content_hash}{sorted(added.items())}".encode()).hexdigest() if added else content_hash


def explain_failure(extract: Extract, failure: BaseException) -> ExtractError | LakeError:
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
    # What is damaged while an extract is read is the extract.
    if (of_system := fault(failure, extract.name)) is not None and not isinstance(of_system, CorruptTableError):
        return of_system
    found = extract.diagnose()
    if found is None and isinstance(failure, OSError) and failure.strerror:
        found = f"{extract.name}: {failure.strerror}."
    return ExtractError(
        found
        or f"{extract.name}: the content cannot be read ({type(failure).__name__}); it is damaged, or changed while "
        "being read. Ask the source for it again."
    )


def _open(path: Path, folder: Path, feed: type[Feed], mapping: SourceMap, name: str, given: Collection[str]) -> Content:
    plain = decompressed(path, folder, name)
    start = head(plain)
    if start.startswith(PARQUET):
        return _read_parquet(plain, feed, mapping, name, given)
    if start.startswith((ZIP, OLE)):
        return read_workbook(plain, feed, mapping, name, given)
    if (packer := packed_by(start)) is not None:
        raise ExtractError(
            f"{name}: packed by {packer}. Unpack it and load what is in it; gzip and zstd files load as they are."
        )
    encoding = encoding_of(start)
    if encoding is not None:
        plain = as_utf8(plain, folder, name, encoding)
    elif is_binary(start):
        raise ExtractError(
            f"{name}: a binary file, neither text nor Parquet nor a workbook. Export the extract as CSV, NDJSON, "
            "Parquet or XLSX."
        )
    try:
        return _read_text(plain, folder, feed, mapping, name, given)
    except UnicodeDecodeError:
        return _read_text(as_utf8(plain, folder, name, "utf-8"), folder, feed, mapping, name, given)


def _read_text(
    path: Path, folder: Path, feed: type[Feed], mapping: SourceMap, name: str, given: Collection[str]
) -> Content:
    start = head(path, 1024).removeprefix(codecs.BOM_UTF8).lstrip()
    if re.match(rb"<(!doctype\s+html|html|table|head|body|meta)\b", start, re.IGNORECASE):
        raise ExtractError(
            f"{name}: an HTML page, whatever its name says. Open it in Excel and save it as .xlsx or CSV."
        )
    if start.startswith(b"<?xml"):
        raise ExtractError(f"{name}: an XML file. Export the extract as CSV, NDJSON, Parquet or XLSX.")
    if re.match(rb"[\[{]", start):
        return read_json(path, folder, feed, mapping, name, given)
    return read_delimited(path, folder, feed, mapping, name, given)


def _read_parquet(path: Path, feed: type[Feed], mapping: SourceMap, name: str, given: Collection[str]) -> Content:
    rows = pl.scan_parquet(path, glob=False, hive_partitioning=False)
    try:
        return _matched(rows, feed, mapping, name, given)
    except (pl.exceptions.PolarsError, OSError):
        raise ExtractError(
            f"{name}: a Parquet file whose footer cannot be read, probably cut short. Ask the source for it again."
        ) from None


def _read_table(
    found: Found, feed: type[Feed], mapping: SourceMap, options: Mapping[str, str], given: Collection[str]
) -> tuple[Content, str, datetime]:
    """Rows of a Delta table, what identifies them, and when they were written."""
    if "://" not in found.place and quote(found.place) != found.place:
        # The reader of Delta tables takes a blank in a path for %20.
        raise ExtractError(
            f"{found.name}: a Delta table below a folder with a blank or a special character in its name, which its "
            "reader does not find. Rename the folder."
        )
    try:
        table = other_table(found.place, options)
    except OSError as error:
        raise ExtractError(
            f"{found.name}: a Delta table that cannot be read ({error}): damaged, or with features that need Spark. "
            "Export its current rows as Parquet."
        ) from None
    content = _matched(table.rows, feed, mapping, found.name, given)
    return content, hashlib.sha256(table.identity.encode()).hexdigest(), table.committed


def _matched(rows: pl.LazyFrame, feed: type[Feed], mapping: SourceMap, name: str, given: Collection[str]) -> Content:
    schema = rows.collect_schema()
    headers = schema.names()
    columns = column_names(headers, match_headers(headers, feed, mapping, name, given))
    notes = (*nowhere(schema, mapping), *unmatched(headers, feed, mapping))
    return Content(rows.rename(dict(zip(headers, columns, strict=True))), notes=notes)
