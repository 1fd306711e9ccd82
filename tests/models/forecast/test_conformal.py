import numpy as np
import pytest

from carti_lake.models.forecast.conformal import interval, quantiles, widened


def test_the_quantile_is_that_of_split_conformal():
    scores = np.arange(1.0, 100)[:, None]
    # The ceil(100 x 0.8)th smallest of 99.
    assert quantiles(scores, 0.80).tolist() == [80]
    assert quantiles(scores, 0.95).tolist() == [95]


@pytest.mark.parametrize("coverage", [0.80, 0.95])
def test_intervals_cover_what_they_promise(coverage):
    """Series of very different size and spread, errors with heavy tails that grow with the months ahead."""
    rng = np.random.default_rng(3)
    scale = np.exp(rng.normal(4, 2, 3_000))
    errors = scale[:, None] * rng.standard_t(3, (3_000, 6)) * np.sqrt(np.arange(1, 7))
    past, new = slice(0, 1_000), slice(1_000, None)
    found = quantiles(np.abs(errors[past]) / scale[past, None], coverage)
    point = np.full((2_000, 6), 1e9)
    lower, upper = interval(point, scale[new], found)
    inside = (point + errors[new] >= lower) & (point + errors[new] <= upper)
    assert abs(inside.mean() - coverage) < 0.015
    assert np.abs(inside.mean(axis=0) - coverage).max() < 0.03


def test_no_interval_reaches_below_zero():
    lower, upper = interval(np.array([[5.0, 0.0]]), np.array([10.0]), np.array([1.0, 2.0]))
    assert (lower.tolist(), upper.tolist()) == ([[0, 0]], [[15, 20]])


def test_few_scores_are_pooled_with_those_of_the_nearest_months_ahead():
    scores = np.full((60, 3), np.nan)
    scores[:, 0], scores[:30, 1], scores[:1, 2] = 1.0, 2.0, 0.1
    found = quantiles(scores, 0.95)
    # The third has one score of its own; and it is no surer than the second.
    assert found.tolist() == sorted(found)
    assert found[2] == 2.0


def test_a_widened_coverage_holds_the_true_quantile_as_often_as_it_says():
    rng = np.random.default_rng(5)
    for coverage, independent in ((0.80, 40), (0.80, 90), (0.95, 90)):
        true = np.quantile(rng.exponential(size=1_000_000), coverage)
        drawn = rng.exponential(size=(4_000, independent))
        bounds = np.quantile(drawn, widened(coverage, independent), axis=1, method="inverted_cdf")
        assert 0.89 < (bounds >= true).mean() < 0.97


def test_few_scores_give_all_of_them():
    assert widened(0.95, 10) == 1.0
    assert widened(0.80, 3) == 1.0
    assert 0.80 < widened(0.80, 400) < 0.84
