"""Types of what a source delivers, compared with its feed before the first row."""

from collections.abc import Mapping

import polars as pl

from carti_lake.pull.declaration import Source
from carti_lake.sources.headers import canonical, match_headers
from carti_lake.tables.feeds import Feed


def misfit(types: Mapping[str, pl.DataType], source: Source) -> tuple[str, str] | None:
    """A delivered column whose type has no value of the feed's column that is taken from it, and that column.

    What words mean, texts that are joined or lose a prefix, and what lies within JSON are judged value by value.

    Raises
    ------
    ExtractError
        A column is missing, or delivered twice.
    """
    mapping = source.mapping
    pairs = [*match_headers([*types], source.feed, mapping, source.name).items()]
    # A delivered column may feed several.
    by_name = {canonical(header): header for header in types}
    pairs += [
        (by_name[canonical(parts[0])], column)
        for column, parts in mapping.sources.items()
        if len(parts) == 1 and canonical(parts[0]) in by_name
    ]
    for header, column in pairs:
        hint = mapping.hints.get(column)
        as_text = (hint is not None and bool(hint.values)) or column in mapping.strip
        if not as_text and not can_hold(types[header], source.feed, column):
            return header, column
    return None


def can_hold(delivered: pl.DataType, feed: type[Feed], column: str) -> bool:
    """Whether values of a type can be those of a feed's column."""
    declared = feed.delivered()[column]
    if delivered in (pl.String, pl.Null) or declared == pl.String:
        return True
    if declared == pl.Date:
        return delivered == pl.Date or delivered == pl.Datetime
    return delivered.is_numeric() or delivered == pl.Boolean
