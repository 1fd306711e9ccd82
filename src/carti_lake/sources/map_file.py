"""Maps as users write them: TOML or JSON, checked key by key, with the nearest right word where one is wrong."""

import difflib
import json
import tomllib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from carti_lake.pipeline.reading import Hint
from carti_lake.sources.extract import ExtractError
from carti_lake.sources.mapping import NO_MAP, SourceMap

DATE_ORDERS, DECIMALS = ("ymd", "mdy", "dmy"), (".", ",")
#: What can be said of all columns, and beside that of one.
OF_ALL = ("null_words", "date_order", "decimal", "time_zone")
OF_ONE = ("from", "values", "strip", "scale", *OF_ALL)
#: Tables and lists of a map; any other key is a foreign header.
PARTS = ("absent", "constants", "defaults", "columns")


def read_mapping(path: str | Path) -> SourceMap:
    """The map in a TOML or JSON file; ``docs/mapping.md`` says what it may hold.

    Raises
    ------
    ExtractError
        What is wrong, with the file, the key and the nearest right word.
    """
    path = Path(path)
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise ExtractError(f"{path}: there is no such mapping file.") from None
    except UnicodeDecodeError:
        raise ExtractError(f"{path}: a mapping file must be UTF-8 text.") from None
    try:
        said = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        raise ExtractError(f"{path}: not valid TOML or JSON: {error}.") from None
    return parse(said, str(path))


def source_map(given: "Mapping[str, Any] | SourceMap | None") -> SourceMap:
    """The map that was given, as Python callers may give it: what a map's file may hold, a whole map, or none."""
    return given if isinstance(given, SourceMap) else parse(given, "the map") if given else NO_MAP


def parse(said: Mapping[str, Any], file: str) -> SourceMap:
    """What a map says, as one value; ``file`` names it in errors."""
    headers = {key: value for key, value in said.items() if isinstance(value, str)}
    for key in said.keys() - headers.keys():
        if key not in PARTS:
            raise ExtractError(
                f'{file}: "{key}" must name one column, as in "Billed amount" = "claim_amount"{_near(key, PARTS)}'
            )
    absent, constants, defaults, columns = (
        _typed(said.get(key, kind()), kind, file, key) if key not in headers else kind()
        for key, kind in zip(PARTS, (list, dict, dict, dict), strict=True)
    )
    _known(defaults, OF_ALL, file, "defaults")
    for column, one in columns.items():
        _known(_typed(one, dict, file, f"columns.{column}"), OF_ONE, file, f"columns.{column}")
    sources = {
        column: _sources(one["from"], file, f"columns.{column}.from")
        for column, one in columns.items()
        if "from" in one
    }
    twice = next((header for header, column in headers.items() if column in sources), None)
    if twice is not None:
        raise ExtractError(
            f'{file}: "{headers[twice]}" comes from "{twice}" and from columns.{headers[twice]}.from. Keep one of them.'
        )
    return SourceMap(
        headers=headers,
        hints={
            column: hint for column, one in columns.items() if (hint := _hint(one, file, f"columns.{column}")) != Hint()
        },
        everywhere=_hint(defaults, file, "defaults"),
        sources=sources,
        strip={
            column: _typed(one["strip"], str, file, f"columns.{column}.strip")
            for column, one in columns.items()
            if "strip" in one
        },
        constants={column: _scalar(value, file, f"constants.{column}") for column, value in constants.items()},
        absent=frozenset(_words(absent, file, "absent")),
        file=file,
    )


def _hint(said: Mapping[str, Any], file: str, key: str) -> Hint:
    if "scale" in said and not (_is_number(said["scale"]) and said["scale"] > 0):
        raise ExtractError(f"{file}: {key}.scale must be a positive number, such as 0.01 for cents.")
    return Hint(
        date_order=_one_of(said, "date_order", DATE_ORDERS, file, key),
        decimal=_one_of(said, "decimal", DECIMALS, file, key),
        time_zone=_one_of(said, "time_zone", available_timezones, file, key),
        null_words=frozenset(_words(said.get("null_words", []), file, f"{key}.null_words")),
        values=_values(_typed(said.get("values", {}), dict, file, f"{key}.values"), file, f"{key}.values"),
        scale=float(said["scale"]) if "scale" in said else None,
    )


def _values(said: Mapping[str, Any], file: str, key: str) -> dict[str, str]:
    meanings: dict[str, str] = {}
    for word, meaning in said.items():
        text = _scalar(meaning, file, f"{key}.{word}")
        alike = next((other for other in meanings if _same(other, word) and meanings[other] != text), None)
        if alike is not None:
            raise ExtractError(
                f'{file}: {key} gives "{alike}" and "{word}" two meanings; case and blanks around do not '
                "tell words apart. Keep one of them."
            )
        meanings[word] = text
    return meanings


def _same(one: str, other: str) -> bool:
    return one.strip().lower() == other.strip().lower()


def _sources(said: Any, file: str, key: str) -> tuple[str, ...]:
    sources = tuple(_words([said] if isinstance(said, str) else said, file, key))
    if not sources:
        raise ExtractError(f"{file}: {key} is empty. Name a header, or several to be joined by a blank.")
    return sources


def _words(said: Any, file: str, key: str) -> list[str]:
    words: list[str] = _typed(said, list, file, key)
    if not all(isinstance(word, str) for word in words):
        raise ExtractError(f"{file}: {key} must be a list of texts.")
    return words


def _scalar(said: Any, file: str, key: str) -> str:
    """Text of a value: TOML's own booleans, numbers and dates are written as bronze reads them."""
    if isinstance(said, bool):
        return str(said).lower()
    if isinstance(said, dict | list) or said is None:
        raise ExtractError(f"{file}: {key} must be one value.")
    return str(said)


def _is_number(said: Any) -> bool:
    return isinstance(said, int | float) and not isinstance(said, bool)


def _typed(said: Any, kind: type[Any], file: str, key: str) -> Any:
    names: dict[type[Any], str] = {list: "a list", dict: "a table", str: "a text"}
    if not isinstance(said, kind):
        raise ExtractError(f"{file}: {key} must be {names[kind]}.")
    return said


def _known(said: Mapping[str, Any], keys: Collection[str], file: str, key: str) -> None:
    for name in said:
        if name not in keys:
            raise ExtractError(f'{file}: {key} has no "{name}"{_near(name, keys)}')


def _one_of(
    said: Mapping[str, Any], name: str, choices: Collection[str] | Callable[[], Collection[str]], file: str, key: str
) -> str | None:
    if name not in said:
        return None
    allowed = choices() if callable(choices) else choices
    if str(said[name]) not in allowed:
        raise ExtractError(f'{file}: {key}.{name} is "{said[name]}"{_near(str(said[name]), allowed)}')
    return str(said[name])


def _near(word: str, choices: Collection[str]) -> str:
    """The end of a sentence: the nearest choice, or all where they are few."""
    close = difflib.get_close_matches(word, sorted(choices), n=1)
    if close:
        return f'; did you mean "{close[0]}"?'
    return f"; it may be {', '.join(sorted(choices))}." if len(choices) <= 10 else "; that is no name of one."
