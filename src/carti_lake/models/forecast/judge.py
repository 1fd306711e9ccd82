"""How good the model and every candidate were, on forecasts that had no say in how they were made."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from carti_lake.models import measures as evaluation
from carti_lake.models.forecast import measures
from carti_lake.models.forecast.backtest import Backtest
from carti_lake.models.forecast.choice import Choice, choose, points
from carti_lake.models.forecast.conformal import COVERAGES, interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carti_lake.models.forecast.panel import Flags, Floats

MODEL = "model"
#: Earlier origins without which an origin's choice has too little to go by to be judged.
LEAST_BEFORE = 5


@dataclass(frozen=True)
class Judged:
    """Forecasts beside what came.

    Attributes
    ----------
    keys
        ``level``, ``member``, ``metric`` of each row.
    actual
        Rows x horizon; NaN where it is not known.
    scale
        By row.
    forecasts
        By estimator, the model first.
    intervals
        By coverage, lower and upper end of the model's.
    """

    keys: pl.DataFrame
    actual: "Floats"
    scale: "Floats"
    forecasts: dict[str, "Floats"]
    intervals: dict[str, tuple["Floats", "Floats"]]


def judged(test: Backtest) -> Judged | None:
    """The backtest's forecasts, the model's as chosen by what was known at each origin; None of too few origins."""
    places = range(max(len(test.ago) - LEAST_BEFORE, 0))
    if not places:
        return None
    level = test.panel.keys["level"].to_numpy()
    model: list[Floats] = []
    ends: dict[str, tuple[list[Floats], list[Floats]]] = {name: ([], []) for name in COVERAGES}
    for place in places:
        choice = choose(test, test.ago[place])
        model.append(points(test, place, choice))
        for name, both in intervals(model[-1], test.scale[place], level, choice).items():
            for side, end in zip(ends[name], both, strict=True):
                side.append(end)
    return Judged(
        pl.concat([test.panel.keys] * len(places)),
        np.concatenate(test.actual()[: len(places)]),
        np.concatenate(test.scale[: len(places)]),
        {MODEL: np.concatenate(model)}
        | {name: np.concatenate(made[: len(places)]) for name, made in test.made.items()},
        {name: (np.concatenate(lower), np.concatenate(upper)) for name, (lower, upper) in ends.items()},
    )


def intervals(
    made: "Floats", scale: "Floats", level: "NDArray[np.str_]", choice: Choice
) -> dict[str, tuple["Floats", "Floats"]]:
    """Lower and upper ends by coverage, rows x horizon."""
    nothing = [np.nan] * made.shape[1]
    return {
        name: interval(made, scale, np.array([by_level.get(one, nothing) for one in level]))
        for name, by_level in choice.quantiles.items()
    }


def evaluated(found: Judged, split: str, note: str | None = None) -> pl.DataFrame:
    """Evaluation rows by level, and by level and metric; all estimators on the same forecasts.

    Parameters
    ----------
    found
        Forecasts and what came.
    split
        How they were held out; the level and the metric are added to it.
    note
        What the reader must know.
    """
    level, metric = found.keys["level"].to_numpy(), found.keys["metric"].to_numpy()
    parts = []
    for name in dict.fromkeys(level.tolist()):
        parts.append(_rows(found, level == name, f"{split}, {name}", note, in_units=False))
    for name in dict.fromkeys(level.tolist()):
        for of in dict.fromkeys(metric.tolist()):
            rows = (level == name) & (metric == of)
            parts.append(_rows(found, rows, f"{split}, {name}, {of}", None, in_units=True))
    return pl.concat([part for part in parts if part.height] or [evaluation.rows({}, split, 0)])


def errors_by_horizon(found: Judged) -> pl.DataFrame:
    """Rows of the card's chart: ``level``, ``horizon``, ``estimator``, ``value`` (MASE)."""
    level = found.keys["level"].to_numpy()
    actual, there = found.actual, _judgeable(found)
    rows = [
        {"level": name, "horizon": ahead + 1, "estimator": estimator, "value": value}
        for name in dict.fromkeys(level.tolist())
        for ahead in range(actual.shape[1])
        for estimator, made in found.forecasts.items()
        if (value := _mase(found, made, there & (level == name)[:, None], ahead)) is not None
    ]
    schema = {"level": pl.String(), "horizon": pl.Int64(), "estimator": pl.String(), "value": pl.Float64()}
    return pl.DataFrame(rows, schema=schema)


def _rows(found: Judged, rows: "Flags", split: str, note: str | None, *, in_units: bool) -> pl.DataFrame:
    there = _judgeable(found)[rows]
    if not there.any():
        return evaluation.rows({}, split, 0)
    actual, scale = np.where(there, found.actual[rows], np.nan), found.scale[rows]
    said: dict[str, Mapping[str, float | None]] = {}
    for estimator, made in found.forecasts.items():
        own = made[rows]
        # A candidate that was not computed at this level has no row.
        if np.isnan(own[there]).any():
            continue
        values = {"mase": measures.mase(actual, own, scale), "smape": measures.smape(actual, own)}
        if in_units:
            values |= {"mae": measures.mae(actual, own), "rmse": measures.rmse(actual, own)}
        if estimator == MODEL:
            for name, (lower, upper) in found.intervals.items():
                share = measures.coverage(actual, lower[rows], upper[rows]) or (None, None, None)
                values |= dict(zip(coverage_names(name), share, strict=True))
        said[estimator] = values
    return evaluation.rows(said, split, int(there.sum()), note)


def coverage_names(interval: str) -> tuple[str, str, str]:
    """Measures of how much an interval held, and of the interval of that share."""
    return f"coverage_{interval}", f"coverage_{interval}_lower", f"coverage_{interval}_upper"


def _judgeable(found: Judged) -> "Flags":
    """Forecasts of which the outcome is known, that have a scale, and that the model made."""
    known = ~np.isnan(found.actual) & ~np.isnan(found.forecasts[MODEL])
    return np.asarray(known & ~np.isnan(found.scale)[:, None])


def _mase(found: Judged, made: "Floats", there: "Flags", ahead: int) -> float | None:
    chosen = there[:, ahead]
    errors = np.abs(found.actual[chosen, ahead] - made[chosen, ahead]) / found.scale[chosen]
    return float(errors.mean()) if len(errors) and not np.isnan(errors).any() else None
