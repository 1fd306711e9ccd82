import numpy as np
import pytest

from carti_lake.models.forecast import measures

NAN = np.nan


def test_measures_are_those_of_their_definitions():
    actual, made = np.array([[10.0, 20], [0, NAN]]), np.array([[12.0, 15], [0, 7]])
    assert measures.mae(actual, made) == pytest.approx(7 / 3)
    assert measures.rmse(actual, made) == pytest.approx((29 / 3) ** 0.5)
    assert measures.smape(actual, made) == pytest.approx((200 * 2 / 22 + 200 * 5 / 35 + 0) / 3)
    assert measures.mase(actual, made, np.array([2.0, NAN])) == pytest.approx((1 + 2.5) / 2)
    assert measures.coverage(actual, made - 3, made)[0] == pytest.approx(2 / 3)


def test_nothing_to_measure_is_no_number():
    nothing = np.full((1, 2), NAN)
    assert measures.mase(nothing, nothing, np.array([1.0])) is None
    assert measures.coverage(nothing, nothing, nothing) is None


def test_a_coverage_is_as_sure_as_forecasts_that_share_no_month():
    """240 forecasts six months ahead say of 192 that held what 40 say of 32: Newcombe's method 3."""
    actual = np.zeros((40, 6))
    upper = np.where(np.arange(240).reshape(40, 6) < 192, 1.0, -1.0)
    share, low, high = measures.coverage(actual, actual - 1, upper)
    assert share == pytest.approx(0.8)
    assert (low, high) == pytest.approx((0.6524, 0.8950), abs=1e-4)
