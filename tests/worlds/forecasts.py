"""Networks as the forecasting model reads them: gold and silver, made of a season, a trend and chance."""

from datetime import date
from typing import Any

import numpy as np
import polars as pl

from carti_lake.models.model import Known
from carti_lake.pipeline.gold.forecast_series import month_after
from carti_lake.tables.gold import ClaimsMaturity, ProviderMonthly, Reconciliation
from carti_lake.tables.silver import Visits

SEASON = (1.10, 1.06, 1.05, 1.00, 0.98, 0.97, 0.90, 0.94, 1.02, 1.05, 1.01, 0.92)
START = date(2023, 1, 1)
LINES = ("breast", "lung", "urology")


def network(
    months: int, providers: int = 6, *, seed: int = 0, start: date = START, growth: float = 0.08, each: float = 40
) -> pl.DataFrame:
    """Visits by provider, line and month, every day alike; 100 charged, 40 paid, and a referral for every four."""
    rng = np.random.default_rng(seed)
    rows = []
    for place in range(months):
        month = month_after(start, place)
        days = (month_after(month, 1) - month).days
        for provider in range(providers):
            for line, name in enumerate(LINES):
                mean = each * (1 + provider) ** 0.5 * (1 + line / 2) * SEASON[month.month - 1] * days / 30.4
                visits = int(rng.poisson(mean * (1 + growth * place / 12)))
                rows.append((f"p{provider:03}", name, month, visits))
    cells = pl.DataFrame(rows, schema=["provider_id", "service_line", "month", "visits"], orient="row")
    return cells.with_columns(
        gross_charges=pl.col("visits") * 100, payments=pl.col("visits") * 40, referrals_made=pl.col("visits") // 4
    )


def known(
    cells: pl.DataFrame, as_of: date, *, maturity: dict[date, float] | None = None, visits: pl.DataFrame | None = None
) -> Known:
    """The lake as of a day: cells of months up to then; by default every month's claims are mature."""
    cells = cells.filter(pl.col("month") <= as_of)
    feeds = ("ehr_visits", "salesforce_referrals")
    mature = maturity or {cells["month"].max(): 1.0}
    tables = {
        "gold.provider_monthly": rows_of(ProviderMonthly, cells),
        "gold.claims_maturity": rows_of(
            ClaimsMaturity, pl.DataFrame({"month": list(mature), "maturity": list(mature.values())})
        ),
        "gold.reconciliation": rows_of(Reconciliation, pl.DataFrame({"feed": feeds, "extract_date": [as_of] * 2})),
        "silver.visits": rows_of(Visits, pl.DataFrame() if visits is None else visits),
    }
    return Known(as_of, 1, tables)


def rows_of(table: Any, values: pl.DataFrame) -> pl.LazyFrame:
    """Rows of a table of which only some columns matter."""
    columns = [
        (pl.col(name) if name in values.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in table.dtypes().items()
    ]
    return values.lazy().select(columns) if values.width else pl.LazyFrame(schema=table.dtypes())
