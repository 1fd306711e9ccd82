"""The whole job in every tool, on little: outputs are equal, nothing is timed."""

import polars as pl
import pytest

from benchmarks import whole_job

pytestmark = pytest.mark.bench


def test_all_tools_make_the_same_summary(tmp_path):
    results = whole_job.run(60_000, ("lake", "functions", "pandas", "duckdb"), 1, tmp_path, lambda step: None)
    assert {(one.tool, one.kind) for one in results} == {
        ("lake", "visits"),
        *((tool, kind) for tool in ("functions", "pandas", "duckdb") for kind in whole_job.KINDS),
    }


def test_a_summary_that_differs_is_refused(tmp_path):
    numbers = {name: [1.0] for name in whole_job.SUMMARY}
    pl.DataFrame({**numbers, "provider_name": ["a"], "pipeline_stage": ["b"]}).write_parquet(
        tmp_path / "summary.parquet"
    )
    whole_job.expect_equal(tmp_path, tmp_path / "reference.parquet", "lake")
    pl.DataFrame({**numbers, "provider_name": ["a"], "pipeline_stage": ["b"], "roi": [1.00001]}).write_parquet(
        tmp_path / "summary.parquet"
    )
    with pytest.raises(ValueError, match="The summary of pandas differs in roi"):
        whole_job.expect_equal(tmp_path, tmp_path / "reference.parquet", "pandas")
