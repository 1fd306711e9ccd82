"""Extracts into bronze: each batch once, whoever else is loading, and whenever the process dies."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import polars as pl

from carti_lake.pipeline.bronze import bronze, withdrawal
from carti_lake.pipeline.reading import Reading
from carti_lake.sources.apply import as_mapped
from carti_lake.sources.extract import Extract, ExtractError, Mark
from carti_lake.sources.files import explain_failure
from carti_lake.sources.layouts import refuse_other_header
from carti_lake.sources.readings import asks, find_readings, read_as_mapped
from carti_lake.store.durable import NotDurableError
from carti_lake.store.errors import ConflictError
from carti_lake.store.log import commits, transaction
from carti_lake.store.storage import Storage
from carti_lake.store.write import append
from carti_lake.tables import FEEDS, Feed
from carti_lake.tables.releases import Releases

if TYPE_CHECKING:
    from deltalake import DeltaTable

ATTEMPTS = 20
#: The least by which the order of delivery tells two moments apart.
INSTANT = timedelta(milliseconds=1)


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
    replaces
        The batch that it replaces: the same content, read under another map.
    notes
        What its sender should know, though it loaded: headers that name no column, files left out.
    """

    name: str
    feed: str
    extract_date: date
    batch_id: str
    rows: int
    already: bool
    replaces: str | None = None
    notes: tuple[str, ...] = ()


def load(
    storage: Storage, feed: type[Feed], extracts: Iterator[Extract], progress: Callable[[str], None]
) -> Iterator[Loaded]:
    """Append each extract to the feed's bronze table, as one commit that can happen only once."""
    held, settled = storage.holding(), False
    for extract in extracts:
        progress(extract.name)
        loaded = _load_one(held, feed, extract)
        if loaded.already and not settled:
            _settle(held, feed)
            settled = True
        yield loaded


def _load_one(storage: Storage, feed: type[Feed], extract: Extract) -> Loaded:
    if (known := storage.open(feed.full_name())) is not None and turn(known, feed, extract)[2]:
        return _append(storage, feed, extract, as_mapped(extract, feed), {})
    try:
        rows = read_as_mapped(extract, feed)
        try:
            return _append(storage, feed, extract, rows, find_readings(rows, extract, feed, whole=False))
        except _ReadAsAWhole:
            return _append(storage, feed, extract, rows, find_readings(rows, extract, feed, whole=True))
    except (ConflictError, ExtractError, NotDurableError):
        raise
    except Exception as error:
        raise explain_failure(extract, error) from error


class _ReadAsAWhole(Exception):
    """A value far down in the file must be read as its whole column is written."""


def _append(
    storage: Storage, feed: type[Feed], extract: Extract, delivered: pl.LazyFrame, readings: dict[str, Reading] | None
) -> Loaded:
    """The extract's rows in bronze, read so; without readings as they stand, and only if no row asks for one."""

    def check(rows: pl.LazyFrame) -> None:
        refuse_other_header(rows, extract, feed)
        if readings is None and asks(rows, feed):
            raise _ReadAsAWhole

    rows = bronze(delivered, feed, readings or {})
    for attempt in range(ATTEMPTS):
        handle = storage.create(feed.full_name(), feed, change_feed=False)
        batch_id, replaces, already = turn(handle, feed, extract)
        done = Loaded(extract.name, feed.short_name, extract.extract_date, batch_id, 0, True, replaces, extract.notes)
        if already:
            # A load that died between its two commits has left the batch before in place.
            if replaces is not None:
                _withdraw(storage, feed, replaces, extract)
            return done
        moment = extract.delivered_at
        if replaces is not None:
            moment = max(moment, _delivered(storage, feed, replaces, extract.extract_date, moment) + 2 * INSTANT)
        batch = {
            "batch_id": batch_id,
            "extract_date": extract.extract_date.isoformat(),
            "delivered_at": moment.isoformat(),
            "name": extract.name,
            "readings": {name: reading.as_json() for name, reading in (readings or {}).items()},
            **({"map": {"number": extract.mapping.number(), "says": said}} if (said := extract.mapping.said()) else {}),
            **({"replaces": replaces} if replaces is not None else {}),
        }
        before = handle.version()
        marks, marked = _marked(handle, extract.mark)
        try:
            version = append(
                storage,
                handle,
                with_lineage(rows, feed, batch_id, extract.extract_date, moment),
                transactions={batch_id: extract.mapping.number(), **marks},
                metadata={"batch": batch, **marked},
                check=check,
            )
        except ConflictError:
            if attempt + 1 == ATTEMPTS:
                raise
            storage.let_go(feed.full_name())
            continue
        except (_ReadAsAWhole, ExtractError, NotDurableError):
            raise
        except Exception as error:
            storage.let_go(feed.full_name())
            fresh = storage.open(feed.full_name())
            # A failure after the commit (at a checkpoint) has loaded the batch all the same.
            if fresh is None or transaction(fresh, batch_id) is None:
                raise explain_failure(extract, error) from error
            storage.settle((fresh, before))
            handle = fresh
        else:
            assert version > before
        added = _added(handle, before, batch_id)
        if replaces is not None:
            _withdraw(storage, feed, replaces, extract)
        return replace(done, rows=added, already=False)
    raise AssertionError("unreachable: the last attempt returns or raises")


