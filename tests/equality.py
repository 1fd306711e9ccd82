"""The whole state of a lake, and whether two states are the same."""

import polars as pl
from polars.testing import assert_frame_equal

from carti_lake import Lake
from carti_lake.tables import TABLES

State = dict[str, pl.DataFrame]


def state(lake: Lake) -> State:
    """Every row of every silver, quarantine and gold table, tombstones and lineage included."""
    held = {}
    for name, table in TABLES.items():
        if table.layer in ("silver", "quarantine", "gold") and table.view_of is None:
            key = ["batch_id", "row_number"] if table.layer == "quarantine" else table.key()
            rows = lake.storage.scan(name).collect().sort(key)
            if not rows.is_empty():
                held[name] = rows
    return held


def assert_same(one: State, other: State) -> None:
    assert one.keys() == other.keys()
    for name, rows in one.items():
        try:
            assert_frame_equal(rows, other[name], check_exact=True)
        except AssertionError as difference:
            raise AssertionError(f"{name} differs\n{rows.to_dicts()}\n{other[name].to_dicts()}") from difference
