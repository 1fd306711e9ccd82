"""Releases: audited, consistent sets of table versions, and the only thing that readers read."""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, time

import polars as pl

from carti_lake.storage import LakeError, Storage, transaction
from carti_lake.tables.gold.events import COMPARED
from carti_lake.tables.releases import Releases

TABLE = Releases.full_name()
#: Application transaction that numbers the releases: two publishers of one number conflict.
NUMBERING = "release"
#: Application transaction of whatever decides which releases are kept: a lock and a vacuum at once conflict.
KEEPING = "keeping"


class ReleaseError(LakeError):
    """A release that does not exist, or cannot be read any more."""


class ExpiredError(ReleaseError):
    """A release whose files are gone."""


@dataclass(frozen=True)
class Audit:
    """Result of one audit.

    Attributes
    ----------
    name
        ``reconciliation``, ``keys``, ``integrity``, ``totals``, ``drift`` or ``quality``.
    passed
        Whether it may be published.
    detail
        What was compared, with figures; the failing part where it failed.
    """

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class Release:
    """A published release.

    Attributes
    ----------
    number
        1, 2, 3, …
    at
        When it was published (UTC).
    data_as_of
        Newest extract date in it.
    versions, rows
        By full table name: Delta version, and rows.
    audits
        What was checked before it was published.
    accepted
        Names of the audits that a person accepted although they failed.
    locks
        Names under which it is locked.
    expired
        Whether vacuum or a repair has removed files that it needs.
    ids
        By full table name: which table it was; a folder that is removed and made again holds another one.
    """

    number: int
    at: datetime
    data_as_of: date | None
    versions: dict[str, int]
    rows: dict[str, int]
    audits: tuple[Audit, ...]
    accepted: tuple[str, ...]
    locks: tuple[str, ...]
    expired: bool
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def caption(self) -> str:
        """The line that every outlet carries."""
        return f"release {self.number} · {self.at:%Y-%m-%d} · data as of {self.data_as_of}"


def releases(storage: Storage) -> list[Release]:
    """All releases, oldest first."""
    events = storage.scan(TABLE).collect().sort("at", "table_name")
    # Counted, since a lock and its removal may bear one time, or the times of two clocks.
    held = (pl.col("event") == "lock").sum() > (pl.col("event") == "unlock").sum()
    locked = events.group_by("release", "table_name").agg(held=held).filter("held").drop("held").rows()
    expired = set(events.filter(pl.col("event") == "expire")["release"])
    found = []
    published = events.filter(pl.col("event") == "release").partition_by("release", maintain_order=True)
    for rows in sorted(published, key=lambda rows: rows["release"][0]):
        number = rows["release"][0]
        details = json.loads(rows["details"].drop_nulls()[0])
        found.append(
            Release(
                number=number,
                at=rows["at"][0],
                data_as_of=rows["data_as_of"][0],
                versions=dict(zip(rows["table_name"], rows["version"], strict=True)),
                rows=dict(zip(rows["table_name"], rows["rows"], strict=True)),
                ids=details.get("ids", {}),
                audits=tuple(Audit(**audit) for audit in details["audits"]),
                accepted=tuple(details["accepted"]),
                locks=tuple(sorted(name for of, name in locked if of == number)),
                expired=number in expired,
            )
        )
    return found


def latest(storage: Storage) -> Release | None:
    """The newest release, or None before the first."""
    found = releases(storage)
    return found[-1] if found else None


def select(storage: Storage, which: int | str | date | datetime | None, now: datetime) -> Release:
    """The release of that number or lock name, the one that stood at that time, or the newest.

    Parameters
    ----------
    storage
        The lake.
    which
        A number; a lock's name; a date (its end, UTC), a time or either as ISO text; None for the newest.
    now
        The present: what lies after it has no release yet.
    """
    found = releases(storage)
    if not found:
        raise ReleaseError(f"{storage.uri} has no release yet. Load extracts, then `carti-lake run`.")
    return choose(found, which, now)


def choose(found: Sequence[Release], which: int | str | date | datetime | None, now: datetime) -> Release:
    """The release among these (at least one, oldest first) that `select` means."""
    chosen = _choose(found, which, now)
    if chosen.expired:
        raise ExpiredError(
            f"Release {chosen.number} cannot be read any more: vacuum, or the repair of a table, has removed files it "
            f"needs (`carti-lake release lock` keeps a release from vacuum). "
            f"Readable: {', '.join(str(one.number) for one in found if not one.expired)}."
        )
    return chosen


def preceding(found: Sequence[Release], present: Release) -> Release | None:
    """The release among these (oldest first) that the present one's publication is compared with.

    The newest earlier one of the same tables, whether or not it can still be read: of what is compared, vacuum keeps
    the files, so that a release is published alike for as long as it stands.
    """
    same = [
        one
        for one in found
        if one.number < present.number
        and all(one.ids.get(name) == present.ids.get(name) for name in COMPARED & one.versions.keys())
    ]
    return same[-1] if same else None


