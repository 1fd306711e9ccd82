"""Whether a map speaks of its feed's columns, in words that they have."""

import difflib
from collections.abc import Callable, Collection
from datetime import date

import polars as pl

from carti_lake.pipeline.codes import VOCABULARIES
from carti_lake.sources.extract import ExtractError
from carti_lake.sources.mapping import SourceMap
from carti_lake.tables.feeds import Feed
from carti_lake.tables.silver import entity_of


def check_map(mapping: SourceMap, feed: type[Feed]) -> None:
    """Refuse a map that names no column of the feed, or gives a column what it cannot hold.

    Raises
    ------
    ExtractError
        The map's file, the key, and the nearest right word.
    """
    for column, key in mapping.targets().items():
        if column not in feed.delivered():
            where = f" ({key})" if key != column else ""
            raise ExtractError(f"{mapping.file}: the mapping names {_unknown_column(column, feed)}{where}")
    for column, text in mapping.constants.items():
        _check_value(feed, column, text, f"{mapping.file}: constants.{column}")
    for column, hint in mapping.hints.items():
        dtype = feed.delivered()[column]
        for key, what, fits in (
            ("date_order", "day", dtype == pl.Date),
            ("time_zone", "day", dtype == pl.Date),
            ("decimal", "number", dtype.is_numeric()),
            ("scale", "number", dtype.is_numeric()),
        ):
            if getattr(hint, key) is not None and not fits:
                raise ExtractError(f"{mapping.file}: columns.{column}.{key} is said of a {what}; {column} is none.")
        for word, meaning in hint.values.items():
            _check_value(feed, column, meaning, f'{mapping.file}: columns.{column}.values."{word}"')


def lives_without(feed: type[Feed], column: str, delivered: Collection[str]) -> bool:
    """Whether rows of the feed can be cleansed without the column, given those that are delivered."""
    entity = entity_of(feed)
    if column == "patient_id":
        return entity.columns()["patient_key"].nullable
    for role, named_by in entity.providers.items():
        if column in named_by and not entity.columns()[role].nullable:
            return any(other in delivered for other in named_by if other != column)
    return column not in entity.columns() or entity.columns()[column].nullable


def vocabulary_of(feed: type[Feed], column: str) -> dict[str, tuple[str, ...]]:
    """The words of a column's closed vocabulary with those that mean the same; empty for any other column."""
    entity = entity_of(feed)
    if column in entity.columns():
        return VOCABULARIES.get(entity.meta(column).get("code", ""), {})
    return {}


def _check_value(feed: type[Feed], column: str, text: str, where: str) -> None:
    """Refuse a value that cleansing could not read; empty text stands for none."""
    dtype = feed.delivered()[column]
    words = vocabulary_of(feed, column)
    if words:
        known = {word for code, others in words.items() for word in (code, *others)}
        if text and "_".join(text.lower().split()).replace("-", "_") not in known:
            raise ExtractError(f'{where} is "{text}", which {column} does not know{_near(text, list(words))}')
    elif dtype == pl.Boolean and text not in ("", "true", "false"):
        raise ExtractError(f'{where} is "{text}"; {column} is true or false.')
    elif text and dtype.is_numeric() and not _is_read_by(float, text):
        raise ExtractError(f'{where} is "{text}"; {column} is a number.')
    elif text and dtype == pl.Date and not _is_read_by(date.fromisoformat, text):
        raise ExtractError(f'{where} is "{text}"; {column} is a day such as 2026-04-01.')


def _is_read_by(reader: Callable[[str], object], text: str) -> bool:
    try:
        reader(text)
    except ValueError:
        return False
    return True


def _near(word: str, choices: list[str]) -> str:
    close = difflib.get_close_matches(word, choices, n=1)
    return f'; did you mean "{close[0]}"?' if close else f"; it knows {', '.join(choices)}."


def _unknown_column(target: str, feed: type[Feed]) -> str:
    close = difflib.get_close_matches(target, feed.delivered(), n=1)
    hint = f'; did you mean "{close[0]}"?' if close else f". `carti-lake tables bronze.{feed.short_name}` lists them."
    return f'the column "{target}", which the feed {feed.short_name} does not have{hint}'
