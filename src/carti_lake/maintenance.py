"""Optimise, vacuum, verify: the lake's upkeep, under its claim."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from carti_lake.claim import claim
from carti_lake.integrity import damage, hashes, recorded, repair
from carti_lake.models import registry, store
from carti_lake.release import latest, preceding, releases, retire
from carti_lake.storage import CorruptTableError, LakeError, Storage, row_count, translated
from carti_lake.tables import TABLES
from carti_lake.tables.gold.events import COMPARED

#: Files younger than this may belong to a writer that has not committed yet.
WRITER_HOURS = 1


@dataclass(frozen=True)
class Upkeep:
    """What maintenance did to a table.

    Attributes
    ----------
    table
        Full name.
    files_before, files_after
        Data files of the newest version, or files removed (``files_before - files_after``) by vacuum.
    """

    table: str
    files_before: int
    files_after: int


def existing(storage: Storage) -> list[str]:
    """Full names of the tables that the lake holds."""
    return [name for name, table in TABLES.items() if table.view_of is None and storage.open(name) is not None]


def optimize(storage: Storage, names: Collection[str], progress: Callable[[str], None]) -> list[Upkeep]:
    """Join small files of the tables, where they were ever made; the rows stay the same, which is checked."""
    done = []
    with claim(storage, "optimize"):
        for name in (one for one in existing(storage) if one in names):
            progress(name)
            handle = storage.open(name)
            assert handle is not None
            files, rows = len(handle.file_uris()), row_count(handle)
            with translated(name):
                handle.optimize.compact()
            fresh = storage.open(name)
            assert fresh is not None
            if name.startswith(("silver", "gold", "quarantine")) and row_count(fresh) != rows:
                raise CorruptTableError(
                    f"{name}: {rows} rows before and {row_count(fresh)} after compaction. Releases still read the "
                    f"version before; run `carti-lake run --full` to rebuild the table."
                )
            done.append(Upkeep(name, files, len(fresh.file_uris())))
    return done


def vacuum(
    storage: Storage, *, keep_days: int, now: datetime, dry_run: bool, progress: Callable[[str], None]
) -> list[Upkeep]:
    """Remove files that no kept release needs.

    Kept are the newest release, every locked one, and those published within ``keep_days``. The others are marked
    expired before a file of theirs is removed, so that readers get a clear answer. Of the release before a kept one,
    what its publication is compared with stays on disk: else it would show what it hides.
    """
    done = []
    with claim(storage, "vacuum"):
        kept = retire(storage, now - timedelta(days=keep_days), now, dry_run=dry_run)
        found = releases(storage)
        compared = [before for one in kept if (before := preceding(found, one)) is not None]
        for name in existing(storage):
            if name == "releases":
                continue
            progress(name)
            handle = storage.open(name)
            assert handle is not None
            readers = [*kept, *compared] if name in COMPARED else kept
            needed = sorted({one.versions[name] for one in readers if name in one.versions})
            with translated(name):
                removed = handle.vacuum(
                    retention_hours=WRITER_HOURS,
                    dry_run=dry_run,
                    enforce_retention_duration=False,
                    full=True,
                    keep_versions=needed or None,
                )
            done.append(Upkeep(name, len(removed), 0))
            if not dry_run and storage.local is not None:
                _sweep(Path(storage.path(name)), now)
    return done


def _sweep(folder: Path, now: datetime) -> None:
    """Remove the half-written files of killed writers, which no vacuum lists."""
    for leftover in folder.rglob("*#*"):
        if leftover.is_file() and leftover.stat().st_mtime < (now - timedelta(hours=WRITER_HOURS)).timestamp():
            leftover.unlink(missing_ok=True)


@dataclass(frozen=True)
class Check:
    """What `verify` found of a table.

    Attributes
    ----------
    table
        Full name.
    files
        Data files read.
    problem
        What is damaged and how to repair it; empty where all is well.
    """

    table: str
    files: int
    problem: str


def verify(storage: Storage, names: list[str], progress: Callable[[str], None]) -> list[Check]:
    """Read every data file of the tables and of the newest release; compare with recorded hashes and with the log.

    Tables that were never made are left out.
    """
    newest = latest(storage)
    known = recorded(storage)
    checks = []
    for name in names:
        progress(name)
        try:
            handle = storage.open(name)
        except LakeError as error:
            checks.append(Check(name, 0, f"{error} {repair(name)}"))
            continue
        version = None if newest is None else newest.versions.get(name)
        if handle is None and version is None:
            continue
        checks.append(_verify_table(storage, name, None, known.get(name, {})))
        if version is not None and handle is not None and version != handle.version():
            checks.append(_verify_table(storage, name, version, known.get(name, {})))
        if name == registry.TABLE and not checks[-1].problem:
            checks += _verify_models(storage)
    return checks


def _verify_models(storage: Storage) -> list[Check]:
    """The files of the current models against their recorded hashes."""
    checks = []
    for row in registry.current(registry.versions(storage)).values():
        problem = ""
        try:
            store.checked(storage, row["model"], row["file"], row["sha256"])
        except store.ModelFileError as error:
            problem = str(error)
        checks.append(Check(registry.TABLE, 1, problem))
    return checks


def _verify_table(storage: Storage, name: str, version: int | None, known: Mapping[str, str]) -> Check:
    files = 0
    try:
        if (damaged := damage(storage, name, version)) is not None:
            return Check(name, files, f"{damaged}. {repair(name)}")
        handle = storage.open(name, version)
        assert handle is not None
        files = len(handle.file_uris())
        if storage.local is not None:
            with translated(name):
                found = hashes(Path(storage.path(name)), handle.file_uris())
            changed = sorted(file for file, digest in found.items() if known.get(file, digest) != digest)
            if changed:
                return Check(name, files, f"{', '.join(changed[:3])}: not the bytes that were written. {repair(name)}")
        with translated(name):
            rows = storage.scan(name, version)
            counted = rows.select(pl.len(), pl.all().count().name.prefix("n_")).collect(engine="streaming")["len"][0]
        recorded = row_count(handle)
        if counted != recorded:
            return Check(name, files, f"{counted} rows can be read, the log records {recorded}. {repair(name)}")
    except LakeError as error:
        return Check(name, files, f"{error} {repair(name)}")
    return Check(name, files, "")
