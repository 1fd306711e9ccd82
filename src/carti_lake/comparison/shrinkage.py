"""Empirical-Bayes shrinkage: what few cases say of a provider, weighed against what all providers are like."""

from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Counts = NDArray[np.int64]
    Floats = NDArray[np.float64]

#: Weight of the prior in cases, between which it is sought. At the upper end nobody's own cases count any more.
LIGHTEST, HEAVIEST = 1e-2, 1e6


class Prior(NamedTuple):
    """How true rates are spread over providers: Beta(alpha, beta)."""

    alpha: float
    beta: float

    @property
    def mean(self) -> float:
        """The rate that providers without a case of their own are expected to have."""
        return self.alpha / self.cases

    @property
    def cases(self) -> float:
        """Own cases at which a provider's rate counts as much as the prior."""
        return self.alpha + self.beta


def fit_prior(numerator: "Counts", n: "Counts") -> Prior | None:
    """The beta prior under which the providers' counts are likeliest (beta-binomial maximum likelihood).

    The likelihood is that of J. G. Skellam, JRSS B 10 (1948) 257-261. It is climbed in the logit of the mean and the
    logarithm of alpha + beta, which hardly depend on each other.

    Parameters
    ----------
    numerator, n
        Successes and cases of each provider, in an order that is the same each time: sums of doubles depend on it.

    Returns
    -------
    Prior | None
        None where the rates differ no more than chance makes them, so that the likeliest prior is a single point:
        the pooled rate.
    """
    import numpy as np
    from scipy.optimize import minimize
    from scipy.special import betaln, expit, logit, psi

    if not spread_beyond_chance(numerator, n):
        return None

    def parameters(place: "Floats") -> tuple[float, float]:
        mean, cases = expit(place[0]), np.exp(place[1])
        return mean * cases, (1 - mean) * cases

    def loss(place: "Floats") -> tuple[float, "Floats"]:
        alpha, beta = parameters(place)
        cases = alpha + beta
        likelihood = (betaln(numerator + alpha, n - numerator + beta) - betaln(alpha, beta)).sum()
        common = psi(cases) - psi(n + cases)
        by_alpha = (psi(numerator + alpha) - psi(alpha) + common).sum()
        by_beta = (psi(n - numerator + beta) - psi(beta) + common).sum()
        slope = [(by_alpha - by_beta) * alpha * beta / cases, by_alpha * alpha + by_beta * beta]
        return -likelihood, -np.array(slope)

    start = np.array([logit(numerator.sum() / n.sum()), np.log(50.0)])
    bounds = [(None, None), (np.log(LIGHTEST), np.log(HEAVIEST))]
    # The default tolerance stops early on the flat ridge along alpha + beta.
    found = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B", options={"ftol": 1e-13, "gtol": 1e-7})
    prior = Prior(*map(float, parameters(found.x)))
    return prior if prior.cases < HEAVIEST / 2 else None


def spread_beyond_chance(numerator: "Counts", n: "Counts") -> bool:
    """Whether providers' rates differ more than if all had the pooled rate.

    The sign of the slope of the beta-binomial likelihood where it meets the binomial one (R. E. Tarone, Biometrika 66
    (1979) 585-590): where it does not rise, the binomial is the likeliest.
    """
    pooled = numerator.sum() / n.sum()
    if not 0 < pooled < 1:
        return False
    other = n - numerator
    rise = numerator * (numerator - 1) / pooled + other * (other - 1) / (1 - pooled) - n * (n - 1)
    return bool(rise.sum() > 0)


def posterior(numerator: "Counts", n: "Counts", prior: Prior) -> tuple["Floats", "Floats"]:
    """Alpha and beta of each provider's true rate, given its cases and the prior."""
    return cast("Floats", numerator + prior.alpha), cast("Floats", n - numerator + prior.beta)


def shrunk(
    numerator: "Counts", n: "Counts", prior: Prior, confidence: float = 0.95
) -> tuple["Floats", "Floats", "Floats"]:
    """Mean of each provider's posterior, and the ends of its central interval.

    The prior is taken as known: with few providers the interval is somewhat too narrow.
    """
    import numpy as np
    from scipy.special import betaincinv

    alpha, beta = posterior(numerator, n, prior)
    mean = alpha / (alpha + beta)
    tail = (1 - confidence) / 2
    lower, upper = betaincinv(alpha, beta, tail), betaincinv(alpha, beta, 1 - tail)
    # A very skewed posterior has its mean beyond its quantiles.
    return mean, np.minimum(lower, mean), np.maximum(upper, mean)
