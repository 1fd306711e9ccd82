"""SQL over the tables of one release, and over nothing else."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches

import polars as pl

from carti_lake.releases.sql_errors import Tables, told
from carti_lake.store.errors import LakeError


class QueryError(LakeError):
    """A query that is refused or does not run."""


_QUOTED = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
# Anywhere, in quotes and comments too: what hides there from us may be plain to the parser.
_FILE_FUNCTION = re.compile(r"\b(?:read|scan)_\w+", re.IGNORECASE)
#: The engine goes on as long as a step finds rows, and holds them all.
_RECURSIVE = re.compile(r"\brecursive\b", re.IGNORECASE)
_DESCRIBES = re.compile(r"\s*(?:describe|desc|show\s+columns\s+(?:from|in))\s+([\w.]+)", re.IGNORECASE)
_READS = re.compile(r"\s*(?:\(\s*)*(?:select|with|from|values|show\s+tables|explain)\b", re.IGNORECASE)


def query(sql: str, tables: Iterable[str], scan: Callable[[str], pl.LazyFrame]) -> pl.LazyFrame:
    """Lazy result of a query.

    Parameters
    ----------
    sql
        One ``SELECT`` (Polars SQL). Gold tables by bare name, others as ``silver.visits``.
    tables
        Full names that the query may name.
    scan
        Rows of a table of the release.

    Raises
    ------
    QueryError
        Where the query reads files, recurs, changes anything, names another table, or is not valid SQL.
    """
    bare = _QUOTED.sub(" ", sql)
    if described := _DESCRIBES.match(sql):
        raise QueryError(f"Columns are listed by `carti-lake tables {described[1]}`; a query reads rows.")
    if not _READS.match(bare) or ";" in bare.rstrip().rstrip(";"):
        near = get_close_matches(bare.split()[0].lower(), ["select", "with"], n=1, cutoff=0.75) if bare.split() else []
        meant = f" Did you mean {near[0].upper()} by {bare.split()[0]!r}?" if near and not _READS.match(bare) else ""
        raise QueryError(f"Only one SELECT is allowed; the lake is changed by load and run, never by a query.{meant}")
    if _FILE_FUNCTION.search(sql):
        raise QueryError("A query reads tables of the release only; functions that read files are not available.")
    if _RECURSIVE.search(sql):
        raise QueryError(
            "WITH RECURSIVE is not available: a query that never ends takes all memory. Join the steps one by one, or "
            "read the rows and go on outside."
        )
    names = {name.removeprefix("gold."): name for name in tables}
    named = {
        name: full
        for name, full in names.items()
        if re.search(rf"\b{re.escape(name.split('.')[-1])}\b", sql, re.IGNORECASE)
    }
    frames = {alias: scan(full) for name, full in named.items() for alias in {name, full}}
    if re.match(r"\s*show\s+tables", bare, re.IGNORECASE):
        return pl.LazyFrame({"name": sorted(names)})

    def columns_of(full: str) -> Callable[[], Iterable[str]]:
        return lambda: scan(full).collect_schema()

    with explained(sql, {name: columns_of(full) for name, full in names.items()}):
        result = pl.SQLContext(frames, eager=False).execute(sql)
        result.collect_schema()
    return result


@contextmanager
def explained(sql: str, tables: Tables | None = None) -> Iterator[None]:
    """What the SQL engine refuses within, as a `QueryError` that says in one line what is wrong, where, and what to do.

    Parameters
    ----------
    sql
        The query that is read, or whose rows are collected.
    tables
        Names that a query may use, each with what gives the table's columns; none where it is known to be readable.
    """
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise QueryError(f"The query does not run: {told(sql, str(error), tables or {})}") from None
