"""What is chosen by the backtest, and how good the choice is where it was not made by."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from carti_lake.models.forecast.backtest import Backtest
from carti_lake.models.forecast.coherence import coherent
from carti_lake.models.forecast.conformal import COVERAGES, half_widths
from carti_lake.models.forecast.methods import BASELINES, CANDIDATES
from carti_lake.models.verdict import compared, gain, refusal

if TYPE_CHECKING:
    from carti_lake.models.forecast.panel import Flags, Floats, Ints

#: How forecasts are held out.
SPLIT = "rolling origin"


@dataclass(frozen=True)
class Choice:
    """What turns the methods' forecasts into the model's; plain values, as the artifact holds them.

    Attributes
    ----------
    methods
        Method by level.
    errors
        Its mean absolute scaled error by level: series count for less the more they err when all are made to add up.
    quantiles
        By coverage and level, and months ahead: half of the interval in units of a series' scale.
    """

    methods: dict[str, str]
    errors: dict[str, float]
    quantiles: dict[str, dict[str, list[float]]]

    def as_values(self) -> dict[str, Any]:
        """For the artifact."""
        return asdict(self)

    @classmethod
    def of_values(cls, values: Mapping[str, Any]) -> "Choice":
        """From the artifact."""
        return cls(values["methods"], values["errors"], values["quantiles"])


@dataclass(frozen=True)
class Judgement:
    """Which method a level's forecasts are made by, and why.

    Attributes
    ----------
    method
        The average of methods that is better than every baseline; without one, the baseline that errs least.
    gains
        Evaluation rows of an average's gain over each baseline, in scaled errors.
    refusal
        Why no average is used; None where one is.
    """

    method: str
    gains: pl.DataFrame
    refusal: str | None


def choose(test: Backtest, months: int = 0) -> Choice:
    """The choice by what was known so many months before the newest origin.

    Forecasts made then or later have no say, and what came later than that is not looked at.
    """
    actual, levels = test.actual(months), _levels(test)
    methods = {level: judged.method for level, judged in judgements(test, months).items()}
    scaled = {name: _scaled(test, actual, months, name) for name in set(methods.values())}
    errors = {level: _mean(scaled[methods[level]][:, rows]) for level, rows in levels.items()}
    draft = Choice(methods, errors, {})
    scores = np.full_like(actual, np.nan)
    for place, ago in enumerate(test.ago):
        if ago > months:
            made = points(test, place, draft)
            # The scale of then: today's knows the errors that it would measure, and makes intervals too narrow.
            scores[place] = np.abs(actual[place] - made) / test.scale[place][:, None]
    independent = _independent(test, scores, levels)
    found = {name: half_widths(scores, levels, independent, share) for name, share in COVERAGES.items()}
    return Choice(
        methods, errors, {name: {level: one.tolist() for level, one in by.items()} for name, by in found.items()}
    )


def judgements(test: Backtest, months: int = 0) -> dict[str, Judgement]:
    """By level, whether the average of methods is better than every baseline by the whole interval.

    A month's errors go well or badly together, whatever the series and the origin, and so do those of months that lie
    near: up to half of what a forecast reaches over.
    """
    actual = test.actual(months)
    scaled = {name: _scaled(test, actual, months, name) for name in (*CANDIDATES, *BASELINES)}
    ahead = np.arange(1, test.panel.horizon + 1)
    targets = np.broadcast_to((ahead - np.array(test.ago)[:, None])[:, None, :], actual.shape)
    return {
        level: _judgement({name: errors[:, rows] for name, errors in scaled.items()}, targets[:, rows], level)
        for level, rows in _levels(test).items()
    }


def _judgement(errors: Mapping[str, "Floats"], targets: "Ints", level: str) -> Judgement:
    """The candidate that errs least of those that are better than every baseline; the best baseline without any."""
    by_error = sorted(errors, key=lambda name: _mean(errors[name]))
    tried = [_against_baselines(name, errors, targets, level) for name in by_error if name in CANDIDATES]
    better = [(candidate, gains) for candidate, gains, why in tried if why is None]
    if better:
        candidate, gains = better[0]
        return Judgement(candidate, gains, None)
    _, gains, why = tried[0]
    return Judgement(next(name for name in by_error if name in BASELINES), gains, why)


def _against_baselines(
    candidate: str, errors: Mapping[str, "Floats"], targets: "Ints", level: str
) -> tuple[str, pl.DataFrame, str | None]:
    """The candidate, evaluation rows of its gains, and why it is not used."""
    known = ~np.isnan(np.stack([errors[name] for name in (candidate, *BASELINES)])).any(axis=0)
    reach, split = errors[candidate].shape[2] // 2, f"{SPLIT}, {level}"
    gains = pl.concat(
        compared(
            baseline,
            gain(errors[baseline][known], errors[candidate][known], targets[known], reach),
            split,
            int(known.sum()),
        )
        for baseline in BASELINES
    )
    return candidate, gains, refusal(gains, BASELINES)


def _scaled(test: Backtest, actual: "Floats", months: int, name: str) -> "Floats":
    # One scale for all origins: with those of then, the choice would hang on the youngest series, whose scale is luck.
    return np.asarray(np.abs(actual - test.made[name]) / test.panel.until(months).scale[:, None])


def _independent(test: Backtest, scores: "Floats", levels: Mapping[str, "Flags"]) -> dict[str, int]:
    """By level, how many of its scores have no month in common.

    The network is one member: its metrics move together, and forecasts made in months that follow each other err
    together, so that hundreds of scores may say as little as three.
    """
    apart = -(-int((~np.isnan(scores)).any(axis=(1, 2)).sum()) // test.panel.horizon)
    return {level: apart * test.panel.keys.filter(rows)["member"].n_unique() for level, rows in levels.items()}


def points(test: Backtest, place: int, choice: Choice) -> "Floats":
    """The model's forecasts from one of the origins, made to add up: rows x horizon."""
    known = test.panel.until(test.ago[place])
    base = chosen(known.keys["level"].to_numpy(), {name: made[place] for name, made in test.made.items()}, choice)
    return coherent(known, base, choice.errors).points


def chosen(level: "Any", made: Mapping[str, "Floats"], choice: Choice) -> "Floats":
    """Of each row, the forecasts of the method that its level has."""
    out = np.full_like(next(iter(made.values())), np.nan)
    for name, method in choice.methods.items():
        rows = level == name
        out[rows] = made[method][rows]
    return out


def _levels(test: Backtest) -> dict[str, "Flags"]:
    level = test.panel.keys["level"].to_numpy()
    return {name: level == name for name in dict.fromkeys(level.tolist())}


def _mean(values: "Floats") -> float:
    known = values[~np.isnan(values)]
    # Without any, a series counts by its scale alone.
    return float(known.mean()) if len(known) else 1.0
