import itertools
from datetime import date

import numpy as np
import polars as pl
import pytest

from carti_lake.models import store
from carti_lake.models.forecast.model import MODEL, OTHERS
from carti_lake.models.model import NotEnoughData
from carti_lake.pipeline.gold.forecast_series import METRICS, month_after
from carti_lake.tables.gold import Forecasts
from tests.worlds.forecasts import START, known, network

TODAY = date(2025, 1, 5)
SERIES = ("level", "member", "metric")


@pytest.fixture(scope="module")
def cells():
    """Two years and the half that follows; a small provider comes late, another one leaves."""
    everyone = network(30, providers=8)
    small = pl.col("provider_id").is_in(["p001", "p002"])
    counts = ("visits", "gross_charges", "payments", "referrals_made")
    everyone = everyone.with_columns(pl.when(small).then(pl.col(counts) // 10).otherwise(pl.col(counts)))
    late = (pl.col("provider_id") == "p001") & (pl.col("month") < month_after(START, 15))
    gone = (pl.col("provider_id") == "p002") & (pl.col("month") > month_after(START, 15))
    return everyone.filter(~late, ~gone)


@pytest.fixture(scope="module")
def trained(cells):
    return MODEL.train([known(cells, TODAY)], 0)


@pytest.fixture(scope="module")
def rows(cells, trained):
    (found,) = MODEL.score(known(cells, TODAY), trained.artifact, "v1")
    return Forecasts.validate(found.collect())


def test_every_living_series_is_forecast_six_months_ahead(rows):
    months = [month_after(date(2024, 12, 1), ahead) for ahead in range(1, 7)]
    assert rows["origin"].unique().to_list() == [date(2024, 12, 1)]
    assert rows.group_by(SERIES).agg(pl.col("month").sort())["month"].unique().to_list() == [months]
    assert set(rows["metric"]) == set(METRICS) - {"new_patients"}  # No visit says that it is one.
    members = rows.filter(level="provider")["member"].unique().sort().to_list()
    assert members == [OTHERS, "p000", "p001", "p003", "p004", "p005", "p006", "p007"]


def test_parts_sum_to_the_whole(rows):
    sums = rows.group_by("level", "metric", "month").agg(pl.col("forecast").sum())
    wide = sums.pivot("level", index=["metric", "month"], values="forecast")
    np.testing.assert_allclose(wide["provider"], wide["network"], rtol=1e-6)
    np.testing.assert_allclose(wide["service_line"], wide["network"], rtol=1e-6)


def test_too_short_a_series_has_no_number_of_its_own_and_is_in_the_others(cells, rows):
    short = rows.filter(member="p001")
    assert short.height == 4 * 6 and short.select(pl.col("forecast", "lower_80", "upper_95").is_null().all()).row(
        0
    ) == (
        True,
        True,
        True,
    )
    lately = cells.filter(pl.col("provider_id") == "p001", pl.col("month").is_between(date(2024, 10, 1), TODAY))
    others = rows.filter(member=OTHERS, metric="visits")
    assert others["forecast"].mean() == pytest.approx(lately["visits"].sum() / 3, rel=0.5)
    assert others["lower_80"].null_count() == 6


def test_intervals_hold_the_forecast_and_nothing_below_zero(rows):
    own = rows.filter(pl.col("lower_80").is_not_null())
    ordered = ("lower_95", "lower_80", "forecast", "upper_80", "upper_95")
    for low, high in itertools.pairwise(ordered):
        assert (own[low] <= own[high] + 1e-9).all()
    assert (own["lower_95"] >= 0).all()


def test_the_future_lies_within(cells, rows):
    for level, key in (("network", pl.lit("network")), ("service_line", "service_line"), ("provider", "provider_id")):
        came = cells.group_by(member=key, month="month").agg(actual=pl.col("visits").sum())
        found = rows.filter(level=level, metric="visits").drop_nulls("lower_80").join(came, on=["member", "month"])
        assert found.height >= 6
        assert found.select(pl.col("actual").is_between("lower_95", "upper_95").mean()).item() > 0.8
        error = (found["forecast"] / found["actual"] - 1).abs().mean()
        assert error < 0.10


def test_the_model_beats_the_seasonal_naive_and_says_so_beside_every_candidate(trained):
    found = trained.evaluation.filter(metric="mase")
    for level in ("network", "service_line", "provider"):
        errors = dict(found.filter(split=f"rolling origin, {level}").select("estimator", "value").rows())
        assert set(errors) == {
            "model",
            "combined",
            "combined with the mean",
            "seasonal naive",
            "mean of 12 months",
            "theta",
            "damped trend",
            "boosting",
        }
        assert errors["model"] < 0.9 * errors["seasonal naive"]
        units = trained.evaluation.filter(split=f"rolling origin, {level}, visits", estimator="model")
        held = {f"coverage_{share}{end}" for share in (80, 95) for end in ("", "_lower", "_upper")}
        assert set(units["metric"]) == {"mase", "smape", "mae", "rmse", *held}
    assert trained.evaluation.row(0, named=True)["metric"] == "mase"
    assert set(trained.curves["errors"].columns) == {"level", "horizon", "estimator", "value"}


def test_the_same_release_and_seed_give_the_same_file_and_the_same_scores(cells, trained, rows, tmp_path):
    again = MODEL.train([known(cells.sample(fraction=1, shuffle=True, seed=1), TODAY)], 0)
    content = store.dumps(trained.artifact)
    assert store.dumps(again.artifact) == content
    import skops.io

    loaded = skops.io.loads(content, trusted=list(MODEL.trusted))
    (found,) = MODEL.score(known(cells, TODAY), loaded, "v1")
    assert found.collect().equals(rows)


def test_without_training_there_are_no_rows(cells):
    (found,) = MODEL.score(known(cells, TODAY), None, "")
    assert (
        found.collect().is_empty()
        and found.collect_schema() == pl.LazyFrame(schema=Forecasts.dtypes()).collect_schema()
    )


def test_too_few_months_are_refused_with_what_is_needed(cells):
    with pytest.raises(NotEnoughData, match="has 23 complete months of the network, needs 24"):
        MODEL.train([known(cells, date(2024, 12, 30))], 0)
    with pytest.raises(NotEnoughData, match="has 0 complete months"):
        MODEL.train([known(cells.clear().vstack(cells.head(1)), date(2022, 12, 30))], 0)


def test_an_earlier_model_is_judged_by_what_came_since():
    """Of a network that grows so fast that the model is used, with three years to tell it by."""
    cells = network(42, providers=3, growth=0.3, start=date(2022, 1, 1))
    trained = MODEL.train([known(cells, TODAY)], 0)
    assert trained.parameters["not used"] == {}
    found = MODEL.evaluate(known(cells, date(2025, 7, 5)), trained.artifact, TODAY)
    for level in ("network", "service_line", "provider"):
        errors = dict(found.filter(split=f"since training, {level}", metric="mase").select("estimator", "value").rows())
        assert set(errors) == {"model", "seasonal naive", "mean of 12 months"}
        assert errors["model"] < min(errors["seasonal naive"], errors["mean of 12 months"])
    assert MODEL.evaluate(known(cells, TODAY), trained.artifact, TODAY).is_empty()


def test_releases_tell_what_was_known_then():
    """A release of November that had half of October's visits: it is judged by the forecast made from that half."""
    cells = network(25, providers=2)
    october = pl.col("month") == date(2024, 10, 1)
    half = cells.with_columns(pl.when(october).then(pl.col("visits") // 2).otherwise("visits"))
    told, same = (
        MODEL.train([known(then, date(2024, 11, 5)), known(cells, date(2025, 2, 5))], 0).evaluation
        for then in (half, cells)
    )
    assert same.equals(MODEL.train([known(cells, date(2025, 2, 5))], 0).evaluation)
    assert not told.equals(same)
