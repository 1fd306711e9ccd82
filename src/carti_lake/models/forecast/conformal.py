"""How far forecasts miss: intervals from the errors of the backtest, by no model of them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from carti_lake.models.forecast.panel import Flags, Floats

#: Coverages that intervals are made for.
COVERAGES = {"80": 0.80, "95": 0.95}
#: Scores that a quantile is taken from at least, those of the nearest months ahead with them where need be.
LEAST_SCORES = 100


def half_widths(
    scores: "Floats", levels: Mapping[str, "Flags"], independent: Mapping[str, int], coverage: float
) -> dict[str, "Floats"]:
    """By level and months ahead, the score that so many forecasts stay below; NaN without any score.

    Each level has the size of its own scores, their mean; how the quantiles stand to it all levels tell together: a
    network's few scores, of metrics that move together in months that overlap, tell their size and no tail. A size
    that rests on n scores that share no month is widened by a part in n: calibrated on generated networks (ADR 0060).

    Parameters
    ----------
    scores
        Origins x rows x horizon: absolute errors over their series' scale; NaN is left out.
    levels
        Rows of each level.
    independent
        By level, scores that have no month in common: members x origins / horizon.
    coverage
        Between 0 and 1.
    """
    sizes = {level: _mean(scores[:, rows]) for level, rows in levels.items()}
    in_sizes = np.concatenate([scores[:, rows] / sizes[level] for level, rows in levels.items()], axis=1)
    shape = quantiles(in_sizes, coverage)
    return {level: (1 + 1 / max(independent[level], 1)) * size * shape for level, size in sizes.items()}


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


def _mean(values: "Floats") -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else np.nan
