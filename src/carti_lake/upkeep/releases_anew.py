"""The table of releases made anew: each commit of a run says which release it was made for."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import polars as pl

from carti_lake.releases.publish import expire, publish
from carti_lake.runner.engine import here
from carti_lake.store.errors import CorruptTableError, LakeError
from carti_lake.store.hashes import new_hashes
from carti_lake.store.integrity import damage
from carti_lake.store.log import Commit, commits, row_count
from carti_lake.store.storage import Storage
from carti_lake.tables import ENTITIES, TABLES
from carti_lake.tables.gold import Reconciliation
from carti_lake.tables.releases import Releases

#: What is made for a release; bronze is delivered, and said by silver.
MADE = ("silver", "quarantine", "gold", "thresholds", "models")


@dataclass(frozen=True)
class _Found:
    """A release as the tables' commits tell of it."""

    number: int
    at: datetime
    versions: dict[str, int]


def named(storage: Storage) -> list[int]:
    """Numbers of the releases that the tables' commits tell of, oldest first.

    The last number is not among them: whether it was published, nothing but the next one tells.
    """
    numbers = {said for history in _histories(storage).values() for one in history if (said := _of(one)) is not None}
    return sorted(numbers - {max(numbers, default=0)})


def make_anew(storage: Storage) -> None:
    """Publish again, one commit each, the releases that the tables' commits tell of; the table must not be there."""
    releases = _found(storage)
    for found in releases:
        handles = {name: storage.open(name, version) for name, version in found.versions.items()}
        tables = {name: (found.versions[name], row_count(one)) for name, one in handles.items() if one is not None}
        ids = {name: str(one.metadata().id) for name, one in handles.items() if one is not None}
        # What the files were is not known any more; from now on they are guarded as they are.
        files = new_hashes(storage, tables, {}, here) if found is releases[-1] else {}
        publish(storage, tables, ids, [], [], _as_of(storage, found), found.at, files, number=found.number)
        if any(damage(storage, name, version) for name, version in found.versions.items()):
            expire(storage, [found.number], found.at)


def _histories(storage: Storage) -> dict[str, list[Commit]]:
    """The commits of every table that can be read."""
    found = {}
    for name, table in TABLES.items():
        if table.view_of is None and name != Releases.full_name() and Path(storage.path(name)).is_dir():
            try:
                handle = storage.open(name)
            except CorruptTableError:
                continue
            if handle is not None:
                found[name] = commits(handle, -1)
    return found


def _found(storage: Storage) -> list[_Found]:
    histories, found = _histories(storage), []
    for number in named(storage):
        made = [one for history in histories.values() for one in history if (_of(one) or number + 1) <= number]
        at = max(one.timestamp for one in made)
        versions = {}
        for name, history in histories.items():
            if name.startswith(MADE):
                # What says no release is from beside the runs: a new table, a compaction, what people set.
                held = [one for one in history if ((_of(one) or 0) <= number if _of(one) else one.timestamp <= at)]
                if held:
                    versions[name] = held[-1].version
        for entity in ENTITIES.values():
            taken = [
                one.metadata for one in histories.get(entity.full_name(), []) if (_of(one) or number + 1) <= number
            ]
            if said := [one["bronze_version"] for one in taken if "bronze_version" in one]:
                versions[entity.feed.full_name()] = max(said[-1], versions.get(entity.feed.full_name(), -1))
        found.append(_Found(number, at, versions))
    return found


def _as_of(storage: Storage, found: _Found) -> date | None:
    name = Reconciliation.full_name()
    if name not in found.versions:
        return None
    newest: date | None
    try:
        newest = storage.scan(name, found.versions[name]).select(pl.col("extract_date").max()).collect().item()
    except (LakeError, FileNotFoundError):
        return None
    return newest


def _of(commit: Commit) -> int | None:
    """The release that a run's commit was made for."""
    said = commit.metadata.get("release")
    return None if said is None else int(said)
