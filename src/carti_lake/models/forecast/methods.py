"""The methods that forecasts are chosen among."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from carti_lake.models.forecast import boosting
from carti_lake.models.forecast.panel import SEASON, Panel
from carti_lake.models.forecast.season import Adjusted, adjusted, indices

if TYPE_CHECKING:
    from carti_lake.models.forecast.panel import Flags, Floats

SEASONAL_NAIVE, MEAN, THETA = "seasonal naive", "mean of 12 months", "theta"
DAMPED, BOOSTING = "damped trend", "boosting"
#: Of theta, damped trend and boosting: combined forecasts err less than most that they are made of.
COMBINED = "combined"
#: Half of it the mean of a year: most of what looks like a trend of a line or a provider is none.
STEADY = "combined with the mean"
#: What forecasts are made by: averages, between which luck decides least.
CANDIDATES = (COMBINED, STEADY)
#: What they must be better than to be used.
BASELINES = (SEASONAL_NAIVE, MEAN)
METHODS = (*CANDIDATES, *BASELINES, THETA, DAMPED, BOOSTING)
PARTS = (THETA, DAMPED, BOOSTING)
#: Months from which a series' own season is looked for, where one that it shares was taken out already.
OWN_SEASON = 3 * SEASON
#: Share of boosting in the combined forecast, from the first month ahead on; the last one stands for all after it: what
#: a series was last tells most of the months next to it. Chosen on one half of the M3 competition's monthly series.
SHARE_OF_BOOSTING = (0.2, 0.27, 0.33, 0.4)


def needed(chosen: set[str]) -> set[str]:
    """The methods to compute for the chosen ones."""
    made_of = {COMBINED: PARTS, STEADY: (*PARTS, MEAN)}
    return {part for name in chosen for part in made_of.get(name, (name,))}


def forecasts(panel: Panel, model: Any, wanted: set[str], rows: "Flags | None" = None) -> dict[str, "Floats"]:
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
    """
    rows = panel.living & (panel.lengths >= SEASON) & (True if rows is None else rows)
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
    if DAMPED in names:
        made[DAMPED] = _each(panel, clean, rows, _damped)
    if BOOSTING in names:
        nothing = np.full((len(rows), panel.horizon), np.nan)
        made[BOOSTING] = nothing if model is None else boosting.predicted(model, clean.values, panel.horizon)
        made[BOOSTING] = _only(rows, made[BOOSTING] * clean.factors)
    if wanted & {*CANDIDATES}:
        made[COMBINED] = _combined(made)
    if STEADY in wanted:
        made[STEADY] = (made[COMBINED] + made[MEAN]) / 2
    return {name: np.maximum(made[name], 0) for name in METHODS if name in wanted}


def _combined(made: Mapping[str, "Floats"]) -> "Floats":
    """The weighted mean of the parts that there are."""
    parts = np.stack([made[name] for name in PARTS])
    later = np.minimum(np.arange(parts.shape[2]), len(SHARE_OF_BOOSTING) - 1)
    boosted = np.array(SHARE_OF_BOOSTING)[later]
    weights = np.stack([boosted if name == BOOSTING else (1 - boosted) / (len(PARTS) - 1) for name in PARTS])
    weighed = np.where(np.isnan(parts), 0, weights[:, None, :])
    total = weighed.sum(axis=0)
    return np.where(total > 0, (weighed * np.nan_to_num(parts)).sum(axis=0) / np.where(total > 0, total, 1), np.nan)


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


def _damped(values: "Floats", horizon: int, period: int) -> "Floats":
    """A trend that dies away, on the series without a season of its own.

    E. Gardner and E. McKenzie, "Forecasting trends in time series", Management Science 31 (1985); as ETS(M,Ad,N) of
    R. Hyndman et al., "Forecasting with exponential smoothing: the state space approach" (2008).
    """
    from statsforecast.models import AutoETS

    season = np.ones(len(values) + horizon)
    if period == SEASON:
        season = indices(values, 0)[np.arange(1 - len(values), horizon + 1) % SEASON]
    level = values / season[: len(values)]
    # A multiplicative error is one of what is there.
    model = AutoETS(season_length=1, model="MAN" if (level > 0).all() else "AAN", damped=True)
    return np.asarray(model.forecast(y=level, h=horizon)["mean"]) * season[len(values) :]
