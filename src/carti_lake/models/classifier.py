"""The one way to train and judge the probability of an outcome, whatever the outcome.

The mean of a spline logistic regression and of gradient boosting was the best of the three on public data, whether
patients or months were held out (benchmarks/models). Its logit is calibrated by a sigmoid (Platt) on predictions for
patients that the fit did not know.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from carti_lake.models import measures, verdict
from carti_lake.models.design import Feature
from carti_lake.models.estimators import (
    BASE,
    BOOSTING,
    DECIDED,
    GROUP,
    INSTANT,
    MODEL,
    MOST_ROWS,
    RIDGE,
    SUBJECT,
    TARGET,
    every,
    fit,
    outcomes,
    predict,
)
from carti_lake.models.model import NotEnoughData, Trained

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

#: Fewest examples, and fewest of the rarer outcome, to fit on.
LEAST_ROWS, LEAST_CASES = 500, 50
#: Fewest of either outcome that errors are told of.
LEAST_JUDGED = 10
#: Share of the latest examples that is held out in time.
LATEST = 0.25
LATEST_SPLIT = "latest quarter"
#: Rows whose features are shuffled to see what each is worth.
SHUFFLED = 20_000


def train(
    examples: pl.DataFrame,
    features: Sequence[Feature],
    seed: int,
    segments: Mapping[str, pl.Expr] | None = None,
    groups: str = "patients",
    beside: "Callable[[pl.DataFrame, Mapping[str, Floats]], pl.DataFrame] | None" = None,
) -> Trained:
    """Fit on all examples, and judge the same fit on those held out: the latest ones, and other patients.

    It is refused where its Brier score on the latest ones is not better than the base rate's by the whole interval.

    Latest are those whose outcome came to be known last: a fit of that time had no outcome of theirs, and among those
    of the earliest instants the slow ones are not missing.

    Parameters
    ----------
    examples
        One row each: ``subject_id``, ``group`` (patient), ``instant`` (day at which the features were known),
        ``decided`` (day at which the outcome was), ``target`` (Boolean), and the features.
    features
        The columns to look at; those that do not vary are left out.
    seed
        Of the sample, the folds and the boosting.
    segments
        Conditions by name: the errors among the rows that meet each stand on the card.
    groups
        What ``group`` means, in words.
    beside
        Further evaluation rows, from the latest examples and what each estimator says of them.

    Raises
    ------
    NotEnoughData
        Below 500 examples, or 50 of either outcome, in all, or half of that in the earlier three quarters.
    """
    rows = _sample(examples.drop_nulls([TARGET, INSTANT, DECIDED]).sort(INSTANT, SUBJECT), seed)
    _refuse_too_few(rows)
    cut = rows[DECIDED].quantile(1 - LATEST, "lower")
    earlier, later = rows.filter(pl.col(DECIDED) < cut), rows.filter(pl.col(DECIDED) >= cut)
    if later.is_empty() or len(earlier) < LEAST_ROWS // 2:
        raise NotEnoughData("its examples are of too few days to hold out the latest ones")
    _refuse_too_few(earlier, least=LEAST_ROWS // 2, cases=LEAST_CASES // 2)
    before, final = fit(earlier, features, seed), fit(rows, features, seed)
    predicted = every(before.artifact, later)
    unknown = ~later[GROUP].is_in(earlier[GROUP].unique().implode()).fill_null(True)
    evaluation = pl.concat(
        [
            _judged(later, predicted, LATEST_SPLIT),
            better(later, predicted[MODEL], predicted[BASE], BASE, LATEST_SPLIT),
            _judged(later, predicted, f"{LATEST_SPLIT}, new {groups}", unknown.to_numpy()),
            _judged(rows, final.apart, f"other {groups}"),
            *([beside(later, predicted)] if beside else []),
        ]
    )
    return Trained(
        artifact=final.artifact,
        rows=len(rows),
        parameters={
            "features": list(final.artifact["levels"]),
            "boosting": BOOSTING,
            "logistic": {"C": RIDGE, "curves": "cubic splines, knots at quantiles"},
            "calibration": f"sigmoid on out-of-fold logits, {groups} kept apart",
            "most_examples": MOST_ROWS,
            "examples": examples.height,
            "held_out_from": str(cut),
        },
        evaluation=evaluation,
        refusal=verdict.refusal(evaluation, [BASE]),
        curves={
            "calibration": measures.calibration(outcomes(later), predicted[MODEL]),
            "drivers": _importance(before.artifact, later, seed),
            "segments": _segments(later, predicted[MODEL], segments or {}),
        },
    )


def better(rows: pl.DataFrame, said: "Floats", other: "Floats", name: str, split: str) -> pl.DataFrame:
    """Evaluation rows of how much less the Brier score of the probabilities is than another's; none of too few."""
    actual = outcomes(rows)
    if not LEAST_JUDGED <= actual.sum() <= len(actual) - LEAST_JUDGED:
        return measures.rows({}, split, 0)
    groups = rows[GROUP].rank("dense").fill_null(0).cast(pl.Int64).to_numpy()
    found = verdict.gain((other - actual) ** 2, (said - actual) ** 2, groups)
    return verdict.compared(name, found, split, len(actual))


