"""The forecasting model on public series: the M3 competition's monthly ones, 18 months ahead.

``python -m benchmarks.models.forecasting --train FILE --test FILE`` prints JSON. The files are Parquet with the columns
``unique_id``, ``t`` (month, a whole number) and ``y``; the test's months follow on the train's.
"""

import argparse
import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from carti_lake.models.forecast import boosting, judge, measures
from carti_lake.models.forecast.backtest import Backtest, backtest
from carti_lake.models.forecast.choice import choose, chosen
from carti_lake.models.forecast.methods import BOOSTING as BOOSTED
from carti_lake.models.forecast.methods import COMBINED, DAMPED, SEASONAL_NAIVE, THETA, forecasts
from carti_lake.models.forecast.panel import Panel
from carti_lake.models.forecast.season import adjusted

FOLDER = Path(__file__).resolve().parents[2] / "../shared/data/forecasting"
HORIZON = 18
ETS = "ets"
#: Months before the end of the training months from which forecasts are made to choose and calibrate by.
ORIGINS = (18, 21, 24, 30)
#: sMAPE of the competition's methods on all 1,428 monthly series, 18 months ahead.
#: Source: S. Makridakis and M. Hibon, "The M3-Competition", International Journal of Forecasting 16 (2000), table 6.
PUBLISHED = {"Theta": 13.85, "ForecastPro": 13.86, "ForecastX": 14.45, "Comb S-H-D": 14.48, "Naive2": 16.91}


def panel(train: pl.DataFrame, horizon: int = HORIZON) -> Panel:
    """Series of their own: no calendar, no whole."""
    by_id = train.sort("unique_id", "t").group_by("unique_id", maintain_order=True).agg("y")
    months = int(by_id["y"].list.len().max())  # type: ignore[arg-type]
    values = np.full((by_id.height, months), np.nan)
    for row, history in enumerate(by_id["y"]):
        values[row, months - len(history) :] = history.to_numpy()
    keys = by_id.select(level=pl.lit("series"), member="unique_id", metric=pl.lit("y"), origin=pl.lit(date(2000, 1, 1)))
    nothing = np.full(by_id.height, -1)
    load = np.ones((by_id.height, months + horizon))
    return Panel(keys, values, values, load, np.zeros(by_id.height, dtype=np.int64), nothing)


def outcomes(test: pl.DataFrame, keys: pl.DataFrame) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """What came, in the order of the panel's rows."""
    by_id = test.sort("unique_id", "t").group_by("unique_id").agg("y")
    return np.array(keys.join(by_id, left_on="member", right_on="unique_id", maintain_order="left")["y"].to_list())


def measured(train: pl.DataFrame, test: pl.DataFrame, *, ets: bool = True, seed: int = 0) -> dict[str, Any]:
    """sMAPE, MASE and coverage of the model, as it chooses and calibrates on the training months, and of baselines."""
    known = panel(train)
    actual = outcomes(test, known.keys)
    looked_back: Backtest = backtest(known, seed, origins=ORIGINS)
    choice = choose(looked_back)
    fitted = boosting.fitted(adjusted(known).values, HORIZON, seed)
    made = forecasts(known, fitted, {SEASONAL_NAIVE, THETA, DAMPED, BOOSTED, COMBINED} | set(choice.methods.values()))
    if ets:
        made[ETS] = exponential_smoothing(known)
    level = known.keys["level"].to_numpy()
    points = chosen(level, made, choice)
    ends = judge.intervals(points, known.scale, level, choice)
    errors = {
        name: {"smape": measures.smape(actual, values), "mase": measures.mase(actual, values, known.scale)}
        for name, values in {judge.MODEL: points, **made}.items()
    }
    for name, (lower, upper) in ends.items():
        share = measures.coverage(actual, lower, upper)
        errors[judge.MODEL][f"coverage_{name}"] = share and share[0]
    singles = [name for name in (SEASONAL_NAIVE, ETS, THETA, DAMPED, BOOSTED) if name in made]
    best = min(singles, key=lambda name: errors[name]["smape"] or np.inf)
    return {
        "series": len(points),
        "horizon": HORIZON,
        "chosen": choice.methods,
        "errors": {name: {of: round(value, 4) for of, value in row.items() if value} for name, row in errors.items()},
        "best_single": best,
        "lead_over_best_single": lead(actual, points, made[best]),
        "of_theta_on_halves": halves(actual, points, made[THETA]),
        "published_smape": PUBLISHED,
    }


def exponential_smoothing(known: Panel) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """The best ETS model of each series, with a season: a baseline, which takes 25 times as long as theta."""
    from statsforecast.models import AutoETS

    histories = [values[~np.isnan(values)] for values in known.values]
    return np.array([AutoETS(season_length=12).forecast(y=one, h=HORIZON)["mean"] for one in histories])


def halves(actual: Any, points: Any, other: Any, seed: int = 7) -> list[float]:
    """Share of another method's sMAPE, on the half of the series that the weights were chosen on, and on the rest."""
    drawn = np.random.default_rng(seed).permutation(len(actual))
    both = np.split(drawn, [len(drawn) // 2])
    return [
        round((measures.smape(actual[one], points[one]) or 0) / (measures.smape(actual[one], other[one]) or 1), 4)
        for one in both
    ]


def lead(actual: Any, points: Any, other: Any, seed: int = 0) -> dict[str, float]:
    """Lead in sMAPE over another method, and its 95 % bootstrap interval over series."""
    by_series = np.array(
        [
            (measures.smape(came, theirs) or 0.0) - (measures.smape(came, ours) or 0.0)
            for came, ours, theirs in zip(actual, points, other, strict=True)
        ]
    )
    drawn = np.random.default_rng(seed).integers(0, len(by_series), (2_000, len(by_series)))
    low, high = np.quantile(by_series[drawn].mean(axis=1), [0.025, 0.975])
    return {"smape": round(float(by_series.mean()), 3), "low": round(float(low), 3), "high": round(float(high), 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=Path, default=FOLDER / "m3_monthly_train.parquet")
    parser.add_argument("--test", type=Path, default=FOLDER / "m3_monthly_test.parquet")
    parser.add_argument("--without-ets", action="store_true", help="leave out the baseline that takes a minute")
    given = parser.parse_args()
    found = measured(pl.read_parquet(given.train), pl.read_parquet(given.test), ets=not given.without_ets)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
