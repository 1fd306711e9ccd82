"""Forecasts made to add up: lines to the network, and providers to the network."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from carti_lake.models.forecast.panel import Flags, Floats

#: Times that what became negative is held at zero; each time there is one more at least, so more are never needed.
MOST_ROUNDS = 1_000


def reconciled(base: "Floats", weight: "Floats", sums: "Floats") -> "Floats":
    """The forecasts nearest to the given ones that add up and are not negative, for each column.

    The distance counts a change of a series by the variance of its errors, so that what is known best moves least: with
    ``C y = 0`` for "parts less whole", ``y = b - W C' (C W C')^-1 C b``. It is what minimises the trace of the errors'
    covariance where W is that of the base forecasts'. Source: S. Wickramasuriya, G. Athanasopoulos and R. Hyndman,
    "Optimal forecast reconciliation for hierarchical and grouped time series through trace minimization", JASA 114
    (2019); not negative: S. Wickramasuriya, B. Turlach and R. Hyndman, Statistics and Computing 30 (2020), here by
    holding at zero what falls below.

    Parameters
    ----------
    base
        Series x columns.
    weight
        Variance of each series' errors, above 0.
    sums
        Constraints x series: 1 for a part, -1 for the whole.

    Returns
    -------
    array
        Series x columns; the parts of each constraint sum to its whole.
    """
    return np.stack([_column(base[:, place], weight, sums) for place in range(base.shape[1])], axis=1)


def _column(base: "Floats", weight: "Floats", sums: "Floats") -> "Floats":
    held: Flags = np.zeros(len(base), dtype=bool)
    result = np.maximum(base, 0)
    for _ in range(MOST_ROUNDS):
        free = np.where(held, 0.0, weight)
        start = np.where(held, 0.0, base)
        moved = free[:, None] * sums.T
        result = start - moved @ (np.linalg.pinv(sums @ moved) @ (sums @ start))
        below = result < 0
        if not below.any():
            break
        held |= below
    return np.maximum(result, 0)
