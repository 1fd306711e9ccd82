"""Each mart computed again from silver, in SQL, by another engine: ``sql/<mart>.sql``.

The SQL reads silver entities and dimensions by their bare names and gives the mart's columns. A new mart's test is a
new file.
"""

from pathlib import Path

import duckdb
import polars as pl
import polars.selectors as cs
import pytest
from polars.testing import assert_frame_equal

from carti_lake import Lake
from carti_lake.metrics import METRICS, Metric
from carti_lake.pipeline.marts import BUILT
from carti_lake.tables.gold import GOLD, Gold

QUERIES = {path.stem: path for path in sorted((Path(__file__).parent / "sql").glob("*.sql"))}
#: Filled by models, which have tests of their own.
PREDICTED = {"predicted_opportunity_value"}


@pytest.fixture(scope="session")
def database(network: Lake) -> duckdb.DuckDBPyConnection:
    """The release's silver tables and dimensions in DuckDB, decimals as doubles: its sums owe nothing to ours."""
    made = duckdb.connect()
    view = network.at()
    for name in view.tables():
        layer, _, bare = name.partition(".")
        if layer == "silver" or bare.startswith("dim_"):
            made.register(bare, _doubles(view.scan(name).collect()))
    return made


@pytest.mark.parametrize("mart", QUERIES)
def test_the_mart_is_what_another_engine_makes_of_silver(
    mart: str, network: Lake, database: duckdb.DuckDBPyConnection
) -> None:
    table = GOLD[mart]
    theirs = _doubles(database.sql(QUERIES[mart].read_text()).pl()).sort(table.key())
    assert set(theirs.columns) == set(table.columns()) - PREDICTED
    ours = _doubles(network.scan(table.full_name()).select(theirs.columns).collect()).sort(table.key())
    assert ours.height > 10
    assert_frame_equal(ours, theirs, rel_tol=1e-9, abs_tol=0)


#: Tables at the grain of a metric's mart or above it, with the metrics that they hold.
STORED = [
    (table, METRICS[name])
    for table in BUILT
    for name in table.columns()
    if name in METRICS and set(table.key()) <= set(METRICS[name].mart.columns())
]


@pytest.mark.parametrize(
    ("table", "metric"), STORED, ids=lambda part: part.id if isinstance(part, Metric) else part.short_name
)
def test_a_stored_metric_is_what_the_registry_makes_of_its_mart(
    table: type[Gold], metric: Metric, network: Lake
) -> None:
    key = table.key()
    stored = network.scan(table.full_name()).select(*key, stored=metric.id)
    made = network.metric(metric.id, by=key).select(*key, made="value")
    both = _doubles(stored.join(made, on=key, how="inner").collect())
    assert not both.drop_nulls().is_empty()
    assert_frame_equal(both.select(value="stored"), both.select(value="made"), check_exact=True)


def _doubles(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(cs.numeric().exclude("^.*_key$").cast(pl.Float64))
