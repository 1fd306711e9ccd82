"""Control limits of a funnel plot: how far from the network's rate a provider lies who is like the others.

After D. J. Spiegelhalter, Funnel plots for comparing institutional performance, Statistics in Medicine 24 (2005)
1185-1202.
"""

import math
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Counts = NDArray[np.int64]
    Floats = NDArray[np.float64]

#: Shares of providers like the others that lie within the limits: about two and three standard deviations.
WARNING, ACTION = 0.95, 0.998
#: Share of providers at either end whose distance counts as that of the next one, when the spread is measured.
WINSORISED = 0.10


def control_limits(target: float, n: "Counts", within: float, widening: float = 1.0) -> tuple["Floats", "Floats"]:
    """Limits that chance crosses in ``1 - within`` of the times, half of them on either side.

    Exact binomial quantiles, interpolated between whole counts (appendix A.1.1).

    Parameters
    ----------
    target
        The rate that everyone is compared with, 0 to 1.
    n
        Cases of each provider, at least 1.
    within
        Share within the limits, 0 to 1.
    widening
        Factor on the distance from the target, as `widening` gives it.
    """
    tail = (1 - within) / 2
    return _quantile(tail, target, n, widening), _quantile(1 - tail, target, n, widening)


def _quantile(p: float, target: float, n: "Counts", widening: float) -> "Floats":
    import numpy as np
    from scipy.special import bdtr, bdtrik

    if not 0 < target < 1:
        return np.full(len(n), target)
    # Not of scipy.stats: importing it takes as long as all comparisons of a day.
    count = np.ceil(bdtrik(p, n, target)).clip(0, n)
    below = np.where(count > 0, bdtr(np.maximum(count - 1, 0), n, target), 0.0)
    reached = bdtr(count, n, target)
    back = (reached - p) / (reached - below)
    limit = target + ((count - back) / n - target) * widening
    # No rate lies below 0 or above 1: a limit there is crossed by nobody.
    return cast("Floats", np.clip(limit, 0.0, 1.0))


def dispersion(numerator: "Counts", n: "Counts", target: float) -> float | None:
    """Variance of the rates about the target as a multiple of what chance gives.

    Mean of the squared z-scores, winsorised so that a few outliers do not count as spread of all (appendix A.3);
    of providers who are alike, that leaves about 0.7 of chance's own. None where the target leaves chance no room, or
    nobody has cases.
    """
    import numpy as np

    if not 0 < target < 1 or not len(n):
        return None
    z = np.sort((numerator / n - target) / np.sqrt(target * (1 - target) / n))
    ends = int(WINSORISED * len(z))
    return float((np.clip(z, z[ends], z[-1 - ends]) ** 2).mean())


def widening(dispersion: float | None, providers: int) -> float:
    """Factor on the limits' distance from the target: 1, or the root of a dispersion that is clearly beyond chance.

    Providers differ for reasons that no case count knows of (which patients, payers and services they have); limits
    for chance alone would then have many of them outside. Clearly: by two standard errors, the root of 2 / providers
    each.
    """
    if dispersion is None or dispersion <= 1 + 2 * (2 / providers) ** 0.5:
        return 1.0
    return math.sqrt(dispersion)
