"""A lake of three small tables in a simulated store: the product's own loads, runs, releases, locks and repairs.

The product's code goes through `deltalake`, `datafiles.sink`, `scan_files` and `polars.scan_delta` to the store:
those are replaced, and what a run computes by three steps of a few lines that commit as its entities and marts do.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import UTC, date, datetime
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import dataframely as dy
import polars as pl

from carti_lake.releases.release import Audit
from carti_lake.runner.entities import window
from carti_lake.sources.extract import Extract
from carti_lake.store import datafiles
from carti_lake.store.log import row_count, transaction
from carti_lake.store.storage import Storage
from carti_lake.store.write import append, merge
from carti_lake.tables import FEEDS, TABLES, Feed, Table
from carti_lake.tables.access import AccessChanges, ApiKeys, AudienceChanges, AuditEntries
from carti_lake.tables.publications import Publications
from carti_lake.tables.releases import Releases
from tests.histories import delta
from tests.histories.store import Store


class Delivered(Feed, table="numbers"):  # type: ignore[call-arg]
    """What was delivered."""

    number = dy.Int64()


class Even(Table, layer="silver", table="numbers"):
    """The even numbers, each once."""

    number = dy.Int64(primary_key=True)
    batch_id = dy.String()


class Odd(Table, layer="quarantine", table="numbers"):
    """The odd numbers, each once."""

    number = dy.Int64(primary_key=True)
    batch_id = dy.String()


class Sums(Table, layer="gold", table="reconciliation"):
    """Count and sum of the numbers of each batch."""

    feed = dy.String()
    batch_id = dy.String(primary_key=True)
    extract_date = dy.Date()
    rows = dy.Int64()
    total = dy.Int64()


BRONZE, SILVER, QUARANTINE, GOLD = (one.full_name() for one in (Delivered, Even, Odd, Sums))
TINY: dict[str, type[Table]] = {
    one.full_name(): one
    for one in (
        *(Delivered, Even, Odd, Sums, Releases),
        *(AuditEntries, AccessChanges, ApiKeys, AudienceChanges, Publications),
    )
}
#: Not the function of that name, which stands for it in its package.
RUNNER = import_module("carti_lake.runner.run")
#: What silver and quarantine have taken in of bronze.
TAKEN = "bronze.numbers@1"
DAY = date(2026, 4, 1)


def extract(content: int) -> Extract:
    """The delivery of that number: four numbers, two of them odd."""
    rows = pl.DataFrame({"number": [10 * content + one for one in range(4)]}).lazy()
    return Extract(f"extract {content}", f"{content:016}", datetime(2026, 4, 1, tzinfo=UTC), DAY, rows)


def numbers(content: int) -> set[int]:
    """What that delivery holds."""
    return {10 * content + one for one in range(4)}


def _as_bronze(rows: pl.LazyFrame, feed: object, readings: object) -> pl.LazyFrame:
    return rows.with_row_index("row_number", 1).with_columns(
        pl.col("row_number").cast(pl.Int64), rescued=pl.lit(None, pl.String), row_hash=pl.lit(0, pl.Int64)
    )


def update(storage: Storage, *, full: bool, **_: object) -> list[str]:
    """Silver, then quarantine, then gold: each takes in what its own log says that it lacks."""
    bronze = storage.open(BRONZE)
    if bronze is None:
        return []
    for table, odd in ((Even, 0), (Odd, 1)):
        handle = storage.create(table.full_name(), table)
        taken = None if full else transaction(handle, TAKEN)
        waiting = window(bronze, -1 if taken is None else taken)
        if waiting is None:
            continue
        rows = waiting.rows(storage, BRONZE).filter(pl.col("number") % 2 == odd).select("number", "batch_id").collect()
        metadata = {"rebuild": taken is None, "months": []}
        transactions = {TAKEN: waiting.upto}
        if taken is None:
            append(storage, handle, rows, transactions=transactions, metadata=metadata, mode="overwrite")
        else:
            change = rows.with_columns(delete=pl.lit(False))
            merge(
                storage,
                handle,
                change,
                key=["number"],
                partition_by=None,
                transactions=transactions,
                metadata=metadata,
            )
    handle = storage.create(GOLD, Sums)
    versions = {name: one.version() for name in (SILVER, QUARANTINE) if (one := storage.open(name)) is not None}
    if full or any(transaction(handle, name) != version for name, version in versions.items()):
        rows = pl.concat([storage.scan(SILVER), storage.scan(QUARANTINE)])
        sums = rows.group_by("batch_id").agg(rows=pl.len().cast(pl.Int64), total=pl.col("number").sum())
        append(
            storage,
            handle,
            sums.with_columns(feed=pl.lit("numbers"), extract_date=pl.lit(DAY)).select(Sums.column_names()),
            transactions=versions,
            metadata={},
            mode="overwrite",
        )
    return [SILVER, QUARANTINE, GOLD]


def audits(storage: Storage, last: object, engine: object) -> list[Audit]:
    """The one audit: whatever was delivered is in silver or in quarantine."""
    counts = {name: row_count(one) for name in (BRONZE, SILVER, QUARANTINE) if (one := storage.open(name)) is not None}
    balanced = counts.keys() == {BRONZE, SILVER, QUARANTINE} and 2 * counts[BRONZE] == sum(counts.values())
    return [Audit("reconciliation", balanced, str(counts))]


class OneByOne(nullcontext[Any]):
    """Stands for a pool of threads."""

    def __enter__(self) -> "OneByOne":
        return self

    map = staticmethod(map)


@contextmanager
def lake_in(store: Store) -> Iterator[None]:
    """The product works in the store."""
    replaced: Mapping[str, Any] = {
        "deltalake.DeltaTable": type("Table", (delta.Table,), {"store": store}),
        "polars.scan_delta": delta.Table.rows,
        "carti_lake.store.storage.scan_files": lambda table, _: table.rows(),
        "carti_lake.sources.batches.as_mapped": lambda one, feed: one.rows,
        "carti_lake.sources.batches.find_readings": lambda *_, **__: {},
        "carti_lake.sources.batches.refuse_other_header": lambda *_: None,
        "carti_lake.sources.batches.bronze": _as_bronze,
        "carti_lake.store.locks.time": SimpleNamespace(time=store.time),
        "carti_lake.store.write.time": SimpleNamespace(time=lambda: store.now),
        "carti_lake.upkeep.vacuum.time": SimpleNamespace(time=lambda: store.now),
        "carti_lake.access.audit_log.PAUSE": 0,
        # Threads would do nothing but begin and end.
        "carti_lake.store.durable.ThreadPoolExecutor": OneByOne,
        "carti_lake.store.hashes.ThreadPoolExecutor": OneByOne,
    }
    with ExitStack() as stack:
        stack.enter_context(store.recording())
        for name, value in replaced.items():
            stack.enter_context(patch(name, value))
        stack.enter_context(patch.object(datafiles, "sink", lambda rows, table, *_: delta.sink(store, rows, table)))
        for name, value in {
            "_update": update,
            "audit": audits,
            "versions": lambda storage: None,
            "all_due": lambda *_: {},
        }.items():
            stack.enter_context(patch.object(RUNNER, name, value))
        stack.enter_context(patch.dict(TABLES, TINY, clear=True))
        stack.enter_context(patch.dict(FEEDS, {"numbers": Delivered}, clear=True))
        yield
