"""The simulated tables conflict, and read, as deltalake's do."""

import random
from itertools import product
from pathlib import Path

import dataframely as dy
import polars as pl
import pytest

from carti_lake.store.errors import ConflictError
from carti_lake.store.storage import Storage
from carti_lake.store.write import append, merge
from carti_lake.tables import Table
from tests.histories.lake import lake_in
from tests.histories.store import Store


class Pairs(Table, layer="silver", table="pairs"):
    """Pairs."""

    key = dy.String(primary_key=True)
    value = dy.Int64()


WRITES = ("append", "nothing", "overwrite", "insert", "update", "delete", "same transaction")


def write(storage: Storage, handle, kind: str, number: int) -> None:
    rows = pl.DataFrame({"key": [f"{kind} {number}"], "value": [number]}, schema=Pairs.dtypes())
    transactions = {"one" if kind == "same transaction" else f"of {number}": number}
    if kind in ("insert", "update", "delete"):
        key = rows["key"] if kind == "insert" else pl.Series("key", ["standing"])
        change = rows.with_columns(key, delete=pl.lit(kind == "delete"))
        merge(storage, handle, change, key=["key"], partition_by=None, transactions=transactions, metadata={})
        return
    rows = rows.clear() if kind == "nothing" else rows
    mode = "overwrite" if kind == "overwrite" else "append"
    append(storage, handle, rows, transactions=transactions, metadata={"number": number}, mode=mode)


def told(storage: Storage, kinds: list[str], turns: list[int]) -> list[object]:
    """What three handles, opened at different times, come to as they write by turns."""
    handles = [storage.create("silver.pairs", Pairs)]
    append(
        storage,
        handles[0],
        pl.DataFrame({"key": ["standing", "other"], "value": [0, 0]}),
        transactions={},
        metadata={},
    )
    handles += [storage.open("silver.pairs"), storage.open("silver.pairs")]
    seen: list[object] = []
    for number, (kind, turn) in enumerate(zip(kinds, turns, strict=True)):
        handle = handles[turn]
        try:
            write(storage, handle, kind, number)
        except ConflictError:
            seen.append("conflict")
            handles[turn] = handle = storage.open("silver.pairs")
        seen += [handle.version(), handle.transaction_version("one"), handle.transaction_version(f"of {number}")]
        seen.append(sorted(storage.scan("silver.pairs").collect().rows()))
    fresh = storage.open("silver.pairs")
    actions = pl.DataFrame(fresh.get_add_actions())
    seen += [actions["num_records"].sum(), len(fresh.history(3)), fresh.history(1)[0]["operation"]]
    return seen


def both(tmp_path: Path, kinds: list[str], turns: list[int]) -> tuple[list[object], list[object]]:
    real = told(Storage(str(tmp_path / "real")), kinds, turns)
    store = Store(tmp_path / "simulated", random.Random(0), remote=False, faults=False)
    store.folder.mkdir(parents=True)
    with lake_in(store):
        return real, told(Storage(store.uri), kinds, turns)


@pytest.mark.parametrize(("first", "second"), [*product(WRITES, WRITES)])
def test_two_writers_meet_as_with_deltalake(tmp_path, first, second):
    real, simulated = both(tmp_path, [first, second], [1, 2])
    assert simulated == real


@pytest.mark.parametrize("seed", [*range(10)])
def test_three_writers_by_turns_meet_as_with_deltalake(tmp_path, seed):
    draw = random.Random(seed)
    kinds, turns = draw.choices(WRITES, k=8), draw.choices(range(3), k=8)
    real, simulated = both(tmp_path, kinds, turns)
    assert simulated == real
