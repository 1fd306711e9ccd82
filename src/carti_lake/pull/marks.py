"""How far a source has been read: the mark in the last commit of bronze that its rows came with."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from carti_lake.sources.extract import application_of
from carti_lake.store.log import commits, transaction
from carti_lake.store.storage import Storage

if TYPE_CHECKING:
    from carti_lake.pull.declaration import Source

#: The least by which what comes next is delivered later.
INSTANT = timedelta(milliseconds=2)


@dataclass(frozen=True)
class Standing:
    """Where a source stands.

    Attributes
    ----------
    number
        Of the mark, 0 before the first: what the next one follows.
    cursor
        Greatest value of the cursor's column that was read; None where the source has no cursor.
    content
        Tells what came last from anything else.
    reading
        How it was read.
    delivered_at, extract_date
        Of what came last: what comes next is newer, whatever the clock does.
    fetched
        What a source that comes in parts has given: where the next part is, and hashes of those that came.
    kept
        Folder of the lake with what it has delivered so far; None where nothing is kept.
    """

    number: int = 0
    cursor: str | None = None
    content: str | None = None
    reading: str | None = None
    delivered_at: datetime | None = None
    extract_date: date | None = None
    fetched: Mapping[str, Any] = field(default_factory=dict)
    kept: str | None = None

    def following(self, now: datetime) -> tuple[datetime, date]:
        """Moment and day of what comes next."""
        moment = max(now, self.delivered_at + INSTANT) if self.delivered_at else now
        return moment, max(moment.date(), self.extract_date or moment.date())


def standing(storage: Storage, feed: str, source: str) -> Standing:
    """Where a source stands, by the log of the feed's bronze table; the log is read back to its last mark only."""
    handle = storage.open(f"bronze.{feed}")
    number = None if handle is None else transaction(handle, application_of(source))
    if handle is None or number is None:
        return Standing()
    said, batch = next(
        (one.metadata["source"], one.metadata["batch"])
        for one in commits(handle, number - 1)
        if one.metadata.get("source", {}).get("name") == source
    )
    return Standing(
        number=number,
        cursor=said["cursor"],
        content=said["content"],
        reading=said["reading"],
        delivered_at=datetime.fromisoformat(batch["delivered_at"]),
        extract_date=date.fromisoformat(batch["extract_date"]),
        fetched=said.get("fetched", {}),
        kept=said.get("kept"),
    )


def resumed(storage: Storage, source: "Source") -> Standing:
    """Where reading goes on: from the beginning, where what is read or how has changed since."""
    found = standing(storage, source.feed.short_name, source.name)
    return found if found.reading in (None, source.reading) else _from_the_beginning(found)


def restarted(storage: Storage, source: "Source") -> Standing:
    """Where reading begins anew, after what came last."""
    return _from_the_beginning(standing(storage, source.feed.short_name, source.name))


def _from_the_beginning(found: Standing) -> Standing:
    return Standing(found.number, delivered_at=found.delivered_at, extract_date=found.extract_date)


def digest(*parts: str | None) -> str:
    """What tells a delivery of a source: the source, where it stood, and the content."""
    return hashlib.sha256("\x1f".join(part or "" for part in parts).encode()).hexdigest()
