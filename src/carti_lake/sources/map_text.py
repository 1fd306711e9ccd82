"""A proposed map as TOML, with what a person should look at as comments."""

import json
import re
from collections.abc import Iterator

from carti_lake.sources.headers import canonical
from carti_lake.sources.propose import Candidate, Proposal


def map_text(proposal: Proposal) -> str:
    """The map as a file to read, mend and load with; nothing of a patient's value is in it, words of statuses are."""
    return "\n".join(_lines(proposal)) + "\n"


def _lines(proposal: Proposal) -> Iterator[str]:
    yield f"# {proposal.name} as {proposal.feed}, from {proposal.rows:,} rows. Look at every line with a comment."
    orders = {one.date_order for one in proposal.candidates if one.date_order in ("dmy", "mdy")}
    commas = [one for one in proposal.candidates if one.decimal]
    everywhere = next(iter(orders)) if len(orders) == 1 else None
    if proposal.missing:
        yield from (
            "",
            "# Required, and found under no header. Give each a header or a constant, or say that it is absent:",
        )
        for column, dispensable in proposal.missing.items():
            yield f"#   {column}" + ("" if dispensable else " (cannot be absent: every row would be refused)")
        absent = [column for column, dispensable in proposal.missing.items() if dispensable]
        yield from [f"# absent = {_toml(absent)}"] if absent else []
    own = [one for one in proposal.candidates if _by_own_name(one) and not _needs_table(one, everywhere)]
    if own:
        yield from ("", f"# By their own names: {', '.join(one.column for one in own)}.")
    lines = [
        line
        for one in proposal.candidates
        if not _needs_table(one, everywhere) and one not in own
        for line in _flat(one)
    ]
    yield from ("", *lines) if lines else ()
    if everywhere or commas:
        yield from ("", "[defaults]")
        yield from [f"date_order = {_toml(everywhere)}"] if everywhere else []
        yield from ['decimal = ","'] if commas else []
    for one in proposal.candidates:
        if _needs_table(one, everywhere):
            yield from ("", *_table(one, everywhere))
    if proposal.unused:
        yield from ("", "# Not mapped; kept as delivered in rescued:")
        yield from (f"#   {header}" for header in proposal.unused)


def _needs_table(one: Candidate, everywhere: str | None) -> bool:
    plain = len(one.sources) == 1 and not re.search(r"[.\[]", one.sources[0])
    return (
        not plain
        or bool(one.strip)
        or bool(one.words)
        or one.date_order == "either"
        or (one.date_order or everywhere) != everywhere
    )


def _by_own_name(one: Candidate) -> bool:
    return canonical(one.sources[0]) == canonical(one.column) and not one.doubts


def _flat(one: Candidate) -> Iterator[str]:
    comment = f"  # {_doubts(one)}" if one.doubts else ""
    yield f"{_toml(one.sources[0])} = {_toml(one.column)}{comment}"


def _table(one: Candidate, everywhere: str | None) -> Iterator[str]:
    if one.doubts:
        yield f"# {_doubts(one)}"
    yield f"[columns.{one.column}]"
    yield f"from = {_toml(one.sources[0] if len(one.sources) == 1 else list(one.sources))}"
    if one.strip:
        yield f"strip = {_toml(one.strip)}"
    if one.date_order == "either":
        yield '# date_order = "dmy"  # or "mdy"'
    elif (one.date_order or everywhere) != everywhere:
        yield f"date_order = {_toml(one.date_order)}"
    if one.words:
        yield ""
        yield f"[columns.{one.column}.values]"
        for word, (meaning, rows) in one.words.items():
            line = f"{_toml(word)} = {_toml(meaning or '')}"
            yield f"{line}  # {rows:,} rows" if meaning else f"# {line}  # {rows:,} rows: what does it mean?"


def _doubts(one: Candidate) -> str:
    seen = ", ".join(f"{shape} ({count:,})" for shape, count in one.shapes.items())
    return "; ".join(one.doubts) + f". {one.values:,} values like {seen or 'none'}"


def _toml(value: str | list[str] | None) -> str:
    # JSON's texts and lists of texts are TOML's.
    return json.dumps(value, ensure_ascii=False)
