"""How good predictions are, on rows that the model was not fitted on."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

#: Groups of equal size by which calibration is judged.
BINS = 10


def of_probabilities(outcome: "Floats", probability: "Floats") -> dict[str, float | None]:
    """AUROC, average precision (AUPRC), Brier score and ECE of probabilities for outcomes 0 and 1.

    AUROC and AUPRC are null where only one outcome occurs. ECE is the expected calibration error over ten groups of
    equal size (Naeini et al., 2015; there over groups of equal width).
    """
    from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

    both = 0 < outcome.sum() < len(outcome)
    bins = calibration(outcome, probability)
    gaps = (bins["predicted"] - bins["observed"]).abs()
    return {
        "auroc": float(roc_auc_score(outcome, probability)) if both else None,
        "auprc": float(average_precision_score(outcome, probability)) if both else None,
        "brier": float(brier_score_loss(outcome, probability)),
        "ece": float((gaps * bins["n"]).sum()) / len(outcome),
    }


def of_values(actual: "Floats", predicted: "Floats") -> dict[str, float | None]:
    """MAE, RMSE and R² of values; R² is null where all actual values are equal."""
    errors = actual - predicted
    spread = float(((actual - actual.mean()) ** 2).sum())
    return {
        "mae": float(np.abs(errors).mean()),
        "rmse": float(np.sqrt((errors**2).mean())),
        "r2": 1 - float((errors**2).sum()) / spread if spread > 0 else None,
    }


def calibration(outcome: "Floats", probability: "Floats", bins: int = BINS) -> pl.DataFrame:
    """Mean prediction and share of outcomes in groups of equal size: ``bin``, ``predicted``, ``observed``, ``n``.

    Equal predictions stay in one group: to part them by the order of the rows would show a gap that is not theirs.
    """
    rank = pl.col("p").rank("average")
    return (
        pl.DataFrame({"p": probability, "y": outcome})
        .group_by(bin=((rank - 0.5) * bins / pl.len()).floor().cast(pl.Int64))
        .agg(predicted=pl.col("p").mean(), observed=pl.col("y").mean(), n=pl.len())
        .sort("bin")
    )


def rows(
    measures: Mapping[str, Mapping[str, float | None]], split: str, n: int, note: str | None = None
) -> pl.DataFrame:
    """Evaluation rows as `carti_lake.models.model.Trained.evaluation` holds them.

    Parameters
    ----------
    measures
        Measures by estimator.
    split
        How the rows were held out.
    n
        How many they are.
    note
        What the reader must know.
    """
    found = [
        {
            "estimator": estimator,
            "split": split,
            "metric": metric,
            # Sums of doubles depend on the order of work in their last bits; the same model must give the same row.
            "value": None if value is None else round(value, 6),
            "n": n,
            "note": note,
        }
        for estimator, values in measures.items()
        for metric, value in values.items()
    ]
    schema = {
        **dict.fromkeys(("estimator", "split", "metric"), pl.String()),
        "value": pl.Float64(),
        "n": pl.Int64(),
        "note": pl.String(),
    }
    return pl.DataFrame(found, schema=schema)
