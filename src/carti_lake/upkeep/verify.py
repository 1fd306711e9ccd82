"""Verify: data files against the log and their recorded hashes, and the newest commits against their copies."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from carti_lake.models import registry, store
from carti_lake.releases.release import latest
from carti_lake.store.durable import log_of
from carti_lake.store.errors import LOOK, CorruptTableError, LakeError, translated
from carti_lake.store.hashes import hashes, of_table, own, recorded
from carti_lake.store.integrity import damage, repair, unlike_copy
from carti_lake.store.log import row_count
from carti_lake.store.storage import Storage, data_files
from carti_lake.tables.releases import Releases


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
    checks = []
    try:
        newest, known = latest(storage), recorded(storage)
    except CorruptTableError as error:
        newest, known = None, {}
        checks.append(Check(Releases.full_name(), 0, str(error)))
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
                folder = Path(storage.path(name))
                log = [file for file in log_of(folder, handle.version()) if file.is_file()]
                found = hashes(folder, [*data_files(handle), *log])
                known = {**of_table(known, str(handle.metadata().id)), **own(storage, name)}
            changed = sorted(file for file, digest in found.items() if known.get(file, digest) != digest)
            if changed:
                return Check(name, files, f"{', '.join(changed[:3])}: not the bytes that were written. {repair(name)}")
            if version is None and (unlike := unlike_copy(storage, name, handle)) is not None:
                return Check(name, files, f"{unlike.problem}. {LOOK}")
        with translated(name):
            rows = storage.scan(name, version)
            counted = rows.select(pl.len(), pl.all().count().name.prefix("n_")).collect(engine="streaming")["len"][0]
        recorded = row_count(handle)
        if counted != recorded:
            return Check(name, files, f"{counted} rows can be read, the log records {recorded}. {repair(name)}")
    except LakeError as error:
        return Check(name, files, f"{error} {repair(name)}")
    return Check(name, files, "")
