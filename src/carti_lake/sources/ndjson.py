"""JSON: one object a line, an array of objects, or an envelope around one."""

import json
from collections.abc import Collection
from functools import partial
from pathlib import Path

import polars as pl

from carti_lake.sources.extract import Content, ExtractError
from carti_lake.sources.headers import column_names, match_headers, unmatched
from carti_lake.sources.mapping import SourceMap
from carti_lake.tables.feeds import Feed


def read_ndjson(
    path: Path, folder: Path, feed: type[Feed], mapping: SourceMap, name: str, given: Collection[str] = ()
) -> Content:
    """Rows of a UTF-8 file as text, in columns named by the feed where they match; nested values are JSON text."""
    try:
        # All lines: a key that first comes up in the last one is a column too.
        keys = pl.scan_ndjson(path, infer_schema_length=None).collect_schema().names()
    except pl.exceptions.PolarsError as error:
        raise ExtractError(bad_line(path, name) or f"{name}: not newline-delimited JSON.") from error
    matched = match_headers(keys, feed, mapping, name, given)
    columns = dict(zip(keys, column_names(keys, matched), strict=True))
    rows = pl.scan_ndjson(path, schema=dict.fromkeys(keys, pl.String())).rename(columns)
    return Content(rows, partial(bad_line, path, name), unmatched(keys, feed, mapping))


def bad_line(path: Path, name: str) -> str | None:
    """What is wrong with the first line that is no JSON object, None if all are."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                wrong = "is no JSON object" if line.strip() and not isinstance(json.loads(line), dict) else None
            except json.JSONDecodeError as error:
                wrong = f"is no JSON: {error.msg.lower()} at character {error.pos + 1}"
            if wrong:
                return (
                    f"{name}, line {number}: the line {wrong}. Each line must be one whole object; ask the source for "
                    "the file again."
                )
    return None