def evaluate(artifact: Mapping[str, Any], examples: pl.DataFrame) -> pl.DataFrame:
    """Evaluation rows on examples that came after the training; none where they are too few."""
    rows = examples.drop_nulls([TARGET])
    return _judged(rows, every(artifact, rows), "since training")


def _judged(rows: pl.DataFrame, said: Mapping[str, "Floats"], split: str, where: "Flags | None" = None) -> pl.DataFrame:
    """Evaluation rows of what each estimator said of the rows (``where``: of some of them); none of too few."""
    chosen = np.ones(len(rows), dtype=bool) if where is None else where
    actual = outcomes(rows)[chosen]
    if not LEAST_JUDGED <= actual.sum() <= len(actual) - LEAST_JUDGED:
        return measures.rows({}, split, 0)
    found = {name: measures.of_probabilities(actual, one[chosen]) for name, one in said.items()}
    return measures.rows(found, split, len(actual))


def _sample(rows: pl.DataFrame, seed: int) -> pl.DataFrame:
    if rows.height <= MOST_ROWS:
        return rows
    chosen = np.sort(np.random.default_rng(seed).choice(rows.height, MOST_ROWS, replace=False))
    return rows[chosen]


def _refuse_too_few(rows: pl.DataFrame, least: int = LEAST_ROWS, cases: int = LEAST_CASES) -> None:
    positive = int(rows[TARGET].sum() or 0)
    rarer = min(positive, rows.height - positive)
    if rows.height < least or rarer < cases:
        raise NotEnoughData(
            f"has {rows.height:,} examples with an outcome, {rarer:,} of the rarer one; needs {least:,} and {cases:,}"
        )


def _importance(artifact: Mapping[str, Any], rows: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Loss of AUROC on held-out rows when a feature's values are shuffled."""
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(seed)
    chosen = rows[np.sort(rng.permutation(len(rows))[:SHUFFLED])]
    actual, names = outcomes(chosen), list(artifact["levels"])
    if not 0 < actual.sum() < len(actual):
        return pl.DataFrame(schema={"feature": pl.String, "importance": pl.Float64})
    whole = roc_auc_score(actual, predict(artifact, chosen))
    lost = []
    for name in names:
        shuffled = chosen.with_columns(chosen[name].gather(rng.permutation(len(chosen))))
        lost.append(float(whole - roc_auc_score(actual, predict(artifact, shuffled))))
    return pl.DataFrame({"feature": names, "importance": lost}).sort("importance", descending=True)


def _segments(rows: pl.DataFrame, probability: "Floats", segments: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """Measures among the held-out rows of each segment, with the observed and the predicted share."""
    actual = outcomes(rows)
    found = []
    for name, condition in segments.items():
        inside = np.asarray(rows.select(condition.fill_null(False)).to_series().to_numpy())
        if inside.sum() < LEAST_CASES:
            continue
        values = measures.of_probabilities(actual[inside], probability[inside]) | {
            "observed": float(actual[inside].mean()),
            "predicted": float(probability[inside].mean()),
        }
        found += [
            {"segment": name, "measure": measure, "value": value, "n": int(inside.sum())}
            for measure, value in values.items()
        ]
    schema = {"segment": pl.String, "measure": pl.String, "value": pl.Float64, "n": pl.Int64}
    return pl.DataFrame(found, schema=schema)
