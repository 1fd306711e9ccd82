"""How far forecasts miss: intervals from the errors of the backtest, by no model of them."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from carti_lake.models.forecast.panel import Floats

#: Coverages that intervals are made for.
COVERAGES = {"80": 0.80, "95": 0.95}
#: Scores, none of which has a month in common with another of its member, with which a level speaks for itself.
LEAST_ALONE = 20
#: With which a widened interval is to hold its coverage at least.
CONFIDENCE = 0.90
#: Scores that a quantile is taken from at least, those of the nearest months ahead with them where need be.
LEAST_SCORES = 100


def quantiles(scores: "Floats", coverage: float) -> "Floats":
    """By months ahead, the score that so many forecasts stay below; NaN without any score.

    Split conformal: the k-th smallest of n, k = ceil((n + 1) x coverage), holds for the next one with that probability
    at least where they are exchangeable. Source: V. Vovk, A. Gammerman and G. Shafer, "Algorithmic learning in a random
    world" (2005); J. Lei et al., JASA 113 (2018).

    Parameters
    ----------
    scores
        … x horizon: absolute errors over their series' scale; NaN is left out.
    coverage
        Between 0 and 1.
    """
    horizon = scores.shape[-1]
    flat = scores.reshape(-1, horizon)
    by_horizon = [column[~np.isnan(column)] for column in flat.T]
    found = np.full(horizon, np.nan)
    for place in range(horizon):
        pool = _nearest(by_horizon, place)
        if len(pool):
            rank = min(int(np.ceil((len(pool) + 1) * coverage)), len(pool))
            found[place] = np.partition(pool, rank - 1)[rank - 1]
    # Farther ahead is no surer: what looks so is chance.
    return np.maximum.accumulate(found)


def widened(coverage: float, independent: int) -> float:
    """The coverage whose quantile of so many independent scores is no less than the true one, with :data:`CONFIDENCE`.

    The upper confidence bound of a quantile by order statistics: the k-th of n, where at most k - 1 scores lie below
    the true quantile with that probability; all of them where none does. Source: G. Hahn and W. Meeker, "Statistical
    intervals" (1991), 5.2.
    """
    from scipy.stats import binom

    return min(float(binom.ppf(CONFIDENCE, independent, coverage)) + 1, independent) / independent


def _nearest(scores: list["Floats"], place: int) -> "Floats":
    pool, reach = scores[place], 0
    while len(pool) < LEAST_SCORES and reach < len(scores):
        reach += 1
        pool = np.concatenate(scores[max(place - reach, 0) : place + reach + 1])
    return pool


def interval(point: "Floats", scale: "Floats", quantile: "Floats") -> tuple["Floats", "Floats"]:
    """Lower and upper ends, rows x horizon; nothing that is counted or paid is below zero."""
    reach = scale[:, None] * quantile
    return np.maximum(point - reach, 0), point + reach
