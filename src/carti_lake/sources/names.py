"""What a file's name says of the extract: the day or month that it is about, and the moment of its delivery."""

import calendar
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

MONTHS = {name.casefold(): number for number, name in enumerate(calendar.month_abbr) if name}
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_WORD = (
    r"(?<![a-z])(?P<word>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)(?![a-z])"
)
_DAY = r"(?P<day>[0-3]\d)"
_SHORT_DAY = r"(?P<day>[0-3]?\d)"
_GAP = r"[-_. ,]{0,2}"
_TIME = (
    r"(?:[T_\-. ]{0,2}(?!(?:19|20)\d\d[-_. ]\d\d[-_. ]\d\d)(?P<hour>[01]\d|2[0-3])[-:_.]?(?P<minute>[0-5]\d)"
    r"(?:[-:_.]?(?P<second>[0-5]\d)(?:\.?\d{3}|\.?\d{6})?)?Z?(?!\d))?"
)
#: Ways to write a day, and to write a month alone.
DAYS = [
    re.compile(rf"(?<!\d){form}{_TIME}(?!\d)", re.IGNORECASE)
    for form in (
        rf"{_YEAR}(?P<gap>[-_. ]?)(?P<month>\d\d)(?P=gap){_DAY}",
        rf"{_SHORT_DAY}{_GAP}{_WORD}{_GAP}{_YEAR}",
        rf"{_YEAR}{_GAP}{_WORD}{_GAP}{_DAY}",
        rf"(?P<a>\d\d)(?P<gap>[-_. ]?)(?P<b>\d\d)(?P=gap){_YEAR}",
        rf"(?P<a>\d\d?)(?P<gap>[-_. ])(?P<b>\d\d?)(?P=gap){_YEAR}",
    )
] + [re.compile(rf"{_WORD}{_GAP}{_SHORT_DAY}(?!\d){_GAP}{_YEAR}(?!\d){_TIME}", re.IGNORECASE)]
MONTH_FORMS = [
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"(?<!\d){_YEAR}[-_. ]?(?P<month>\d\d)(?!\d)",
        rf"{_WORD}{_GAP}{_YEAR}(?!\d)",
        rf"(?<!\d){_YEAR}{_GAP}{_WORD}",
    )
]
#: Days without a century, or without a year: other numbers look alike.
SHORT_FORMS = [
    re.compile(rf"(?<![^\W_]){form}(?![^\W_])")
    for form in (r"(?P<a>\d\d)(?P<gap>[-_. ]?)(?P<b>\d\d)(?P=gap)(?P<c>\d\d)", r"(?!19|20)(?P<a>\d\d)(?P<b>\d\d)")
]
#: What numbers are about that are no days.
_COUNTED = re.compile(r"(?i)(?:part|page|chunk|file|batch|no|nr|seq|run|id|of|v)[-_. #]*$")
_UUID = re.compile(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: The places of year, month and day among three numbers.
_PLACES = {"mdy": "cab", "dmy": "cba", "ymd": "abc"}
#: How far behind the delivery two figures for a year can lie.
YEARS_BACK = 10

#: What some figures can mean: a day and the moment beside it, by the order that they are read in; "" where it is plain.
Readings = dict[str, tuple[date, datetime | None]]


class AmbiguousNameError(Exception):
    """Figures of a name are one day or another: ``figures``, ``days``."""

    def __init__(self, figures: str, days: Sequence[date]) -> None:
        super().__init__(figures)
        self.figures, self.days = figures, days


def day_and_moment(
    name: str, delivered: date | None = None, order: str | None = None, others: Iterable[str] = ()
) -> tuple[date | None, datetime | None]:
    """The last day in a file's name, or the last day of the last month in it; and the time beside the day, as UTC.

    Understood are ``2026-11-22``, ``20261122``, ``22Nov2026``, each with a time behind it (``20261122063000``,
    ``2026-11-22T0630``), ``22-11-2026`` and ``11222026``, and the months ``202611``, ``2026-11``, ``Nov2026`` and
    ``November-2026``; where the delivery is known, ``221126`` and ``22-11-26`` too.

    Parameters
    ----------
    name
        Of the file, without folders.
    delivered
        Day of the delivery, after which the extract's own does not lie; None: years of two figures are not read.
    order
        How days are written (``mdy``, ``dmy``, ``ymd``), for figures that can be two; None: as ``others`` tell.
    others
        Names of files beside it: one like it that can be one day alone tells how it is written.

    Raises
    ------
    AmbiguousNameError
        Figures are two days, and nothing tells which.
    """
    found = [one for one in _dated(name, delivered) if one[2]]
    if not found:
        return None, None
    _, figures, readings = max(found, key=lambda one: one[0])
    days = sorted({day for day, _ in readings.values()})
    if len(days) == 1:
        # Four figures alone may be a time, a count, a ward.
        return (None, None) if re.fullmatch(r"\d{4}", figures) else next(iter(readings.values()))
    if order in readings:
        return readings[order]
    alike = (one for one in others if _masked(one) == _masked(name))
    told = [set(one) for other in (name, *alike) for _, _, one in _dated(other, delivered) if "" not in one]
    if set() in told and not re.search(_YEAR, figures):
        # Beside numbers that are no days, this is none.
        return None, None
    left = [readings[one] for one in set(readings).intersection(*filter(None, told))]
    if len({day for day, _ in left}) != 1:
        raise AmbiguousNameError(figures, days)
    return left[0]


@lru_cache(1 << 16)
def _masked(name: str) -> str:
    return re.sub(r"\d", "0", name)


@lru_cache(1 << 16)
def _dated(name: str, delivered: date | None) -> list[tuple[int, str, Readings]]:
    """Figures of the plainest kind that a name has: where they end, themselves, what they can mean."""
    plain = _UUID.sub("", name)
    for forms in (DAYS, MONTH_FORMS):
        found = [(match.end(), match[0], _readings(match)) for form in forms for match in form.finditer(plain)]
        if any(readings for _, _, readings in found):
            return found
    if delivered is None:
        return []
    short = [match for form in SHORT_FORMS for match in form.finditer(plain)]
    return [
        (match.end(), match[0], _short_readings(match, delivered))
        for match in short
        if not _COUNTED.search(plain[: match.start()])
    ]


def _readings(match: re.Match[str]) -> Readings:
    parts = match.groupdict()
    if not parts.get("a"):
        read = _read(parts)
        return {} if read is None else {"": read}
    ways = {"mdy": ("a", "b"), "dmy": ("b", "a")}
    read_by = {
        order: _read({**parts, "month": parts[month], "day": parts[day]}) for order, (month, day) in ways.items()
    }
    return {order: one for order, one in read_by.items() if one is not None}


def _read(parts: dict[str, Any]) -> tuple[date, datetime | None] | None:
    month = int(parts["month"]) if parts.get("month") else MONTHS[parts["word"][:3].casefold()]
    year = int(parts["year"])
    try:
        day = date(year, month, int(parts.get("day") or calendar.monthrange(year, month)[1]))
    except (ValueError, calendar.IllegalMonthError):
        return None
    if not parts.get("hour"):
        return day, None
    second = int(parts["second"] or 0)
    return day, datetime(day.year, day.month, day.day, int(parts["hour"]), int(parts["minute"]), second, tzinfo=UTC)


def _short_readings(match: re.Match[str], delivered: date) -> Readings:
    """Days that were not long before the delivery; without a year, the last such day."""
    parts = match.groupdict()
    newest = delivered + timedelta(days=1)
    read: Readings = {}
    for order, places in _PLACES.items():
        year, month, day = (parts.get(place) for place in places)
        if month is None or day is None:
            continue
        years = [2000 + int(year)] if year else [newest.year, newest.year - 1]
        for one in years:
            try:
                found = date(one, int(month), int(day))
            except ValueError:
                continue
            if found <= newest and found.year >= newest.year - YEARS_BACK:
                read[order] = (found, None)
                break
    return read
