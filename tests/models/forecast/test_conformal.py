import numpy as np
import pytest

from carti_lake.models.forecast.conformal import half_widths, interval, quantiles


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


@pytest.mark.parametrize("coverage", [0.80, 0.95])
def test_a_level_of_few_scores_has_its_own_size_and_the_tail_of_all(coverage):
    """Of a hundred levels of one series each, that err three times as much as the others: as many hold as promised."""
    rng = np.random.default_rng(4)
    many = np.abs(rng.normal(size=(18, 200, 6)))
    levels = {"few": np.arange(201) == 0, "many": np.arange(201) > 0}
    held = []
    for _ in range(100):
        scores = np.full((18, 201, 6), np.nan)
        scores[:, 1:], scores[:4, :1] = many, 3 * np.abs(rng.normal(size=(4, 1, 6)))
        found = half_widths(scores, levels, {"few": 24, "many": 3_600}, coverage)
        assert found["many"] == pytest.approx(quantiles(many, coverage), rel=0.02)
        held.append((3 * np.abs(rng.normal(size=(50, 6))) <= found["few"]).mean())
    assert np.mean(held) == pytest.approx(coverage, abs=0.02)


def test_what_rests_on_little_is_wider_by_a_part_in_so_many():
    scores, levels = np.abs(np.random.default_rng(5).normal(size=(30, 1, 6))), {"all": np.ones(1, dtype=bool)}
    sure, unsure = (half_widths(scores, levels, {"all": count}, 0.80)["all"] for count in (10**9, 3))
    assert unsure == pytest.approx(sure * 4 / 3)


def test_without_scores_there_is_no_interval():
    nothing = half_widths(np.full((5, 1, 3), np.nan), {"all": np.ones(1, dtype=bool)}, {"all": 0}, 0.80)
    assert np.isnan(nothing["all"]).all()
