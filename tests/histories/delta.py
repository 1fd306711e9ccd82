"""Tables in a simulated store: the part of deltalake that the product uses, with Delta's own log and its conflicts.

`test_delta.py` holds it against deltalake itself.
"""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar
from urllib.request import pathname2url

import polars as pl
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.transaction import AddAction

from tests.histories.store import InFlight, Store

Action = dict[str, Any]


@dataclass(frozen=True)
class State:
    """A table as its log tells of it up to a version."""

    version: int = -1
    id: str = ""
    configuration: Mapping[str, str] = field(default_factory=dict)
    transactions: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, Action] = field(default_factory=dict)

    @cached_property
    def adds(self) -> pl.DataFrame:
        """Its files, as ``get_add_actions`` tells of them."""
        rows = [(path, one["size"], json.loads(one["stats"])["numRecords"]) for path, one in sorted(self.files.items())]
        schema = {"path": pl.String, "size_bytes": pl.Int64, "num_records": pl.Int64}
        return pl.DataFrame(rows, schema=schema, orient="row")

    def then(self, actions: list[Action]) -> "State":
        """As it is after the next commit."""
        state = replace(self, version=self.version + 1)
        files, transactions = dict(state.files), dict(state.transactions)
        for action in actions:
            if (meta := action.get("metaData")) is not None:
                state = replace(state, id=meta["id"], configuration=meta["configuration"])
            elif (one := action.get("txn")) is not None:
                transactions[one["appId"]] = one["version"]
            elif (one := action.get("add")) is not None:
                files[one["path"]] = one
            elif (one := action.get("remove")) is not None:
                files.pop(one["path"], None)
        return replace(state, files=files, transactions=transactions)


