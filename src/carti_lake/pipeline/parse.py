"""Delivered text to values: dates, money, numbers, flags, ages. What cannot be read becomes null.

A text that can mean one thing alone is read as that; one that could mean two (``03/04/2026``, ``2,500``) is read as its
column is written, by :class:`~carti_lake.pipeline.reading.Reading`, month first and with a decimal point unless told.
"""

from collections.abc import Callable, Iterable, Sequence

import polars as pl

from carti_lake.pipeline import months

DATE_ORDERS = ("mdy", "dmy", "ymd")
DECIMALS = (".", ",")
TRUE = ("true", "t", "yes", "y", "1", "1.0", "x", "on", "\u2611", "\u2713", "\u2714")
FALSE = ("false", "f", "no", "n", "0", "0.0", "off", "\u2610")
#: From here on a double does not hold four decimals.
BEYOND_DOUBLE = 2.0**53 / 10_000
#: The least that no count reaches.
MOST_COUNTED = 10**9
#: Whole dollars from here on are no amount but an account's number, a phone's, a day: no bill is that without cents.
MOST_WHOLE_DOLLARS = 10**9
#: Nobody has lived longer, but for one.
OLDEST = 120
#: Day 0 of the serial numbers by which Excel counts days, and those between 1990 and 2119.
EXCEL_EPOCH = pl.lit("1899-12-30").str.to_date()
EXCEL_SERIALS = (32_874, 80_000)

_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?[ap]\.?m\.?)?"
_TIME = rf"(?i)^(.*?\d)(?:T| +|, *){_CLOCK}(?: ?(?:Z|UTC|GMT|[+-]\d{{2}}(?::?\d{{2}})?))?$"
_COMPACT = r"^(\d{8})(?:T?\d{4}(?:\d{2}(?:\.\d+)?)?)?(?:Z|[+-]\d{4})?$"
_WEEKDAY = r"(?i)^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,? +"
_THREE = r"^(\d{1,2})(?:/(\d{1,2})/|-(\d{1,2})-|\.(\d{1,2})\.)"
#: A day whose month is a word, in small letters without accents: parts, and the places of year, word and day.
_GAP = r"[-/ .,]*(?:del? +)?"
_NAMED = (
    (rf"^(\d{{1,2}})(?:st|nd|rd|th|er|[oa])?{_GAP}([a-z]{{3,}}){_GAP}(\d{{4}})$", "321"),
    (r"^([a-z]{3,})[-/ .]*(\d{1,2})(?:st|nd|rd|th)?[-/ ,]+(\d{4})$", "312"),
    (r"^(\d{4})[-/ .]*([a-z]{3,})[-/ .]*(\d{1,2})$", "123"),
)
_NAMED_SHORT = (rf"^(\d{{1,2}}){_GAP}([a-z]{{3,}}){_GAP}'?(\d{{2}})$", "321")

_UNITS = "y|yr|yrs|years?|yo|y/o|m|mo|mos|mths?|months?|w|wks?|weeks?|d|days?"
_AGE = rf"^(>=?)? ?(\d{{1,3}}(?:\.\d+)?) ?(\+)?(?: ?-?({_UNITS})\.?(?: old)?)?$"
#: What is written for a sign, and for the first days.
_AGE_WORDS = (
    (r"^(?:over|above|older than) ", ">"),
    (r"^\u2265", ">="),
    (r" (?:and|or) (?:over|older|above|more)$| ?plus$", "+"),
    (r"^(?:newborn|neonate)$", "0"),
)
_CODES = (
    "EUR|GBP|JPY|CHF|CAD|AUD|NZD|CNY|RMB|INR|MXN|BRL|SEK|NOK|DKK|PLN|CZK|HUF|RUB|TRY|ZAR|KRW|SGD|HKD|THB|ILS|AED|SAR|PHP|"
    "IDR|MYR|TWD|COP|ARS|CLP|PEN|NGN|EGP|PKR|UAH|RON|VND|KWD|QAR|ISK|EURO?S?"
)
_FOREIGN = (
    rf"(?i)[€£¥₹₽₩₪₺฿₫₴₦₱₡]|(?:^|[^A-Z])(?:A|AU|C|CA|CAN|NZ|HK|S|SG|R|MX|NT)\$|(?:^|[^A-Z])(?:{_CODES})(?:[^A-Z]|$)"
)

