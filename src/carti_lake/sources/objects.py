"""JSON: one object a line, or a document: an array of objects, an envelope around one, objects one after the other."""

import json
import re
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from glob import escape
from pathlib import Path
from typing import Any

import polars as pl

from carti_lake.sources.extract import Content, ExtractError
from carti_lake.sources.headers import absent, column_names, match_headers, names_a_column, nowhere, unmatched
from carti_lake.sources.mapping import SourceMap
from carti_lake.sources.text import head
from carti_lake.tables.feeds import Feed

#: A document is read as a whole, so it has to fit into memory several times; objects on lines may be of any number.
LARGEST_DOCUMENT = 256 << 20
#: Keys of an envelope, in small letters alone: whether it is the last page, whether or where there is a next one, how
#: many rows there are in all.
LAST = frozenset("done last lastpage islast islastpage complete iscomplete".split())  # noqa: SIM905
NEXT = frozenset(
    """next nextpage nextlink nexturl nexthref nextcursor nextoffset nexttoken nextpagetoken nextrecordsurl hasnext
    hasnextpage odatanextlink more hasmore hasmorerecords hasmoreresults morerecords moreavailable""".split()  # noqa: SIM905
)
TOTALS = frozenset(
    """total totalcount totalsize totalrecords totalresults totalrows totalitems totalelements totalhits numfound count
    numberofrecords numberofrows recordcount rowcount""".split()  # noqa: SIM905
)
#: Whether an object is a row of the feed, by its keys.
IsRow = Callable[[dict[str, Any]], bool]
#: A name before a colon: what may be a key.
KEY = r'"[^"\\]*"\s*:'
#: A letter or sign of one that is written by its number: it may be another spelling of a key.
SPELT = r'\\u00[2-7][0-9a-fA-F](?:[^"\\]|\\.)*"\s*:'


def read_json(
    path: Path, folder: Path, feed: type[Feed], mapping: SourceMap, name: str, given: Collection[str] = ()
) -> Content:
    """Rows of a UTF-8 file as text, in columns named by the feed where they match; nested values are JSON text.

    Raises
    ------
    ExtractError
        It is no JSON, holds no objects, or an object has a key twice.
    """
    notes: tuple[str, ...] = ()
    lines = path

    def is_row(value: dict[str, Any]) -> bool:
        return names_a_column([*value], feed, mapping)

    if _is_document(path, is_row):
        lines, notes = _as_lines(path, folder, name, is_row)
    elif twice := _twice(path, name):
        raise ExtractError(twice)
    try:
        # All lines: a key that first comes up in the last one is a column too.
        schema = pl.scan_ndjson(escape(str(lines)), infer_schema_length=None).collect_schema()
    except pl.exceptions.PolarsError as error:
        if wrong := bad_line(lines, name):
            raise ExtractError(wrong) from error
        # A list in one object and a single value in the next have no type that holds both; as text they have.
        schema = pl.Schema(dict.fromkeys(_keys(lines), pl.String()))
    keys = schema.names()
    # A key that no object has is null in each: what a mapping says of it does no harm.
    gone = absent(keys, mapping)
    known = replace(mapping, headers={foreign: to for foreign, to in mapping.headers.items() if foreign not in gone})
    matched = match_headers(keys, feed, known, name, given)
    columns = dict(zip(keys, column_names(keys, matched), strict=True))
    texts = [key for key, column in columns.items() if feed.delivered().get(column) == pl.String]
    if lines is path and (rounded := _rounded(path, texts, name)):
        raise ExtractError(rounded)
    rows = pl.scan_ndjson(escape(str(lines)), schema=dict.fromkeys(keys, pl.String())).rename(columns)
    if gone:
        notes = (*notes, f"the mapping names keys that no object has: {', '.join(gone)}")
    notes = (*notes, *nowhere(schema, mapping), *unmatched(keys, feed, mapping))
    return Content(rows, partial(bad_line, path, name), notes)


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


def _keys(lines: Path) -> list[str]:
    with lines.open(encoding="utf-8-sig") as file:
        return list(dict.fromkeys(key for line in file if line.strip() for key in json.loads(line)))


def _lines(path: Path) -> pl.LazyFrame:
    """The file's lines as they stand."""
    return pl.scan_csv(
        path,
        has_header=False,
        separator="\x1f",
        quote_char=None,
        schema={"line": pl.String()},
        glob=False,
        truncate_ragged_lines=True,
        encoding="utf8-lossy",
    ).with_row_index("number", offset=1)


def _rounded(path: Path, keys: Collection[str], name: str) -> str | None:
    """What is wrong with the first line in which a text's key has a number that was rounded: ``2.60331E+12``.

    Its reader makes a whole number of it, which looks like one that somebody gave.
    """
    if not keys:
        return None
    number = r"-?\d+(?:\.\d+[eE][-+]?|[eE]\+)\d+\s*[,}]"
    found = pl.col("line").str.extract(rf'"({"|".join(map(re.escape, keys))})"\s*:\s*{number}', 1).alias("key")
    first = _lines(path).with_columns(found).filter(pl.col("key").is_not_null()).head(1).collect(engine="streaming")
    for number_of_line, key in first.select("number", "key").iter_rows():
        return (
            f'{name}, line {number_of_line}: "{key}" is a number in scientific notation, whose last figures are lost. '
            "Ask the source for it as text."
        )
    return None