def monthly(present: Release, found: Sequence[Release]) -> list[Release]:
    """The last readable release of each calendar month that knew less than the present one, oldest first, and that one.

    One of the same day's data, as a run publishes that only scores anew, knew as much.
    """
    earlier = [one for one in found if one.number < present.number and one.data_as_of != present.data_as_of]
    last = {(one.at.year, one.at.month): one for one in earlier if not one.expired}
    return [*last.values(), present]


def _choose(found: Sequence[Release], which: int | str | date | datetime | None, now: datetime) -> Release:
    if which is None:
        return found[-1]
    if isinstance(which, str):
        for one in reversed(found):
            if which in one.locks:
                return one
        which = int(which) if which.isdigit() and len(which) < 8 else _instant(which)
    if isinstance(which, int):
        for one in found:
            if one.number == which:
                return one
        raise ReleaseError(f"There is no release {which}; there are {found[0].number} to {found[-1].number}.")
    asked = which if isinstance(which, datetime) else datetime.combine(which, time.max, UTC)
    asked = asked if asked.tzinfo else asked.replace(tzinfo=UTC)
    if asked > now and asked.date() > now.date():
        raise ReleaseError(
            f"{which} lies in the future; the newest release is {found[-1].number} of {found[-1].at:%Y-%m-%d}."
        )
    standing = [one for one in found if one.at <= asked]
    if not standing:
        raise ReleaseError(
            f"No release stood at {which}; the first, {found[0].number}, is of {found[0].at:%Y-%m-%d %H:%M} UTC."
        )
    return standing[-1]


def _instant(text: str) -> date | datetime:
    try:
        return date.fromisoformat(text) if len(text) <= 10 else datetime.fromisoformat(text)
    except ValueError:
        raise ReleaseError(
            f"{text!r} is neither a release number, nor the name of a lock, nor a date such as 2026-01-31."
        ) from None


def publish(
    storage: Storage,
    tables: Mapping[str, tuple[int, int]],
    ids: Mapping[str, str],
    audits: Sequence[Audit],
    accepted: Sequence[str],
    data_as_of: date | None,
    now: datetime,
    files: Mapping[str, Mapping[str, str]],
) -> int:
    """Make the versions of all tables visible at once; returns the release's number.

    ``tables`` are their versions and rows, ``ids`` say which tables they are, and ``files`` are the hashes of the data
    files that are new since the last release.
    """
    handle = storage.create(TABLE, Releases, change_feed=False)
    number = (transaction(handle, NUMBERING) or 0) + 1
    details = json.dumps(
        {"audits": [asdict(audit) for audit in audits], "accepted": sorted(accepted), "ids": dict(ids)}
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
    storage.append(
        handle, pl.concat(rows), transactions={NUMBERING: number}, metadata={"release": number, "files": files}
    )
    return number


def record_refusal(storage: Storage, audits: Sequence[Audit], now: datetime) -> None:
    """Remember that a run was not published, and why."""
    handle = storage.create(TABLE, Releases, change_feed=False)
    number = (transaction(handle, NUMBERING) or 0) + 1
    details = json.dumps({"audits": [asdict(audit) for audit in audits], "accepted": []})
    storage.append(
        handle, _event(number, "refused", "", now, details=details), transactions={}, metadata={"refused": number}
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
        record(_event(release.number, "lock", name, now))


def unlock(storage: Storage, name: str, now: datetime) -> Release:
    """Remove a lock; returns the release that it kept."""
    with _keeping(storage) as record:
        for one in releases(storage):
            if name in one.locks:
                record(_event(one.number, "unlock", name, now))
                return one
    raise ReleaseError(f"No release is locked as {name!r}; `carti-lake release list` shows the locks.")


def retire(storage: Storage, oldest: datetime, now: datetime, *, dry_run: bool) -> list[Release]:
    """Expire all releases but the newest, those locked, and those published since ``oldest``; returns these."""
    with _keeping(storage) as record:
        standing = [one for one in releases(storage) if not one.expired]
        kept = [one for one in standing if one.locks or one == standing[-1] or one.at >= oldest]
        gone = [_event(one.number, "expire", "", now) for one in standing if one not in kept]
        if gone and not dry_run:
            record(pl.concat(gone))
    return kept


def expire(storage: Storage, numbers: Sequence[int], now: datetime) -> None:
    """Say of releases that their files are gone; readers refuse them from then on."""
    if numbers:
        with _keeping(storage) as record:
            record(pl.concat(_event(number, "expire", "", now) for number in numbers))


@contextlib.contextmanager
def _keeping(storage: Storage) -> Iterator[Callable[[pl.DataFrame], int]]:
    """Gives what records events about keeping, unless another process has recorded one since the block began."""
    handle = storage.create(TABLE, Releases, change_feed=False)
    turn = (transaction(handle, KEEPING) or 0) + 1
    yield lambda events: storage.append(handle, events, transactions={KEEPING: turn}, metadata={})


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
) -> pl.DataFrame:
    return pl.DataFrame(
        [[number], [event], [table_name], [version], [rows], [at], [data_as_of], [details]], schema=Releases.dtypes()
    )
