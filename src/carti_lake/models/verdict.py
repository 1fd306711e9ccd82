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
#: Critical value of 97.5 % by the share of the groups that reach into each other: a polynomial, highest power first.
FEW = (-0.5324, 0.4160, 2.9694, 1.9600)
GAIN, LOWER, UPPER = "gain", "gain_lower", "gain_upper"
#: Why a version from before models were compared is not served.
NOT_COMPARED = "it was trained before models were compared with their baselines: train it again"


@dataclass(frozen=True)
class Gain:
    """By how much a model's mean loss is less than its baseline's, with the 95 % interval."""

    mean: float
    lower: float
    upper: float


def gain(baseline: "Floats", model: "Floats", groups: "NDArray[np.int64]", reach: int = 0) -> Gain:
    """The paired gain of a model over a baseline, rows of one group taken as one draw (cluster-robust, Student's t).

    Source, of groups that reach into each other: J. Driscoll and A. Kraay, "Consistent covariance matrix estimation
    with spatially dependent panel data", Review of Economics and Statistics 80 (1998); what so few groups ask for in
    place of Student's t: N. Kiefer and T. Vogelsang, "A new asymptotic theory for heteroskedasticity-autocorrelation
    robust tests", Econometric Theory 21 (2005), table 1.

    Parameters
    ----------
    baseline, model
        Loss of each on each row.
    groups
        Group of each row: a patient's rows, or a provider's, or a month's, go well or badly together.
    reach
        Groups whose numbers are no farther apart than this go well or badly together too, the less the farther: months.
        Fewer groups than reach into each other say nothing.
    """
    differences = baseline - model
    numbers, places = np.unique(groups, return_inverse=True)
    count = len(numbers)
    mean = float(differences.mean()) if len(differences) else 0.0
    if count < max(2, reach + 1):
        return Gain(mean, -np.inf, np.inf)
    if reach:
        places = groups - numbers[0]
    sums = np.bincount(places, differences - mean)
    # Each pair of groups counts twice, but for a group with itself.
    weights = [(2 if apart else 1) * (1 - apart / (reach + 1)) for apart in range(min(reach + 1, len(sums)))]
    variance = sum(weight * float(sums[apart:] @ sums[: len(sums) - apart]) for apart, weight in enumerate(weights))
    error = float(np.sqrt(count / (count - 1) * variance)) / len(differences)
    half = _critical(count, reach) * error
    return Gain(mean, mean - half, mean + half)


def _critical(count: int, reach: int) -> float:
    """Standard errors that the 95 % interval of a mean over so many groups reaches to either side."""
    from scipy.special import stdtrit

    if reach:
        return float(np.polyval(FEW, (reach + 1) / count))
    return float(stdtrit(count - 1, (1 + SURE) / 2))


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
