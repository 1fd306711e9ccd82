"""What other programs read of a lake's tables: the same rows, by statistics and partition values that are true."""

import json
from pathlib import Path
from urllib.parse import unquote

import duckdb
import polars as pl
import pytest
from deltalake import DeltaTable, QueryBuilder

from carti_lake.store.storage import Storage, data_files
from carti_lake.upkeep.tables import existing
from tests.worlds.lakes import lake_in, load, provider, referral, stay, visit

pytestmark = pytest.mark.slow

#: What a reader of version 1 without features of its own understands, and a writer up to change data.
READER, WRITER = 1, 4


@pytest.fixture(scope="module")
def storage(tmp_path_factory) -> Storage:
    """A lake whose tables were written, merged and rewritten, with nulls, withdrawn rows and unknown months."""
    lake = lake_in(tmp_path_factory.mktemp("readers") / "lake")
    load(lake, "providers", [provider("Ann Lee", "1234567893", aliases="A. Lee")])
    load(lake, "ehr_visits", [visit(1), visit(2, provider_name="Lee, Ann"), visit(3, claim_amount=""), visit(4)])
    lake.run()
    load(lake, "ehr_visits", [visit(1, visit_date="2026-01-09"), visit(2, is_deleted="true")], "2026-03-10")
    load(lake, "ehr_visits", [visit(5, visit_date="31/02/2026"), visit(6, claim_paid="0.01")], "2026-03-11")
    load(lake, "sg2_patient_flow", [stay(1), stay(2, length_of_stay="x")])
    load(lake, "salesforce_referrals", [referral(1)])
    assert not lake.run(accept=["drift", "quality"]).failed
    return lake.storage


@pytest.fixture(scope="module")
def tables(storage) -> list[str]:
    found = existing(storage)
    assert len(found) > 25
    return found


def in_order(rows: pl.DataFrame, like: pl.DataFrame) -> pl.DataFrame:
    """Rows in one order, in the columns and types of ours: how wide text is counted is no difference."""
    plain = rows.select(like.columns).cast(dict(like.schema))
    return plain.sort([name for name, dtype in plain.schema.items() if not dtype.is_nested()])


def test_deltalake_s_own_engine_and_polars_read_the_rows_that_the_lake_reads(storage, tables):
    filled = 0
    for name in tables:
        ours = storage.scan(name).collect()
        handle = DeltaTable(storage.path(name))
        by_engine = pl.DataFrame(QueryBuilder().register("it", handle).execute("SELECT * FROM it"))
        by_polars = pl.scan_delta(storage.path(name)).collect()
        assert by_polars.schema == ours.schema, name
        for reader, rows in (("deltalake", by_engine), ("Polars", by_polars)):
            assert in_order(rows, ours).equals(in_order(ours, ours)), (reader, name)
        filled += not ours.is_empty()
    assert filled > 12


def test_duckdb_and_arrow_read_the_same_rows_of_the_files_of_a_snapshot(storage, tables):
    """DuckDB's own reader of Delta is an extension that is not in its wheel: it is given the snapshot's files."""
    filled = 0
    for name in tables:
        ours, handle = storage.scan(name).collect(), DeltaTable(storage.path(name))
        by_arrow = pl.DataFrame(handle.to_pyarrow_table())
        assert in_order(by_arrow, ours).equals(in_order(ours, ours)), name
        if files := data_files(handle):
            # Values of partitions stand in Delta's log, and in the paths by its way of writing them.
            held = ours.drop(handle.metadata().partition_columns)
            rows = duckdb.read_parquet(files, hive_partitioning=False, union_by_name=True).pl()
            assert in_order(rows, held).equals(in_order(held, held)), name
            filled += 1
    assert filled > 12


def test_no_table_asks_for_more_than_the_oldest_reader_knows(storage, tables):
    for name in tables:
        protocol = DeltaTable(storage.path(name)).protocol()
        assert (protocol.min_reader_version, protocol.min_writer_version) <= (READER, WRITER), name
        assert not protocol.reader_features, name


def test_statistics_and_partition_values_are_true_of_the_files(storage, tables):
    compared = 0
    for name in tables:
        handle = storage.open(name)
        partitions = set(handle.metadata().partition_columns)
        for path, added in adds(Path(storage.path(name))).items():
            rows = pl.read_parquet(Path(storage.path(name)) / unquote(path), hive_partitioning=False)
            stats = json.loads(added["stats"])
            assert stats["numRecords"] == rows.height, (name, path)
            assert set(added["partitionValues"]) == partitions, (name, path)
            assert not partitions & set(rows.columns), (name, path)
            for column, count in stats.get("nullCount", {}).items():
                assert count == rows[column].null_count(), (name, path, column)
            for column, least in stats.get("minValues", {}).items():
                most = stats["maxValues"][column]
                assert within(rows[column], least, most), (name, path, column)
                compared += 1
    assert compared > 100


def adds(table: Path) -> dict[str, dict]:
    """Data files of the newest version as its commits name them."""
    found = {}
    for commit in sorted((table / "_delta_log").glob("[0-9]*.json")):
        for line in commit.read_text("utf-8").splitlines():
            action = json.loads(line)
            if (add := action.get("add")) is not None:
                found[add["path"]] = add
            elif (remove := action.get("remove")) is not None:
                found.pop(remove["path"], None)
    return found


def within(values: pl.Series, least: object, most: object) -> bool:
    """Whether no value lies outside; long texts are cut, and times are told to the millisecond."""
    known = values.drop_nulls()
    if known.is_empty():
        return True
    if known.dtype == pl.String:
        return known.min()[: len(least)] >= least and (known.max() <= most or known.max()[: len(most)] <= most)
    if known.dtype.is_temporal():
        first, last = (pl.Series([one]).str.to_datetime(time_zone="UTC", strict=False) for one in (least, most))
        if known.dtype == pl.Date:
            first, last = (one.dt.date() for one in (first, last))
        slack = pl.duration(milliseconds=1) if known.dtype != pl.Date else pl.duration()
        return bool(
            pl.select((first[0] <= pl.lit(known.min())) & (pl.lit(known.max()) <= pl.lit(last[0]) + slack)).item()
        )
    if isinstance(known.dtype, pl.Decimal):
        known = known.cast(pl.Float64)
    return least <= known.min() and known.max() <= most
