"""Networks to test with, and their rows over all extracts."""

from collections.abc import Mapping
from datetime import date

import polars as pl

from carti_lake.generate import Network, extracts

Feeds = Mapping[str, pl.DataFrame]
YEAR = Network(seed=7, providers=60, patients=12_000, start=date(2025, 1, 1), days=365, visits_per_day=250, dirt=0)
#: The demo's, where only its steps matter.
FEW_DAYS = Network(providers=16, patients=300, days=6, visits_per_day=15)
QUARTER = Network(seed=11, days=75, visits_per_day=80, patients=3_000, dirt=0)


def delivered(network: Network, **options: object) -> Feeds:
    """Every feed's rows in the order of delivery, with their extract date."""
    rows: dict[str, list[pl.DataFrame]] = {}
    for feed, extract_date, _, frame in extracts(network, **options):  # type: ignore[arg-type]
        rows.setdefault(feed, []).append(frame.with_columns(extract_date=pl.lit(extract_date)))
    return {feed: pl.concat(frames) for feed, frames in rows.items()}


def current(rows: pl.DataFrame, key: str) -> pl.DataFrame:
    """The rows as they last stood, withdrawn ones left out."""
    return rows.unique(key, keep="last", maintain_order=True).filter(~pl.col("is_deleted"))
