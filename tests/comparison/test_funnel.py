"""Control limits leave chance outside as often as they say, and find who stands apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from carti_lake.comparison.funnel import ACTION, WARNING, control_limits, dispersion, widening

TARGETS = st.floats(0.01, 0.99)


def test_a_worked_example():
    # Binomial(10, 0.5): P(X <= 1) = 11/1024, P(X <= 2) = 56/1024, so the 2.5 % quantile is 2, and what 56/1024 has more
    # than 2.5 % is (56 - 25.6) / 45 of the step from 1 to 2.
    lower, upper = control_limits(0.5, np.array([10]), 0.95)
    assert lower == pytest.approx([(2 - 30.4 / 45) / 10])
    # By symmetry the upper one: 1 - 2.5 % lies between P(X <= 7) = 968/1024 and P(X <= 8) = 1013/1024.
    assert upper == pytest.approx([(8 - (1013 - 998.4) / 45) / 10])


@given(TARGETS, st.integers(1, 5000), st.sampled_from([WARNING, ACTION]))
def test_limits_lie_within_one_case_of_the_exact_quantile(target, n, within):
    lower, upper = control_limits(target, np.array([n]), within)
    tail = (1 - within) / 2
    for limit, p in ((lower, tail), (upper, 1 - tail)):
        exact = binom.ppf(p, n, target)
        assert max(0, exact - 1) - 1e-9 <= limit.item() * n <= exact + 1e-9
    assert 0 <= lower.item() <= upper.item() <= 1


@given(TARGETS, st.integers(50, 5000))
def test_limits_narrow_with_cases_and_widen_with_confidence_and_spread(target, n):
    cases = np.array([n, 4 * n])
    lower, upper = control_limits(target, cases, WARNING)
    assert upper[1] - lower[1] < upper[0] - lower[0]
    for wider in (control_limits(target, cases, ACTION), control_limits(target, cases, WARNING, 1.5)):
        assert (wider[0] <= lower).all()
        assert (wider[1] >= upper).all()


def test_at_many_cases_they_are_the_normal_ones():
    lower, upper = control_limits(0.2, np.array([1_000_000]), ACTION)
    three = 3.0902 * np.sqrt(0.2 * 0.8 / 1e6)
    assert (upper.item() - 0.2, 0.2 - lower.item()) == pytest.approx((three, three), rel=5e-3)


@pytest.mark.parametrize("target", [0.0, 1.0])
def test_where_the_network_has_none_or_all_there_is_no_room(target):
    assert [limit.tolist() for limit in control_limits(target, np.array([11, 50]), WARNING)] == [[target] * 2] * 2
    assert dispersion(np.array([0, 0]), np.array([11, 50]), target) is None


@pytest.mark.parametrize(("within", "nominal"), [(WARNING, 0.05), (ACTION, 0.002)])
def test_false_alarms_come_about_as_often_as_stated(within, nominal):
    # Every count that n cases can give, weighed by its probability.
    shares = []
    for n in range(30, 1500, 7):
        for target in (0.05, 0.1, 0.3, 0.5):
            counts = np.arange(n + 1)
            lower, upper = control_limits(target, np.array([n]), within)
            outside = (counts / n < lower) | (counts / n > upper)
            shares.append(binom.pmf(counts, n, target)[outside].sum())
    # Single ones waver with the discreteness of the counts; on average they keep to the nominal share.
    assert 0.8 * nominal < np.mean(shares) < 1.2 * nominal


def test_one_who_stands_apart_is_found_among_providers_who_are_alike():
    rng = np.random.default_rng(2005)
    found, alarms = 0, 0
    for _ in range(200):
        n = rng.integers(100, 800, 40)
        rate = np.where(np.arange(40) == 0, 0.30, 0.08)
        numerator = rng.binomial(n, rate)
        target = numerator.sum() / n.sum()
        wider = widening(dispersion(numerator, n, target), 40)
        _, upper = control_limits(target, n, ACTION, wider)
        above = numerator / n > upper
        found += above[0]
        alarms += above[1:].sum()
    assert found == 200
    # Of 7,800, one in a thousand is to be above by chance; the one apart lifts the target, so that fewer are.
    assert alarms <= 8


def test_dispersion_of_providers_who_are_alike_does_not_widen():
    rng = np.random.default_rng(3)
    n = rng.integers(50, 500, 100)
    measured = np.array([dispersion(rng.binomial(n, 0.1), n, 0.1) for _ in range(200)])
    # A standard normal deviate, winsorised at 10 % on either side, has variance 0.679.
    assert measured.mean() == pytest.approx(0.679, abs=0.03)
    assert np.mean([widening(one, 100) > 1 for one in measured]) < 0.03


def test_a_spread_of_all_widens_the_limits_until_most_are_within():
    rng = np.random.default_rng(4)
    n = np.full(100, 400)
    numerator = rng.binomial(n, rng.beta(10, 90, 100))
    spread = dispersion(numerator, n, 0.1)
    # Chance and the true spread: 1 + (n - 1) / (alpha + beta + 1) = 4.95; of that, winsorising leaves about 0.68.
    assert spread == pytest.approx(0.68 * 4.95, rel=0.25)
    assert widening(spread, 100) == pytest.approx(spread**0.5)
    outside = []
    for wider in (1.0, widening(spread, 100)):
        lower, upper = control_limits(0.1, n, WARNING, wider)
        outside.append(((numerator / n < lower) | (numerator / n > upper)).mean())
    assert outside[0] > 0.25
    assert outside[1] <= 0.10


def test_a_few_outliers_are_no_spread_of_all():
    numerator, n = np.full(40, 20), np.full(40, 200)
    numerator[:3] = 120
    assert dispersion(numerator, n, 0.1) == pytest.approx(0.0)
    assert dispersion(np.array([], dtype=int), np.array([], dtype=int), 0.1) is None
