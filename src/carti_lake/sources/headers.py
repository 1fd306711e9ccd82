"""Delivered headers to declared columns, by name or by a mapping file."""

import difflib
import json
import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from itertools import chain, count
from pathlib import Path

from carti_lake.sources.extract import ExtractError
from carti_lake.sources.mapping import SourceMap
from carti_lake.tables.feeds import Feed

#: More headers that name no column are counted, not named.
MOST_NAMED = 10
#: Characters without width: soft hyphen, zero-width spaces and joiners, directions of writing, byte-order mark.
UNSEEN = "\\u00ad\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2064\\u2066-\\u2069\\ufeff"


@cache
def canonical(header: str) -> str:
    """A header without what spelling varies in: case, blanks, underscores, hyphens, characters that nobody sees."""
    return re.sub(rf"[\s_\-{UNSEEN}]+", "", header).casefold()


def matches(headers: Sequence[str], feed: type[Feed], mapping: SourceMap) -> dict[str, str]:
    """Delivered headers that name a declared column, with that column; the rest is left out."""
    declared = {canonical(name): name for name in feed.delivered()}
    declared |= {canonical(header): name for header, name in mapping.headers.items()}
    return {header: declared[canonical(header)] for header in headers if canonical(header) in declared}


def match_headers(
    headers: Sequence[str], feed: type[Feed], mapping: SourceMap, name: str, given: Collection[str] = ()
) -> dict[str, str]:
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
    given
        Columns that come from elsewhere, such as the file's folders, and are not missing.

    Raises
    ------
    ExtractError
        A required column is missing, two headers name one column, or the mapping names a column that the feed does not
        have or a header that the extract does not.
    """
    for target in mapping.headers.values():
        if target not in feed.delivered():
            raise ExtractError(f"{name}: the mapping names {_unknown_column(target, feed)}")
    matched = matches(headers, feed, mapping)
    if matched:
        _check_mapped(headers, mapping, name)
    missing = [column for column in feed.required() if column not in matched.values() and column not in given]
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
    return matched


def absent(headers: Sequence[str], mapping: SourceMap) -> list[str]:
    """The mapping's foreign headers that the extract does not have."""
    delivered = {canonical(header) for header in headers}
    return [foreign for foreign in mapping.headers if canonical(foreign) not in delivered]


def _check_mapped(headers: Sequence[str], mapping: SourceMap, name: str) -> None:
    for foreign in absent(headers, mapping):
        near = _nearest(foreign, headers, 0.6)
        hint = f"; did you mean {_quoted([near])}?" if near else ". Correct it, or take it out of the mapping."
        raise ExtractError(f"{name}: the mapping names the header {_quoted([foreign])}, which is not there{hint}")


def unmatched(headers: Sequence[str], feed: type[Feed], mapping: SourceMap) -> tuple[str, ...]:
    """A note of the headers that name no column, each with the column whose name is near; none where all match."""
    matched = matches(headers, feed, mapping)
    free = [column for column in feed.delivered() if column not in matched.values()]
    foreign = [header.strip() for header in headers if header not in matched and canonical(header)]
    if not foreign:
        return ()
    told = []
    for header in foreign[:MOST_NAMED]:
        near = _nearest(header, free, 0.7)
        told.append(f'"{header}"' + (f" (near {near}: map it with --map FILE if it is)" if near else ""))
    more = f" and {len(foreign) - MOST_NAMED:,} more" if len(foreign) > MOST_NAMED else ""
    return (f"no column of {feed.short_name}, kept in rescued: {', '.join(told)}{more}",)


def _nearest(name: str, others: Sequence[str], cutoff: float) -> str | None:
    spelt = {canonical(other): other for other in others}
    near = difflib.get_close_matches(canonical(name), spelt, n=1, cutoff=cutoff)
    return spelt[near[0]] if near else None


def column_names(headers: Sequence[str], matched: Mapping[str, str]) -> list[str]:
    """Names of an extract's columns: declared, else the header itself, else its place; numbered where one is taken."""
    taken: set[str] = set(matched.values())
    names = []
    for place, header in enumerate(headers, 1):
        name = matched.get(header)
        if name is None:
            bare = header.strip("\ufeff \t") if canonical(header) else f"column {place}"
            numbered = (f"{bare} ({number})" for number in count(2))
            name = next(one for one in chain([bare], numbered) if one not in taken)
            taken.add(name)
        names.append(name)
    return names


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
