"""Extracts into bronze: each batch once, whoever else is loading, and whenever the process dies."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from typing import TYPE_CHECKING

import polars as pl

from carti_lake.pipeline.bronze import bronze
from carti_lake.sources.extract import Extract
from carti_lake.sources.files import explain_failure
from carti_lake.store.errors import ConflictError
from carti_lake.store.log import commits, transaction
from carti_lake.store.storage import Storage
from carti_lake.store.write import append
from carti_lake.tables import FEEDS, Feed

if TYPE_CHECKING:
    from deltalake import DeltaTable

ATTEMPTS = 20


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
    notes
        What its sender should know, though it loaded: headers that name no column, files left out.
    """

    name: str
    feed: str
    extract_date: date
    batch_id: str
    rows: int
    already: bool
    notes: tuple[str, ...] = ()


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
    done = Loaded(extract.name, feed.short_name, extract.extract_date, batch_id, 0, True, extract.notes)
    rows = bronze(extract.rows, feed).with_columns(
        delivered_at=pl.lit(extract.delivered_at).cast(pl.Datetime("us", "UTC")),
        batch_id=pl.lit(batch_id),
        extract_date=pl.lit(extract.extract_date),
    )
    batch = {
        "batch_id": batch_id,
        "extract_date": extract.extract_date.isoformat(),
        "delivered_at": extract.delivered_at.isoformat(),
        "name": extract.name,
    }
    for attempt in range(ATTEMPTS):
        handle = storage.create(feed.full_name(), feed, change_feed=False)
        if transaction(handle, batch_id) is not None:
            return done
        before = handle.version()
        try:
            version = append(
                storage, handle, rows.select(feed.column_names()), transactions={batch_id: 1}, metadata={"batch": batch}
            )
        except ConflictError:
            if attempt + 1 == ATTEMPTS:
                raise
            storage.let_go(feed.full_name())
            continue
        except Exception as error:
            storage.let_go(feed.full_name())
            fresh = storage.open(feed.full_name())
            # A failure after the commit (at a checkpoint) has loaded the batch all the same.
            if fresh is not None and transaction(fresh, batch_id) is not None:
                return replace(done, rows=_added(fresh, before, batch_id), already=False)
            raise explain_failure(extract, error) from error
        assert version > before
        return replace(done, rows=_added(handle, before, batch_id), already=False)
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