def _is_document(path: Path, is_row: IsRow) -> bool:
    """Whether the file is one JSON document, and not an object a line."""
    if head(path, 1024).lstrip().startswith(b"["):
        return True
    with path.open("rb") as file:
        first = next((line for line in file if line.strip()), b"")
        try:
            value = json.loads(first)
        except ValueError:
            # Not whole: an object over several lines, unless it is cut or damaged in itself.
            return first.strip() in (b"{", b"{}") or not first.rstrip().endswith(b"}")
        return isinstance(value, dict) and _is_envelope(value, is_row) and not file.read(1024).strip()


def _is_envelope(value: dict[str, Any], is_row: IsRow) -> bool:
    """Whether an object holds rows and is none itself; a row may have lists of objects of its own."""
    return bool(_lists(value)) and not is_row(value)


def _lists(envelope: dict[str, Any]) -> list[str]:
    """Keys of an object's lists of objects."""
    return [
        key
        for key, value in envelope.items()
        if isinstance(value, list) and value and all(isinstance(one, dict) for one in value)
    ]


def _has_more(envelope: dict[str, Any], rows: int) -> bool:
    """Whether an envelope, or an object in it, says that there are more rows than it holds."""
    for key, value in envelope.items():
        word = re.sub(r"[^a-z]", "", key.lower())
        if isinstance(value, dict):
            more = _has_more(value, rows)
        elif word in TOTALS:
            more = isinstance(value, int) and value > rows
        else:
            more = (word in LAST and value is False) or (word in NEXT and value not in (None, False, "", "false", 0))
        if more:
            return True
    return False


def _as_lines(path: Path, folder: Path, name: str, is_row: IsRow) -> tuple[Path, tuple[str, ...]]:
    """The document's objects, one a line, in the folder."""
    if path.stat().st_size > LARGEST_DOCUMENT:
        raise ExtractError(f"{name}: a JSON document of more than 256 MB. Deliver NDJSON instead, one object a line.")
    text = path.read_text("utf-8-sig")
    decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_float=str)
    values: list[Any] = []
    place = _behind_blanks(text, 0)
    try:
        while place < len(text):
            value, place = decoder.raw_decode(text, place)
            values += value if isinstance(value, list) else [value]
            place = _behind_blanks(text, place)
    except json.JSONDecodeError as error:
        raise ExtractError(
            f"{name}, line {error.lineno}: no JSON: {error.msg.lower()} at character {error.colno}. Ask the source "
            "for the file again."
        ) from None
    except _KeyTwiceError as error:
        raise ExtractError(_key_twice(name, str(error))) from None
    notes: tuple[str, ...] = ()
    if len(values) == 1 and isinstance(values[0], dict) and _is_envelope(values[0], is_row):
        keys = _lists(values[0])
        if len(keys) > 1:
            raise ExtractError(
                f"{name}: lists of objects stand under {', '.join(keys)}. Deliver one of them by itself."
            )
        envelope, values = values[0], values[0][keys[0]]
        if _has_more(envelope, len(values)):
            notes = ("one page of several: load the others too",)
    if not values or not all(isinstance(value, dict) for value in values):
        raise ExtractError(f"{name}: JSON, but no list of objects. Deliver an array of objects, or NDJSON.")
    lines = folder / "objects.ndjson"
    lines.write_text("\n".join(json.dumps(value) for value in values), "utf-8", newline="\n")
    return lines, notes


def _behind_blanks(text: str, place: int) -> int:
    found = re.compile(r"\S").search(text, place)
    return found.start() if found else len(text)


class _KeyTwiceError(ValueError):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _KeyTwiceError(next(key for key in keys if keys.count(key) > 1))
    return found


def _twice(path: Path, name: str) -> str | None:
    """What is wrong with the first line whose object has a key twice: readers differ in which value they take."""
    keys = pl.col("line").str.extract_all(KEY)
    # Nested objects repeat keys rightly: such lines are looked at one by one.
    twice = (keys.list.len() > keys.list.n_unique()) | pl.col("line").str.contains(SPELT)
    suspects = _lines(path).filter(twice)
    for number, line in suspects.collect(engine="streaming").iter_rows():
        try:
            json.loads(line, object_pairs_hook=_unique)
        except _KeyTwiceError as error:
            return _key_twice(f"{name}, line {number}", str(error))
        except ValueError:
            return None
    return None


def _key_twice(place: str, key: str) -> str:
    return f'{place}: an object has the key "{key}" twice; only one can be meant. Ask the source for the file again.'
