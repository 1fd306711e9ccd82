"""Delivered headers to declared columns, by name or by a mapping file."""

import difflib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from carti_lake.sources.extract import ExtractError
from carti_lake.sources.mapping import SourceMap
from carti_lake.tables.feeds import Feed


@cache
def canonical(header: str) -> str:
    """A header without what spelling varies in: case, blanks, underscores, hyphens, byte-order mark."""
    return re.sub(r"[\s_\-\ufeff]+", "", header).casefold()


def matches(headers: Sequence[str], feed: type[Feed], mapping: SourceMap) -> dict[str, str]:
    """Delivered headers that name a declared column, with that column; the rest is left out."""
    declared = {canonical(name): name for name in feed.delivered()}
    declared |= {canonical(header): name for header, name in mapping.headers.items()}
    return {header: declared[canonical(header)] for header in headers if canonical(header) in declared}


def match_headers(headers: Sequence[str], feed: type[Feed], mapping: SourceMap, name: str) -> dict[str, str]:
    """Delivered headers with the declared column that each one names; headers that name none are left out.

    Parameters
    ----------
    headers
        As delivered.
    feed
        Contract to match.
    mapping
        Its foreign headers go before a match by name.
    name
        The file, and line where it has one: the place that an error names.

    Raises
    ------
    ExtractError
        A required column is missing, two headers name one column, or the mapping names no column of the feed.
    """
    for target in mapping.headers.values():
        if target not in feed.delivered():
            raise ExtractError(f"{name}: the mapping names {_unknown_column(target, feed)}")
    matched = matches(headers, feed, mapping)
    missing = [column for column in feed.required() if column not in matched.values()]
    if missing:
        what = "column " + _quoted(missing) + " is" if len(missing) == 1 else "columns " + _quoted(missing) + " are"
        raise ExtractError(
            f"{name}: {what} missing; the feed {feed.short_name} needs {'it' if len(missing) == 1 else 'them'}. "
            "Map a foreign header with --map FILE."
        )
    for column in feed.delivered():
        sources = [header for header in headers if matched.get(header) == column]
        if len(sources) > 1:
            raise ExtractError(
                f"{name}: {len(sources)} headers deliver the column {_quoted([column])}: {_quoted(sources)}. "
                "Keep one of them, or map the others to what they are with --map FILE."
            )
    named = [canonical(header) for header in headers if canonical(header)]
    twice = next((header for header in headers if named.count(canonical(header)) > 1), None)
    if twice is not None:
        raise ExtractError(f"{name}: the header {_quoted([twice])} appears more than once. Rename or drop one of them.")
    return matched


def column_names(headers: Sequence[str], matched: Mapping[str, str]) -> list[str]:
    """Names of an extract's columns: declared, else the header itself, else its place."""
    return [
        matched.get(header) or (header.strip("\ufeff \t") if canonical(header) else f"column {place}")
        for place, header in enumerate(headers, 1)
    ]


def read_mapping(path: str | Path) -> dict[str, str]:
    """Foreign header to declared column, from a TOML or JSON file: ``"Billed amount" = "claim_amount"``."""
    path = Path(path)
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise ExtractError(f"{path}: there is no such mapping file.") from None
    except UnicodeDecodeError:
        raise ExtractError(f"{path}: a mapping file must be UTF-8 text.") from None
    try:
        mapping = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        raise ExtractError(f"{path}: not valid TOML or JSON: {error}.") from None
    wrong = [header for header, column in mapping.items() if not isinstance(column, str)]
    if wrong:
        raise ExtractError(
            f'{path}: {_quoted(wrong[:1])} must name one column, as in "Billed amount" = "claim_amount".'
        )
    return mapping


def _unknown_column(target: str, feed: type[Feed]) -> str:
    close = difflib.get_close_matches(target, feed.delivered(), n=1)
    hint = (
        f"; did you mean {_quoted(close)}?" if close else f". `carti-lake tables bronze.{feed.short_name}` lists them."
    )
    return f"the column {_quoted([target])}, which the feed {feed.short_name} does not have{hint}"


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
