"""The model's forecasts as one whole: which members there are, and what the others bring."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carti_lake.models.forecast.panel import Panel
from carti_lake.models.forecast.reconcile import reconciled
from carti_lake.pipeline.gold.forecast_series import NETWORK

if TYPE_CHECKING:
    from carti_lake.models.forecast.panel import Floats

#: Months by which what the members with too little history bring is judged.
OTHERS_BY = 3


@dataclass(frozen=True)
class Coherent:
    """Forecasts that add up.

    Attributes
    ----------
    points
        Rows x horizon; NaN where there was none.
    others
        By level and metric, what the living members without a forecast of their own bring together, by horizon.
    """

    points: "Floats"
    others: dict[tuple[str, str], "Floats"]


def coherent(panel: Panel, base: "Floats", errors: Mapping[str, float]) -> Coherent:
    """Forecasts changed as little as it takes for the members of each level to sum to the network, metric by metric.

    Parameters
    ----------
    panel
        What is known.
    base
        Rows x horizon; NaN where a series has no forecast. Without the network's, none of its metric has any. A panel
        whose series share no whole stays as it is.
    errors
        Mean absolute scaled error by level.
    """
    level, metric = panel.keys["level"].to_numpy(), panel.keys["metric"].to_numpy()
    points = base.copy()
    others: dict[tuple[str, str], Floats] = {}
    scale, alive = panel.scale, panel.living
    latest = np.nan_to_num(panel.values[:, -OTHERS_BY:]).mean(axis=1)
    for whole in np.unique(panel.whole[panel.whole >= 0]):
        rows = np.flatnonzero(panel.whole == whole)
        if np.isnan(base[whole]).any():
            points[rows] = np.nan
            continue
        parts = [name for name in errors if name != NETWORK and (level[rows] == name).any()]
        there = rows[~np.isnan(base[rows]).any(axis=1)]
        rest = {name: rows[(level[rows] == name) & alive[rows] & np.isnan(base[rows]).any(axis=1)] for name in parts}
        rest = {name: members for name, members in rest.items() if len(members)}
        # Without others, the network's own error is the measure of what is next to nothing.
        least = 1e-6 * max(np.nan_to_num(scale[whole]), 1e-6)
        spread = np.array([np.nan_to_num(scale[row]) * errors[level[row]] for row in there])
        brought = np.array([latest[members].sum() for members in rest.values()])
        names = np.concatenate([level[there], np.array(list(rest), dtype=level.dtype)])
        sums = np.array([(names == name).astype(np.float64) - (names == NETWORK) for name in parts])
        if not len(parts):
            continue
        added = reconciled(
            np.concatenate([base[there], np.repeat(brought[:, None], panel.horizon, axis=1)]),
            np.maximum(np.concatenate([spread, brought]), least) ** 2,
            sums,
        )
        points[there] = added[: len(there)]
        others |= {(name, str(metric[whole])): added[len(there) + place] for place, name in enumerate(rest)}
    return Coherent(points, others)
