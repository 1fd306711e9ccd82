"""The audit trail: an append-only table whose entries are sealed one by the next, so that tampering shows."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from carti_lake.storage import ConflictError, Storage, commits, transaction
from carti_lake.tables.access import AuditEntries

TABLE = AuditEntries.full_name()
#: Application transaction under which the log keeps the number of the last entry.
NUMBERING = "audit"
TRIES = 20
_HASHED = tuple(name for name in AuditEntries.columns() if name != "hash")


@dataclass(frozen=True)
class Entry:
    """What happened; see `carti_lake.tables.access.AuditEntries`."""

    at: datetime
    who: str
    action: str
    resource: str
    release: int | None = None
    rows: int | None = None
    request: str | None = None


@dataclass(frozen=True)
class Verdict:
    """What `verify` found.

    Attributes
    ----------
    entries
        How many there are.
    head
        Hash of the last one: whoever notes it elsewhere can tell later whether the trail was cut short.
    faults
        What is wrong, in words; none where the chain holds.
    """

    entries: int
    head: str
    faults: tuple[str, ...]


def append(storage: Storage, entries: Sequence[Entry]) -> None:
    """Add entries in their order, sealed to the last one; several writers make one chain.

    Raises
    ------
    ConflictError
        Where other writers came first each of many times.
    """
    for attempt in range(TRIES):
        handle = storage.create(TABLE, AuditEntries, change_feed=False)
        count = transaction(handle, NUMBERING) or 0
        sealed = _sealed(entries, count, _head(handle, count))
        last = sealed[-1]
        try:
            storage.append(
                handle,
                pl.DataFrame(sealed, schema=AuditEntries.dtypes()),
                transactions={NUMBERING: last["seq"]},
                metadata={"seq": last["seq"], "head": last["hash"]},
            )
        except ConflictError:
            storage.let_go(TABLE)
            if attempt == TRIES - 1:
                raise
            continue
        return


def entries(storage: Storage) -> pl.DataFrame:
    """The whole trail, newest first."""
    return storage.scan(TABLE).collect().sort("seq", descending=True)


def verify(storage: Storage, head: str | None = None) -> Verdict:
    """Whether every entry stands as it was written, in its place.

    Parameters
    ----------
    storage
        The lake.
    head
        Hash of an entry that was noted elsewhere: it must still be in the trail.
    """
    rows = storage.scan(TABLE).collect().sort("seq")
    faults, previous = [], ""
    # A chain is followed link by link.
    for place, row in enumerate(rows.iter_rows(named=True), start=1):
        if row["seq"] != place:
            faults.append(f"entry {place} is missing, or another stands in its place (number {row['seq']})")
            break
        if row["previous"] != previous:
            faults.append(f"entry {place} does not follow from the one before it")
        if row["hash"] != _hash(row):
            faults.append(f"entry {place} is not as it was written")
        previous = row["hash"]
    handle = storage.open(TABLE)
    count = 0 if handle is None else transaction(handle, NUMBERING) or 0
    if rows.height != count:
        faults.append(f"the log tells of {count} entries, {rows.height} are there")
    if head is not None and head not in set(rows["hash"]):
        faults.append("the entry that was noted elsewhere is not in the trail any more")
    return Verdict(rows.height, previous, tuple(dict.fromkeys(faults)))


def _sealed(entries: Sequence[Entry], count: int, head: str) -> list[dict[str, Any]]:
    sealed = []
    for seq, entry in enumerate(entries, start=count + 1):
        row = {"seq": seq, **entry.__dict__, "previous": head}
        row["hash"] = head = _hash(row)
        sealed.append(row)
    return sealed


def _hash(row: dict[str, Any]) -> str:
    told = {name: row[name] for name in _HASHED}
    told["at"] = row["at"].isoformat()
    return hashlib.sha256(json.dumps(told, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _head(handle: Any, count: int) -> str:
    """Hash of the last entry, from the log: the trail itself need not be read."""
    if count == 0:
        return ""
    newest = 1
    while True:
        told = [one.metadata["head"] for one in commits(handle, handle.version() - newest) if "head" in one.metadata]
        if told:
            return str(told[-1])
        newest *= 2
