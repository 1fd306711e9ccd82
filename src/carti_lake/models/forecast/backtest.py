"""What every method would have forecast in earlier months, from what was known then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carti_lake.models.forecast import boosting
from carti_lake.models.forecast.methods import METHODS, forecasts
from carti_lake.models.forecast.panel import SEASON, Panel
from carti_lake.models.forecast.season import adjusted

NOTHING: Mapping[int, Panel] = {}

if TYPE_CHECKING:
    from carti_lake.models.forecast.panel import Floats

#: Months before the newest origin in which forecasts are made.
ORIGINS = range(1, 19)
#: Months for which a fit of boosting is used: as in a lake, where it is trained now and then.
REFIT = 3


@dataclass(frozen=True)
class Backtest:
    """Forecasts made in months before the newest origin.

    Attributes
    ----------
    panel
        What is known now.
    ago
        Months before the newest origin in which they were made, rising from 1.
    made
        By method: origins x rows x horizon; NaN where there was too little to go by.
    scale
        Origins x rows: what errors are measured in, as it was known then.
    """

    panel: Panel
    ago: tuple[int, ...]
    made: dict[str, "Floats"]
    scale: "Floats"

    def actual(self, months: int = 0) -> "Floats":
        """What came, origins x rows x horizon, as far as it was known so many months before the newest origin."""
        rows, horizon, width = len(self.panel.values), self.panel.horizon, self.panel.months
        out = np.full((len(self.ago), rows, horizon), np.nan)
        for place, ago in enumerate(self.ago):
            ahead = min(ago - months, horizon)
            if ahead > 0:
                out[place, :, :ahead] = self.panel.actual[:, width - ago : width - ago + ahead]
        return out


def backtest(
    panel: Panel, seed: int, then: Mapping[int, Panel] = NOTHING, origins: Sequence[int] = ORIGINS
) -> Backtest:
    """Forecasts of every method from earlier months.

    Parameters
    ----------
    panel
        What is known now.
    seed
        Of boosting.
    then
        The same rows as they were known so many months before the newest origin, where a release tells; else they are
        cut off from what is known now.
    origins
        How many months before, rising. Those that leave less than a season and a month are left out.
    """
    ago = tuple(one for one in origins if panel.months - one > SEASON)
    rows = len(panel.values)
    made = {name: np.full((len(ago), rows, panel.horizon), np.nan) for name in METHODS}
    scale = np.full((len(ago), rows), np.nan)
    model, fitted = None, 0
    # The oldest first: boosting is fitted anew every few months, on what was known by then.
    for place, months in reversed(list(enumerate(ago))):
        known = then.get(months, panel.until(months))
        if model is None or fitted - months >= REFIT:
            model, fitted = boosting.fitted(adjusted(known).values, known.horizon, seed), months
        for name, values in forecasts(known, model, set(made)).items():
            made[name][place] = values
        scale[place] = known.scale
    return Backtest(panel, ago, made, scale)
