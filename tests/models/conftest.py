"""The seed's provider summary, as gold holds it."""

from pathlib import Path

import polars as pl
import pytest

from carti_lake.tables.gold import ProviderSummary


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
