"""What is taken out of series before they are forecast, and put back: the calendar and the season they share."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carti_lake.models.forecast.panel import SEASON, Panel

if TYPE_CHECKING:
    from carti_lake.models.forecast.panel import Floats

#: Months that the season's fit needs: one of them twice.
LEAST = SEASON + 1


@dataclass(frozen=True)
class Adjusted:
    """Series without calendar and common season.

    Attributes
    ----------
    values
        Rows x months.
    factors
        Rows x horizon: what forecasts of them are multiplied by.
    """

    values: "Floats"
    factors: "Floats"


def adjusted(panel: Panel) -> Adjusted:
    """Series over their calendar's load and the season of their whole."""
    months = np.arange(1 - panel.months, panel.horizon + 1)
    season = np.ones_like(panel.load)
    for whole in np.unique(panel.whole[panel.whole >= 0]):
        index = indices(panel.values[whole] / panel.load[whole, : panel.months], int(panel.phase[whole]))
        follows = panel.whole == whole
        season[follows] = index[(panel.phase[follows, None] + months) % SEASON]
    factors = panel.load * season
    return Adjusted(panel.values / factors[:, : panel.months], factors[:, panel.months :])


def indices(values: "Floats", phase: int) -> "Floats":
    """Seasonal indices by month of the year, January first, of mean 1; all 1 where there are too few months.

    The logarithm is a line and twelve effects; the effects are drawn to nothing as if each month of the year had been
    seen once more without any, so that what has been seen n times counts for n / (n + 1). Source: D. Miller and
    D. Williams, "Shrinkage estimators of time series seasonal factors", International Journal of Forecasting 19 (2003);
    seasons of a group pooled: F. Dalhart, "Class seasonality: a new approach" (1974).

    Parameters
    ----------
    values
        Months of one series; NaN and what is not positive is left out.
    phase
        Month of the year of the last one, January 0.
    """
    seen = np.flatnonzero(np.nan_to_num(values) > 0)
    if len(seen) < LEAST:
        return np.ones(SEASON)
    years = (seen - seen.mean()) / SEASON
    month = (phase + seen - (len(values) - 1)) % SEASON
    design = np.column_stack([np.ones(len(seen)), years, np.eye(SEASON)[month]])
    drawn = np.diag([0.0, 0.0, *np.ones(SEASON)])
    effects = np.linalg.solve(design.T @ design + drawn, design.T @ np.log(values[seen]))[2:]
    index = np.exp(effects)
    return np.asarray(index / index.mean())
