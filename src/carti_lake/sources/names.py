"""What a file's name says of the extract: the day or month that it is about, and the moment of its delivery."""

import calendar
import re
from datetime import UTC, date, datetime

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
    r"(?:[T_\-. ]{0,2}(?P<hour>[01]\d|2[0-3])[-:_.]?(?P<minute>[0-5]\d)"
    r"(?:[-:_.]?(?P<second>[0-5]\d)(?:\.?\d{3}|\.?\d{6})?)?Z?(?!\d))?"
)
#: Ways to write a day, and to write a month alone.
DAYS = [
    re.compile(rf"(?<!\d){form}{_TIME}(?!\d)", re.IGNORECASE)
    for form in (
        rf"{_YEAR}(?P<gap>[-_. ]?)(?P<month>\d\d)(?P=gap){_DAY}",
        rf"{_SHORT_DAY}{_GAP}{_WORD}{_GAP}{_YEAR}",
        rf"{_YEAR}{_GAP}{_WORD}{_GAP}{_DAY}",
        rf"(?P<one>\d\d)(?P<gap>[-_. ]?)(?P<other>\d\d)(?P=gap){_YEAR}",
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


def day_and_moment(name: str) -> tuple[date | None, datetime | None]:
    """The last day in a file's name, or the last day of the last month in it; and the time beside the day, as UTC.

    Understood are ``2026-11-22``, ``20261122``, ``22Nov2026``, each with a time behind it (``20261122063000``,
    ``2026-11-22T0630``), ``22-11-2026`` and ``11222026`` where they can be one day alone, and the months ``202611``,
    ``2026-11``, ``Nov2026`` and ``November-2026``.
    """
    for forms in (DAYS, MONTH_FORMS):
        found = [(match.end(), _read(match)) for form in forms for match in form.finditer(name)]
        read = [(end, one) for end, one in found if one is not None]
        if read:
            return max(read, key=lambda one: one[0])[1]
    return None, None


def _read(match: re.Match[str]) -> tuple[date, datetime | None] | None:
    parts = match.groupdict()
    if parts.get("one"):
        # Month or day first: only a number above 12 tells.
        ways = {(parts["one"], parts["other"]), (parts["other"], parts["one"])}
        known = [way for way in ways if int(way[0]) <= 12]
        if len(known) != 1:
            return None
        parts |= dict(zip(("month", "day"), known[0], strict=True))
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
