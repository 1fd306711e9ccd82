"""SQL over the tables of one release, and over nothing else."""

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches

import polars as pl

from carti_lake.store.errors import LakeError


class QueryError(LakeError):
    """A query that is refused or does not run."""


_QUOTED = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
# Anywhere, in quotes and comments too: what hides there from us may be plain to the parser.
_FILE_FUNCTION = re.compile(r"\b(?:read|scan)_\w+", re.IGNORECASE)
_READS = re.compile(r"\s*(?:\(\s*)*(?:select|with|from|values|show\s+tables|describe|explain)\b", re.IGNORECASE)


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
        Where the query reads files, changes anything, names another table, or is not valid SQL.
    """
    bare = _QUOTED.sub(" ", sql)
    if not _READS.match(bare) or ";" in bare.rstrip().rstrip(";"):
        raise QueryError("Only one SELECT is allowed; the lake is changed by load and run, never by a query.")
    if _FILE_FUNCTION.search(sql):
        raise QueryError("A query reads tables of the release only; functions that read files are not available.")
    names = {name.removeprefix("gold."): name for name in tables}
    named = {
        name: full
        for name, full in names.items()
        if re.search(rf"\b{re.escape(name.split('.')[-1])}\b", sql, re.IGNORECASE)
    }
    frames = {alias: scan(full) for name, full in named.items() for alias in {name, full}}
    if re.match(r"\s*show\s+tables", bare, re.IGNORECASE):
        return pl.LazyFrame({"name": sorted(names)})
    try:
        result = pl.SQLContext(frames, eager=False).execute(sql)
        result.collect_schema()
    except pl.exceptions.PolarsError as error:
        raise QueryError(f"The query does not run: {str(error).splitlines()[0]}.{_hint(str(error), names)}") from error
    return result


def _hint(problem: str, names: Iterable[str]) -> str:
    """The names that come closest to a table that the release does not have, and all of them."""
    unknown = re.search(r"relation '([^']+)'", problem)
    if unknown is None:
        return ""
    short = {name.split(".")[-1]: name for name in sorted(names)}
    near = get_close_matches(unknown[1].split(".")[-1], short, n=3)
    meant = f" Did you mean {', '.join(short[name] for name in near)}?" if near else ""
    return f"{meant} Tables of this release: {', '.join(sorted(names))}."