class Table:
    """A handle on a table, as deltalake's ``DeltaTable``."""

    store: ClassVar[Store]

    def __init__(self, table_uri: str, version: int | None = None, storage_options: object = None) -> None:
        if self.store.point("unreachable" if self.store.remote else "") == "unreachable":
            raise DeltaError("Generic S3 error: error sending request: operation timed out")
        self.folder = Path(table_uri.removeprefix("sim://"))
        self.table_uri = table_uri if self.store.remote else f"file://{pathname2url(table_uri)}/"
        self.state = self._at(version)

    @classmethod
    def is_deltatable(cls, table_uri: str, storage_options: object = None) -> bool:
        cls.store.point()
        return bool(cls.store.seen(_commits(Path(table_uri.removeprefix("sim://")))))

    @classmethod
    def create(
        cls, table_uri: str, *, schema: Any, configuration: Mapping[str, str], description: str, **_: Any
    ) -> None:
        if cls.is_deltatable(table_uri):
            return
        table_id = f"table-{cls.store.number()}"
        meta = {
            "id": table_id,
            "format": {"provider": "parquet", "options": {}},
            "schemaString": "{}",
            "partitionColumns": [],
            "configuration": {**configuration, "schema": json.dumps([str(one) for one in schema])},
        }
        SCHEMAS[table_id], EMPTY[table_id] = schema, pl.DataFrame(schema.empty_table())
        protocol = {"minReaderVersion": 1, "minWriterVersion": 4}
        actions = [{"commitInfo": {"operation": "CREATE TABLE", "timestamp": int(cls.store.now * 1000)}}]
        folder = Path(table_uri.removeprefix("sim://"))
        (folder / "_delta_log").mkdir(parents=True, exist_ok=True)
        if not put(cls.store, folder, 0, [*actions, {"protocol": protocol}, {"metaData": meta}]):
            raise CommitFailedError("a table of that version exists already")

    def version(self) -> int:
        return self.state.version

    def metadata(self) -> Any:
        return SimpleNamespace(id=self.state.id, configuration=self.state.configuration, partition_columns=[])

    def schema(self) -> Any:
        arrow = SCHEMAS[self.state.id]
        return SimpleNamespace(fields=[SimpleNamespace(name=name) for name in arrow.names], to_arrow=lambda: arrow)

    def transaction_version(self, app_id: str) -> int | None:
        return self.state.transactions.get(app_id)

    def file_uris(self) -> list[str]:
        return [f"{self.folder}/{path}" for path in self.state.files]

    def partitions(self) -> list[Any]:
        return []

    def count(self) -> int:
        return int(self.state.adds["num_records"].sum())

    def get_add_actions(self, flatten: bool = False) -> pl.DataFrame:
        return self.state.adds

    def history(self, limit: int) -> list[dict[str, Any]]:
        # As deltalake: it counts down from the version that was opened, though the log may have grown since.
        wanted = _commits(self.folder)[max(self.state.version + 1 - limit, 0) :]
        return [read(path)[0]["commitInfo"] for path in reversed(wanted)]

    def update_incremental(self) -> None:
        self.store.point()
        self._go_on()

    def create_write_transaction(
        self, actions: list[AddAction], *, mode: str, commit_properties: Any, schema: Any, partition_by: Any
    ) -> None:
        gone = list(self.state.files) if mode == "overwrite" else []
        self._commit([*map(_add, actions)], gone, "WRITE", commit_properties, reads=False)

    def merge(self, rows: pl.DataFrame, predicate: str, *, commit_properties: Any, **_: Any) -> "Merge":
        return Merge(self, rows, re.findall(r"t\.(\w+) = s\.\1", predicate), commit_properties)

    def vacuum(
        self, *, retention_hours: float, dry_run: bool, keep_versions: Sequence[int] | None, **_: Any
    ) -> list[str]:
        # As deltalake: first the clock is read, then the folder; the table stays as it was opened.
        until = self.store.now - retention_hours * 3600
        self.store.point()
        kept = {path for version in keep_versions or [] for path in self._at(version).files} | self.state.files.keys()
        gone = [
            path
            for path in sorted(self.folder.glob("part-*"))
            if path.name not in kept and self.store.written_at.get(path, 0.0) < until
        ]
        for path in [] if dry_run else gone:
            self.store.point()
            path.unlink()
        return [path.name for path in gone]

    def rows(self, storage_options: object = None) -> pl.LazyFrame:
        """What ``polars.scan_delta`` reads."""
        return pl.concat([EMPTY[self.state.id], *self.by_file().values()]).lazy()

    def by_file(self) -> dict[str, pl.DataFrame]:
        """The rows of each data file."""
        self.store.point()
        found = {}
        for path in sorted(self.state.files):
            content = (self.folder / path).read_bytes()
            if content not in self.store.frames:
                raise pl.exceptions.ComputeError(f"{path} is no file that was written")
            found[path] = self.store.frames[content]
        return found

    def _commit(
        self, added: list[Action], gone: list[str], operation: str, properties: Any, *, reads: bool, **metrics: int
    ) -> None:
        info = {"timestamp": int(self.store.time() * 1000), "operation": operation, "operationMetrics": metrics}
        transactions = {one.app_id: one.version for one in properties.app_transactions or []}
        actions: list[Action] = [
            {"commitInfo": {**info, **(properties.custom_metadata or {})}},
            *({"txn": {"appId": name, "version": number}} for name, number in transactions.items()),
            *({"remove": {"path": path, "dataChange": True, "deletionTimestamp": 0}} for path in gone),
            *added,
        ]
        version = self.state.version + 1
        while not committed(self.store, self.folder, version, actions):
            winner = read(_commit_path(self.folder, version))
            if any(
                "remove" in one
                or "metaData" in one
                or "protocol" in one
                or (reads and "add" in one)
                or one.get("txn", {}).get("appId") in transactions
                for one in winner
            ):
                raise CommitFailedError("Failed to commit transaction: a concurrent transaction changed the table")
            version += 1

    def _at(self, version: int | None) -> State:
        commits = _commits(self.folder) if version is not None else self.store.seen(_commits(self.folder))
        if not commits:
            raise TableNotFoundError("no log")
        wanted = commits if version is None else commits[: version + 1]
        if any(int(path.stem) != place for place, path in enumerate(wanted)):
            raise DeltaError("Generic delta kernel error: a commit is missing")
        state = _state(tuple(map(_as_it_is, wanted)))
        if version is not None and state.version < version:
            raise DeltaError("Generic delta kernel error: no such version")
        if not state.id:
            raise DeltaError("Generic delta kernel error: no metadata")
        return state

    def _go_on(self) -> None:
        while (path := _commit_path(self.folder, self.state.version + 1)).exists():
            self.state = self.state.then(read(path))


class Merge:
    """A merge by key of rows that say whether they go."""

    def __init__(self, table: Table, rows: pl.DataFrame, key: list[str], properties: Any) -> None:
        self.table, self.rows, self.key, self.properties = table, rows, key, properties

    def when_matched_delete(self, predicate: str) -> "Merge":
        return self

    def when_matched_update(self, updates: Any, predicate: str) -> "Merge":
        return self

    def when_not_matched_insert(self, updates: Any, predicate: str) -> "Merge":
        return self

    def execute(self) -> None:
        self.table.store.committing += 1
        try:
            self._execute(self.table)
        finally:
            self.table.store.committing -= 1

    def _execute(self, table: Table) -> None:
        standing = table.by_file()
        columns = EMPTY[table.state.id].columns
        change = self.rows.cast(dict(EMPTY[table.state.id].schema))
        everything = pl.concat([EMPTY[table.state.id], *standing.values()])
        fresh = change.filter(~pl.col("delete")).select(columns)
        inserted = fresh.join(everything, on=self.key, how="anti")
        updated = fresh.join(inserted, on=self.key, how="anti").join(
            everything, on=columns, how="anti", nulls_equal=True
        )
        touched = pl.concat([updated, change.filter("delete").select(columns)]).select(self.key)
        files = {path: rows for path, rows in standing.items() if rows.join(touched, on=self.key, how="semi").height}
        if inserted.is_empty() and not files:
            return
        kept = [rows.join(touched, on=self.key, how="anti") for rows in files.values()]
        added = write(table.store, table.folder, pl.concat([*kept, updated, inserted]))
        metrics = {"num_target_rows_inserted": inserted.height}
        table._commit([*map(_add, added)], list(files), "MERGE", self.properties, reads=True, **metrics)
        table._go_on()