#: Whole numbers in groups: by blanks or apostrophes, by the other sign, as in India.
_SPACED = "\\d+|\\d{1,3}(?:[ '\u2019]\\d{3})+"
_DOT = rf"^(?:(?:{_SPACED}|[1-9]\d{{0,2}}(?:,\d{{3}})+|[1-9]\d?(?:,\d{{2}})+,\d{{3}})(?:\.\d*)?|\.\d+)$"
_COMMA = rf"^(?:(?:{_SPACED}|[1-9]\d{{0,2}}(?:\.\d{{3}})+)(?:,\d*)?|,\d+)$"


def parse_date(text: pl.Expr, orders: Sequence[str] = (), newest: pl.Expr | int | None = None) -> pl.Expr:
    """Date of a text with or without a time of day: ISO 8601, a named month, or three numbers.

    Parameters
    ----------
    text
        Delivered text.
    orders
        ``mdy``, ``dmy``, ``ymd``: how three numbers are read, the first that can; orders that are left out read none.
        As usual where none is given: month first, but for numbers between dots, which only countries write that put
        the day first.
    newest
        The last year that two digits can mean, the 99 before it are the others; None: such years are not read.
    """
    day = calendar_day(text)
    ways = [_iso(day)]
    if orders:
        ways += [_numbers(day, order) for order in orders if order != "ymd"]
    else:
        undotted = pl.when(~day.str.contains(".", literal=True)).then(day)
        ways += [_numbers(undotted, "mdy"), _numbers(day, "dmy"), _numbers(day, "mdy")]
    ways += [day.str.replace(r"^(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})$", "$1-$2-$3").pipe(_iso)]
    ways += [day.str.extract(_COMPACT, 1).str.to_date("%Y%m%d", strict=False, cache=False)]
    spelt = months.letters(day)
    ways += [_spelled(spelt, *named) for named in _NAMED]
    if newest is not None:
        short = [_two_digits(day, order) for order in orders or DATE_ORDERS]
        short += [_spelled(spelt, *_NAMED_SHORT, century="20")]
        ways += [_in_century(value, newest) for value in short]
    return pl.coalesce(ways)


def calendar_day(text: pl.Expr) -> pl.Expr:
    """The text of a date without blanks, weekday and time of day."""
    return text.str.strip_chars().str.replace(_WEEKDAY, "").str.replace(_TIME, "$1")


def _iso(day: pl.Expr) -> pl.Expr:
    """A year of four digits, not two that merely parse, or the first day that databases know."""
    whole = day.str.extract(r"^([1-9]\d{3}-\d{1,2}-\d{1,2}|0001-01-01)$", 1)
    return whole.str.to_date("%Y-%m-%d", strict=False, cache=False)


def _numbers(day: pl.Expr, order: str) -> pl.Expr:
    """Three numbers, the last of them a whole year."""
    parts = "$5-$1-$2$3$4" if order == "mdy" else "$5-$2$3$4-$1"
    return day.str.replace(_THREE + r"(\d{4})$", parts).pipe(_iso)


def _two_digits(day: pl.Expr, order: str) -> pl.Expr:
    """Three numbers of at most two digits, the year as one of this century."""
    parts = {"mdy": "20$5-$1-$2$3$4", "dmy": "20$5-$2$3$4-$1", "ymd": "20$1-$2$3$4-$5"}[order]
    shape = (_THREE if order != "ymd" else _THREE.replace(r"^(\d{1,2})", r"^(\d{2})")) + (
        r"(\d{2})$" if order != "ymd" else r"(\d{1,2})$"
    )
    return day.str.replace(shape, parts).pipe(_iso)


def _spelled(day: pl.Expr, pattern: str, places: str, century: str = "") -> pl.Expr:
    """A day whose month stands as a word."""
    parts = day.str.extract_groups(pattern)
    year, word, number = (parts.struct.field(place) for place in places)
    return pl.concat_str(pl.lit(century) + year, months.number(word), number, separator="-").pipe(_iso)


def _in_century(value: pl.Expr, newest: pl.Expr | int) -> pl.Expr:
    return pl.when(value.dt.year() <= newest).then(value).otherwise(value.dt.offset_by("-100y"))


