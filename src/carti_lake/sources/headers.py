"""Delivered headers to declared columns, by name or by a map."""

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from itertools import chain, count

import polars as pl
from polars.datatypes import DataTypeClass

from carti_lake.sources.extract import ExtractError
from carti_lake.sources.map_check import check_map, lives_without
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


def names(feed: type[Feed], mapping: SourceMap) -> dict[str, str]:
    """Canonical headers with the declared column that each one names: the map's before the column's own."""
    single = {canonical(parts[0]): column for column, parts in reversed([*mapping.sources.items()]) if len(parts) == 1}
    # A column that the map takes from elsewhere is not matched by its name.
    own = {canonical(name): name for name in feed.delivered() if name not in mapping.sources}
    return single | own | {canonical(header): name for header, name in mapping.headers.items()}


def matches(headers: Sequence[str], feed: type[Feed], mapping: SourceMap) -> dict[str, str]:
    """Delivered headers that name a declared column, with that column; the rest is left out."""
    return named(headers, names(feed, mapping))


def named(headers: Sequence[str], declared: Mapping[str, str]) -> dict[str, str]:
    """Those of the headers that are among :func:`names`, with the column that each one names."""
    return {header: declared[own] for header in headers if (own := canonical(header)) in declared}


def names_a_column(headers: Sequence[str], feed: type[Feed], mapping: SourceMap) -> bool:
    """Whether any header names a column of the feed, or is one that the map takes values from."""
    roots = {canonical(steps_of(source)[0]) for sources in mapping.sources.values() for source in sources}
    return bool(matches(headers, feed, mapping)) or any(canonical(header) in roots for header in headers)


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
        A required column is missing, two headers name one column, or the map does not fit the feed or the headers.
    """
    check_map(mapping, feed)
    matched = matches(headers, feed, mapping)
    if matched:
        _check_entries(headers, matched, mapping, name)
    delivered = {*matched.values(), *mapping.sources, *mapping.constants, *given}
    missing = [column for column in feed.required() if column not in delivered | mapping.absent]
    if missing:
        what = "column " + _quoted(missing) + " is" if len(missing) == 1 else "columns " + _quoted(missing) + " are"
        raise ExtractError(
            f"{name}: {what} missing; the feed {feed.short_name} needs {'it' if len(missing) == 1 else 'them'}. "
            "Map a foreign header with --map FILE."
        )
    needed = next((column for column in sorted(mapping.absent) if not lives_without(feed, column, delivered)), None)
    if needed is not None:
        raise ExtractError(
            f"{mapping.file}: {_quoted([needed])} cannot be absent: without it every row of {feed.short_name} would be "
            "refused. Say which header or constant gives it."
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
    """The map's foreign headers that the extract does not have."""
    here = {canonical(header) for header in headers}
    return [foreign for foreign in mapping.headers if canonical(foreign) not in here]


def _check_entries(headers: Sequence[str], matched: Mapping[str, str], mapping: SourceMap, name: str) -> None:
    """Refuse a map that speaks of what the file does not have, or denies what it has."""
    here = {canonical(header) for header in headers}
    entries = [(header, column) for header, column in mapping.headers.items()]
    entries += [(source, column) for column, sources in mapping.sources.items() for source in sources]
    for source, column in entries:
        if canonical(source) not in here and canonical(steps_of(source)[0]) not in here:
            close = difflib.get_close_matches(source, headers, n=1)
            hint = f"; did you mean {_quoted(close)}?" if close else f". Mend it in {mapping.file}."
            raise ExtractError(
                f"{name}: there is no header {_quoted([source])}, which {mapping.file} maps to {column}{hint}"
            )
    for header, column in matched.items():
        if column in mapping.absent or column in mapping.constants:
            said = "absent" if column in mapping.absent else "the same in every row"
            raise ExtractError(
                f"{name}: {mapping.file} says that {column} is {said}, but the header {_quoted([header])} delivers it. "
                "Take one of the two out of the map, or map the header to what it is."
            )
    for column in {**mapping.hints, **mapping.strip}:
        if column not in mapping.sources and column not in matched.values():
            raise ExtractError(
                f"{name}: {mapping.file} says how {column} is written, but no header is that column. Say which one is: "
                f"columns.{column}.from."
            )


def steps_of(path: str) -> tuple[str, ...]:
    """A path into nested values, step by step: ``type[0].text`` is ``type``, ``0``, ``text``."""
    return tuple(re.findall(r"[^.\[\]]+", path)) or (path,)


def nowhere(schema: Mapping[str, pl.DataType], mapping: SourceMap) -> tuple[str, ...]:
    """A note of the map's paths that no value has, each with the path that is near; none where all are somewhere.

    Parameters
    ----------
    schema
        Types of the delivered columns, nested ones with all fields that any value has.
    mapping
        How the source is read.
    """
    headers = {canonical(header): header for header in schema}
    told = []
    for source in (one for sources in mapping.sources.values() for one in sources):
        root, *steps = steps_of(source)
        here = headers.get(canonical(root))
        if here is None or canonical(source) in headers:
            continue
        near = _where_it_ends(here, schema[here], steps)
        if near is not None:
            told.append(source + near)
    return (f"the map names paths that no value has: {', '.join(told)}",) if told else ()


def _where_it_ends(here: str, dtype: pl.DataType | DataTypeClass, steps: Sequence[str]) -> str | None:
    """Of a path that leaves the values of a type, the path that is near, in words; None where it may lead on."""
    for step in steps:
        fields = {field.name: field.dtype for field in dtype.fields} if isinstance(dtype, pl.Struct) else {}
        if isinstance(dtype, pl.List) and step.isdigit():
            here, dtype = f"{here}[{step}]", dtype.inner
        elif step in fields:
            here, dtype = f"{here}.{step}", fields[step]
        elif isinstance(dtype, pl.Struct | pl.List):
            near = _nearest(step, list(fields), 0.7)
            return f" (near {here}.{near})" if near else ""
        else:
            # Text may hold anything, and nothing has no type.
            return None
    return None


def unmatched(headers: Sequence[str], feed: type[Feed], mapping: SourceMap) -> tuple[str, ...]:
    """A note of the headers that name no column, each with the column whose name is near; none where all match."""
    matched = matches(headers, feed, mapping)
    free = [column for column in feed.delivered() if column not in matched.values()]
    used = {canonical(steps_of(source)[0]) for sources in mapping.sources.values() for source in sources}
    used |= {canonical(source) for sources in mapping.sources.values() for source in sources}
    foreign = [
        header.strip()
        for header in headers
        if header not in matched and canonical(header) and canonical(header) not in used
    ]
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


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
