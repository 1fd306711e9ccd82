import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from carti_lake.models.forecast.reconcile import reconciled

#: A network (0), three lines (1-3) and four providers (4-7).
SUMS = np.array([[-1, 1, 1, 1, 0, 0, 0, 0], [-1, 0, 0, 0, 1, 1, 1, 1]], dtype=float)
BASE = arrays(np.float64, (8, 2), elements=st.floats(0, 1e6).map(lambda value: round(value, 3)))
WEIGHT = arrays(np.float64, 8, elements=st.floats(0.01, 1e6))


@given(BASE, WEIGHT)
@settings(max_examples=200)
def test_parts_sum_to_the_whole_and_nothing_is_negative(base, weight):
    found = reconciled(base, weight, SUMS)
    assert (found >= 0).all()
    np.testing.assert_allclose(found[1:4].sum(axis=0), found[0], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found[4:].sum(axis=0), found[0], rtol=1e-6, atol=1e-6)


def test_what_adds_up_stays_as_it_is():
    base = np.array([[10, 5, 3, 2, 4, 3, 2, 1.0]]).T
    np.testing.assert_allclose(reconciled(base, np.arange(1, 9.0), SUMS), base)


def test_what_is_known_best_moves_least():
    base = np.array([[10.0, 8, 4, 0, 6, 6, 0, 0]]).T
    found = reconciled(base, np.array([1e-6, 1, 1, 1, 1, 1, 1, 1]), SUMS)[:, 0]
    np.testing.assert_allclose(found[0], 10, atol=1e-4)
    # Each of the two parts above zero gives half of what is too much; those at zero are held there.
    np.testing.assert_allclose(found[1:4], [7, 3, 0], atol=1e-4)
    np.testing.assert_allclose(found[4:], [5, 5, 0, 0], atol=1e-4)
