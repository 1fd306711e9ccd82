"""Releases: audited, consistent sets of table versions, and the only thing that readers read."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time

import polars as pl

from carti_lake.store.errors import LakeError
from carti_lake.store.integrity import refuse_damaged
from carti_lake.store.storage import Storage
from carti_lake.tables.releases import Releases

TABLE = Releases.full_name()
#: A release by its number, by the name of its lock, or by the time at which it stood.
When = int | str | date | datetime


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
    made_on
        By full table name: the engine that made the table anew last, for those made anew since engines are told of.
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
    made_on: dict[str, str] = field(default_factory=dict)

    @property
    def caption(self) -> str:
        """The line that every outlet carries."""
        return f"release {self.number} · {self.at:%Y-%m-%d} · data as of {self.data_as_of}"


def releases(storage: Storage) -> list[Release]:
    """All releases, oldest first."""
    if storage.local is not None and storage.open(TABLE) is not None:
        refuse_damaged(storage, {TABLE: None})
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
                made_on=details.get("made_on", {}),
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


def select(storage: Storage, which: When | None, now: datetime) -> Release:
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


def choose(found: Sequence[Release], which: When | None, now: datetime) -> Release:
    """The release among these (at least one, oldest first) that `select` means."""
    chosen = _choose(found, which, now)
    if chosen.expired:
        raise ExpiredError(
            f"Release {chosen.number} cannot be read any more: vacuum, or the repair of a table, has removed files it "
            f"needs (`carti-lake release lock` keeps a release from vacuum). "
            f"Readable: {', '.join(str(one.number) for one in found if not one.expired)}."
        )
    return chosen


def monthly(present: Release, found: Sequence[Release]) -> list[Release]:
    """The last readable release of each calendar month that knew less than the present one, oldest first, and that one.

    One of the same day's data, as a run publishes that only scores anew, knew as much.
    """
    earlier = [one for one in found if one.number < present.number and one.data_as_of != present.data_as_of]
    last = {(one.at.year, one.at.month): one for one in earlier if not one.expired}
    return [*last.values(), present]


def _choose(found: Sequence[Release], which: When | None, now: datetime) -> Release:
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
    moment = which if isinstance(which, datetime) else datetime.combine(which, time.max, UTC)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment > now and moment.date() > now.date():
        raise ReleaseError(
            f"{which} lies in the future; the newest release is {found[-1].number} of {found[-1].at:%Y-%m-%d}."
        )
    published = [one for one in found if one.at <= moment]
    if not published:
        raise ReleaseError(
            f"No release stood at {which}; the first, {found[0].number}, is of {found[0].at:%Y-%m-%d %H:%M} UTC."
        )
    return published[-1]


def _instant(text: str) -> date | datetime:
    try:
        return date.fromisoformat(text) if len(text) <= 10 else datetime.fromisoformat(text)
    except ValueError:
        raise ReleaseError(
            f"{text!r} is neither a release number, nor the name of a lock, nor a date such as 2026-01-31."
        ) from None
