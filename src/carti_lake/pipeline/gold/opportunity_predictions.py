"""The seed's regression of opportunity value by provider, with the error that it makes on providers it has not seen.

The seed fitted ordinary least squares on ten standardised columns, on five of its eight providers. More columns than
rows leave no freedom: the fitted values repeat the recorded ones whatever they are. So the error here is measured by
leave-one-out, and the error of simply guessing the mean stands beside it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import polars as pl

from carti_lake.tables.gold import ModelMetrics, OpportunityPredictions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

MODEL = "opportunity_value"
TARGET = "opportunity_value"
FEATURES = (
    "total_patients",
    "avg_length_of_stay",
    "avg_satisfaction",
    "avg_cost",
    "contact_count",
    "deals_value",
    "marketing_cost",
    "total_claim_amount",
    "total_claim_paid",
    "denial_rate",
)
LEAST_ROWS = 3
#: Estimator and measure of each figure.
MAE, R2 = ("linear regression", "mae"), ("linear regression", "r2")
MAE_OF_MEAN = ("mean of the others", "mae")
#: A direction of the features that carries less than this share of the strongest one is noise, and is not fitted.
SMALLEST_DIRECTION = 1e-9
#: A row that alone decides its own fitted value has leverage 1; above this, leaving it out needs a fit of its own.
LARGEST_LEVERAGE = 1 - 1e-6


def predictions(summary: pl.LazyFrame) -> pl.LazyFrame:
    """Opportunity value of every provider: recorded, fitted on all, and predicted without the provider's own row.

    Parameters
    ----------
    summary
        ``gold.provider_summary``. Providers without a recorded value are predicted and not fitted on. A missing
        feature counts as the mean of the providers fitted on.

    Returns
    -------
    pl.LazyFrame
        Rows of ``gold.opportunity_predictions``, to the cent; predictions are null below three recorded values, and
        never below zero.
    """
    return _inputs(summary).map_batches(_predictions, schema=OpportunityPredictions.dtypes())


def metrics(summary: pl.LazyFrame) -> pl.LazyFrame:
    """Leave-one-out error of the regression and of guessing the mean, with what the reader must know before using it.

    ``mae``: mean absolute error, USD; beside it the same when each provider is guessed as the others' mean.
    ``r2``: 1 - squared error / squared distance from the mean; below 0 the model is worse than the mean.

    Parameters
    ----------
    summary
        ``gold.provider_summary``.

    Returns
    -------
    pl.LazyFrame
        Rows of ``gold.model_metrics``; values are null below three recorded values.
    """
    return _inputs(summary).map_batches(_metrics, schema=ModelMetrics.dtypes())


def least_squares(features: "Matrix", target: "Matrix", new: "Matrix") -> "Matrix":
    """Values for the rows of ``new``: the smallest least-squares fit on the standardised features.

    Parameters
    ----------
    features
        Rows x columns to fit on, complete.
    target
        Value of each of those rows.
    new
        Rows to predict, same columns.
    """
    import numpy as np

    mean, spread = features.mean(axis=0), _spread(features)
    weights = np.linalg.lstsq((features - mean) / spread, target - target.mean(), rcond=SMALLEST_DIRECTION)[0]
    return cast("Matrix", (new - mean) / spread @ weights + target.mean())


def leave_one_out(features: "Matrix", target: "Matrix") -> "Matrix":
    """Value of each row as `least_squares` on all other rows predicts it, without a fit for each.

    The error without the own row is the error with it over (1 - leverage): Allen's PRESS residual.
    """
    import numpy as np

    design = np.column_stack([np.ones(len(target)), (features - features.mean(axis=0)) / _spread(features)])
    directions, strength, _ = np.linalg.svd(design, full_matrices=False)
    directions = directions[:, strength > SMALLEST_DIRECTION * strength[0]]
    leverage = (directions**2).sum(axis=1)
    errors = target - directions @ (directions.T @ target)
    alone = leverage > LARGEST_LEVERAGE
    held_out = target - errors / (1 - np.where(alone, 0, leverage))
    for row in np.flatnonzero(alone):
        others = np.arange(len(target)) != row
        held_out[row] = least_squares(features[others], target[others], features[[row]])[0]
    return cast("Matrix", held_out)


def _spread(features: "Matrix") -> "Matrix":
    import numpy as np

    spread = features.std(axis=0)
    # A constant column says nothing; rounding must not make it the loudest one.
    return np.where(spread <= 1e-12 * np.abs(features.mean(axis=0)), np.inf, spread)


@dataclass(frozen=True)
class _Fit:
    """One fit: ``fitted`` and ``held_out`` for every provider, ``recorded`` for the ``known`` ones among them."""

    known: "NDArray[np.bool_]"
    recorded: "Matrix"
    fitted: "Matrix"
    held_out: "Matrix"


def _inputs(summary: pl.LazyFrame) -> pl.LazyFrame:
    # Sorted, so that the last bits of sums do not depend on the order in which the rows come.
    return summary.select("provider_id", pl.col(TARGET, *FEATURES).cast(pl.Float64)).sort("provider_id")


def _fit(summary: pl.DataFrame) -> _Fit | None:
    import numpy as np

    has_value = pl.col(TARGET).is_not_null()
    mean = pl.col(FEATURES).filter(has_value).mean()
    features = summary.select(pl.col(FEATURES).fill_null(mean).fill_null(0.0)).to_numpy()
    known = summary.select(has_value).to_series().to_numpy()
    recorded = summary[TARGET].drop_nulls().to_numpy()
    if len(recorded) < LEAST_ROWS:
        return None
    fitted = least_squares(features[known], recorded, features)
    held_out = fitted.copy()
    held_out[known] = leave_one_out(features[known], recorded)
    # A line may run below zero, where no opportunity is worth anything.
    return _Fit(known, recorded, np.maximum(fitted, 0), np.maximum(held_out, 0))


def _predictions(summary: pl.DataFrame) -> pl.DataFrame:
    fit = _fit(summary)
    nothing = pl.repeat(None, summary.height, dtype=pl.Float64, eager=True)
    return summary.select(
        "provider_id",
        pl.repeat(MODEL, pl.len()).alias("model"),
        TARGET,
        pl.Series("predicted", fit.fitted if fit else nothing).round(2),
        pl.Series("predicted_without_own_row", fit.held_out if fit else nothing).round(2),
    ).cast(OpportunityPredictions.dtypes())  # type: ignore[arg-type]


def _metrics(summary: pl.DataFrame) -> pl.DataFrame:
    fit = _fit(summary)
    values: dict[tuple[str, str], float | None] = dict.fromkeys((MAE, MAE_OF_MEAN, R2))
    if fit:
        recorded, held_out = fit.recorded, fit.held_out[fit.known]
        mean_of_others = (recorded.sum() - recorded) / (len(recorded) - 1)
        differs = recorded.max() > recorded.min()
        values = {
            MAE: round(float(abs(recorded - held_out).mean()), 2),
            MAE_OF_MEAN: round(float(abs(recorded - mean_of_others).mean()), 2),
            R2: round(1 - float(((recorded - held_out) ** 2).mean() / recorded.var()), 6) if differs else None,
        }
    return pl.DataFrame(
        {
            "model": MODEL,
            "version": "",
            "estimator": [estimator for estimator, _ in values],
            "split": "leave-one-out",
            "metric": [measure for _, measure in values],
            "value": list(values.values()),
            "n": summary[TARGET].count(),
            "data_release": None,
            "note": _note(summary, values),
        },
        schema=ModelMetrics.dtypes(),
    )


def _note(summary: pl.DataFrame, values: dict[tuple[str, str], float | None]) -> str:
    recorded = summary.filter(pl.col(TARGET).is_not_null())
    rows, mae, mae_of_mean = recorded.height, values[MAE], values[MAE_OF_MEAN]
    used = [name for name in FEATURES if recorded[name].drop_nulls().n_unique() > 1]
    if mae is None or mae_of_mean is None:
        return f"not enough data: {rows} providers have an opportunity value, at least {LEAST_ROWS} are needed"
    notes = []
    if rows < len(used) + 2:
        notes.append(f"{rows} rows, {len(used)} features: fitted values repeat the training data; do not use")
    elif mae >= mae_of_mean:
        notes.append("no better than the mean of the other providers; do not use")
    if absent := [name for name in FEATURES if name not in used]:
        notes.append(f"not delivered or the same everywhere: {', '.join(absent)}")
    if filled := [name for name in used if summary[name].null_count()]:
        notes.append(f"missing values taken as the mean: {', '.join(filled)}")
    return "; ".join(notes) or f"{rows} rows, {len(used)} features"
