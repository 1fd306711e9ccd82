"""How an extract's columns are written, found by a look at its first rows, and at all of them where those ask."""

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from carti_lake.pipeline.bronze import bronze
from carti_lake.pipeline.evidence import rescued_columns, survey_readings
from carti_lake.pipeline.parse import DECIMALS
from carti_lake.pipeline.reading import (
    AmbiguousColumnError,
    Hint,
    Reading,
    decide,
    has_percent,
    has_short_zips,
    undecided,
    zips,
)
from carti_lake.sources.apply import as_mapped, hints
from carti_lake.sources.extract import Extract, ExtractError
from carti_lake.tables.feeds import Feed

#: Rows that show how nearly every file is written.
FIRST_ROWS = 1000


def read_as_mapped(extract: Extract, feed: type[Feed]) -> pl.LazyFrame:
    """The extract's rows as its map says that they are to be read; what it scales is read as it is written.

    Raises
    ------
    ExtractError
        A column that the map scales can be read in two ways, and nothing tells which.
    """
    mapping = extract.mapping
    unsure = [name for name, hint in hints(extract, feed).items() if hint.scale is not None and hint.decimal is None]
    if not unsure:
        return as_mapped(extract, feed)
    unscaled = {name: replace(hint, scale=None) for name, hint in mapping.hints.items()}
    plain = replace(extract, mapping=replace(mapping, hints=unscaled))
    found = _decided(as_mapped(plain, feed), extract, feed, hints(extract, feed))
    decided = {name: replace(mapping.hints[name], decimal=found[name].decimal) for name in unsure if name in found}
    return as_mapped(replace(extract, mapping=replace(mapping, hints={**mapping.hints, **decided})), feed)


def find_readings(rows: pl.LazyFrame, extract: Extract, feed: type[Feed], *, whole: bool) -> dict[str, Reading] | None:
    """How the columns are written; None where the first rows do not ask, and there are others that nobody looked at.

    Parameters
    ----------
    rows
        The extract's rows as its map says that they are to be read.
    extract
        Where they come from, with what its map says of how they are written.
    feed
        Its contract.
    whole
        Look at all rows whatever the first ones say.

    Raises
    ------
    ExtractError
        A column can be read in two ways, and nothing tells which.
    """
    # What the map has scaled is written as we write numbers.
    said = {
        name: hint if hint.scale is None else replace(hint, decimal=DECIMALS[0])
        for name, hint in hints(extract, feed).items()
    }
    asked = any(hint.date_order or hint.decimal or hint.time_zone for hint in said.values()) or has_percent(feed)
    if not whole and not asked:
        seen = bronze(rows.head(FIRST_ROWS), feed).select("rescued", *zips(feed)).collect()
        if not asks(seen.lazy(), feed):
            return None if seen.height == FIRST_ROWS else {}
    return _decided(rows, extract, feed, said)


def _decided(rows: pl.LazyFrame, extract: Extract, feed: type[Feed], said: Mapping[str, Hint]) -> dict[str, Reading]:
    """How the columns are written, by a look at all rows and by what the map says."""
    surveys = survey_readings(rows, feed, extract.extract_date)
    found = dict(zip(surveys, pl.collect_all(surveys.values(), engine="streaming"), strict=True))
    try:
        return decide(found, feed, said, extract.extract_date)
    except AmbiguousColumnError as error:
        raise ExtractError(
            f'{extract.name}, column "{error.column}": {error}. Say {error.option} in a map: --map FILE.'
        ) from None


def asks(rows: pl.LazyFrame, feed: type[Feed]) -> bool:
    """Whether some bronze row that was read as it stands must be read as its whole column is written."""
    names = set(rescued_columns(rows).collect(engine="streaming")["name"])
    if names and undecided(rows, feed, names).collect(engine="streaming").item():
        return True
    return bool(zips(feed)) and bool(has_short_zips(rows, feed).collect(engine="streaming").item())
