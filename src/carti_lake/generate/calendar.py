"""Days as whole numbers since 1970, months of them, and which extract a day's change goes into."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np

from carti_lake.generate.draws import Ints

#: A day that never comes.
NEVER = 1 << 30
EPOCH = date(1970, 1, 1)

Every = Literal["day", "month"]


def number(day: date) -> int:
    """The day as a number."""
    return (day - EPOCH).days


def weekday(days: Ints) -> Ints:
    """Monday 0 to Sunday 6."""
    return (days + 3) % 7


def month_of_year(days: Ints) -> Ints:
    """January 0 to December 11."""
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12


def months(first: date, last: date) -> Iterator[tuple[int, int]]:
    """First and last day of every calendar month from ``first`` to ``last``, cut to them."""
    day = first
    while day <= last:
        following = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        yield number(day), number(min(following - timedelta(days=1), last))
        day = following


def working_day(days: Ints, later: Ints) -> Ints:
    """The day so many working days after a working day."""
    monday = days - weekday(days)
    place = weekday(days) + later
    reached: Ints = monday + 7 * (place // 5) + place % 5
    return reached


@dataclass(frozen=True)
class Window:
    """The extracts of a network: first and last day, how often they are made, and from which day on.

    What happens before ``daily`` goes into one extract of the day before.
    """

    first: int
    last: int
    every: Every
    daily: int = 0

    def extract_day(self, days: Ints) -> Ints:
        """Extract that a day's change goes into: what is older goes into the first one, what is later never comes."""
        place = np.clip(days - self.first, 0, self.last - self.first + 1)
        return self._extracts()[place]

    def _extracts(self) -> Ints:
        days = np.arange(self.first, self.last + 2)
        if self.every == "month":
            following = days.astype("datetime64[D]").astype("datetime64[M]") + 1
            days = np.minimum(following.astype("datetime64[D]").astype(np.int64) - 1, self.last)
        days[: max(self.daily - self.first, 0)] = self.daily - 1
        days[-1] = NEVER
        return days
