"""Extracts into bronze: each batch once, whoever else is loading, and whenever the process dies."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import TYPE_CHECKING

import polars as pl

from carti_lake.pipeline.bronze import bronze
from carti_lake.pipeline.reading import (
    AmbiguousColumnError,
    Hint,
    Reading,
    decide,
    has_percent,
    survey_readings,
    undecided,
)
from carti_lake.sources.extract import Extract, ExtractError
from carti_lake.sources.files import explain_failure
from carti_lake.store.errors import ConflictError
from carti_lake.store.log import commits, transaction
from carti_lake.store.storage import Storage
from carti_lake.store.write import append
from carti_lake.tables import FEEDS, Feed

if TYPE_CHECKING:
    from deltalake import DeltaTable

ATTEMPTS = 20
#: Rows that show how nearly every file is written.
FIRST_ROWS = 1000


@dataclass(frozen=True)
class Loaded:
    """What became of one extract.

    Attributes
    ----------
    name
        File, or ``frame``.
    feed, extract_date, batch_id
        The batch that it is.
    rows
        Rows added; 0 where the batch was loaded before.
    already
        Whether it was loaded before.
    """

    name: str
    feed: str
    extract_date: date
    batch_id: str
    rows: int
    already: bool


def load(
    storage: Storage, feed: type[Feed], extracts: Iterator[Extract], progress: Callable[[str], None]
) -> Iterator[Loaded]:
    """Append each extract to the feed's bronze table, as one commit that can happen only once."""
    held = storage.holding()
    for extract in extracts:
        progress(extract.name)
        yield _load_one(held, feed, extract)


def _load_one(storage: Storage, feed: type[Feed], extract: Extract) -> Loaded:
    batch_id = f"{feed.short_name}:{extract.extract_date}:{extract.content_hash[:16]}"
    done = Loaded(extract.name, feed.short_name, extract.extract_date, batch_id, 0, already=True)
    if (known := storage.open(feed.full_name())) is not None and transaction(known, batch_id) is not None:
        return done
    try:
        readings = find_readings(extract, feed, whole=False)
        try:
            return _append(storage, feed, extract, batch_id, readings)
        except _ReadAsAWhole:
            return _append(storage, feed, extract, batch_id, find_readings(extract, feed, whole=True))
    except (ConflictError, ExtractError):
        raise
    except Exception as error:
        raise explain_failure(extract, error) from error


class _ReadAsAWhole(Exception):
    """A value far down in the file must be read as its whole column is written."""


def find_readings(extract: Extract, feed: type[Feed], *, whole: bool) -> dict[str, Reading] | None:
    """How the extract's columns are written; None where its first rows do not ask, and nothing more was looked at.

    Parameters
    ----------
    extract
        Opened, not read.
    feed
        Its contract.
    whole
        Look at all rows whatever the first ones say.

    Raises
    ------
    ExtractError
        A column can be read in two ways, and nothing tells which.
    """
    given, usual = extract.mapping, Hint()
    hints = {name: given.hints.get(name, given.everywhere) for name in feed.delivered()}
    asked = any(hint.date_order or hint.decimal or hint.time_zone for hint in hints.values()) or has_percent(feed)
    if not whole and not asked:
        first = bronze(extract.rows.head(FIRST_ROWS), feed)
        if not undecided(first, feed).collect().item():
            return None
    surveys = survey_readings(extract.rows, feed, extract.extract_date)
    found = dict(zip(surveys, pl.collect_all(surveys.values(), engine="streaming"), strict=True))
    try:
        return decide(found, feed, {name: hint for name, hint in hints.items() if hint != usual}, extract.extract_date)
    except AmbiguousColumnError as error:
        raise ExtractError(
            f'{extract.name}, column "{error.column}": {error}. Say {error.option} in a map: --map FILE.'
        ) from None


def _append(
    storage: Storage, feed: type[Feed], extract: Extract, batch_id: str, readings: dict[str, Reading] | None
) -> Loaded:
    """The extract's rows in bronze, read so; without readings as they stand, and only if no row asks for one."""

    def check(rows: pl.LazyFrame) -> None:
        if undecided(rows, feed).collect(engine="streaming").item():
            raise _ReadAsAWhole

    done = Loaded(extract.name, feed.short_name, extract.extract_date, batch_id, 0, already=True)
    rows = bronze(extract.rows, feed, readings or {}).with_columns(
        delivered_at=pl.lit(extract.delivered_at).cast(pl.Datetime("us", "UTC")),
        batch_id=pl.lit(batch_id),
        extract_date=pl.lit(extract.extract_date),
    )
    batch = {
        "batch_id": batch_id,
        "extract_date": extract.extract_date.isoformat(),
        "delivered_at": extract.delivered_at.isoformat(),
        "name": extract.name,
        "readings": {name: reading.as_json() for name, reading in (readings or {}).items()},
    }
    for attempt in range(ATTEMPTS):
        handle = storage.create(feed.full_name(), feed, change_feed=False)
        if transaction(handle, batch_id) is not None:
            return done
        before = handle.version()
        try:
            version = append(
                storage,
                handle,
                rows.select(feed.column_names()),
                transactions={batch_id: 1},
                metadata={"batch": batch},
                check=check if readings is None else None,
            )
        except ConflictError:
            if attempt + 1 == ATTEMPTS:
                raise
            storage.let_go(feed.full_name())
            continue
        except _ReadAsAWhole:
            raise
        except Exception as error:
            storage.let_go(feed.full_name())
            fresh = storage.open(feed.full_name())
            # A failure after the commit (at a checkpoint) has loaded the batch all the same.
            if fresh is not None and transaction(fresh, batch_id) is not None:
                return Loaded(
                    extract.name,
                    feed.short_name,
                    extract.extract_date,
                    batch_id,
                    _added(fresh, before, batch_id),
                    False,
                )
            raise explain_failure(extract, error) from error
        assert version > before
        return Loaded(
            extract.name, feed.short_name, extract.extract_date, batch_id, _added(handle, before, batch_id), False
        )
    raise AssertionError("unreachable: the last attempt returns or raises")


def _added(handle: "DeltaTable", since: int, batch_id: str) -> int:
    mine = [one for one in commits(handle, since) if one.metadata.get("batch", {}).get("batch_id") == batch_id]
    return sum(commit.rows_added for commit in mine)


def feed_of(name: str) -> type[Feed]:
    """The feed of that name, or an error that lists them."""
    try:
        return FEEDS[name]
    except KeyError:
        near = get_close_matches(name, FEEDS, n=1, cutoff=0.5)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise UnknownFeedError(f"There is no feed {name!r}.{hint} Feeds: {', '.join(FEEDS)}.") from None


class UnknownFeedError(ValueError):
    """A feed that no declaration names."""
