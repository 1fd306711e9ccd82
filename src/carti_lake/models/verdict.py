"""Whether a model is good enough to be used: better than its baseline by more than chance, on rows held out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from carti_lake.models import measures

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

#: Probability that the interval holds the true gain.
SURE = 0.95
GAIN, LOWER, UPPER = "gain", "gain_lower", "gain_upper"
#: Why a version from before models were compared is not served.
NOT_COMPARED = "it was trained before models were compared with their baselines: train it again"


@dataclass(frozen=True)
class Gain:
    """By how much a model's mean loss is less than its baseline's, with the 95 % interval."""

    mean: float
    lower: float
    upper: float


def gain(baseline: "Floats", model: "Floats", groups: "NDArray[np.int64]") -> Gain:
    """The paired gain of a model over a baseline, rows of one group taken as one draw (cluster-robust, Student's t).

    Parameters
    ----------
    baseline, model
        Loss of each on each row.
    groups
        Group of each row: a patient's rows, or a provider's, go well or badly together.
    """
    from scipy.stats import t

    differences = baseline - model
    _, places = np.unique(groups, return_inverse=True)
    count = int(places.max(initial=-1)) + 1
    mean = float(differences.mean()) if len(differences) else 0.0
    if count < 2:
        return Gain(mean, -np.inf, np.inf)
    sums = np.bincount(places, differences - mean, count)
    error = float(np.sqrt(count / (count - 1) * (sums**2).sum())) / len(differences)
    half = float(t.ppf((1 + SURE) / 2, count - 1)) * error
    return Gain(mean, mean - half, mean + half)


def compared(baseline: str, found: Gain, split: str, n: int) -> pl.DataFrame:
    """Evaluation rows of a gain, beside the baseline that it is over."""
    values = {GAIN: found.mean, LOWER: found.lower, UPPER: found.upper}
    finite = {name: float(value) if np.isfinite(value) else None for name, value in values.items()}
    return measures.rows({baseline: finite}, split, n)


def refusal(evaluation: pl.DataFrame, needed: Iterable[str]) -> str | None:
    """Why the model is not served; None where it is better than every baseline that it was compared with.

    Parameters
    ----------
    evaluation
        Evaluation rows; those of :func:`compared` decide.
    needed
        Baselines without which nothing can be said.
    """
    gains = evaluation.filter(pl.col("metric").is_in([GAIN, LOWER, UPPER]))
    for (baseline, _), rows in gains.group_by("estimator", "split", maintain_order=True):
        found = dict(rows.select("metric", "value").iter_rows())
        if not (found[LOWER] is not None and found[LOWER] > 0):
            ends = " to ".join("unknown" if found[one] is None else f"{found[one]:+.4g}" for one in (LOWER, UPPER))
            return f"no better than the {baseline}: its error is less by {found[GAIN]:+.4g}, 95 % interval {ends}"
    missing = [name for name in needed if name not in gains["estimator"]]
    return f"too few rows were held out to compare it with the {missing[0]}" if missing else None


def refusal_of(version: Mapping[str, Any]) -> str | None:
    """Why runs do not score with a trained version, by its row of ``models``; None where they do."""
    return None if version["served"] else version["reason"] or NOT_COMPARED
