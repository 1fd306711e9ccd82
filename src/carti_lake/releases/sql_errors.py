"""What is wrong with a query, where, and what to do: one line for people, of what the SQL engine says in many."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from difflib import get_close_matches

#: Quoted texts and comments; a name in double quotes stays, since it is one.
_TEXTS = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_READ = re.compile(r"\b(?:from|join)\s+([\w.\"`]+)", re.IGNORECASE)
_NAMED = re.compile(r"\bas\s+\"?(\w+)", re.IGNORECASE)
_NAMED_WITHIN = re.compile(r"\b(\w+)\s+as\s*\(", re.IGNORECASE)
#: Where the reader finds what Polars' SQL has.
_MANUAL = "https://docs.pola.rs/api/python/stable/reference/sql/"
#: What the engine calls by a word and the query by a sign.
_SIGNS = {"division": "/"}
_TYPES = "BIGINT, DOUBLE, DECIMAL(18, 4), VARCHAR, DATE, TIMESTAMP, BOOLEAN"
#: Functions that people mean most often: of a misspelt one the nearest is named.
_FUNCTIONS = frozenset(
    """abs avg ceil coalesce concat corr count date date_part date_trunc dense_rank exp extract first floor greatest if
    ifnull initcap lag last lead least left length ln log lower lpad ltrim max median min mod now nullif pow
    quantile_cont rank replace right round row_number rpad rtrim sign split_part sqrt starts_with stddev strftime
    strptime strpos substr sum timestamp trim upper variance""".split()  # noqa: SIM905
)
_KEYWORDS = frozenset(
    "SELECT FROM WHERE GROUP ORDER BY HAVING LIMIT JOIN LEFT INNER ON AND OR AS UNION WITH".split()  # noqa: SIM905
)
_MOST_NAMES = 3
#: Columns of a query within that are listed where none is near.
_MOST_LISTED = 8
#: Names that a query may use, each with what gives the table's columns.
Tables = Mapping[str, Callable[[], Iterable[str]]]


def told(sql: str, problem: str, tables: Tables) -> str:
    """One sentence or two: what is wrong, at which line and column, and what was probably meant.

    Parameters
    ----------
    sql
        The query.
    problem
        What the SQL engine says of it.
    tables
        Names that a query may use, each with what gives the table's columns.
    """
    first = problem.strip().splitlines()[0] if problem.strip() else "no reason was given"
    for pattern, say in _KINDS:
        found = re.search(pattern, problem)
        if found:
            return say(sql, found, tables)
    # Values of a column are nobody's to read in an error.
    without_values = re.sub(r"\s*(?:for \d+ out of \d+ values)?: \[.*", "", first)
    named = [*re.findall(r"column '([^']+)'", first), *re.findall(r"[`']([^`']+)[`']", first), first.split()[0]]
    places = (_at(sql, _SIGNS.get(name, name)) for name in named)
    return f"{without_values.rstrip('.')}{next(filter(None, places), '')}.{_remedy(first)}"


def _remedy(first: str) -> str:
    if re.search(r"not allowed|dtype|cannot compare|conversion", first):
        return " Bring both sides to one type, e.g. CAST(x AS DOUBLE) or DATE '2026-03-01'."
    return f" What Polars' SQL knows: {_MANUAL}"


def _no_table(sql: str, found: re.Match[str], tables: Tables) -> str:
    return _unknown_table(sql, found[1], tables)


def _unknown_table(sql: str, name: str, tables: Iterable[str]) -> str:
    short = {table.split(".")[-1]: table for table in sorted(tables)}
    near = get_close_matches(name.split(".")[-1].lower(), short, n=_MOST_NAMES)
    meant = f" Did you mean {', '.join(short[one] for one in near)}?" if near else ""
    return f"there is no table {name!r}{_at(sql, name)}.{meant} Tables of this release: {', '.join(sorted(tables))}."


def _no_column(sql: str, found: re.Match[str], tables: Tables) -> str:
    name, valid = found[1], re.findall(r'"([^"]+)"', found[2])
    if not valid and not _READ.search(_TEXTS.sub(" ", sql)):
        return f"no FROM says which table {name!r} is a column of{_at(sql, name)}. Write SELECT … FROM TABLE."
    return _unknown_column(sql, name, valid, tables)


def _no_column_of(sql: str, found: re.Match[str], tables: Tables) -> str:
    every = [column for table in _read(sql, tables) for column in tables[table]()]
    return _unknown_column(sql, found[1], every, tables)


def _unknown_column(sql: str, name: str, valid: Iterable[str], tables: Tables) -> str:
    lower = {one.lower(): one for one in valid}
    near = get_close_matches(name.lower(), lower, n=_MOST_NAMES, cutoff=0.5)
    # Of a short name that is part of longer ones, letters alone show little.
    near = near or [one for one in lower if name.lower() in one.split("_")][:_MOST_NAMES]
    said = f"there is no column {name!r}{_at(sql, name)}."
    read = [table for table in _read(sql, tables) if {*lower} <= {one.lower() for one in tables[table]()}]
    if near:
        said = f"{said} Did you mean {', '.join(lower[one] for one in near)}?"
    elif read or len(lower) > _MOST_LISTED or not lower:
        said = f"{said} `carti-lake tables {read[0] if read else 'TABLE'}` lists the columns."
    else:
        said = f"{said} What it is read from has {', '.join(lower.values())}."
    return f"{said} If it is a text, write it in single quotes." if f'"{name}"' in sql else said


def _no_alias(sql: str, found: re.Match[str], tables: Tables) -> str:
    read = ", ".join(_read(sql, tables)) or "nothing"
    return (
        f"no table or alias of the query is named {found[1]!r}{_at(sql, found[1])}: it reads {read}. "
        "Name a column by the alias that its table has in FROM."
    )


def _no_function(sql: str, found: re.Match[str], tables: Tables) -> str:
    near = get_close_matches(found[1].lower(), sorted(_FUNCTIONS), n=_MOST_NAMES)
    meant = f" Did you mean {', '.join(near)}?" if near else ""
    return f"there is no function {found[1]!r}{_at(sql, found[1])}.{meant} All functions: {_MANUAL}functions/"


def _ambiguous(sql: str, found: re.Match[str], tables: Tables) -> str:
    # The place where it stands without its table.
    place = re.search(rf"(?<![\w.]){re.escape(found[1])}\b", sql)
    at = _position(sql, place.start()) if place else ""
    return f"several tables have a column {found[1]!r}{at}. Write one of {found[2]}."


def _not_grouped(sql: str, found: re.Match[str], tables: Tables) -> str:
    columns = {column for table in _read(sql, tables) for column in tables[table]()}
    named = {name.lower() for name in _NAMED.findall(_TEXTS.sub(" ", sql))}
    if columns and found[1] not in columns and found[1].lower() not in named:
        return _unknown_column(sql, found[1], columns, tables)
    return (
        f"{found[1]!r}{_at(sql, found[1])} is neither grouped by nor aggregated. Add it to GROUP BY, or write e.g. max."
    )


def _no_join(sql: str, found: re.Match[str], tables: Tables) -> str:
    return f"a JOIN{_at(sql, 'join')} does not say by what. Add ON a.column = b.column, or USING (column)."


def _twice(sql: str, found: re.Match[str], tables: Tables) -> str:
    return f"two columns of the result are named {found[1]!r}{_at(sql, found[1])}. Name one otherwise: … AS name."


def _no_type(sql: str, found: re.Match[str], tables: Tables) -> str:
    return f"there is no type {found[1]!r}{_at(sql, found[1])}. Types: {_TYPES}."


def _open_text(sql: str, found: re.Match[str], tables: Tables) -> str:
    return f"a text that begins at line {found[1]}, column {found[2]} is not closed. Close it by a quote."


def _open_name(sql: str, found: re.Match[str], tables: Tables) -> str:
    return f"a name that begins at line {found[2]}, column {found[3]} is not closed. Close it by {found[1]}."


def _open_comment(sql: str, found: re.Match[str], tables: Tables) -> str:
    return f"a comment{_position(sql, sql.rindex('/*'))} is not closed. Close it by */."


def _no_number(sql: str, found: re.Match[str], tables: Tables) -> str:
    name = next((word for word in ("limit", "offset", "fetch") if _at(sql, word)), "limit")
    return f"{name.upper()}{_at(sql, name)} wants a whole number, 0 or more."


def _no_day(sql: str, found: re.Match[str], tables: Tables) -> str:
    texts = [text for text in re.finditer(r"'[^']*'", sql) if not _is_day(text[0][1:-1])]
    which = f": {texts[0][0]}{_position(sql, texts[0].start())}" if len(texts) == 1 else ""
    return f"a text stands where a day does, and is none{which}. Write days as DATE '2026-03-31'."


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _no_pattern(sql: str, found: re.Match[str], tables: Tables) -> str:
    reason = found[1].strip().rstrip(".")
    return f"a pattern is no regular expression: {reason}. Put a backslash before a sign that is meant as it is."


def _other_fault(sql: str, found: re.Match[str], tables: Tables) -> str:
    """Of a sentence that cannot be parsed, for a reason of its own."""
    bare = _TEXTS.sub(lambda text: " " * len(text[0]), sql)
    likely = _likely(sql, bare, tables) or f"What Polars' SQL knows: {_MANUAL}"
    return f"{found[1].rstrip('.')}. {likely}"


def _not_parsed(sql: str, found: re.Match[str], tables: Tables) -> str:
    """Of a sentence that cannot be parsed: what was expected where, and the likeliest reason."""
    expected, token, line, column = found[1], found[2], found[3], found[4]
    bare = _TEXTS.sub(lambda text: " " * len(text[0]), sql)
    place = f"line {line}, column {column}" if line else "the end"
    got = "the query ends" if token == "EOF" else f"{token!r} stands there"
    likely = _likely(sql, bare, tables)
    if likely is None:
        likely = "Add what is missing." if token == "EOF" else f"Put it there, or take {token!r} out."
    return f"at {place} {expected} is expected, but {got}. {likely}"


def _likely(sql: str, bare: str, tables: Tables) -> str | None:
    stack: list[int] = []
    for place, sign in enumerate(bare):
        if sign == "(":
            stack.append(place)
        elif sign == ")" and not stack:
            return f"The parenthesis{_position(sql, place)} closes none."
        elif sign == ")":
            stack.pop()
    if stack:
        return f"The parenthesis{_position(sql, stack[-1])} is not closed."
    known = {*tables, *(name.lower() for name in _NAMED_WITHIN.findall(bare))}
    for name in (name.strip('"`') for name in _READ.findall(bare)):
        if name.lower() not in {one.lower() for one in known}:
            return f"Besides, {_unknown_table(sql, name, tables)}"
    words = re.findall(r"[A-Za-z_]\w*", bare)
    for word in words:
        near = get_close_matches(word.upper(), sorted(_KEYWORDS), n=1, cutoff=0.75)
        if near and word.upper() not in _KEYWORDS and not _is_name(word, tables):
            return f"Did you mean {near[0]} by {word!r}{_at(sql, word)}?"
    if not _READ.search(bare):
        return "No FROM says which table is read. Write SELECT … FROM TABLE."
    without_by = re.search(r"\b(group|order)\b(?!\s+by\b)", bare, re.IGNORECASE)
    if without_by:
        word = without_by[1]
        return f"{word!r}{_position(sql, without_by.start())} wants BY: write {word.upper()} BY columns."
    return None


def _is_name(word: str, tables: Tables) -> bool:
    return any(word.lower() in name.lower().split(".") for name in tables)


def _read(sql: str, tables: Tables) -> list[str]:
    """The tables of the release that the query reads, by the names that it may use."""
    lower = {name.lower(): name for name in tables}
    named = (name.strip('"`').lower().removeprefix("gold.") for name in _READ.findall(_TEXTS.sub(" ", sql)))
    return list(dict.fromkeys(lower[name] for name in named if name in lower))


def _at(sql: str, name: str) -> str:
    """Where a name stands first, in words; nothing where it does not."""
    bare = _TEXTS.sub(lambda text: " " * len(text[0]), sql)
    place = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", bare, re.IGNORECASE)
    return _position(sql, place.start()) if place else ""


def _position(sql: str, place: int) -> str:
    before = sql[:place]
    return f" (line {before.count(chr(10)) + 1}, column {place - before.rfind(chr(10))})"


_Say = Callable[[str, re.Match[str], Tables], str]
#: What the engine says of a kind of mistake, and what we say of it.
_KINDS: tuple[tuple[str, _Say], ...] = (
    (r"relation '([^']+)' was not found", _no_table),
    (r'unable to find column "([^"]+)"; valid columns: \[([^\]]*)\]', _no_column),
    (r"no column named '([^']+)' found in table '[^']+'", _no_column_of),
    (r"no table or struct column named '([^']+)' found", _no_alias),
    (r"unsupported function '([^']+)'", _no_function),
    (r'ambiguous reference to column "([^"]+)" \(use one of: ([^)]+)\)', _ambiguous),
    (r"'([^']+)' should participate in the GROUP BY clause", _not_grouped),
    (r"duplicate output name '([^']+)'", _twice),
    (r'datatype "([^"]+)" is not currently supported', _no_type),
    (r"non-numeric arguments for LIMIT|LIMIT/FETCH conversion error|OFFSET conversion error", _no_number),
    (
        r"cannot compare 'date/datetime/time' to a string|appropriate format to parse dates|invalid DATE literal",
        _no_day,
    ),
    (r"regex parse error:(?:.|\n)*?\nerror: ([^\n]+)", _no_pattern),
    (r"unsupported SQL join constraint:\s*None", _no_join),
    (r"Unterminated string literal at Line: (\d+), Column: (\d+)", _open_text),
    (
        r"sql parser error: Expected: (.+?), found: (\S+)(?: at Line: (\d+), Column: (\d+))?",
        _not_parsed,
    ),
    (r"Expected close delimiter '(.)' before EOF\. at Line: (\d+), Column: (\d+)", _open_name),
    (r"Unexpected EOF while in a multi-line comment", _open_comment),
    (r"sql parser error: ([^\n]+)", _other_fault),
)
