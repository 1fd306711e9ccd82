"""How far a source has been read: the mark in the last commit of bronze that its rows came with."""

from dataclasses import dataclass
from datetime import date, datetime

from carti_lake.pull.declaration import Source
from carti_lake.sources.extract import application_of
from carti_lake.store.log import commits, transaction
from carti_lake.store.storage import Storage


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
    kept
        Folder of the lake with what it has delivered so far; None where nothing is kept.
    """

    number: int = 0
    cursor: str | None = None
    content: str | None = None
    reading: str | None = None
    delivered_at: datetime | None = None
    extract_date: date | None = None
    kept: str | None = None


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
        kept=said.get("kept"),
    )


def resumed(storage: Storage, source: Source) -> Standing:
    """Where reading goes on: from the beginning, where what is read or how has changed since."""
    found = standing(storage, source.feed.short_name, source.name)
    if found.reading in (None, source.reading):
        return found
    return Standing(found.number, delivered_at=found.delivered_at, extract_date=found.extract_date)
