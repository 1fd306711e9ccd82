"""A small generated network, brought through the whole pipeline once for all tests of the marts; the seed's summary."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from carti_lake import Lake
from carti_lake.generate import Network, extracts
from carti_lake.tables.gold import ProviderSummary
from tests.worlds.lakes import lake_in

#: Five months, so that stays, referrals and claims have time to end; with dirt, late, repeated and withdrawn rows.
NETWORK = Network(seed=5, providers=24, patients=1_500, start=date(2025, 9, 1), days=150, visits_per_day=40, dirt=0.02)


@pytest.fixture(scope="session")
def network(made_once: Callable[..., Path]) -> Lake:
    """A lake with one release of that network; tests read it and do not change it."""

    def make(folder: Path) -> None:
        lake = lake_in(folder / "lake")
        for feed, extract_date, delivered_at, rows in extracts(NETWORK, every="month"):
            lake.load(feed, rows, extract_date=extract_date, delivered_at=delivered_at)
        result = lake.run()
        assert not result.failed, result.failed

    return lake_in(made_once("network", make) / "lake")


@pytest.fixture(scope="session")
def seed(shared: Path) -> pl.DataFrame:
    """The seed's own table, with the prediction that it shows."""
    return pl.read_csv(shared / "data/seed/provider_summary_full.csv")


@pytest.fixture(scope="session")
def summary(seed: pl.DataFrame) -> pl.DataFrame:
    """The seed's eight providers as rows of ``gold.provider_summary``."""
    return seed.with_columns(provider_id="name:" + pl.col("provider_name").str.to_lowercase()).select(
        (pl.col(name) if name in seed.columns or name == "provider_id" else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in ProviderSummary.dtypes().items()
    )