#: Columns of every table, and a frame of none of its rows, by its id.
SCHEMAS: dict[str, Any] = {}
EMPTY: dict[str, pl.DataFrame] = {}
#: A commit as it is on the disk: whoever changes it changes its number or its time.
Found = tuple[str, int, int]


def write(store: Store, folder: Path, rows: pl.DataFrame) -> list[AddAction]:
    """Write rows into a new data file; none for no rows."""
    failed = store.point("disk full")
    if rows.is_empty():
        return []
    name = f"part-{store.number():05}.parquet"
    content = f"PAR1 {name} of {rows.height} rows PAR1".encode()
    if failed == "disk full":
        (folder / name).write_bytes(content[:7])
        raise OSError(28, "No space left on device")
    (folder / name).write_bytes(content)
    store.written_at[folder / name] = store.now
    store.frames[content] = rows
    return [AddAction(name, len(content), {}, int(store.now * 1000), True, json.dumps({"numRecords": rows.height}))]


def sink(store: Store, rows: pl.LazyFrame, table: str) -> list[AddAction]:
    """What ``datafiles.sink`` does."""
    return write(store, Path(table.removeprefix("sim://")), rows.collect())


def committed(store: Store, folder: Path, version: int, actions: list[Action]) -> bool:
    """As `put`; nobody stands still for an hour meanwhile."""
    store.committing += 1
    try:
        return put(store, folder, version, actions)
    finally:
        store.committing -= 1


def put(store: Store, folder: Path, version: int, actions: list[Action]) -> bool:
    """Write a commit where none of its version is; whether it was written.

    Raises
    ------
    DeltaError, CommitFailedError
        Of a write whose answer is lost, though it may stand, or may come to stand later.
    """
    path = _commit_path(folder, version)
    content = "\n".join(map(json.dumps, actions)).encode()
    kinds = ("answer lost", "taken for another's", "late", "refused") if store.remote else ("disk full", "after it")
    failed = store.point(*kinds)
    if failed == "refused" or failed == "disk full":
        raise DeltaError("No space left on device (os error 28)" if failed == "disk full" else TIMED_OUT)
    if failed == "late":
        store.in_flight.append(InFlight(path, content))
        raise DeltaError(TIMED_OUT)
    if not store.remote:
        # As object_store does: beside, then by a link, which fails where there is one.
        beside = path.with_name(f"{path.name}#{store.number()}")
        beside.write_bytes(content)
        # A vacuum sweeps what dead writers have left by its age.
        os.utime(beside, (store.now, store.now))
        store.point()
        try:
            os.link(beside, path)
        except FileExistsError:
            return False
        finally:
            beside.unlink(missing_ok=True)
    elif path.exists():
        return False
    else:
        path.write_bytes(content)
    store.written_at[path] = store.now
    if failed == "answer lost":
        raise DeltaError(TIMED_OUT)
    if failed == "taken for another's":
        # The store had it; the client asked again, and was told that there is one.
        raise CommitFailedError("Failed to commit transaction: a concurrent transaction changed the table")
    if failed == "after it":
        raise DeltaError("No space left on device (os error 28)")
    store.point()
    return True


TIMED_OUT = "Generic S3 error: error sending request: operation timed out"


def read(path: Path) -> list[Action]:
    """The actions of a commit; an empty one is one that does nothing, as deltalake reads it."""
    return _read(_as_it_is(path))


def _as_it_is(path: Path) -> Found:
    name = str(path)
    found = os.stat(name)
    return name, found.st_ino, found.st_mtime_ns


@lru_cache(maxsize=1000)
def _read(commit: Found) -> list[Action]:
    try:
        return [json.loads(line) for line in Path(commit[0]).read_bytes().splitlines()]
    except ValueError as error:
        raise DeltaError("Generic delta kernel error: a commit cannot be parsed") from error


@lru_cache(maxsize=1000)
def _state(commits: tuple[Found, ...]) -> State:
    """The table after those commits; most were asked for before with one fewer."""
    return _state(commits[:-1]).then(_read(commits[-1])) if commits else State()


def _commits(folder: Path) -> list[Path]:
    log = folder / "_delta_log"
    names = os.listdir(log) if log.is_dir() else []
    return [log / name for name in sorted(names) if name.endswith(".json") and name[0].isdigit()]


def _commit_path(folder: Path, version: int) -> Path:
    return folder / "_delta_log" / f"{version:020}.json"


def _add(action: AddAction) -> Action:
    return {"add": {"path": action.path, "size": action.size, "dataChange": True, "stats": action.stats}}
