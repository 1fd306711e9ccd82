"""Frames of one release, small enough to read."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from carti_lake import disclosure
from carti_lake.outlets.charts import Shown
from carti_lake.pipeline.gold.opportunity_predictions import metrics, predictions
from carti_lake.releases.release import Audit, Release
from carti_lake.tables.gold import GOLD, Gold


def rows_of(table: type[Gold], rows: int, **columns: Any) -> pl.DataFrame:
    """Rows of a gold table: the given columns (a value, or a list of them), zero for counts, null for the rest."""
    filled = {name: 0 if table.meta(name).get("unit") == "count" else None for name in table.columns()} | columns
    return pl.select(
        pl.lit(pl.Series(name, value)) if isinstance(value, list) else pl.repeat(value, rows).alias(name)
        for name, value in filled.items()
    ).cast(table.dtypes())  # type: ignore[arg-type]


def providers(rows: int, **columns: Any) -> pl.DataFrame:
    """Provider summaries with marketing costs, deals and claims, none of them small."""
    numbers = range(1, rows + 1)
    return rows_of(
        GOLD["provider_summary"],
        rows,
        **{
            "provider_id": [f"P{number:03}" for number in numbers],
            "provider_name": [f"Dr. {number}" for number in numbers],
            "total_patients": 100,
            "stays": 300,
            "total_visits": 200,
            "denied_claims": 20,
            "paid_claims": 150,
            "denial_rate": 0.1,
            "deals_value": [1000.0 * number for number in numbers],
            "marketing_cost": 1000.0,
            "roi": [number - 1.0 for number in numbers],
            "opportunity_value": [5000.0 + 700 * (number % 5) for number in numbers],
            **columns,
        },
    )


def release_of(summary: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """All gold tables of a release with that summary."""
    monthly = rows_of(
        GOLD["provider_monthly"],
        summary.height,
        provider_id=summary["provider_id"].to_list(),
        month=date(2026, 1, 1),
        service_line="lung",
        visits=200,
        claims=200,
        denied_claims=20,
        paid_claims=150,
        pending_claims=30,
        gross_charges=1000.25,
        payments=600,
        stays=300,
    )
    made = {
        "provider_summary": summary,
        "provider_monthly": monthly,
        "opportunity_predictions": predictions(summary.lazy()).collect(),
        "model_metrics": metrics(summary.lazy()).collect(),
    }
    return {name: made.get(name, pl.DataFrame(schema=table.dtypes())) for name, table in GOLD.items()}


LINE = "release 12 · 2026-11-23 · data as of 2026-11-22"


def shown_of(frames: Mapping[str, pl.DataFrame], *, in_full: bool = False, **said: Any) -> Shown:
    """A release of these frames, as its charts show it."""
    published = disclosure.in_full(frames) if in_full else disclosure.publication(frames)
    return Shown(published, LINE, **{"data_as_of": date(2026, 11, 22), "in_full": in_full, **said})


@pytest.fixture
def frames() -> dict[str, pl.DataFrame]:
    return release_of(providers(8))


@pytest.fixture
def release() -> Release:
    return Release(
        number=12,
        at=datetime(2026, 11, 23, 6, 30, tzinfo=UTC),
        data_as_of=date(2026, 11, 22),
        versions={"gold.provider_summary": 4},
        rows={},
        audits=(Audit("keys", True, "unique"), Audit("drift", False, "payments moved by 40 %")),
        accepted=("drift",),
        locks=(),
        expired=False,
    )


@pytest.fixture
def seed_summary(shared: Path) -> pl.DataFrame:
    """The seed's eight providers."""
    seed = pl.read_csv(shared / "data/seed/provider_summary_full.csv")
    columns = {name: seed[name].to_list() for name in seed.columns if name != "predicted_opportunity_value"}
    names = [f"name:{name.lower()}" for name in columns["provider_name"]]
    return rows_of(GOLD["provider_summary"], 8, provider_id=names, stays=columns["total_patients"], **columns)
