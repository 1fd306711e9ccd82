"""The fitted prior is the likeliest, and the shrunk rate lies between a provider's own and all providers' rate."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import beta as beta_distribution
from scipy.stats import betabinom, binom

from carti_lake.comparison.shrinkage import Prior, fit_prior, posterior, shrunk, spread_beyond_chance

PROVIDERS = st.lists(
    st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=2, max_size=40
)


def arrays(providers):
    return tuple(np.array(column) for column in zip(*providers, strict=True))


def planted(rng, alpha, beta, providers, cases):
    n = np.maximum(11, rng.lognormal(np.log(cases), 0.6, providers)).astype(int)
    truth = rng.beta(alpha, beta, providers)
    return truth, rng.binomial(n, truth), n


def likelihood(numerator, n, prior):
    """Logarithm of the counts' probability under the prior; where there is none, under the pooled rate."""
    if prior is None:
        return binom.logpmf(numerator, n, numerator.sum() / n.sum()).sum()
    return betabinom.logpmf(numerator, n, *prior).sum()


def test_published_example():
    # Boys among the first 12 children of 6,115 families in Saxony (A. Geissler, 1889), an example of the beta-binomial
    # in textbooks ever since. Published: alpha 34.096, beta 31.572, logarithm of the likelihood -12492.9.
    families = [3, 24, 104, 286, 670, 1033, 1343, 1112, 829, 478, 181, 45, 7]
    boys = np.repeat(np.arange(13), families)
    children = np.full_like(boys, 12)
    prior = fit_prior(boys, children)
    assert prior == pytest.approx((34.096, 31.572), rel=1e-3)
    assert likelihood(boys, children, prior) == pytest.approx(-12492.9, abs=0.05)
    assert likelihood(boys, children, prior) >= likelihood(boys, children, (34.09558, 31.5715))


@pytest.mark.parametrize(("alpha", "beta"), [(4, 36), (6, 14), (0.5, 2), (30, 270)])
def test_no_prior_of_a_grid_is_likelier(alpha, beta):
    _, numerator, n = planted(np.random.default_rng(7), alpha, beta, 60, 120)
    prior = fit_prior(numerator, n)
    best = likelihood(numerator, n, prior)
    for mean in np.linspace(0.5, 1.5, 11) * prior.mean:
        for cases in np.geomspace(0.2, 5, 13) * prior.cases:
            assert likelihood(numerator, n, (mean * cases, (1 - mean) * cases)) <= best + 1e-9


@pytest.mark.parametrize(("alpha", "beta"), [(4, 36), (6, 14)])
def test_a_planted_prior_is_recovered(alpha, beta):
    rng = np.random.default_rng(1948)
    fits = [fit_prior(*planted(rng, alpha, beta, 200, 150)[1:]) for _ in range(60)]
    means, cases = np.array([fit.mean for fit in fits]), np.array([fit.cases for fit in fits])
    # The mean of 60 fits, within three standard errors; single fits of the mean within 15 %, of the weight within 50 %.
    truth = alpha / (alpha + beta)
    assert abs(means.mean() - truth) < 3 * means.std() / np.sqrt(60)
    assert abs(means / truth - 1).max() < 0.15
    assert 0.97 < np.median(cases) / (alpha + beta) < 1.08
    assert abs(cases / (alpha + beta) - 1).max() < 0.5


def test_providers_who_differ_by_chance_alone_have_no_prior():
    rng = np.random.default_rng(1979)
    n = rng.integers(20, 300, 40)
    alike = [fit_prior(rng.binomial(n, 0.1), n) for _ in range(100)]
    # By chance the spread is as often above as below what chance gives; where above, the prior is heavy.
    assert 40 <= sum(prior is None for prior in alike) <= 75
    assert min(prior.cases for prior in alike if prior) > 100
    assert fit_prior(np.full(20, 10), np.full(20, 100)) is None


@pytest.mark.parametrize("numerator", [0, 50])
def test_where_all_rates_are_0_or_1_there_is_no_spread(numerator):
    assert not spread_beyond_chance(np.full(12, numerator), np.full(12, 50))
    assert fit_prior(np.full(12, numerator), np.full(12, 50)) is None


def test_where_providers_are_all_or_nothing_own_cases_count_for_all():
    numerator, n = np.array([0, 50] * 8), np.full(16, 50)
    prior = fit_prior(numerator, n)
    assert prior.cases < 0.1
    assert shrunk(numerator, n, prior)[0] == pytest.approx(numerator / n, abs=1e-3)


def test_a_worked_example():
    # Prior 10 of 100; 12 of 30 own cases: (10 + 12) / (100 + 30).
    mean, lower, upper = shrunk(np.array([12]), np.array([30]), Prior(10.0, 90.0))
    assert mean == pytest.approx([22 / 130])
    assert [lower.item(), upper.item()] == pytest.approx(beta_distribution(22, 108).ppf([0.025, 0.975]))


@given(PROVIDERS)
def test_the_shrunk_rate_lies_between_the_own_and_the_priors_mean_inside_its_interval(providers):
    numerator, n = arrays(providers)
    prior = fit_prior(numerator, n)
    assume(prior is not None)
    own = numerator / n
    mean, lower, upper = shrunk(numerator, n, prior)
    assert (mean >= np.minimum(own, prior.mean) - 1e-12).all()
    assert (mean <= np.maximum(own, prior.mean) + 1e-12).all()
    assert (lower <= mean).all()
    assert (mean <= upper).all()
    assert ((lower >= 0) & (upper <= 1)).all()


@given(PROVIDERS)
def test_more_cases_at_the_same_rate_are_shrunk_less(providers):
    numerator, n = arrays(providers)
    prior = Prior(3.0, 17.0)
    near, far = (abs(shrunk(times * numerator, times * n, prior)[0] - numerator / n) for times in (10, 1))
    assert (near <= far + 1e-12).all()


@given(PROVIDERS, st.randoms(use_true_random=False))
def test_the_order_of_providers_does_not_matter(providers, random):
    numerator, n = arrays(providers)
    one, other = fit_prior(numerator, n), fit_prior(*arrays(random.sample(providers, len(providers))))
    # Not the weight itself: where it hardly matters, rounding moves it.
    assert likelihood(numerator, n, one) == pytest.approx(likelihood(numerator, n, other), abs=1e-6)


def test_shrunk_rates_are_nearer_the_truth_and_their_intervals_cover_it():
    rng = np.random.default_rng(1977)
    own, nearer, covered = 0.0, 0.0, []
    for _ in range(50):
        truth, numerator, n = planted(rng, 6, 54, 40, 80)
        prior = fit_prior(numerator, n)
        mean, lower, upper = shrunk(numerator, n, prior)
        own += ((numerator / n - truth) ** 2).sum()
        nearer += ((mean - truth) ** 2).sum()
        covered += list((lower <= truth) & (truth <= upper))
    assert nearer < 0.7 * own
    # Of 95 %: the prior is taken as known, though it was estimated.
    assert 0.92 < np.mean(covered) < 0.96


def test_the_posterior_adds_cases():
    alpha, beta = posterior(np.array([0, 3]), np.array([5, 5]), Prior(1.0, 9.0))
    assert (alpha.tolist(), beta.tolist()) == ([1.0, 4.0], [14.0, 11.0])
