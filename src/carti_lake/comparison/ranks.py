"""Ranks with their uncertainty."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]

#: Draws of the true rates: the standard error of a chance of one half is 1.6 %.
DRAWS = 1_000


class Ranks(NamedTuple):
    """Of each provider: median rank from 1, its 95 % interval, chances to be in the first and last quarter."""

    rank: "Counts"
    rank_low: "Counts"
    rank_high: "Counts"
    first_quarter: "Floats"
    last_quarter: "Floats"


def ranks(alpha: "Floats", beta: "Floats", generator: "np.random.Generator", *, lowest_first: bool) -> Ranks:
    """Median rank of each provider, its central 95 % interval, and its chance to be in the first and last quarter.

    All true rates are drawn together from their posteriors and ranked, again and again: H. Goldstein and D. J.
    Spiegelhalter, JRSS A 159 (1996) 385-443.

    Parameters
    ----------
    alpha, beta
        Posterior of each provider's true rate: Beta(alpha, beta).
    generator
        Source of the draws; the same state and order of providers give the same ranks.
    lowest_first
        Whether rank 1 is the lowest rate.
    """
    import numpy as np

    providers = len(alpha)
    drawn = generator.beta(alpha, beta, size=(DRAWS, providers))
    order = np.argsort(drawn if lowest_first else -drawn, axis=1, kind="stable")
    ranked = np.empty_like(order)
    np.put_along_axis(ranked, order, np.arange(1, providers + 1), axis=1)
    # Whole ranks: no mean of two.
    low, median, high = np.quantile(ranked, [0.025, 0.5, 0.975], axis=0, method="inverted_cdf")
    quarter = max(1, providers // 4)
    return Ranks(median, low, high, (ranked <= quarter).mean(axis=0), (ranked > providers - quarter).mean(axis=0))
