from datetime import date

import polars as pl
import pytest

from carti_lake.pipeline.gold.forecast_accuracy import forecast_accuracy
from carti_lake.pipeline.gold.forecast_series import INPUTS, month_after
from carti_lake.tables.gold import ForecastAccuracy, Forecasts
from tests.worlds.forecasts import known, network, rows_of

ORIGIN = date(2024, 12, 1)


@pytest.fixture(scope="module")
def cells():
    return network(28)


@pytest.fixture(scope="module")
def forecasts(cells):
    """Six months of the network's visits and cash, each forecast 100 too high."""
    true = cells.group_by("month").agg(pl.col("visits").sum(), net_cash=pl.col("payments").sum())
    long = true.unpivot(["visits", "net_cash"], index="month", variable_name="metric", value_name="true")
    months = pl.DataFrame({"month": [month_after(ORIGIN, ahead) for ahead in range(1, 7)]})
    made = months.join(long, on="month", how="left").with_columns(
        pl.col("metric").fill_null("visits"), forecast=pl.col("true").fill_null(0) + 100.0
    )
    return rows_of(
        Forecasts,
        made.with_columns(
            level=pl.lit("network"),
            member=pl.lit("network"),
            origin=pl.lit(ORIGIN),
            model_version=pl.lit("v1"),
            lower_80=pl.col("forecast") - 99,
            upper_80=pl.col("forecast") + 99,
            lower_95=pl.col("forecast") - 101,
            upper_95=pl.col("forecast") + 101,
        ),
    )


def judged(forecasts, cells, as_of, **options):
    tables = known(cells, as_of, **options).tables
    found = forecast_accuracy(forecasts, *(tables[name] for name in INPUTS)).collect()
    return ForecastAccuracy.validate(found).sort("metric", "month")


def test_months_that_have_come_are_judged_and_no_others(cells, forecasts):
    found = judged(forecasts, cells, date(2025, 4, 2)).filter(metric="visits")
    assert found["month"].to_list() == [date(2025, 1, 1), date(2025, 2, 1), date(2025, 3, 1)]
    assert found["horizon"].to_list() == [1, 2, 3]
    january = cells.filter(month=date(2025, 1, 1))["visits"].sum()
    assert found.row(0, named=True) | {"scaled_error": None} == {
        "level": "network",
        "member": "network",
        "metric": "visits",
        "origin": ORIGIN,
        "model_version": "v1",
        "month": date(2025, 1, 1),
        "horizon": 1,
        "forecast": january + 100,
        "actual": january,
        "absolute_error": 100,
        "scaled_error": None,
        "within_80": False,
        "within_95": True,
    }


def test_errors_are_scaled_by_the_seasonal_naive_before_the_origin(cells, forecasts):
    by_month = cells.group_by("month").agg(pl.col("visits").sum()).sort("month")["visits"]
    scale = (by_month[12:24] - by_month[:12]).abs().mean()
    found = judged(forecasts, cells, date(2025, 4, 2)).filter(metric="visits")
    assert found["scaled_error"].to_list() == pytest.approx([100 / scale] * 3)
    # What has come since does not move it.
    later = judged(forecasts, cells, date(2025, 3, 2)).filter(metric="visits")
    assert later["scaled_error"].to_list() == pytest.approx([100 / scale] * 2)


def test_cash_is_judged_when_its_claims_are_mature(cells, forecasts):
    maturity = {month: 1.0 for month in cells["month"].unique()}
    maturity |= {date(2025, 3, 1): 0.4, date(2025, 2, 1): 0.95}
    found = judged(forecasts, cells, date(2025, 4, 2), maturity=maturity)
    assert found.filter(metric="net_cash")["month"].to_list() == [date(2025, 1, 1)]
    assert found.filter(metric="visits").height == 3


def test_what_was_not_forecast_is_not_judged(cells, forecasts):
    none = forecasts.with_columns(pl.lit(None, dtype=pl.Float64).alias("lower_80"))
    assert judged(none, cells, date(2025, 4, 2)).is_empty()
