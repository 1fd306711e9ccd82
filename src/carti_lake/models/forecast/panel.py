"""Series side by side as arrays, each ending at its own origin: what the methods take."""

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from carti_lake.pipeline.gold.forecast_series import LEVELS, NETWORK, month_after

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

#: Months ahead.
HORIZON = 6
#: Months of a season.
SEASON = 12
#: Months after which a series without any is taken to have ended, if it never paused as long before.
ENDED = 6
#: Changes over a year that a series' scale is the mean of at least.
LEAST_CHANGES = 3
#: Share of a month that is in when a forecast can be judged by what it will come to.
JUDGED = 0.90


@dataclass(frozen=True)
class Panel:
    """Series of months, a row each; the last column is the origin's month.

    Attributes
    ----------
    keys
        ``level``, ``member``, ``metric``, ``origin`` of each row.
    values
        Rows x months: what each month will come to; NaN before the series begins, and where it cannot be known.
    actual
        The same where a month is known well enough to judge a forecast by; else NaN.
    load
        Rows x (months + horizon): what the calendar lets a month hold, about 1.
    phase
        Month of the year of each row's origin, January 0.
    whole
        Row of the network's series of the same metric, from which the season is learnt; -1: each has its own.
    """

    keys: pl.DataFrame
    values: "Floats"
    actual: "Floats"
    load: "Floats"
    phase: "Ints"
    whole: "Ints"

    @property
    def months(self) -> int:
        """Months of the longest series."""
        return int(self.values.shape[1])

    @property
    def horizon(self) -> int:
        """Months ahead for which the calendar is known."""
        return int(self.load.shape[1]) - self.months

    @property
    def lengths(self) -> "Ints":
        """Months of each series that are known without a gap up to its origin."""
        return np.asarray((~np.isnan(self.values))[:, ::-1].cumprod(axis=1).sum(axis=1))

    @property
    def living(self) -> "Flags":
        """Whether a series goes on: it has not been without any for longer than ever before, half a year at least."""
        there = np.nan_to_num(self.values) != 0
        last = self.months - 1 - there[:, ::-1].argmax(axis=1)
        quiet = np.where(there.any(axis=1), self.months - 1 - last, self.months)
        since = np.where(there, np.arange(self.months), -1)
        before = np.maximum.accumulate(since, axis=1)
        pauses = np.where(there[:, 1:] & (before[:, :-1] >= 0), np.arange(1, self.months) - before[:, :-1] - 1, 0)
        return np.asarray((quiet < ENDED) | (quiet <= pauses.max(axis=1, initial=0)) & there.any(axis=1))

    @property
    def scale(self) -> "Floats":
        """Mean absolute change against the same month a year before; NaN of too few such, or none."""
        changes = np.abs(self.values[:, SEASON:] - self.values[:, :-SEASON])
        known = ~np.isnan(changes)
        sums = np.where(known, changes, 0).sum(axis=1)
        count = known.sum(axis=1)
        return np.where((sums > 0) & (count >= LEAST_CHANGES), sums / np.maximum(count, 1), np.nan)

    def rows(self, chosen: "Flags") -> "Panel":
        """The chosen rows alone; their wholes must be among them."""
        place = np.cumsum(chosen) - 1
        whole = self.whole[chosen]
        return Panel(
            self.keys.filter(chosen),
            self.values[chosen],
            self.actual[chosen],
            self.load[chosen],
            self.phase[chosen],
            np.where(whole >= 0, place[whole], -1),
        )

    def until(self, months: int) -> "Panel":
        """As of so many months before: what came later is not in it."""
        if months == 0:
            return self
        kept, known = slice(None, self.months - months), slice(None, self.months - months + self.horizon)
        origin = pl.col("origin").dt.offset_by(f"-{months}mo")
        return replace(
            self,
            keys=self.keys.with_columns(origin),
            values=self.values[:, kept],
            actual=self.actual[:, kept],
            load=self.load[:, known],
            phase=(self.phase - months) % SEASON,
        )

    def as_known_in(self, other: "Panel") -> "Panel":
        """The same rows and months with another panel's values, where it has the series."""
        identity = ["level", "member", "metric", "origin"]
        places = other.keys.with_row_index("place")
        found = self.keys.join(places, on=identity, how="left", maintain_order="left")["place"]
        there, place = found.is_not_null().to_numpy(), found.fill_null(0).to_numpy()
        months = min(self.months, other.months)
        values = np.full_like(self.values, np.nan)
        values[:, self.months - months :] = other.values[place, other.months - months :]
        return replace(self, values=np.where(there[:, None], values, self.values))


def panel(rows: pl.DataFrame, weekend: float, horizon: int = HORIZON) -> Panel:
    """The panel of `carti_lake.models.forecast.series.series`.

    Parameters
    ----------
    rows
        The series.
    weekend
        What a day of the weekend brings against a working day.
    horizon
        Months ahead.
    """
    identity = ["level", "member", "metric", "origin"]
    order = pl.col("level").cast(pl.Enum(LEVELS))
    keys = rows.select(identity).unique().sort(order, "member", "metric").with_row_index("row")
    ahead = (pl.col("origin").dt.year() - pl.col("month").dt.year()).cast(pl.Int64) * SEASON + (
        pl.col("origin").dt.month().cast(pl.Int64) - pl.col("month").dt.month()
    )
    placed = rows.join(keys, on=identity).with_columns(ahead=ahead)
    months = int(placed.select(pl.col("ahead").max()).item() or 0) + 1
    row, column = placed["row"].to_numpy(), months - 1 - placed["ahead"].to_numpy()
    values, share = np.full((keys.height, months), np.nan), np.zeros((keys.height, months))
    values[row, column] = placed["completed"].to_numpy()
    share[row, column] = placed["share"].to_numpy()
    wholes = {
        metric: place for place, level, metric in keys.select("row", "level", "metric").rows() if level == NETWORK
    }
    dates = {origin: _load(origin, months, horizon, weekend) for origin in keys["origin"].unique()}
    return Panel(
        keys.drop("row"),
        values,
        np.where(share >= JUDGED, values, np.nan),
        np.array([dates[origin] for origin in keys["origin"]]).reshape(keys.height, months + horizon),
        keys.select(pl.col("origin").dt.month().cast(pl.Int64) - 1).to_series().to_numpy(),
        np.array([wholes[metric] for metric in keys["metric"]], dtype=np.int64),
    )


def _load(origin: date, months: int, horizon: int, weekend: float) -> "Floats":
    """Working days of the months up to the origin and of those after it; a weekend's day counts ``weekend``."""
    ends = [month_after(origin, ahead) for ahead in range(1 - months, horizon + 2)]
    days = np.array(ends, dtype="datetime64[D]")
    working = np.busday_count(days[:-1], days[1:])
    total = np.diff(days).astype(np.int64)
    load = working + weekend * (total - working)
    # A mean month of the Gregorian calendar holds 5 working days in 7 of its 30.436875.
    return np.asarray(load / (30.436875 * (5 + 2 * weekend) / 7), dtype=np.float64)
