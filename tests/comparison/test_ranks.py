"""Ranks say how little they know."""

import numpy as np
import pytest

from carti_lake.comparison.ranks import ranks


def ranked(numerator, n, *, lowest_first=True, seed=1):
    numerator, n = np.array(numerator), np.array(n)
    return ranks(numerator + 1.0, n - numerator + 1.0, np.random.default_rng(seed), lowest_first=lowest_first)


def test_rates_far_apart_have_one_rank_each():
    found = ranked([300, 100, 500], [1000, 1000, 1000])
    assert found.rank.tolist() == found.rank_low.tolist() == found.rank_high.tolist() == [2, 1, 3]


def test_the_same_few_cases_may_stand_anywhere():
    found = ranked([1] * 8, [11] * 8)
    assert set(found.rank_low) == {1}
    assert set(found.rank_high) == {8}
    assert found.first_quarter == pytest.approx(np.full(8, 0.25), abs=0.04)
    assert found.last_quarter == pytest.approx(np.full(8, 0.25), abs=0.04)


def test_where_higher_is_better_ranks_run_the_other_way():
    low, high = (ranked([30, 90, 200, 500], [1000] * 4, lowest_first=first) for first in (True, False))
    assert low.rank.tolist() == [1, 2, 3, 4]
    assert high.rank.tolist() == [4, 3, 2, 1]
    assert high.first_quarter.tolist() == low.last_quarter.tolist() == [0, 0, 0, 1]


def test_more_cases_narrow_a_rank():
    few, many = (ranked(times * np.arange(1, 11), [times * 30] * 10) for times in (1, 100))
    assert (few.rank_high - few.rank_low).mean() > 4 * (many.rank_high - many.rank_low).mean()


def test_chances_are_those_of_the_pair():
    # P(Beta(2, 2) < Beta(1, 1)) = 1/2; of Beta(1, 3) and Beta(3, 1) the first is lower with probability 19/20.
    found = ranked([0, 2], [2, 2])
    assert found.first_quarter == pytest.approx([0.95, 0.05], abs=0.015)


def test_ranks_cover_the_true_ones():
    rng = np.random.default_rng(1996)
    covered = []
    for _ in range(40):
        truth = rng.beta(5, 45, 30)
        numerator = rng.binomial(150, truth)
        found = ranks(numerator + 5.0, 150 - numerator + 45.0, rng, lowest_first=True)
        true_rank = truth.argsort().argsort() + 1
        covered += list((found.rank_low <= true_rank) & (true_rank <= found.rank_high))
    assert 0.94 < np.mean(covered) < 0.985


def test_the_same_generator_gives_the_same_ranks():
    one, same = (ranked([3, 5, 8], [40, 40, 40], seed=9) for _ in range(2))
    assert all((a == b).all() for a, b in zip(one, same, strict=True))
