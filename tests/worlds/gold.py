"""Random rows of gold tables, with few keys so that rows meet, and with what sources make of texts and numbers."""

import random
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from carti_lake.disclosure import Publication
from carti_lake.outlets.published.star import DIMENSIONS, FACTS
from carti_lake.tables.gold import GOLD, Gold

TEXTS = ["unknown", "none", "lung", "Lung", " lung ", "breast", "1234567893", "name:ann lee"]
CODES = ["visits", "network", "provider", "service_line"]
DATES = [date(1900, 1, 1), date(2024, 2, 1), date(2025, 12, 1), date(2026, 3, 1)]


def random_rows(mart: type[Gold], rng: random.Random, most: int) -> pl.DataFrame:
    """Up to so many rows of a gold table, of different keys."""
    rows = [
        [_value(mart, name, dtype, rng) for name, dtype in mart.dtypes().items()] for _ in range(rng.randint(0, most))
    ]
    return pl.DataFrame(rows, schema=mart.dtypes(), orient="row").unique(mart.key(), maintain_order=True)


def _value(mart: type[Gold], name: str, dtype: pl.DataType, rng: random.Random) -> Any:
    if mart.columns()[name].nullable and rng.random() < 0.2:
        return None
    if name in ("metric", "level"):
        return rng.choice(CODES)
    if dtype == pl.String:
        return rng.choice(TEXTS)
    if dtype == pl.Date:
        return rng.choice(DATES)
    if dtype == pl.Boolean:
        return rng.random() < 0.5
    if dtype.is_float():
        return rng.choice([0.25, 1e9, float("nan"), float("inf")])
    if isinstance(dtype, pl.Decimal):
        return Decimal(rng.randint(-(10**8), 10**8)).scaleb(-4)
    return rng.randint(0, 10**6)


def random_publication(seed: int, most: int = 6) -> Publication:
    """A release in full, of random rows; some tables are not there at all."""
    rng = random.Random(seed)
    marts = {fact.mart for fact in FACTS} | {one.declared for one in DIMENSIONS}
    tables = {name: random_rows(mart, rng, most) for name, mart in GOLD.items() if mart in marts and rng.random() < 0.9}
    return Publication(tables, pl.DataFrame({"network": ["network"]}), ("made up",))