def _marked(handle: "DeltaTable", mark: Mark | None) -> tuple[dict[str, int], dict[str, Any]]:
    """Transaction and metadata that say how far a source has been read with a batch.

    The number is that of the next commit: the mark stands there or, where others commit meanwhile, soon after.
    """
    if mark is None:
        return {}, {}
    if (transaction(handle, mark.application) or 0) != mark.follows:
        raise ConflictError(f"{mark.source}: another process has pulled this source meanwhile. Pull again.")
    return {mark.application: handle.version() + 1}, {"source": {"name": mark.source, **mark.says}}


def turn(handle: "DeltaTable | None", feed: type[Feed], extract: Extract) -> tuple[str, str | None, bool]:
    """The extract's batch, the batch that it replaces, and whether it was loaded before.

    The first reading of a content is named by the content alone, so that two who load it at once conflict whatever
    their maps say; each reading under another map takes the next number.
    """
    content = f"{feed.short_name}:{extract.extract_date}:{extract.content_hash[:16]}"
    before, batch_id, place = None, content, 1
    while handle is not None and (number := transaction(handle, batch_id)) is not None:
        place += 1
        following = f"{content}:{place}"
        if number == extract.mapping.number() and transaction(handle, following) is None:
            return batch_id, before, True
        before, batch_id = batch_id, following
    return batch_id, before, False


def _withdraw(storage: Storage, feed: type[Feed], batch_id: str, extract: Extract) -> None:
    """Deliver the batch's rows again, as withdrawn: later than they were, and earlier than what replaces them."""
    moment = _delivered(storage, feed, batch_id, extract.extract_date, extract.delivered_at) + INSTANT
    standing = storage.scan(feed.full_name()).filter(_of_batch(batch_id, extract.extract_date))
    withdrawing = Withdrawal(f"{batch_id}:withdrawn", f"{extract.name}, as read before", extract.extract_date, moment)
    withdraw(storage, feed, standing, withdrawing)


@dataclass(frozen=True)
class Withdrawal:
    """Rows delivered again as withdrawn: their batch, its name, day and moment, and how far its source is read."""

    batch_id: str
    name: str
    extract_date: date
    delivered_at: datetime
    mark: Mark | None = None


def withdraw(storage: Storage, feed: type[Feed], standing: pl.LazyFrame, batch: Withdrawal) -> None:
    """Deliver bronze rows again as withdrawn, as one commit that can happen only once."""
    rows = with_lineage(withdrawal(standing, feed), feed, batch.batch_id, batch.extract_date, batch.delivered_at)
    said = {
        "batch_id": batch.batch_id,
        "extract_date": batch.extract_date.isoformat(),
        "delivered_at": batch.delivered_at.isoformat(),
        "name": batch.name,
    }
    for attempt in range(ATTEMPTS):
        handle = storage.create(feed.full_name(), feed, change_feed=False)
        if transaction(handle, batch.batch_id) is not None:
            return
        marks, marked = _marked(handle, batch.mark)
        try:
            append(storage, handle, rows, transactions={batch.batch_id: 1, **marks}, metadata={"batch": said, **marked})
        except ConflictError:
            if attempt + 1 == ATTEMPTS:
                raise
            storage.let_go(feed.full_name())
        else:
            return


def _settle(storage: Storage, feed: type[Feed]) -> None:
    """Make batches outlast a power cut that no release has taken in yet: their loader may have died before that."""
    handle = storage.open(feed.full_name())
    assert handle is not None
    published = pl.col("event").eq("release") & pl.col("table_name").eq(feed.full_name())
    released = storage.scan(Releases.full_name()).filter(published).select(pl.col("version").max()).collect().item()
    # A folder that was removed and made again counts anew.
    storage.settle((handle, -1 if released is None or released > handle.version() else released))


def _delivered(storage: Storage, feed: type[Feed], batch_id: str, day: date, otherwise: datetime) -> datetime:
    """When the batch was delivered; ``otherwise`` where it has no row."""
    rows = storage.scan(feed.full_name()).filter(_of_batch(batch_id, day))
    moment: datetime | None = rows.select(pl.col("delivered_at").max()).collect(engine="streaming").item()
    return otherwise if moment is None else moment


def _of_batch(batch_id: str, day: date) -> pl.Expr:
    return (pl.col("extract_date") == day) & (pl.col("batch_id") == batch_id)


def with_lineage(
    rows: pl.LazyFrame, feed: type[Feed], batch_id: str, extract_date: date, delivered_at: datetime
) -> pl.LazyFrame:
    """Bronze rows of one batch, as the table holds them."""
    return rows.with_columns(
        delivered_at=pl.lit(delivered_at).cast(pl.Datetime("us", "UTC")),
        batch_id=pl.lit(batch_id),
        extract_date=pl.lit(extract_date),
    ).select(feed.column_names())


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
