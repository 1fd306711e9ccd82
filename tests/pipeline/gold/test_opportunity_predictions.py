"""The regression repeats the seed's, and says what it is worth."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from carti_lake.pipeline.gold import opportunity_predictions as opportunity_value
from carti_lake.pipeline.gold.opportunity_predictions import (
    FEATURES,
    least_squares,
    leave_one_out,
    metrics,
    predictions,
)
from carti_lake.tables.gold import ModelMetrics, OpportunityPredictions


def providers(rows: int, *, slope: float = 2.0, noise: float = 0.0, **columns: Any) -> pl.LazyFrame:
    """Providers whose opportunity value follows their deals, give or take."""
    random = np.random.default_rng(7)
    table = {name: random.normal(100, 20, rows) for name in FEATURES}
    value = 50 + slope * table["deals_value"] + noise * random.normal(size=rows)
    return pl.LazyFrame(
        {"provider_id": [f"P{row:04}" for row in range(rows)], **table, "opportunity_value": value} | columns
    )


def metric(summary: pl.LazyFrame) -> dict[str, float | None]:
    errors = (
        metrics(summary)
        .collect()
        .with_columns(name=pl.when(estimator="mean of the others").then(pl.lit("mae_of_mean")).otherwise("metric"))
    )
    return dict(errors.select("name", "value").iter_rows())


def note(summary: pl.LazyFrame) -> str:
    return str(metrics(summary).collect()["note"].unique().item())


def test_the_seeds_own_predictions_come_back_from_its_five_training_rows(seed: pl.DataFrame) -> None:
    # train_test_split(test_size=0.3, random_state=42) of eight rows holds out rows 0, 1 and 5.
    features = seed.select(pl.col(FEATURES).cast(pl.Float64)).to_numpy()
    target = seed["opportunity_value"].cast(pl.Float64).to_numpy()
    trained = [2, 3, 4, 6, 7]
    predicted = least_squares(features[trained], target[trained], features)
    assert predicted == pytest.approx(seed["predicted_opportunity_value"].to_numpy(), rel=1e-9)


def test_the_seed_is_told_that_eight_rows_and_ten_features_prove_nothing(summary: pl.DataFrame) -> None:
    rows = predictions(summary.lazy()).collect()
    assert_frame_equal(
        rows.select(pl.col("predicted").alias("opportunity_value")),
        rows.select("opportunity_value"),
        abs_tol=0.01,
    )
    assert (rows["predicted_without_own_row"] - rows["opportunity_value"]).abs().min() > 1000
    assert note(summary.lazy()).startswith("8 rows, 10 features: fitted values repeat the training data; do not use")


def test_both_tables_have_their_declared_columns(summary: pl.DataFrame) -> None:
    assert predictions(summary.lazy()).collect_schema() == OpportunityPredictions.dtypes()
    assert metrics(summary.lazy()).collect_schema() == ModelMetrics.dtypes()
    OpportunityPredictions.validate(predictions(summary.lazy()).collect())
    ModelMetrics.validate(metrics(summary.lazy()).collect())


def test_a_real_relation_is_found_again() -> None:
    values = metric(providers(60))
    assert values["mae"] == 0
    assert values["r2"] == 1
    assert values["mae_of_mean"] > 20  # type: ignore[operator]
    assert note(providers(60)) == "60 rows, 10 features"


def test_noise_is_no_better_than_the_mean_and_says_so() -> None:
    summary = providers(30, slope=0, noise=100)
    assert metric(summary)["mae"] > metric(summary)["mae_of_mean"]  # type: ignore[operator]
    assert note(summary) == "no better than the mean of the other providers; do not use"


@pytest.mark.parametrize("rows", [3, 8, 12, 40])
def test_leave_one_out_is_a_fit_without_the_row(rows: int) -> None:
    summary = providers(rows, noise=30).collect()
    features, target = summary.select(FEATURES).to_numpy(), summary["opportunity_value"].to_numpy()
    features[:, 3] = features[:, 2] * 2  # two columns that say the same
    features[:, 4] = 7.1
    features[0, 5] = 1e6  # one row that alone decides a weight
    others = [np.arange(rows) != row for row in range(rows)]
    apart = [least_squares(features[other], target[other], features[~other])[0] for other in others]
    assert leave_one_out(features, target) == pytest.approx(np.array(apart), rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(slope=st.floats(-50, 50), noise=st.floats(0, 500), rows=st.integers(3, 25))
def test_no_opportunity_is_predicted_to_be_worth_less_than_nothing(slope: float, noise: float, rows: int) -> None:
    summary = providers(rows, slope=slope, noise=noise)
    found = OpportunityPredictions.validate(predictions(summary).collect())
    assert found.select(pl.col("predicted", "predicted_without_own_row").min() >= 0).row(0) == (True, True)


def test_the_error_is_that_of_what_is_published() -> None:
    summary = providers(12, slope=8, noise=400)
    found = predictions(summary).collect()
    assert found["predicted_without_own_row"].min() == 0
    missed = (found["opportunity_value"] - found["predicted_without_own_row"]).abs().mean()
    assert metric(summary)["mae"] == pytest.approx(missed, abs=0.01)


def test_a_provider_without_a_value_is_predicted_from_the_others() -> None:
    summary = providers(20, noise=30).collect()
    with_own_row = predictions(summary.lazy()).collect()
    unknown = summary.with_columns(opportunity_value=pl.when(pl.int_range(pl.len()) != 4).then("opportunity_value"))
    row = predictions(unknown.lazy()).collect().row(4, named=True)
    assert row["opportunity_value"] is None
    assert row["predicted"] == row["predicted_without_own_row"] == with_own_row["predicted_without_own_row"][4]


def test_too_few_values_give_null_and_say_how_many_are_needed() -> None:
    summary = providers(5, opportunity_value=[1.0, None, 2.0, None, None])
    rows = predictions(summary).collect()
    assert rows.height == 5
    assert rows["predicted"].null_count() == rows["predicted_without_own_row"].null_count() == 5
    assert metrics(summary).collect()["value"].null_count() == 3
    assert note(summary) == "not enough data: 2 providers have an opportunity value, at least 3 are needed"


def test_no_provider_at_all_gives_metrics_that_say_so() -> None:
    assert predictions(providers(0)).collect().is_empty()
    assert metrics(providers(0)).collect()["n"].to_list() == [0, 0, 0]


def test_what_no_source_delivered_is_named() -> None:
    nothing = pl.Series([None] * 30, dtype=pl.Float64)
    gap = pl.Series([None, *range(29)], dtype=pl.Float64)
    summary = providers(30, contact_count=nothing, avg_cost=pl.repeat(7.1, 30, eager=True), denial_rate=gap)
    assert "not delivered or the same everywhere: avg_cost, contact_count" in note(summary)
    assert "missing values taken as the mean: denial_rate" in note(summary)
    assert metric(summary)["mae"] is not None


def test_the_same_value_everywhere_has_no_r2() -> None:
    values = metric(providers(20, slope=0))
    assert values["r2"] is None
    assert values["mae"] == values["mae_of_mean"] == 0


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed_of_order=st.integers(0, 1_000_000), rows=st.integers(0, 25))
def test_the_order_of_rows_never_matters(seed_of_order: int, rows: int) -> None:
    summary = providers(rows, noise=30).collect()
    shuffled = summary.sample(fraction=1, shuffle=True, seed=seed_of_order)
    assert_frame_equal(predictions(summary.lazy()).collect(), predictions(shuffled.lazy()).collect())
    assert_frame_equal(metrics(summary.lazy()).collect(), metrics(shuffled.lazy()).collect())


def test_the_target_is_no_feature() -> None:
    assert opportunity_value.TARGET not in FEATURES
