"""Visits that name no referral, credited by SQL too: the network's own all name one, so here a part forgets it."""

from pathlib import Path

import duckdb
import polars as pl
import polars.selectors as cs
import pytest
from polars.testing import assert_frame_equal

from carti_lake import Lake
from carti_lake.pipeline.gold.marketing_roi import marketing_monthly, marketing_roi
from carti_lake.tables.gold import MarketingMonthly, MarketingRoi
from carti_lake.tables.gold.marketing import NONE
from carti_lake.tables.silver import ClaimsOfLines
from tests.worlds.rows import held

SQL = Path(__file__).parent / "sql"
DOUBLES = cs.decimal().cast(pl.Float64)


@pytest.fixture(scope="session")
def forgetful(network: Lake) -> dict[str, pl.DataFrame]:
    """The network's silver, as readers see it, where two visits of three name no referral."""
    names = ("visits", "referrals", "opportunities", "campaigns")
    silver = {name: network.scan(f"silver.{name}").collect() for name in names}
    forgotten = pl.int_range(pl.len()) % 3 > 0
    rows = silver["visits"].sort("visit_id")
    silver["visits"] = rows.with_columns(referral_id=pl.when(~forgotten).then("referral_id"))
    assert silver["visits"]["referral_id"].null_count() > 1_000
    return silver


def by_sql(mart: str, silver: dict[str, pl.DataFrame]) -> pl.DataFrame:
    with duckdb.connect() as database:
        for name, rows in silver.items():
            database.register(name, rows.with_columns(DOUBLES))
        return database.sql((SQL / f"{mart}.sql").read_text()).pl()


def standing(silver: dict[str, pl.DataFrame], *names: str) -> list[pl.LazyFrame]:
    return [silver[name].lazy().with_columns(withdrawn=pl.lit(False)) for name in names]


def assert_equal(ours: pl.LazyFrame, theirs: pl.DataFrame, key: list[str]) -> None:
    numbers = cs.numeric().cast(pl.Float64)
    mine = ours.select(theirs.columns).collect().with_columns(numbers).sort(key)
    assert_frame_equal(mine, theirs.with_columns(numbers).sort(key), rel_tol=1e-9, abs_tol=0)


def test_the_patients_latest_campaign_is_credited(forgetful: dict[str, pl.DataFrame]) -> None:
    monthly = marketing_monthly(*standing(forgetful, "visits", "referrals"), held(ClaimsOfLines))
    credited = monthly.filter(pl.col("campaign_id") != NONE).select(pl.col("realised_visits").sum()).collect().item()
    assert credited > 100
    assert_equal(monthly, by_sql("marketing_monthly", forgetful), MarketingMonthly.key())
    roi = marketing_roi(*standing(forgetful, "campaigns", "opportunities"), monthly)
    assert_equal(roi, by_sql("marketing_roi", forgetful), MarketingRoi.key())
