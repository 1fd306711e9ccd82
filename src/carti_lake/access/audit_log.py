"""The audit log: an append-only table whose entries are sealed one by the next, so that tampering shows."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import polars as pl

from carti_lake.store import write
from carti_lake.store.durable import NotDurableError
from carti_lake.store.errors import ConflictError, LakeError
from carti_lake.store.log import commits, transaction
from carti_lake.store.storage import Storage
from carti_lake.tables.access import AccessChanges, ApiKeys, AudienceChanges, AuditEntries
from carti_lake.tables.publications import Publications

if TYPE_CHECKING:
    from deltalake import DeltaTable

    from carti_lake.tables import Table

TABLE = AuditEntries.full_name()
#: Application transaction under which the log keeps the number of the last entry.
NUMBERING = "audit"
TRIES = 20
#: Entries that are sealed without a pause, and the seconds of one.
AT_ONCE, PAUSE = 500, 0.005
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
#: No release reads the audit log, and it may gain a commit every few seconds: each would stay in Delta's log for years,
#: and each file that was joined in every checkpoint.
SHORT_LOG = {
    "delta.logRetentionDuration": "interval 7 days",
    "delta.deletedFileRetentionDuration": "interval 1 hours",
}
#: Tables each row of which an entry of that action seals.
CHANGES: dict[str, "type[Table]"] = {
    "policy": AccessChanges,
    "key": ApiKeys,
    "audience": AudienceChanges,
    "publication": Publications,
}


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
    content: str | None = None

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what it tells: may be asked for early, so that sealing a batch holds up nothing else for long."""
        return content({name: getattr(self, name) for name in SEALED_COLUMNS})


#: Columns of an entry that are not its seal.
SEALED_COLUMNS = tuple(one.name for one in fields(Entry))


@dataclass(frozen=True)
class Unsealed:
    """A change of access that no entry tells of: its entry was kept from being written, or it was put in by hand."""

    table: str
    change: int
    viewer: str
    at: datetime
    who: str


@dataclass(frozen=True)
class Verdict:
    """What `verify` found.

    Attributes
    ----------
    entries
        How many there are.
    head
        Hash of the last one: whoever notes it elsewhere can tell later whether the audit log was cut short.
    faults
        What is wrong, in words; none where the chain holds.
    unsealed
        Where nothing else is wrong, the changes that `seal` may tell of; each is a fault as well.
    """

    entries: int
    head: str
    faults: tuple[str, ...]
    unsealed: tuple[Unsealed, ...] = ()


def append(storage: Storage, entries: Sequence[Entry]) -> str:
    """Add entries in their order, sealed to the last one; several writers make one chain. Returns the last one's hash.

    Raises
    ------
    LakeError
        Where they cannot be written, or other writers came first each of many times. None of them stands then.
    """
    last = ""
    for attempt in range(TRIES):
        handle = storage.create(TABLE, AuditEntries, change_feed=False, configuration=SHORT_LOG)
        count = transaction(handle, NUMBERING) or 0
        head = _head(storage, handle, count)
        if not entries:
            return head
        # A commit may have landed although its writer was told that it had not.
        if last and last == head:
            storage.settle((handle, handle.version() - 1))
            return head
        sealed = _all_sealed(entries, count, head)
        last = str(sealed["hash"][-1])
        try:
            write.append(
                storage,
                handle,
                sealed,
                transactions={NUMBERING: count + sealed.height},
                metadata={"seq": count + sealed.height, "head": last},
            )
        except NotDurableError:
            raise
        except LakeError:
            storage.let_go(TABLE)
            if attempt == TRIES - 1:
                raise
            continue
        break
    return last


def change(
    storage: Storage,
    action: str,
    values: Mapping[str, object],
    description: Callable[[int], str],
    *,
    who: str,
    why: str | None,
    now: datetime,
    number: int | None = None,
) -> None:
    """Commit a change of access, then the entry that seals it; a crash between the two shows.

    Parameters
    ----------
    storage
        The lake.
    action
        One of `CHANGES`.
    values
        Columns of its table, but for the number and who, when and why.
    description
        What the entry says of the change of that number.
    who, why, now
        Who makes it, why, and when.
    number
        Which it must be, where it follows from those before it.

    Raises
    ------
    ConflictError
        Where it is another one by now.
    """
    table = CHANGES[action]
    name = table.full_name()
    handle = storage.create(name, table, change_feed=False)
    next_ = (transaction(handle, name) or 0) + 1
    if number not in (None, next_):
        raise ConflictError(f"Change {number} of {name} has been made meanwhile.")
    number = next_
    row = {"change": number, **values, "at": now, "who": who, "why": why}
    write.append(
        storage,
        handle,
        pl.DataFrame([row], schema=table.dtypes()),
        transactions={name: number},
        metadata={"change": number},
    )
    append(storage, [Entry(now, who, action, description(number), content=content(row))])


def entries(storage: Storage) -> pl.DataFrame:
    """The whole audit log, newest first."""
    return storage.scan(TABLE).collect().sort("seq", descending=True)


