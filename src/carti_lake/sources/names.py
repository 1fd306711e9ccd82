"""What a file's name says of the extract: the day or month that it is about, and the moment of its delivery."""

import calendar
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from carti_lake.pipeline import months

_YEAR = r"(?P<year>(?:19|20)\d\d)"


def _one_of(words: Iterable[str]) -> str:
    return rf"(?<![a-z])(?P<word>{'|'.join(sorted(words, key=len, reverse=True))})(?![a-z])"


_ANY_WORD, _WORD = _one_of(months.NUMBERS), _one_of(months.NUMBERS.keys() - {*months.ALSO_OTHERS})
_DAY = r"(?P<day>[0-3]\d)"
_SHORT_DAY = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th|er)?"
_GAP = r"[-_. ,]{0,2}(?:del?[-_. ])?"
_TIME = (
    r"(?:[T_\-. ]{0,2}(?!(?:19|20)\d\d[-_. ]\d\d[-_. ]\d\d)(?P<hour>[01]\d|2[0-3])[-:_.]?(?P<minute>[0-5]\d)"
    r"(?:[-:_.]?(?P<second>[0-5]\d)(?:\.?\d{3}|\.?\d{6})?)?Z?(?!\d))?"
)
#: Ways to write a day, and to write a month alone.
DAYS = [
    re.compile(rf"(?<!\d){form}{_TIME}(?!\d)", re.IGNORECASE)
    for form in (
        rf"{_YEAR}(?P<gap>[-_. ]?)(?P<month>\d\d)(?P=gap){_DAY}",
        rf"{_SHORT_DAY}{_GAP}{_ANY_WORD}{_GAP}{_YEAR}",
        rf"{_YEAR}{_GAP}{_ANY_WORD}{_GAP}{_DAY}",
        rf"(?P<a>\d\d)(?P<gap>[-_. ]?)(?P<b>\d\d)(?P=gap){_YEAR}",
        rf"(?P<a>\d\d?)(?P<gap>[-_. ])(?P<b>\d\d?)(?P=gap){_YEAR}",
    )
] + [re.compile(rf"{_WORD}{_GAP}{_SHORT_DAY}(?!\d){_GAP}{_YEAR}(?!\d){_TIME}", re.IGNORECASE)]
MONTH_FORMS = [
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"(?<!\d){_YEAR}[-_. ]?(?P<month>\d\d)(?!\d)",
        rf"(?<![^\W_])(?<!\d[-_. ])(?P<month>\d\d)[-_. ]{_YEAR}(?!\d)",
        rf"{_ANY_WORD}{_GAP}{_YEAR}(?!\d)",
        rf"(?<!\d){_YEAR}{_GAP}{_ANY_WORD}",
        rf"(?<![^\W_])(?P<fiscal>fy)?{_YEAR}[-_. ]?q(?P<quarter>[1-4])(?![^\W_])",
        rf"(?<![^\W_])(?=\dq|q\d)q?(?P<quarter>[1-4])q?[-_. ]?(?P<fiscal>fy)?{_YEAR}(?!\d)",
        rf"(?<!\d){_YEAR}[-_. ]?w(?P<week>\d\d)(?!\d)",
    )
]
#: Days and months with a word, without a century, or without a year.
SHORT_WORDS = [
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"(?<!\d)(?P<a>\d\d){_GAP}{_WORD}{_GAP}(?P<c>\d\d)(?!\d)",
        rf"{_WORD}{_GAP}(?P<c>\d\d)(?!\d)",
        rf"(?<!\d)(?P<a>\d\d){_GAP}{_WORD}",
    )
]
#: Days without a century, or without a year: other numbers look alike. CMS writes ``D260331``.
SHORT_FORMS = [
    re.compile(rf"(?<![^\W_])d?{form}(?![^\W_])", re.IGNORECASE)
    for form in (r"(?P<a>\d\d)(?P<gap>[-_. ]?)(?P<b>\d\d)(?P=gap)(?P<c>\d\d)", r"(?!19|20)(?P<a>\d\d)(?P<b>\d\d)")
]
#: What numbers are about that are no days.
_COUNTED = re.compile(r"(?i)(?:part|page|chunk|file|batch|no|nr|seq|run|id|of|v)[-_. #]*$")
_UUID = re.compile(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: The places of year, month and day among three numbers.
_PLACES = {"mdy": "cab", "dmy": "cba", "ymd": "abc"}
#: How far behind the delivery two figures for a year can lie.
YEARS_BACK = 10

#: What some figures can mean: a day and the moment beside it, by the order that they are read in; "" where it is plain,
#: no day where they may be none.
Readings = dict[str, tuple[date | None, datetime | None]]


class AmbiguousNameError(Exception):
    """Figures of a name are one day or another, or a day or none: ``figures``, ``days``."""

    def __init__(self, figures: str, days: Sequence[date]) -> None:
        super().__init__(figures)
        self.figures, self.days = figures, days


def day_and_moment(
    name: str, delivered: date | None = None, order: str | None = None, others: Iterable[str] = ()
) -> tuple[date | None, datetime | None]:
    """The last day in a file's name, or the last day of the last month in it; and the time beside the day, as UTC.

    Understood are ``2026-11-22``, ``20261122``, ``22Nov2026``, each with a time behind it (``20261122063000``,
    ``2026-11-22T0630``), ``22-11-2026`` and ``11222026``, and the months ``202611``, ``2026-11``, ``11-2026``,
    ``Nov2026``, ``novembre_2026`` and ``2026Q4``, the week ``2026-W47``; where the delivery is known, ``221126``,
    ``22-11-26``, ``22Nov26`` and ``Nov26`` too.

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
    days = sorted({day for day, _ in readings.values() if day is not None})
    if len({day for day, _ in readings.values()}) == 1:
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
    plain = months.plain(_UUID.sub("", name))
    for forms in (DAYS, MONTH_FORMS):
        found = [(match.end(), match[0], _readings(match)) for form in forms for match in form.finditer(plain)]
        if any(readings for _, _, readings in found):
            return found
    if delivered is None:
        return []
    spelt = [match for form in SHORT_WORDS for match in form.finditer(plain)]
    found = [(match.end(), match[0], _readings_of_words(match, delivered)) for match in spelt]
    if any(readings for _, _, readings in found):
        return found
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
        if read is None:
            return {}
        # A fiscal year's quarter may be any; a word without a day may be no month.
        unsure = not parts.get("day") and parts.get("word") in months.ALSO_OTHERS
        unsure |= bool(parts.get("fiscal"))
        return {"month": read, "none": (None, None)} if unsure else {"": read}
    ways = {"mdy": ("a", "b"), "dmy": ("b", "a")}
    read_by = {
        order: _read({**parts, "month": parts[month], "day": parts[day]}) for order, (month, day) in ways.items()
    }
    return {order: one for order, one in read_by.items() if one is not None}


def _read(parts: dict[str, Any]) -> tuple[date, datetime | None] | None:
    year = int(parts["year"])
    try:
        if parts.get("week"):
            return date.fromisocalendar(year, int(parts["week"]), 7), None
        month = _month(parts)
        day = date(year, month, int(parts["day"])) if parts.get("day") else _last_day(year, month)
    except ValueError:
        return None
    if not parts.get("hour"):
        return day, None
    second = int(parts["second"] or 0)
    return day, datetime(day.year, day.month, day.day, int(parts["hour"]), int(parts["minute"]), second, tzinfo=UTC)


def _month(parts: dict[str, Any]) -> int:
    if parts.get("quarter"):
        return 3 * int(parts["quarter"])
    return int(parts["month"]) if parts.get("month") else months.NUMBERS[parts["word"]]


def _last_day(year: int, month: int) -> date:
    return date(year, month, 1).replace(day=calendar.monthrange(year, month)[1])


def _readings_of_words(match: re.Match[str], delivered: date) -> Readings:
    """As :func:`_short_readings`, of a month's word and one or two numbers of two figures."""
    parts = match.groupdict()
    month, first, last = months.NUMBERS[parts["word"]], parts.get("a"), parts.get("c")
    if first and last:
        ways = {"dmy": (2000 + int(last), int(first)), "ymd": (2000 + int(first), int(last))}
        return {
            way: (found, None) for way, (year, day) in ways.items() if (found := _lately(year, month, day, delivered))
        }
    number = int(first or last or 0)
    of_year = _lately(2000 + number, month, 1, delivered)
    days = [_lately(year, month, number, delivered) for year in (delivered.year, delivered.year - 1)]
    read: Readings = {} if of_year is None else {"month": (_last_day(of_year.year, month), None)}
    day = next(filter(None, days), None)
    return read if day is None else read | {"day": (day, None)}


def _lately(year: int, month: int, day: int, delivered: date) -> date | None:
    """A day, where there is one and it was not long before the delivery."""
    newest = delivered + timedelta(days=1)
    try:
        found = date(year, month, day)
    except ValueError:
        return None
    return found if found <= newest and found.year >= newest.year - YEARS_BACK else None


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
        days = [_lately(one, int(month), int(day), delivered) for one in years]
        if (found := next(filter(None, days), None)) is not None:
            read[order] = (found, None)
    if parts.get("gap") == "" and (of_year := _lately(int(parts["b"] + parts["c"]), int(parts["a"]), 1, delivered)):
        # 052026 is a month as well.
        read["month"] = (_last_day(of_year.year, of_year.month), None)
    return read
