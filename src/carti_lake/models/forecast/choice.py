"""What is chosen by the backtest, and how good the choice is where it was not made by."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from carti_lake.models.forecast.backtest import Backtest
from carti_lake.models.forecast.coherence import coherent
from carti_lake.models.forecast.conformal import COVERAGES, LEAST_ALONE, quantiles, widened
from carti_lake.models.forecast.methods import COMBINED

if TYPE_CHECKING:
    from carti_lake.models.forecast.panel import Floats


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


def choose(test: Backtest, months: int = 0) -> Choice:
    """The choice by what was known so many months before the newest origin.

    Forecasts made then or later have no say, and what came later than that is not looked at.
    """
    actual, levels = test.actual(months), _levels(test)
    # One scale for all origins: with those of then, the choice would hang on the youngest series, whose scale is luck.
    scaled = {name: np.abs(actual - made) / test.panel.until(months).scale[:, None] for name, made in test.made.items()}
    methods = {level: _best({name: own[:, rows] for name, own in scaled.items()}) for level, rows in levels.items()}
    errors = {level: _mean(scaled[methods[level]][:, rows]) for level, rows in levels.items()}
    draft = Choice(methods, errors, {})
    scores = np.full_like(actual, np.nan)
    for place, ago in enumerate(test.ago):
        if ago > months:
            made = points(test, place, draft)
            # The scale of then: today's knows the errors that it would measure, and makes intervals too narrow.
            scores[place] = np.abs(actual[place] - made) / test.scale[place][:, None]
    found = {name: _half_widths(test, scores, levels, share) for name, share in COVERAGES.items()}
    return Choice(methods, errors, found)


def _half_widths(
    test: Backtest, scores: "Floats", levels: Mapping[str, "Any"], coverage: float
) -> dict[str, list[float]]:
    """Of each level the quantiles of its own scores, or of a level with few of its own, the larger ones of all levels.

    The network is one member: its metrics move together, and forecasts made in months that follow each other err
    together, so that hundreds of scores may say as little as three.
    """
    horizon = test.panel.horizon
    apart = -(-int((~np.isnan(scores)).any(axis=(1, 2)).sum()) // horizon)
    members = {level: test.panel.keys.filter(rows)["member"].n_unique() for level, rows in levels.items()}
    own = {level: quantiles(scores[:, rows], coverage) for level, rows in levels.items()}
    every = max(apart * sum(members.values()), 1)
    pooled = quantiles(scores, widened(coverage, every))
    return {
        level: (np.fmax(widths, pooled) if apart * members[level] < LEAST_ALONE else widths).tolist()
        for level, widths in own.items()
    }


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


def _levels(test: Backtest) -> dict[str, "Any"]:
    level = test.panel.keys["level"].to_numpy()
    return {name: level == name for name in dict.fromkeys(level.tolist())}


def _best(errors: Mapping[str, "Floats"]) -> str:
    """The combined forecast, unless another's lead over it is more than twice the standard error over the origins.

    The least of several errors is partly luck; the mean of forecasts is the choice that luck has least to do with.
    """
    combined = errors[COMBINED]
    leads = {}
    for name, own in errors.items():
        lead = _by_origin(combined - own)
        if name != COMBINED and len(lead) > 1:
            doubt = lead.std(ddof=1) / len(lead) ** 0.5
            if lead.mean() > 2 * doubt:
                leads[name] = float(lead.mean())
    return max(leads, key=leads.__getitem__, default=COMBINED)


def _by_origin(values: "Floats") -> "Floats":
    flat = values.reshape(len(values), -1)
    known = ~np.isnan(flat)
    some = known.any(axis=1)
    return np.asarray(np.where(known, flat, 0).sum(axis=1)[some] / known.sum(axis=1)[some])


def _mean(values: "Floats") -> float:
    known = values[~np.isnan(values)]
    # Without any, a series counts by its scale alone.
    return float(known.mean()) if len(known) else 1.0
