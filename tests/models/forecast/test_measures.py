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
    assert measures.coverage(actual, made - 3, made) == pytest.approx(2 / 3)


def test_nothing_to_measure_is_no_number():
    nothing = np.full((1, 2), NAN)
    assert measures.mase(nothing, nothing, np.array([1.0])) is None
    assert measures.coverage(nothing, nothing, nothing) is None
