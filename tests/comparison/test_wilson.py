"""Wilson's interval is the published one, and covers what it promises."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from carti_lake.comparison.wilson import wilson

COUNTS = st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def interval(numerator: int, n: int, confidence: float = 0.95) -> tuple[float | None, float | None]:
    lower, upper = wilson(pl.lit(numerator), pl.lit(n), confidence)
    return pl.select(lower=lower, upper=upper).row(0)


# R. G. Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3.
@pytest.mark.parametrize(
    ("numerator", "n", "lower", "upper"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_published_examples(numerator, n, lower, upper):
    assert tuple(round(end, 4) for end in interval(numerator, n)) == (lower, upper)


@given(COUNTS, st.sampled_from([0.80, 0.95, 0.998]))
def test_it_is_scipys(counts, confidence):
    numerator, n = counts
    expected = binomtest(numerator, n).proportion_ci(confidence, method="wilson")
    assert interval(numerator, n, confidence) == pytest.approx((expected.low, expected.high), abs=1e-12)


@given(COUNTS)
def test_it_contains_the_rate_and_stays_within_0_and_1(counts):
    lower, upper = interval(*counts)
    assert 0 <= lower <= counts[0] / counts[1] <= upper <= 1


@given(COUNTS)
def test_it_mirrors_and_narrows_with_more_of_the_same(counts):
    numerator, n = counts
    lower, upper = interval(numerator, n)
    assert interval(n - numerator, n) == pytest.approx((1 - upper, 1 - lower), abs=1e-12)
    more_lower, more_upper = interval(4 * numerator, 4 * n)
    assert more_upper - more_lower < upper - lower


def test_no_case_of_all_and_all_of_all_end_exactly_at_0_and_1():
    assert interval(0, 263)[0] == 0.0
    assert interval(263, 263)[1] == 1.0


def test_without_cases_there_is_none():
    assert interval(0, 0) == (None, None)


@pytest.mark.parametrize("n", [11, 30, 100, 1000])
def test_it_covers_95_in_100_on_average_and_hardly_less_anywhere(n):
    # Every count that n cases can give, weighed by its probability: coverage without a simulation's noise. Between
    # rates of 5 and 95 % it wavers with the discreteness of the counts (L. D. Brown, T. T. Cai, A. DasGupta, 2001).
    counts = np.arange(n + 1)
    lower, upper = wilson(pl.col("k"), pl.col("n"))
    ends = pl.DataFrame({"k": counts, "n": np.full(n + 1, n)}).select(lower=lower, upper=upper)
    rates = np.linspace(0.05, 0.95, 181)[:, None]
    within = (ends["lower"].to_numpy() <= rates) & (rates <= ends["upper"].to_numpy())
    covered = (binom.pmf(counts, n, rates) * within).sum(axis=1)
    assert 0.945 < covered.mean() < 0.96
    assert covered.min() > 0.89


def test_it_covers_providers_of_many_sizes_as_drawn():
    rng = np.random.default_rng(1927)
    n, rate = rng.integers(11, 500, 20_000), rng.uniform(0.02, 0.5, 20_000)
    lower, upper = wilson(pl.col("k"), pl.col("n"))
    ends = pl.DataFrame({"k": rng.binomial(n, rate), "n": n}).select(lower=lower, upper=upper)
    covered = ((ends["lower"].to_numpy() <= rate) & (rate <= ends["upper"].to_numpy())).mean()
    # Standard error of the simulation: 0.0015.
    assert 0.945 < covered < 0.957
