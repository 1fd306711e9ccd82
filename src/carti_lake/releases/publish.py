"""What changes the releases: publishing one, refusing a run, locks, and which of them are kept."""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING

import polars as pl

from carti_lake.releases.release import TABLE, Audit, Release, ReleaseError, releases
from carti_lake.store.hashes import NEAR
from carti_lake.store.log import commits, transaction
from carti_lake.store.storage import Storage
from carti_lake.store.write import append
from carti_lake.tables.releases import Releases

if TYPE_CHECKING:
    from deltalake import DeltaTable

#: Application transaction that numbers the releases: two publishers of one number conflict.
NUMBERING = "release"
#: Application transaction of whatever decides which releases are kept: a lock and a vacuum at once conflict.
KEEPING = "keeping"
#: A row of the table.
Event = tuple[int, str, str, int | None, int | None, datetime, date | None, str | None]


def publish(
    storage: Storage,
    tables: Mapping[str, tuple[int, int]],
    ids: Mapping[str, str],
    audits: Sequence[Audit],
    accepted: Sequence[str],
    data_as_of: date | None,
    now: datetime,
    files: Mapping[str, Mapping[str, str]],
    number: int | None = None,
    made_on: Mapping[str, str] | None = None,
) -> int:
    """Make the versions of all tables visible at once; returns the release's number.

    ``tables`` are their versions and rows, ``ids`` say which tables they are, and ``files`` are the hashes of the data
    files that are new since the last release. ``number`` is that of a release that is published again, ``made_on`` as
    in :class:`Release`.
    """
    handle = storage.create(TABLE, Releases, change_feed=False)
    number = number or _next(handle)
    details = json.dumps(
        {
            "audits": [asdict(audit) for audit in audits],
            "accepted": sorted(accepted),
            "ids": dict(ids),
            "made_on": dict(made_on or {}),
        }
    )
    # The audits stand once, with the first table: every reader reads this table whole.
    rows = [
        _event(
            number,
            "release",
            name,
            now,
            version=version,
            rows=count,
            data_as_of=data_as_of,
            details=None if place else details,
        )
        for place, (name, (version, count)) in enumerate(sorted(tables.items()))
    ]
    metadata = {"release": number, "files": files}
    append(storage, handle, _as_rows(rows), transactions={NUMBERING: number}, metadata=metadata)
    return number


def next_number(storage: Storage) -> int:
    """The number that the next release will have."""
    handle = storage.open(TABLE)
    return 1 if handle is None else _next(handle)


def _next(handle: "DeltaTable") -> int:
    return (transaction(handle, NUMBERING) or 0) + 1


def log_recorded(storage: Storage) -> dict[str, int]:
    """The last version of the table of releases whose log the newest release could record: that before its own."""
    handle = storage.create(TABLE, Releases, change_feed=False)
    # Locks and refusals between two releases are few.
    for since in (max(handle.version() - NEAR, -1), -1):
        published = [one.version for one in commits(handle, since) if "release" in one.metadata]
        if published:
            return {TABLE: published[-1] - 1}
    return {TABLE: -1}


def settle_releases(storage: Storage) -> None:
    """Make the newest release outlast a power cut, where whoever published it died before that."""
    handle = storage.create(TABLE, Releases, change_feed=False)
    storage.settle((handle, handle.version() - 1))


def record_refusal(storage: Storage, audits: Sequence[Audit], now: datetime) -> None:
    """Remember that a run was not published, and why."""
    handle = storage.create(TABLE, Releases, change_feed=False)
    number = _next(handle)
    details = json.dumps({"audits": [asdict(audit) for audit in audits], "accepted": []})
    append(
        storage,
        handle,
        _as_rows([_event(number, "refused", "", now, details=details)]),
        transactions={},
        metadata={"refused": number},
    )


def last_refusal(storage: Storage) -> tuple[datetime, tuple[Audit, ...]] | None:
    """The audits of a run that was refused after the newest release, if any."""
    events = storage.scan(TABLE).filter(pl.col("event").is_in(["release", "refused"])).collect().sort("release", "at")
    # A refusal bears the number that the release would have had.
    if events.is_empty() or "release" in events.filter(pl.col("release") == events["release"][-1])["event"]:
        return None
    return events["at"][-1], tuple(Audit(**audit) for audit in json.loads(events["details"][-1])["audits"])


def lock(storage: Storage, release: Release, name: str, now: datetime) -> None:
    """Keep the release's files under a name, whatever vacuum does.

    Raises
    ------
    ReleaseError
        The name is taken or cannot be one, or a vacuum has expired the release meanwhile.
    ConflictError
        A vacuum or another lock has just been committed; the same call then sees it.
    """
    _refuse_odd_name(name)
    with _keeping(storage) as record:
        for other in releases(storage):
            if name in other.locks:
                raise ReleaseError(f"{name!r} locks release {other.number} already; unlock it first.")
            if other.number == release.number and other.expired:
                raise ReleaseError(f"A vacuum has just removed files of release {other.number}; it cannot be kept.")
        record([_event(release.number, "lock", name, now)])


def unlock(storage: Storage, name: str, now: datetime) -> Release:
    """Remove a lock; returns the release that it kept."""
    with _keeping(storage) as record:
        for one in releases(storage):
            if name in one.locks:
                record([_event(one.number, "unlock", name, now)])
                return one
    raise ReleaseError(f"No release is locked as {name!r}; `carti-lake release list` shows the locks.")


def retire(storage: Storage, oldest: datetime, now: datetime, *, dry_run: bool) -> list[Release]:
    """Expire all releases but the newest, those locked, and those published since ``oldest``; returns these."""
    with _keeping(storage) as record:
        standing = [one for one in releases(storage) if not one.expired]
        kept = [one for one in standing if one.locks or one == standing[-1] or one.at >= oldest]
        gone = [_event(one.number, "expire", "", now) for one in standing if one not in kept]
        if gone and not dry_run:
            record(gone)
    return kept


def expire(storage: Storage, numbers: Sequence[int], now: datetime) -> None:
    """Say of releases that their files are gone; readers refuse them from then on."""
    if numbers:
        with _keeping(storage) as record:
            record([_event(number, "expire", "", now) for number in numbers])


@contextlib.contextmanager
def _keeping(storage: Storage) -> Iterator[Callable[[Sequence[Event]], int]]:
    """Gives what records events about keeping, unless another process has recorded one since the block began."""
    handle = storage.create(TABLE, Releases, change_feed=False)
    turn = (transaction(handle, KEEPING) or 0) + 1
    yield lambda events: append(storage, handle, _as_rows(events), transactions={KEEPING: turn}, metadata={})


def _refuse_odd_name(name: str) -> None:
    if not name or name.isdigit() or not name.replace("-", "").replace("_", "").isalnum():
        raise ReleaseError(f"{name!r} cannot name a lock: use letters, digits, - and _, e.g. board-2026-q1.")
    try:
        date.fromisoformat(name)
    except ValueError:
        return
    raise ReleaseError(f"{name!r} would be taken for a date; choose another name for the lock.")


def _event(
    number: int,
    event: str,
    table_name: str,
    at: datetime,
    *,
    version: int | None = None,
    rows: int | None = None,
    data_as_of: date | None = None,
    details: str | None = None,
) -> Event:
    return number, event, table_name, version, rows, at, data_as_of, details


def _as_rows(events: Sequence[Event]) -> pl.DataFrame:
    return pl.DataFrame(events, schema=Releases.dtypes(), orient="row")
