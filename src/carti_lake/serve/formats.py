"""Rows as JSON, CSV, Parquet or an Arrow stream, by what the client accepts; and bytes as gzip or zstd."""

import gzip
import io
import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import polars as pl
import polars.selectors as cs
import zstandard

from carti_lake.outlets.table_file import flat

Page = Mapping[str, Any]

#: Bodies below this many bytes are sent as they are.
WORTH_COMPRESSING = 1000
_ENCODINGS = ("zstd", "gzip")


def _json(rows: pl.DataFrame, page: Page) -> bytes:
    """What the page says of itself, and ``rows``: decimals are numbers in it."""
    head = json.dumps(page, default=str)
    body = rows.with_columns(cs.decimal().cast(pl.Float64)).write_json()
    return f'{head[:-1]}, "rows": {body}}}'.encode()


def _csv(rows: pl.DataFrame, page: Page) -> bytes:
    return flat(rows.lazy()).collect().write_csv().encode()


def _parquet(rows: pl.DataFrame, page: Page) -> bytes:
    file = io.BytesIO()
    rows.write_parquet(file)
    return file.getvalue()


def _arrow(rows: pl.DataFrame, page: Page) -> bytes:
    file = io.BytesIO()
    # Plain strings: not every reader of Arrow knows views.
    rows.write_ipc_stream(file, compat_level=pl.CompatLevel.oldest())
    return file.getvalue()


#: Media types, the preferred one first, and what writes them. All but JSON hold the rows alone.
FORMATS: dict[str, Callable[[pl.DataFrame, Page], bytes]] = {
    "application/json": _json,
    "text/csv": _csv,
    "application/vnd.apache.parquet": _parquet,
    "application/vnd.apache.arrow.stream": _arrow,
}


@lru_cache(maxsize=1024)
def negotiate(accept: str) -> str | None:
    """The media type of `FORMATS` that an ``Accept`` header likes best; None where it takes none (RFC 9110, 12.5.1)."""
    if not accept.strip():
        return next(iter(FORMATS))
    ranges = liking(accept)
    best, most = None, 0.0
    for media_type in FORMATS:
        kind = media_type.partition("/")[0]
        weight = next((ranges[one] for one in (media_type, f"{kind}/*", "*/*") if one in ranges), 0.0)
        if weight > most:
            best, most = media_type, weight
    return best


@lru_cache(maxsize=1024)
def encoding(accept_encoding: str) -> str | None:
    """``zstd`` or ``gzip``, whichever the client likes better; None to send bytes as they are."""
    weights = liking(accept_encoding)
    liked = [(weights.get(name, weights.get("*", 0.0)), name) for name in _ENCODINGS]
    weight, name = max(liked, key=lambda one: one[0])
    return name if weight > 0 else None


def compressed(body: bytes, how: str) -> bytes:
    """The bytes under that content encoding; the same bytes each time."""
    return zstandard.compress(body, 3) if how == "zstd" else gzip.compress(body, 6, mtime=0)


def liking(header: str) -> dict[str, float]:
    """What an ``Accept`` header names, and how well it likes each."""
    found = {}
    for part in header.lower().split(","):
        name, *parameters = (one.strip() for one in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = min(max(float(parameter[2:]), 0.0), 1.0)
                except ValueError:
                    weight = 0.0
        if name:
            found[name] = weight
    return found
