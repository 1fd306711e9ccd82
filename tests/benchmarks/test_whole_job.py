"""The whole job in every tool, on little: what each makes is what the lake releases; nothing is timed."""

import importlib
import shutil

import polars as pl
import pytest

from benchmarks import equal, whole_job
from benchmarks.jobs import GOLD_TABLES, KINDS, SUMMARY
from carti_lake.pipeline.marts import MARTS
from carti_lake.tables.gold import GOLD

IN_PROCESS = ("functions", "pandas", "duckdb")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Extracts of 3,000 visits: so few that some providers have none, and some months no malformed row."""
    return whole_job.delivered(3_000, tmp_path_factory.mktemp("whole_job"), lambda step: None)


@pytest.fixture(scope="module")
def released(source, tmp_path_factory):
    """What the lake makes of them."""
    output = tmp_path_factory.mktemp("lake")
    _job("lake")(source, output, "everything")
    return equal.released(output / "lake")


def _job(tool):
    return importlib.import_module(f"benchmarks.jobs.with_{tool}").job


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tool", IN_PROCESS)
def test_a_tool_makes_what_the_lake_releases(tool, kind, source, released, tmp_path):
    _job(tool)(source, tmp_path, kind)
    made = equal.made(tmp_path)
    whole_job.expect_equal(made, released, tool, kind)
    if kind == "everything":
        months = {folder.name for folder in (tmp_path / "visits").iterdir()}
        assert months == {f"visit_month={month}" for month in released["visits"]["month"]}


def test_what_is_compared_is_filled(released):
    for table in (*GOLD_TABLES, "visits", "delivered"):
        assert released[table].height > 2
        for name, values in released[table].to_dict().items():
            # No extract delivers a reversal.
            if values.dtype.is_numeric() and not name.startswith("reversed"):
                assert values.sum() > 0, f"{table}.{name} is nowhere more than nothing"


def test_first_denials_come_from_replaced_deliveries_too(released):
    denials = released["denials_monthly"]
    assert 0 < denials["overturned_claims"].sum() < denials["initially_denied_claims"].sum()


def test_every_table_that_follows_from_visits_and_their_answers_is_among_them():
    of_claims = [mart for mart in MARTS if set(mart.inputs) == {"silver.visits", "silver.earlier_answers"}]
    assert {table.short_name for mart in of_claims for table in mart.tables} < set(GOLD_TABLES)
    assert set(GOLD_TABLES) <= set(GOLD)
    assert set(SUMMARY) <= set(GOLD["provider_summary"].columns())


def _changed(released, table, **columns):
    return {**released, table: released[table].with_columns(**columns)}


def test_a_difference_is_told_by_table_and_column(released):
    counted = _changed(released, "claims_lag", adjudicated_claims=pl.col("adjudicated_claims") + 1)
    paid = _changed(released, "provider_monthly", payments=pl.col("payments") * 1.00001)
    unknown = _changed(released, "provider_summary", roi=pl.lit(None, pl.Float64))
    moved = _changed(released, "claims_open", submitted_date=pl.col("submitted_date").dt.offset_by("1d"))
    lacking = {**released, "delivered": released["delivered"].head(2)}
    assert equal.differences(counted, released, "everything") == ["claims_lag.adjudicated_claims"]
    assert equal.differences(paid, released, "everything") == ["provider_monthly.payments"]
    assert equal.differences(unknown, released, "summary") == ["provider_summary.roi"]
    assert "claims_open.submitted_date" in equal.differences(moved, released, "everything")
    assert equal.differences(lacking, released, "everything") == ["delivered.feed"]


def test_the_last_bits_of_a_sum_of_dollars_are_no_difference_but_one_of_a_count_is(released):
    bits = _changed(released, "provider_monthly", payments=pl.col("payments").cast(pl.Float64) * (1 + 1e-12))
    count = _changed(released, "provider_monthly", visits=pl.col("visits") * (1 + 1e-12))
    assert not equal.differences(bits, released, "everything")
    assert equal.differences(count, released, "everything") == ["provider_monthly.visits"]


def test_what_a_job_owes_and_did_not_make_is_a_difference(released):
    summary = {"provider_summary": released["provider_summary"]}
    assert not equal.differences(summary, released, "summary")
    assert equal.differences(summary, released, "visits") == ["visits"]
    with pytest.raises(
        ValueError, match=r"What pandas made of the kind everything .*: provider_monthly, claims_monthly"
    ):
        whole_job.expect_equal(summary, released, "pandas", "everything")


def test_each_job_is_a_tool_and_a_kind_after_the_floor_and_the_lake():
    assert list(whole_job.jobs(("pandas",))) == [
        ("floor", "copies"),
        ("lake", "everything"),
        ("pandas", "summary"),
        ("pandas", "visits"),
        ("pandas", "everything"),
    ]


@pytest.mark.bench
@pytest.mark.parametrize("kind", KINDS)
def test_spark_makes_what_the_lake_releases(kind, source, released, tmp_path):
    if shutil.which("java") is None:
        pytest.skip("PySpark needs a Java runtime")
    pytest.importorskip("pyspark")
    _job("pyspark")(source, tmp_path, kind)
    whole_job.expect_equal(equal.made(tmp_path), released, "pyspark", kind)
