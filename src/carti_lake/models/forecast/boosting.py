"""Gradient boosting over all series at once, on what each was in the months before, in units of its own level."""

from typing import TYPE_CHECKING

import numpy as np

from carti_lake.models.forecast.panel import SEASON

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingRegressor

    from carti_lake.models.forecast.panel import Floats, Ints

#: Examples that it is fitted on at most; beyond, every so-manieth.
MOST_EXAMPLES = 60_000
#: Months back from the origin from which examples are taken.
LATEST = 60
#: Change against the level beyond which an example is cut.
FARTHEST = 3.0
PARAMETERS = {
    "loss": "absolute_error",
    "max_iter": 150,
    "learning_rate": 0.06,
    "max_leaf_nodes": 15,
    "min_samples_leaf": 40,
}
#: Types that its file holds beside those of skops.
TRUSTED = ("sklearn._loss.link.IdentityLink", "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor")


def fitted(values: "Floats", horizon: int, seed: int) -> "HistGradientBoostingRegressor | None":
    """The regression of what came on what stood before, over all months that are known; None without examples.

    On one thread: sums then have one order, so that every machine fits the same model.

    Parameters
    ----------
    values
        Rows x months, without season; NaN before a series begins.
    horizon
        Months ahead.
    seed
        Of its randomness.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    months = values.shape[1]
    examples, targets = [], []
    for end in range(max(SEASON, months - LATEST), months):
        features, level = lags(values[:, :end], horizon)
        ahead = min(horizon, months - end)
        target = values[:, end : end + ahead] / level[:, None] - 1
        known = ~np.isnan(target) & ~np.isnan(level)[:, None]
        examples.append(features[:, :ahead][known])
        targets.append(target[known])
    if not examples or not sum(map(len, targets)):
        return None
    x, y = np.concatenate(examples), np.concatenate(targets)
    # A column that is missing everywhere cannot be binned; one that is the same everywhere says as little.
    x[:, np.isnan(x).all(axis=0)] = 0.0
    step = -(-len(y) // MOST_EXAMPLES)
    model = HistGradientBoostingRegressor(**PARAMETERS, random_state=seed, early_stopping=False)
    with threadpool_limits(1):
        return model.fit(x[::step], np.clip(y[::step], -1, FARTHEST))


def predicted(model: "HistGradientBoostingRegressor", values: "Floats", horizon: int) -> "Floats":
    """Rows x horizon; NaN where a series is shorter than a season."""
    from threadpoolctl import threadpool_limits

    features, level = lags(values, horizon)
    known = ~np.isnan(level)
    out = np.full((len(values), horizon), np.nan)
    if known.any():
        with threadpool_limits(1):
            flat = model.predict(features[known].reshape(-1, features.shape[2]))
        out[known] = (1 + flat.reshape(-1, horizon)) * level[known, None]
    return out


def lags(values: "Floats", horizon: int) -> tuple["Floats", "Floats"]:
    """Features (rows x horizon x features) and level of each series at its end.

    The level is the mean of the last season, NaN where the series is shorter; everything is in units of it: the last
    season's months, the means of the last 3 and 6, their spread, growth over the season before, the months ahead, the
    same month one and two seasons before, and the change of the newest month over a season.
    """
    missing = max(2 * SEASON - values.shape[1], 0)
    recent = np.pad(values, ((0, 0), (missing, 0)), constant_values=np.nan)[:, -2 * SEASON :]
    level = recent[:, SEASON:].mean(axis=1)
    unit = np.where(level > 0, level, 1.0)[:, None]
    ratios = recent / unit
    before, last = ratios[:, :SEASON], ratios[:, SEASON:]
    earlier = before.mean(axis=1)
    growth = np.divide(last.mean(axis=1), earlier, out=np.full(len(values), np.nan), where=earlier > 0)
    same = [last, last[:, -3:].mean(axis=1), last[:, -6:].mean(axis=1), last.std(axis=1), growth]
    common = np.column_stack([*same, last[:, -1] - before[:, -1]])
    ahead: Ints = np.arange(horizon)
    month = ahead % SEASON
    features = np.concatenate(
        [
            np.repeat(common[:, None, :], horizon, axis=1),
            np.broadcast_to(ahead[None, :, None], (len(values), horizon, 1)),
            last[:, month, None],
            before[:, month, None],
        ],
        axis=2,
    )
    return features, np.where(np.isnan(level), np.nan, unit[:, 0])