def verify(storage: Storage, head: str | None = None) -> Verdict:
    """Whether every entry stands as it was written, in its place, and every change of access as an entry tells of it.

    Parameters
    ----------
    storage
        The lake.
    head
        Hash of an entry that was noted elsewhere: it must still be in the audit log.
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
    hashes = dict(rows.select("seq", "hash").iter_rows())
    # What Delta's log still tells of each batch: whoever cuts the audit log short must rewrite that as well.
    commits_of_ours = [] if handle is None else [one.metadata for one in commits(handle, -1) if "head" in one.metadata]
    if not all(hashes.get(one["seq"]) == one["head"] for one in commits_of_ours):
        faults.append("the log tells of other entries than those that are there")
    if head is not None and head not in set(rows["hash"]):
        faults.append("the entry that was noted elsewhere is not in the audit log any more")
    unsealed = []
    for action in CHANGES:
        wrong, unsealed_rows = _unsealed_changes(storage, rows, action)
        faults += wrong
        unsealed += unsealed_rows
    # With anything else wrong, what no entry tells of may be what one told of, and was changed since.
    mendable = () if faults else tuple(unsealed)
    faults += [f"change {one.change} of {one.table} is not as the audit log tells of it" for one in unsealed]
    return Verdict(rows.height, previous, tuple(dict.fromkeys(faults)), mendable)


def seal(storage: Storage, table: str, change: int, *, who: str, why: str, now: datetime) -> None:
    """Tell of a change of access whose entry a crash kept from being written; an entry that says so, by whom and why.

    Raises
    ------
    LakeError
        Where no reason is given, the audit log tells of the change already, or anything else is wrong with it.
    """
    if not why.strip():
        raise LakeError("Say why: it is recorded in the audit log.")
    found = verify(storage)
    if not any((one.table, one.change) == (table, change) for one in found.unsealed):
        others = (
            "" if found.unsealed or not found.faults else f" The audit log is not whole: {'; '.join(found.faults)}."
        )
        raise LakeError(
            f"Change {change} of {table} is none that only lacks its entry: see `carti-lake audit verify`.{others}"
        )
    (action,) = (action for action, one in CHANGES.items() if one.full_name() == table)
    row = storage.scan(table).filter(change=change).collect().row(0, named=True)
    description = f"sealed afterwards: change {change} of {_whom(row)}: {why.strip()}"
    append(storage, [Entry(now, who, action, description, content=content(row))])


def content(row: Mapping[str, Any]) -> str:
    """What an entry keeps of a row of another table, so that a change of it shows: a SHA-256."""
    known = {name: value for name, value in row.items() if value is not None}
    return hashlib.sha256(_encoded(known).encode()).hexdigest()


def _unsealed_changes(storage: Storage, entries: pl.DataFrame, action: str) -> tuple[list[str], list[Unsealed]]:
    """What is wrong with the changes that the audit log tells of, and those that it does not tell of as they stand."""
    table = CHANGES[action].full_name()
    sealed = {*entries.filter(action=action)["content"].drop_nulls()}
    if not sealed and storage.open(table) is None:
        return [], []
    rows = storage.scan(table).collect().sort("change")
    by_content = {content(row): row for row in rows.iter_rows(named=True)}
    faults = []
    if gone := len(sealed - by_content.keys()):
        faults.append(f"{gone} changes of {table} that the audit log tells of are gone, or are not as they were")
    if rows["change"].is_duplicated().any():
        faults.append(f"{table} holds two changes of one number")
    unsealed_rows = [row for found, row in by_content.items() if found not in sealed]
    return faults, [Unsealed(table, row["change"], _whom(row), row["at"], row["who"]) for row in unsealed_rows]


def _whom(row: Mapping[str, Any]) -> str:
    """Whom a change of access is about: a viewer, or the audience of all outlets; or what was made public."""
    if "release" in row:
        return f"the publication of release {row['release']}"
    return str(row["viewer"] if "viewer" in row else f"the audience {row['audience']}")


def _plain(value: datetime | date) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value.isoformat()


#: A row as text, the same whatever the order of its columns and the time zone of its instants.
_encoded = json.JSONEncoder(sort_keys=True, ensure_ascii=False, default=_plain).encode


def _all_sealed(entries: Sequence[Entry], count: int, head: str) -> pl.DataFrame:
    parts = []
    for start in range(0, len(entries), AT_ONCE):
        part = _sealed(entries[start : start + AT_ONCE], count + start, head)
        parts.append(part)
        head = str(part["hash"][-1])
        # Whatever shares the interpreter with a large batch goes on in between.
        time.sleep(PAUSE)
    return pl.concat(parts)


def _sealed(entries: Sequence[Entry], count: int, head: str) -> pl.DataFrame:
    seals = [head]
    for seq, entry in enumerate(entries, start=count + 1):
        seals.append(_seal(seals[-1], seq, entry.digest))
    columns: dict[str, Sequence[Any]] = {
        "seq": range(count + 1, count + len(seals)),
        **{name: [getattr(entry, name) for entry in entries] for name in SEALED_COLUMNS},
        # Polars takes ten times as long over instants, and the interpreter stands still for as long.
        "at": [(entry.at - _EPOCH) // _MICROSECOND for entry in entries],
        "previous": seals[:-1],
        "hash": seals[1:],
    }
    schema = AuditEntries.dtypes()
    return pl.DataFrame(columns, schema={**schema, "at": pl.Int64()}).cast({"at": schema["at"]})


def _hash(row: Mapping[str, Any]) -> str:
    # Without nulls, so that a column that the table gains one day changes no hash.
    return _seal(row["previous"], row["seq"], content({name: row[name] for name in SEALED_COLUMNS}))


def _seal(previous: str, seq: int, digest: str) -> str:
    return hashlib.sha256(f"{previous} {seq} {digest}".encode()).hexdigest()


def _head(storage: Storage, handle: "DeltaTable", count: int) -> str:
    """Hash of the last entry, from Delta's log: the audit log itself is read only where that has forgotten it."""
    newest = 1
    while count and newest <= 2 * (handle.version() + 1):
        heads = [one.metadata["head"] for one in commits(handle, handle.version() - newest) if "head" in one.metadata]
        if heads:
            return str(heads[-1])
        newest *= 2
    last = storage.scan(TABLE).filter(pl.col("seq") == count).select("hash").collect()["hash"]
    return str(last[0]) if last.len() else ""
