"""How an extract's columns are written, found by a look at its first rows, and at all of them where those ask."""

import polars as pl

from carti_lake.pipeline.bronze import bronze
from carti_lake.pipeline.evidence import rescued_columns, survey_readings
from carti_lake.pipeline.reading import AmbiguousColumnError, Reading, decide, has_percent, undecided, zips
from carti_lake.sources.apply import hints
from carti_lake.sources.extract import Extract, ExtractError
from carti_lake.tables.feeds import Feed

#: Rows that show how nearly every file is written.
FIRST_ROWS = 1000


def find_readings(rows: pl.LazyFrame, extract: Extract, feed: type[Feed], *, whole: bool) -> dict[str, Reading] | None:
    """How the columns are written; None where the first rows do not ask, and nothing more was looked at.

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
    said = hints(extract, feed)
    asked = any(hint.date_order or hint.decimal or hint.time_zone for hint in said.values()) or has_percent(feed)
    if not whole and not asked:
        first = bronze(rows.head(FIRST_ROWS), feed).select("rescued", *zips(feed)).collect().lazy()
        if not asks(first, feed):
            return None
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
    if not (names or zips(feed)):
        return False
    return bool(undecided(rows, feed, names).collect(engine="streaming").item())
