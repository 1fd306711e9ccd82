"""What stands behind every probability: logistic regression on curves and gradient boosting, their mean calibrated."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from carti_lake.models.design import Feature, blocks, curves, encoded, fitted_levels
from carti_lake.models.model import NotEnoughData

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

#: Columns of an example beside its features.
SUBJECT, GROUP, INSTANT, DECIDED, TARGET = "subject_id", "group", "instant", "decided", "target"
#: Examples at most: a sample of more teaches little and takes long.
MOST_ROWS = 200_000
#: Folds whose groups are kept apart, and fewest groups to make them of.
FOLDS, LEAST_GROUPS = 3, 6
BOOSTING = {"max_iter": 120, "max_leaf_nodes": 15, "learning_rate": 0.1, "min_samples_leaf": 40}
RIDGE = 1.0
#: The estimators by what the metrics call them.
MODEL, LOGISTIC, BOOSTED, BASE = "model", "logistic regression", "gradient boosting", "base rate"
#: Types beside skops' own that an artifact holds.
TRUSTED = (
    "scipy._lib.array_api_compat.numpy._aliases.asarray",
    "scipy.interpolate._bsplines.BSpline",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.utils.validation.check_array",
    "functools.partial",
)
#: Rows from which it pays to predict on several threads.
MANY = 100_000
#: Drivers named per prediction, and log-odds below which a feature drives nothing.
DRIVERS, LEAST_DRIVE = 3, 0.1
#: Rows that a thread predicts at a time.
PART = 100_000


@dataclass(frozen=True)
class Fit:
    """An artifact, and what it would have said of its own examples by a fit that did not know their patients."""

    artifact: dict[str, Any]
    apart: dict[str, "Floats"]


def fit(rows: pl.DataFrame, features: Sequence[Feature], seed: int) -> Fit:
    """Fit both estimators, and calibrate their mean on predictions for patients that the fit did not know.

    On one thread: sums then have one order, so that every machine fits the same model; and threads that wait for a
    busy machine's other ones took eight times as long.

    Raises
    ------
    NotEnoughData
        Where the examples are of too few groups to keep some apart.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return _fit(rows, features, seed)


def _fit(rows: pl.DataFrame, features: Sequence[Feature], seed: int) -> Fit:
    from sklearn.model_selection import GroupKFold

    levels = fitted_levels(rows, features)
    matrix, target = encoded(rows, levels), outcomes(rows)
    # Rows without a group are one, so that none of them tells of another.
    groups = rows[GROUP].rank("dense").fill_null(0)
    if groups.n_unique() < LEAST_GROUPS:
        raise NotEnoughData(f"its examples are of {groups.n_unique()} groups; needs {LEAST_GROUPS}")
    folds = GroupKFold(FOLDS, shuffle=True, random_state=seed)
    apart = {LOGISTIC: np.zeros(len(rows)), BOOSTED: np.zeros(len(rows)), BASE: np.zeros(len(rows))}
    for known, unknown in folds.split(matrix, target, groups.to_numpy()):
        if not 0 < target[known].sum() < len(known):
            raise NotEnoughData("one outcome occurs in too few of its groups")
        parts = _estimators(matrix[known], target[known], levels, seed)
        apart[LOGISTIC][unknown] = _linear(parts, matrix[unknown])
        apart[BOOSTED][unknown] = _boosted(parts, matrix[unknown])
        apart[BASE][unknown] = _logit(np.full(len(unknown), target[known].mean()))
    mean = (apart[LOGISTIC] + apart[BOOSTED]) / 2
    slope, offset = _sigmoid(mean, target)
    artifact = {
        **_estimators(matrix, target, levels, seed),
        "levels": levels,
        "slope": slope,
        "offset": offset,
        "rate": float(target.mean()),
    }
    probabilities = {MODEL: _expit(slope * mean + offset)} | {name: _expit(one) for name, one in apart.items()}
    return Fit(artifact, probabilities)