def has_time_of_day(text: pl.Expr) -> pl.Expr:
    """Whether a moment is not the beginning of its day."""
    timed = text.str.contains(r"\d:\d\d|^\s*\d{8}T?\d{4}|^\s*\d{5}\.\d*[1-9]")
    midnight = r"(?i)(?:T| )0?0:00(?::00(?:[.,]0+)?)?\s*$|(?:T| )12:00(?::00)? ?a\.?m\.?\s*$|^\s*\d{8}T?0000(?:00)?\s*$"
    return (timed & ~text.str.contains(midnight)).fill_null(False)


def instant(text: pl.Expr, time_zone: str) -> pl.Expr:
    """A moment whose distance from UTC is written, in the zone; null for others."""
    parts = text.str.strip_chars().str.extract_groups(
        r"(?i)^(\d{4}-\d{2}-\d{2})(?:T| +)(\d{2}:\d{2})(?::(\d{2})(?:[.,]\d+)?)? ?(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)$"
    )
    day, minutes, seconds, offset = (parts.struct.field(place) for place in "1234")
    utc = offset.str.replace(r"(?i)^(?:Z|UTC|GMT)$", "+0000").str.replace(":", "", literal=True)
    # PostgreSQL writes whole hours alone.
    utc = utc.str.replace(r"^([+-]\d{2})$", "${1}00")
    stamp = pl.concat_str(day, pl.lit("T"), minutes, pl.lit(":"), seconds.fill_null("00"), utc)
    return stamp.str.to_datetime("%Y-%m-%dT%H:%M:%S%z", strict=False, time_zone="UTC").dt.convert_time_zone(time_zone)


def parse_serial(text: pl.Expr) -> pl.Expr:
    """Date of the serial number by which Excel counts days, null outside 1990 to 2119.

    Smaller numbers may be days since 1960 (SAS, Stata) or 1970 (R): 24175 is a day of 2026 there, and of 1966 here.
    """
    serial = text.str.strip_chars().str.extract(r"^(\d{5})(?:\.\d+)?$", 1).cast(pl.Int32)
    return pl.when(serial.is_between(*EXCEL_SERIALS)).then(EXCEL_EPOCH + pl.duration(days=serial)).cast(pl.Date)


def plain_number(text: pl.Expr, decimals: Iterable[str] = DECIMALS) -> pl.Expr:
    """A number's text without currency, blanks, thousands separators; null where it is none.

    ``(1,234.50)``, ``1,234.50-``, ``\u22121234.50`` and ``1,234.50 CR`` are negative. ``decimals`` are the signs that
    may stand before the fraction, the likelier one first: ``1.234,50`` can mean one thing alone, ``2,500`` two.
    """
    bare = text.str.replace_all(r"(?i)us\$|usd|[$€]", "").str.replace_all(r"[\u2212\u2013\u2012\u2010\u2011]", "-")
    bare = bare.str.replace_all(r"\s+", " ").str.strip_chars()
    negative = bare.str.contains(r"(?i)^\(.*\)$|^-|-$|\d ?cr\.?$")
    digits = bare.str.replace_all(r"(?i)^[-+(] ?| ?[-)]$| ?\b[cd]r\.?$|(\d)[cd]r\.?$", "$1")
    as_point = pl.when(digits.str.contains(_DOT)).then(digits.str.replace_all(r"[ '\u2019,]", ""))
    unpointed = digits.str.replace_all(r"[ '\u2019.]", "").str.replace(",", ".", literal=True)
    as_comma = pl.when(digits.str.contains(_COMMA)).then(unpointed)
    exponent = pl.when(digits.str.contains(r"(?i)^\d+(?:\.\d*)?e[+-]?\d+$")).then(digits)
    ways = {".": pl.coalesce(as_point, exponent), ",": as_comma}
    plain = pl.coalesce(ways[decimal] for decimal in decimals)
    return pl.when(negative).then("-" + plain).otherwise(plain)


def says_either(text: pl.Expr) -> pl.Expr:
    """Whether a text that is a number as it stands is another one with a decimal comma: ``1.000`` is 1 or 1000."""
    return text.str.contains(r"^[-+]?[1-9]\d{0,2}\.\d{3}$")


def is_foreign(text: pl.Expr) -> pl.Expr:
    """Whether an amount says that it is in another currency than US dollars."""
    return text.str.contains(_FOREIGN).fill_null(False)


def parse_number(text: pl.Expr, decimals: Iterable[str] = DECIMALS) -> pl.Expr:
    """Double of a text, null where it is no number, of another currency, or a double does not hold its decimals."""
    number = plain_number(pl.when(~is_foreign(text)).then(text), decimals)
    value = number.cast(pl.Float64, strict=False)
    return pl.when(value.is_finite() & ~_beyond(number, value)).then(value)


