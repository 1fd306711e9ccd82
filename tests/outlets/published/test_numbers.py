"""Every number in the published files is what the lake says of the same release; in full, and along each axis."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from carti_lake import Lake
from carti_lake.generate import Network, extracts
from carti_lake.metrics import METRICS, Metric
from carti_lake.metrics.value import values
from carti_lake.outlets.disclosure import opened
from carti_lake.outlets.published.publish import publish_of
from carti_lake.outlets.published.star import AXIS_FACTS, FACTS, PROVIDER
from carti_lake.releases.view import View

FEW_MONTHS = Network(providers=16, patients=200, start=date(2026, 1, 1), days=150, visits_per_day=5)
DELIVERABLE = [one for one in METRICS.values() if one.missing is None]
BY_MART = {fact.mart: fact for fact in FACTS}


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> View:
    """A release of five months."""
    lake = Lake(tmp_path_factory.mktemp("numbers") / "lake", environment={})
    for feed, extract_date, delivered_at, rows in extracts(FEW_MONTHS, every="month"):
        lake.load(feed, rows, extract_date=extract_date, delivered_at=delivered_at)
    assert not lake.run().failed
    return lake.at()


def read(target: Path, manifest: dict[str, Any]) -> dict[str, pl.DataFrame]:
    folder = target / "sets" / manifest["set"]
    return {name: pl.read_parquet(folder / one["file"]) for name, one in manifest["tables"].items()}


@pytest.fixture(scope="module")
def star(view: View, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    target = tmp_path_factory.mktemp("star")
    return read(target, publish_of(view, str(target), full_counts="synthetic data"))


@pytest.fixture(scope="module")
def axes(view: View, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    target = tmp_path_factory.mktemp("axes")
    return read(target, publish_of(view, str(target)))


def as_gold(metric: Metric, star: dict[str, pl.DataFrame]) -> pl.LazyFrame:
    """Published rows of the metric's mart under the names that gold gives to the provider and the month."""
    fact = BY_MART[metric.mart]
    rows = star[fact.name].lazy()
    for way in fact.references:
        if way.to is PROVIDER:
            keys = (
                star[PROVIDER.name]
                .lazy()
                .select(pl.col("provider_key").alias(way.key), pl.col("provider_id").alias(way.columns[0]))
            )
            rows = rows.join(keys, on=way.key)
    return rows.rename({"month": fact.month} if fact.month else {})


def same(left: pl.LazyFrame, right: pl.LazyFrame, by: list[str]) -> None:
    columns = [*by, "numerator", "denominator", "n", "value"]
    frames = [
        frame.select(*by, pl.col("numerator", "denominator", "n", "value").cast(pl.Float64)).sort(by).collect()
        for frame in (left, right)
    ]
    assert frames[0].columns == columns
    assert_frame_equal(*frames, check_exact=False, rel_tol=1e-12, abs_tol=0)


@pytest.mark.parametrize("metric", DELIVERABLE, ids=lambda one: one.id)
def test_every_metric_is_what_the_view_says(metric: Metric, view: View, star: dict[str, pl.DataFrame]) -> None:
    by = [metric.window.month] if metric.window else []
    same(values(metric, as_gold(metric, star), by), view.metric(metric.id, by), by)


@pytest.mark.parametrize("metric", [one for one in DELIVERABLE if not one.window], ids=lambda one: one.id)
def test_and_by_provider_or_month(metric: Metric, view: View, star: dict[str, pl.DataFrame]) -> None:
    fact = BY_MART[metric.mart]
    providers = [way.columns[0] for way in fact.references if way.to is PROVIDER]
    by = [*providers[:1], *([fact.month] if fact.month else [])]
    same(values(metric, as_gold(metric, star), by), view.metric(metric.id, by), by)


def test_the_comparison_has_a_value_in_most_metrics(view: View) -> None:
    found = [view.metric(one.id, [one.window.month] if one.window else []).collect() for one in DELIVERABLE]
    empty = [one.id for one, frame in zip(DELIVERABLE, found, strict=True) if not frame["value"].count()]
    assert set(empty) <= {"value_per_patient", "net_collection_rate_12_months", "overturn_rate", "claim_maturity"}


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.name)
def test_every_sum_is_the_marts(fact: Any, view: View, star: dict[str, pl.DataFrame]) -> None:
    if fact.mart.full_name() not in view.tables():
        assert star[fact.name].is_empty()
        return
    exact = [name for name in fact.numbers if not star[fact.name].schema[name].is_float()]
    gold = view.scan(fact.mart.full_name()).select(pl.col(exact).sum()).collect()
    assert star[fact.name].select(pl.col(exact).sum()).rows() == gold.rows()


def test_along_each_axis_the_files_are_the_publication(view: View, axes: dict[str, pl.DataFrame]) -> None:
    shown = opened(view, "a test")
    sources = {"network": shown.network, "network_by_provider": shown.tables["provider_summary"], **shown.tables}
    assert {fact.name for fact in AXIS_FACTS} <= axes.keys()
    for fact in AXIS_FACTS:
        source = sources[fact.name]
        numbers = [name for name in fact.numbers if name in source.columns]
        assert len(numbers) >= min(6, len(fact.numbers))
        assert sorted(axes[fact.name].select(pl.col(numbers).cast(pl.Float64)).rows(), key=repr) == sorted(
            source.select(pl.col(numbers).cast(pl.Float64)).rows(), key=repr
        )
    assert not {"provider_monthly", "referral_flow", "claims_monthly"} & axes.keys()