def predict(artifact: Mapping[str, Any], rows: pl.DataFrame) -> "Floats":
    """Calibrated probability of each row.

    Parameters
    ----------
    artifact
        As `train` made it.
    rows
        The features; a level that was not seen counts as missing.
    """
    return _calibrated(artifact, encoded(rows, artifact["levels"]))


def explained(artifact: Mapping[str, Any], rows: pl.DataFrame, features: Sequence[Feature]) -> pl.DataFrame:
    """``probability`` and ``drivers``: the features that move the row most from the average row, in plain words.

    The words tell of the logistic regression, whose log-odds are sums of the features' own; the probability is that
    of both estimators.
    """
    empty = pl.DataFrame(schema={"probability": pl.Float64, "drivers": pl.String})
    parts = rows.iter_slices(PART)
    # Threads of our own, one part each: OpenMP's wait for each other at every tree, which a busy machine punishes.
    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        return pl.concat([empty, *pool.map(partial(_explained, artifact, features), parts)])


def _explained(artifact: Mapping[str, Any], features: Sequence[Feature], rows: pl.DataFrame) -> pl.DataFrame:
    from threadpoolctl import threadpool_limits

    matrix = encoded(rows, artifact["levels"])
    moved = _contributions(artifact, matrix) - artifact["means"]
    linear = moved.sum(axis=1) + artifact["means"].sum() + artifact["intercept"]
    with threadpool_limits(1, "openmp"):
        mean = (linear + _boosted(artifact, matrix)) / 2
    probability = _expit(artifact["slope"] * mean + artifact["offset"])
    return pl.DataFrame({"probability": probability, "drivers": _drivers(artifact, features, rows, moved)})


def _drivers(
    artifact: Mapping[str, Any], features: Sequence[Feature], rows: pl.DataFrame, moved: "Floats"
) -> pl.Series:
    """The words of the features that moved each row most, strongest first."""
    by_name = {feature.name: feature for feature in features}
    names = list(artifact["levels"])
    left, every = np.abs(moved), np.arange(len(rows))
    said: list[pl.Series] = []
    for _ in range(min(DRIVERS, len(names))):
        place = left.argmax(axis=1)
        effect = moved[every, place]
        left[every, place] = -1.0
        strong = np.abs(effect) >= LEAST_DRIVE
        # Words are made for the rows that need them alone, and put in their places.
        parts, order = [pl.Series([None], dtype=pl.String)], np.zeros(len(rows), dtype=np.int64)
        for column, name in enumerate(names):
            chosen = np.flatnonzero(strong & (place == column))
            order[chosen] = sum(map(len, parts)) + np.arange(len(chosen))
            verb = pl.when(pl.lit(pl.Series(effect[chosen] > 0))).then(pl.lit("raised by "))
            words = verb.otherwise(pl.lit("lowered by ")) + _words(by_name[name])
            parts.append(rows.select(name)[chosen].select(words).to_series())
        said.append(pl.concat([one.alias("told") for one in parts])[order].alias(f"driver {len(said)}"))
    if not said:
        return pl.Series("drivers", [None] * len(rows), dtype=pl.String)
    joined = pl.concat_str(pl.all(), separator="; ", ignore_nulls=True)
    return pl.DataFrame(said).select(drivers=joined.replace("", None)).to_series()


def outcomes(rows: pl.DataFrame) -> "Floats":
    """The targets as 0 and 1."""
    return rows[TARGET].cast(pl.Float64).to_numpy()


