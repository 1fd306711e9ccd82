"""The forecasting model on a sample of the M3 competition, as the benchmark measures it on all of it."""

import polars as pl
import pytest

from benchmarks.models.forecasting import measured

pytestmark = pytest.mark.slow

#: Every so-manieth series.
SAMPLE = 5


@pytest.fixture(scope="module")
def found(shared):
    train, test = (
        pl.read_parquet(shared / f"data/forecasting/m3_monthly_{part}.parquet") for part in ("train", "test")
    )
    chosen = train["unique_id"].unique().sort().gather_every(SAMPLE)
    return measured(*(rows.filter(pl.col("unique_id").is_in(chosen.implode())) for rows in (train, test)), ets=False)


def test_it_beats_every_single_method(found):
    errors = found["errors"]
    for single in ("seasonal naive", "theta", "boosting"):
        assert errors["model"]["smape"] < errors[single]["smape"]
        assert errors["model"]["mase"] < errors[single]["mase"]


def test_intervals_calibrated_on_the_data_at_hand_cover_what_they_promise(found):
    # 143 series: a share of 0.95 of their forecasts, which go wrong together, is uncertain by 0.02 or so.
    assert 0.74 < found["errors"]["model"]["coverage_80"] < 0.88
    assert 0.92 < found["errors"]["model"]["coverage_95"] < 0.985
