"""Rows that are a header themselves: files of two layouts that were put together, or two tables on one sheet."""

import json
import re
from collections.abc import Iterator, Mapping

import polars as pl

from carti_lake.sources.extract import Extract, ExtractError
from carti_lake.sources.headers import canonical, names
from carti_lake.tables.feeds import Feed

#: Fewer names of columns in a row may be its values.
FEWEST_NAMES = 3


def is_other_header(cells: Mapping[str, str | None], declared: Mapping[str, str]) -> bool:
    """Whether a row names columns, and others than it stands in.

    Parameters
    ----------
    cells
        Its texts, by column.
    declared
        As :func:`~carti_lake.sources.headers.names` gives them.
    """
    texts = {column: text for column, text in cells.items() if text}
    said = {column: name for column, text in texts.items() if (name := declared.get(canonical(text))) is not None}
    most = len(said) >= FEWEST_NAMES and 2 * len(said) > len(texts)
    return most and any(column != name for column, name in said.items())


def refuse_other_header(rows: pl.LazyFrame, extract: Extract, feed: type[Feed]) -> None:
    """Refuse bronze rows among which a header of another layout stands.

    Where one does, columns of days and numbers hold names, as text that bronze has rescued.

    Raises
    ------
    ExtractError
        With the row.
    """
    declared = names(feed, extract.mapping)
    for number, cells in _named(rows, feed, declared):
        if is_other_header(cells, declared):
            raise ExtractError(
                f"{extract.name}, row {number:,}: another header, whose columns are not those of the first: files of "
                "two layouts were put together. Load them apart."
            )


def _named(
    rows: pl.LazyFrame, feed: type[Feed], declared: Mapping[str, str]
) -> Iterator[tuple[int, dict[str, str | None]]]:
    """Rows in which a column of days or numbers holds a column's name, with their texts."""
    types = feed.delivered()
    plain = "|".join(name for name, dtype in types.items() if dtype != pl.String)
    spelt = "|".join(r"[\s_\-]*".join(map(re.escape, name)) for name in declared)
    texts = [name for name, dtype in types.items() if dtype == pl.String]
    found = rows.filter(pl.col("rescued").str.contains(rf'(?i)"(?:{plain})":"\s*(?:{spelt})\s*"'))
    for row in found.select("row_number", "rescued", *texts).collect(engine="streaming").iter_rows(named=True):
        number, rescued = row.pop("row_number"), json.loads(row.pop("rescued"))
        yield number, row | {name: text for name, text in rescued.items() if isinstance(text, str)}