def _estimators(matrix: "Floats", target: "Floats", levels: dict[str, list[str]], seed: int) -> dict[str, Any]:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    fitted = curves(matrix, levels)
    parts = blocks(matrix, fitted)
    sizes = [part.shape[1] for part in parts]
    design = np.column_stack(parts) if parts else np.zeros((len(matrix), 1))
    logistic = LogisticRegression(C=RIDGE, solver="newton-cholesky").fit(design, target)
    weights = logistic.coef_[0]
    ends = np.cumsum(sizes)
    each = [weights[end - size : end] for end, size in zip(ends, sizes, strict=True)]
    means = np.array([float((part @ weight).mean()) for part, weight in zip(parts, each, strict=True)])
    boosted = None
    if parts:
        categorical = [bool(known) for known in levels.values()]
        boosted = HistGradientBoostingClassifier(
            **BOOSTING, early_stopping=False, categorical_features=categorical, random_state=seed
        ).fit(matrix, target)
    return {
        "curves": fitted,
        "weights": each,
        "intercept": float(logistic.intercept_[0]),
        "means": means,
        "boosted": boosted,
    }


def _contributions(artifact: Mapping[str, Any], matrix: "Floats") -> "Floats":
    """Rows x features: what each adds to the log-odds of the logistic regression."""
    found = np.empty((len(matrix), len(artifact["curves"])))
    for place, (how, weights) in enumerate(zip(artifact["curves"], artifact["weights"], strict=True)):
        column = matrix[:, place]
        if isinstance(how, int):
            # As its column of ones and zeros would, without making it.
            found[:, place] = np.append(weights, 0.0)[np.where(np.isnan(column), how, column).astype(np.int64)]
        else:
            found[:, place] = blocks(column[:, None], [how])[0] @ weights
    return found


def _linear(artifact: Mapping[str, Any], matrix: "Floats") -> "Floats":
    linear: Floats = _contributions(artifact, matrix).sum(axis=1) + artifact["intercept"]
    return linear


def _boosted(artifact: Mapping[str, Any], matrix: "Floats") -> "Floats":
    if artifact["boosted"] is None:
        return np.full(len(matrix), artifact["intercept"])
    from threadpoolctl import threadpool_limits

    with threadpool_limits(None if len(matrix) > MANY else 1):
        margins: Floats = artifact["boosted"].decision_function(matrix)
    return margins


def _calibrated(artifact: Mapping[str, Any], matrix: "Floats") -> "Floats":
    mean = (_linear(artifact, matrix) + _boosted(artifact, matrix)) / 2
    return _expit(artifact["slope"] * mean + artifact["offset"])


def every(artifact: Mapping[str, Any], rows: pl.DataFrame) -> dict[str, "Floats"]:
    """Probabilities of the model, and of each baseline."""
    matrix = encoded(rows, artifact["levels"])
    return {
        MODEL: _calibrated(artifact, matrix),
        LOGISTIC: _expit(_linear(artifact, matrix)),
        BOOSTED: _expit(_boosted(artifact, matrix)),
        BASE: np.full(len(matrix), artifact["rate"]),
    }


def _sigmoid(logits: "Floats", target: "Floats") -> tuple[float, float]:
    """Slope and offset of Platt's sigmoid."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=1e6).fit(logits[:, None], target)
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


def _words(feature: Feature) -> pl.Expr:
    before, _, after = feature.words.partition("{}")
    column = pl.col(feature.name)
    if feature.kind == "category":
        value = column.cast(pl.String).str.replace_all("_", " ")
    elif feature.percent:
        value = (column * 100).round(0).cast(pl.Int64).cast(pl.String) + pl.lit(" %")
    else:
        number = column.cast(pl.Float64)
        number = (number.exp() - 1 if feature.log else number).round(feature.digits)
        value = (number.cast(pl.Int64) if feature.digits == 0 else number).cast(pl.String)
    said = pl.lit(before) + value + pl.lit(after) if "{}" in feature.words else value
    return said.fill_null(pl.lit(f"{feature.name.removeprefix('log_').replace('_', ' ')} unknown"))


def _logit(probability: "Floats") -> "Floats":
    inside = np.clip(probability, 1e-6, 1 - 1e-6)
    odds: Floats = np.log(inside / (1 - inside))
    return odds


def _expit(logits: "Floats") -> "Floats":
    from scipy.special import expit

    probability: Floats = expit(logits)
    return probability
