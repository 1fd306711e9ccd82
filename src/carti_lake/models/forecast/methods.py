"""The methods that forecasts are chosen among."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from carti_lake.models.forecast import boosting
from carti_lake.models.forecast.panel import SEASON, Panel
from carti_lake.models.forecast.season import Adjusted, adjusted

if TYPE_CHECKING:
    from carti_lake.models.forecast.panel import Flags, Floats

SEASONAL_NAIVE, MEAN, THETA, ETS, BOOSTING = "seasonal naive", "mean of 12 months", "theta", "ets", "boosting"
#: The mean of theta, boosting and (where it is had) ETS: combined forecasts err less than most that they are made of.
COMBINED = "combined"
METHODS = (COMBINED, SEASONAL_NAIVE, MEAN, THETA, ETS, BOOSTING)
PARTS = (THETA, ETS, BOOSTING)
#: Months from which a series' own season is looked for, where one that it shares was taken out already.
OWN_SEASON = 3 * SEASON
#: Series up to which ETS is fitted: with a season it takes 50 times as long as theta.
MOST_FOR_ETS = 100


def needed(chosen: set[str]) -> set[str]:
    """The methods to compute for the chosen ones."""
    return {part for name in chosen for part in (PARTS if name == COMBINED else (name,))}


def forecasts(
    panel: Panel, model: Any, wanted: set[str], rows: "Flags | None" = None, ets: "Flags | None" = None
) -> dict[str, "Floats"]:
    """Forecasts of every wanted method, rows x horizon; NaN where a method has too little to go by.

    Parameters
    ----------
    panel
        What is known.
    model
        Of `carti_lake.models.forecast.boosting`; None where there was nothing to fit it on.
    wanted
        Names of methods.
    rows
        Rows to forecast; all by default.
    ets
        Rows that ETS is fitted to; all by default.
    """
    every = np.ones(len(panel.values), dtype=bool)
    rows = panel.living & (panel.lengths >= SEASON) & (every if rows is None else rows)
    clean = adjusted(panel)
    names = needed(wanted)
    made: dict[str, Floats] = {}
    if SEASONAL_NAIVE in names:
        ahead = np.arange(panel.horizon) % SEASON
        made[SEASONAL_NAIVE] = _only(rows, panel.values[:, -SEASON:][:, ahead])
    if MEAN in names:
        mean = clean.values[:, -SEASON:].mean(axis=1, keepdims=True)
        made[MEAN] = _only(rows, mean * clean.factors)
    if THETA in names:
        made[THETA] = _each(panel, clean, rows, _theta)
    if ETS in names:
        made[ETS] = _each(panel, clean, rows & (every if ets is None else ets), _ets)
    if BOOSTING in names:
        nothing = np.full((len(rows), panel.horizon), np.nan)
        made[BOOSTING] = nothing if model is None else boosting.predicted(model, clean.values, panel.horizon)
        made[BOOSTING] = _only(rows, made[BOOSTING] * clean.factors)
    if COMBINED in wanted:
        parts = np.stack([made[name] for name in PARTS])
        there = ~np.isnan(parts)
        total = np.where(there, parts, 0).sum(axis=0)
        made[COMBINED] = np.where(there.any(axis=0), total / np.maximum(there.sum(axis=0), 1), np.nan)
    return {name: np.maximum(made[name], 0) for name in METHODS if name in wanted}


def _only(rows: "Flags", values: "Floats") -> "Floats":
    return np.where(rows[:, None], values, np.nan)


def _each(panel: Panel, clean: Adjusted, rows: "Flags", method: Callable[["Floats", int, int], "Floats"]) -> "Floats":
    """A method of one series, for each of the rows."""
    out = np.full((len(rows), panel.horizon), np.nan)
    shares = panel.whole >= 0
    for row in np.flatnonzero(rows):
        values = clean.values[row]
        values = values[~np.isnan(values)]
        period = SEASON if len(values) >= OWN_SEASON or not shares[row] else 1
        constant = (values == values[0]).all()
        out[row] = values[0] if constant else method(values, panel.horizon, period)
    return out * clean.factors


def _theta(values: "Floats", horizon: int, period: int) -> "Floats":
    """J. Fiorucci et al., "Models for optimising the theta method", International Journal of Forecasting 32 (2016)."""
    from statsforecast.models import DynamicOptimizedTheta

    return np.asarray(DynamicOptimizedTheta(season_length=period).forecast(y=values, h=horizon)["mean"])


def _ets(values: "Floats", horizon: int, period: int) -> "Floats":
    """R. Hyndman et al., "Forecasting with exponential smoothing: the state space approach" (2008)."""
    from statsforecast.models import AutoETS

    return np.asarray(AutoETS(season_length=period).forecast(y=values, h=horizon)["mean"])
