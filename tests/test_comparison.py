"""What is planted in a generated network is what the comparison finds, by increments as by a rebuild."""

from datetime import UTC, date, datetime

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from carti_lake import Lake
from carti_lake.generate import Network, extracts, truths
from carti_lake.generate.providers import directory
from tests.equality import assert_same, state

pytestmark = pytest.mark.slow

NETWORK = Network(seed=5, patients=4_000, start=date(2026, 1, 1), days=90, visits_per_day=120, dirt=0)


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """The network's three months, taken in month by month."""
    folder = tmp_path_factory.mktemp("comparison") / "lake"
    lake = Lake(folder, clock=lambda: datetime(2026, 5, 1, tzinfo=UTC), environment={})
    taken_in = 0
    for feed, extract_date, delivered_at, rows in extracts(NETWORK, every="month"):
        if extract_date.month > taken_in + 1:
            assert not lake.run(accept=["drift"]).failed
            taken_in += 1
        lake.load(feed, rows, extract_date=extract_date, delivered_at=delivered_at)
    assert not lake.run(accept=["drift"]).failed
    return lake


def test_the_provider_with_30_percent_denials_is_the_only_one_above_the_outer_limit(lake):
    rows = lake.scan("gold.provider_comparison").filter(metric="remittance_denial_rate").collect()
    npi = directory(NETWORK).listed["npi"][truths.HIGH_DENIAL_PROVIDER]
    assert rows.filter(outside_998="above")["provider_id"].to_list() == [npi]
    apart = rows.filter(provider_id=npi).row(0, named=True)
    assert apart["rank_low"] == apart["rank_high"] == apart["ranked"] == rows.height
    # Overturned appeals take a part of the 30 % back.
    assert apart["network_rate"] < apart["lower_95"] < 0.30 < apart["upper_95"]


def test_an_independent_sql_gives_the_same_rates_intervals_and_network(lake):
    monthly = lake.scan("gold.provider_monthly").select("provider_id", "month", "no_shows", "appointments").collect()
    database = duckdb.connect()
    database.register("monthly", monthly)
    expected = database.sql(
        """
        WITH cases AS (
            SELECT provider_id, sum(no_shows)::DOUBLE AS k, sum(appointments)::DOUBLE AS n
            FROM monthly WHERE month BETWEEN DATE '2025-04-01' AND DATE '2026-03-01'
            GROUP BY provider_id HAVING sum(appointments) > 0
        ), network AS (SELECT sum(k) / sum(n) AS rate FROM cases)
        SELECT provider_id, k::BIGINT AS numerator, n::BIGINT AS n, k / n AS rate,
            (k / n + z * z / (2 * n) - z * sqrt(k / n * (1 - k / n) / n + z * z / (4 * n * n))) / (1 + z * z / n)
                AS lower_95,
            (k / n + z * z / (2 * n) + z * sqrt(k / n * (1 - k / n) / n + z * z / (4 * n * n))) / (1 + z * z / n)
                AS upper_95,
            network.rate AS network_rate
        FROM cases, network, (SELECT 1.959963984540054 AS z) WHERE n >= 11 ORDER BY provider_id
        """
    ).pl()
    rows = lake.scan("gold.provider_comparison").filter(pl.col("rate").is_not_null(), metric="no_show_rate").collect()
    found = rows.sort("provider_id").select(expected.columns)
    assert found.height > 10
    assert_frame_equal(found, expected, rel_tol=0, abs_tol=1e-9)


def test_a_full_rebuild_gives_the_same(lake):
    before = state(lake)
    assert before["gold.provider_comparison"].height > 50
    lake.run(full=True)
    assert_same(before, state(lake))