def _beyond(number: pl.Expr, value: pl.Expr) -> pl.Expr:
    return (value.abs() >= BEYOND_DOUBLE) & number.str.contains(".", literal=True)


def parse_decimal(text: pl.Expr, dtype: pl.Decimal, *, dollars: bool = False) -> pl.Expr:
    """Exact number of a text, to the scale of ``dtype``; ``dollars`` as in :func:`as_decimal`."""
    number = plain_number(text)
    # Through a double, as bronze holds numbers: a redelivery as plain text must give the same cents.
    value = number.cast(pl.Float64, strict=False)
    exact = number.cast(dtype, strict=False)
    if dollars:
        exact = pl.when((value.abs() < MOST_WHOLE_DOLLARS) | number.str.contains(r"\.\d*[1-9]")).then(exact)
    return pl.when(_beyond(number, value)).then(exact).otherwise(as_decimal(value, dtype, dollars=dollars))


def as_decimal(number: pl.Expr, dtype: pl.Decimal, *, dollars: bool = False) -> pl.Expr:
    """The double as a decimal; null where it has more digits than that, which a cast answers with an error.

    Null as well, of ``dollars``, where it is a whole number that no amount is (:data:`MOST_WHOLE_DOLLARS`).
    """
    fits = number.abs() < 10.0 ** (dtype.precision - dtype.scale)
    if dollars:
        fits &= ~may_be_no_dollars(number) | (number != number.round(0))
    return pl.when(fits).then(number).cast(dtype, strict=False)


def may_be_no_dollars(number: pl.Expr) -> pl.Expr:
    """Whether a number is so large that it is an amount only if it has cents."""
    return number.abs() >= MOST_WHOLE_DOLLARS


def parse_whole(text: pl.Expr) -> pl.Expr:
    """Whole number of a text; one with a fraction is null."""
    return whole(plain_number(text).cast(pl.Float64, strict=False))


def whole(number: pl.Expr) -> pl.Expr:
    """The double as a whole number; null where it has a fraction, or is more than anybody counts."""
    counted = (number == number.round(0)) & (number.abs() < MOST_COUNTED)
    return pl.when(counted).then(number).cast(pl.Int64, strict=False)


def parse_flag(text: pl.Expr, yes: Iterable[str] = (), no: Iterable[str] = ()) -> pl.Expr:
    """True or false of a text; ``yes`` and ``no`` are words beside the usual ones."""
    word = text.str.strip_chars().str.to_lowercase()
    return pl.when(word.is_in([*TRUE, *yes])).then(True).when(word.is_in([*FALSE, *no])).then(False)


def parse_age(text: pl.Expr) -> pl.Expr:
    """Age in whole years of a text: ``61.7``, ``18 months``, ``90+``, ``over 89``; null outside 0 to 120."""
    plain = text.str.strip_chars().str.to_lowercase()
    for pattern, sign in _AGE_WORDS:
        plain = plain.str.replace(pattern, sign)
    parts = plain.str.extract_groups(_AGE)
    more, number, _, unit = (parts.struct.field(place) for place in "1234")
    in_a_year = unit.str.slice(0, 1).replace_strict({"m": 12, "w": 52, "d": 365}, default=1, return_dtype=pl.Int64)
    years = (number.cast(pl.Float64) / in_a_year).floor() + (more == ">").fill_null(False).cast(pl.Int64)
    return age(years)


def age(years: pl.Expr) -> pl.Expr:
    """Whole years; null where nobody has so many. 90 stands for more."""
    return (
        pl.when(years.is_between(0, OLDEST + 1, closed="left")).then(years).floor().cast(pl.Int64).clip(upper_bound=90)
    )


def by_distinct(text: pl.Expr, parse: Callable[[pl.Expr], pl.Expr], dtype: pl.DataType) -> pl.Expr:
    """What ``parse`` makes of a text, done once for each distinct text of a batch: days and words repeat."""

    def look_up(texts: pl.Series) -> pl.Series:
        frame = texts.rename("text").to_frame()
        parsed = frame.unique().with_columns(value=parse(pl.col("text")))
        return frame.join(parsed, on="text", how="left", maintain_order="left", nulls_equal=True)["value"]

    return text.map_batches(look_up, return_dtype=dtype, is_elementwise=True)
