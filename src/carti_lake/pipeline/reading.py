"""How the columns of an extract are written: what a source has said of it, else what all its values together tell.

Day or month first, comma or point before the fraction: one value can often mean two things, and a file is written in
one way. So a column is read in the one way that reads all its values; where two ways do and differ, other columns of
the file decide, else the file is refused.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from itertools import combinations, permutations
from typing import Any

import polars as pl

from carti_lake.pipeline.codes import digits_of_zips
from carti_lake.pipeline.evidence import YEARS_AHEAD, differ, whole_column
from carti_lake.pipeline.parse import (
    DATE_ORDERS,
    DECIMALS,
    parse_date,
    plain_number,
)
from carti_lake.tables.feeds import Feed
from carti_lake.tables.silver import ENTITIES

#: Numbers that fill the days of a month, and so few others that they can be no days.
MANY_DAYS, FEW_YEARS = 20, 3

ORDER_WORDS = {"mdy": "month first", "dmy": "day first", "ymd": "year first"}
DECIMAL_WORDS = {".": "with a decimal point", ",": "with a decimal comma"}
#: Digits of a ZIP code that name its area.
AREA = 3
SCALE_WORDS = {1.0: "as percent", 100.0: "as fractions of one"}


@dataclass(frozen=True)
class Hint:
    """What a source says of the way in which its values are written; what it does not say is found out.

    Attributes
    ----------
    date_order
        ``ymd``, ``mdy`` or ``dmy``.
    decimal
        ``.`` or ``,``.
    time_zone
        IANA name of the zone whose calendar day an instant belongs to, e.g. ``America/Chicago``.
    null_words
        Words that stand for no value, beside those that do everywhere.
    values
        Delivered values to what they mean, e.g. ``Paid in full`` to ``paid``.
    scale
        What a delivered number is multiplied by, e.g. 0.01 for cents.
    """

    date_order: str | None = None
    decimal: str | None = None
    time_zone: str | None = None
    null_words: frozenset[str] = frozenset()
    values: Mapping[str, str] = field(default_factory=dict)
    scale: float | None = None


@dataclass(frozen=True)
class Reading:
    """The decided way in which one column of an extract is written.

    Attributes
    ----------
    date_order
        ``mdy``, ``dmy`` or ``ymd``: what three numbers mean that could mean two days; ``serial``: Excel's days; None:
        each as it can be read by itself.
    decimal
        ``.`` or ``,``: what stands before the fraction of a number that could be two.
    time_zone
        Zone whose calendar day an instant belongs to; None: the day as written.
    scale
        100 where percent are delivered as fractions of one.
    newest
        The last year that two digits can mean.
    zeros
        What ZIP codes of three digits among whole ones have: ``lost`` two zeros, as others have lost one; ``unknown``
        where none other has. None where three digits are an area's.
    """

    date_order: str | None = None
    decimal: str = DECIMALS[0]
    time_zone: str | None = None
    scale: float = 1.0
    newest: int | None = None
    zeros: str | None = None

    def as_json(self) -> dict[str, Any]:
        """What is other than usual, for the batch's record."""
        return {name: value for name, value in asdict(self).items() if value != getattr(USUAL, name)}


#: How text is read that can mean one thing alone.
USUAL = Reading()


class AmbiguousColumnError(ValueError):
    """A column whose values can be read in two ways that differ, with nothing to tell which; names rows, no values.

    Attributes
    ----------
    column
        Its name.
    option
        What a map can say to settle it: ``date_order``, ``decimal``, ``scale``.
    """

    def __init__(self, column: str, option: str, problem: str) -> None:
        super().__init__(problem)
        self.column = column
        self.option = option


def ways_first(preferred: str, ways: Sequence[str]) -> list[str]:
    """All ways, the preferred one before the others."""
    return [preferred, *(way for way in ways if way != preferred)]


def happened(feed: type[Feed]) -> set[str]:
    """Columns of a feed whose days have come by the time of the extract, by the checks of its entity."""
    checks = [finding.id for entity in ENTITIES.values() if entity.feed is feed for finding in entity.findings()]
    return {check.removesuffix("|future") for check in checks if check.endswith("|future")}


def has_percent(feed: type[Feed]) -> bool:
    """Whether the feed has a column of percent, which only its values together tell from fractions of one."""
    return any(feed.meta(name).get("unit") == "percent" for name in feed.delivered())


def undecided(rows: pl.LazyFrame, feed: type[Feed], rescued: Collection[str]) -> pl.LazyFrame:
    """Whether text that bronze has rescued must be read as its whole column is written: one row.

    Parameters
    ----------
    rows
        Rows as :func:`~carti_lake.pipeline.bronze.bronze` makes them without readings.
    feed
        Contract of the extract.
    rescued
        Collected :func:`~carti_lake.pipeline.evidence.rescued_columns`: all others have nothing to decide.
    """
    asked = [pl.lit(False)]
    for name, dtype in feed.delivered().items():
        if name not in rescued:
            continue
        text = pl.col("rescued").str.json_path_match(f"$.{name}")
        if dtype == pl.Date:
            either = (parse_date(text, [order]) for order in ("mdy", "dmy"))
            asked.append(whole_column(text) | differ(*either))
        elif dtype.is_numeric():
            point, comma = (plain_number(text, [decimal]) for decimal in DECIMALS)
            asked.append(comma.is_not_null() & point.ne_missing(comma))
    return rows.filter(pl.col("rescued").is_not_null()).select(undecided=pl.any_horizontal(asked).any())


def has_short_zips(rows: pl.LazyFrame, feed: type[Feed]) -> pl.LazyFrame:
    """Whether a short ZIP code must be read as its whole column is written: one row."""
    return rows.select(short=pl.any_horizontal(pl.lit(False), *(_has_short_zip(pl.col(name)) for name in zips(feed))))


def zips(feed: type[Feed]) -> list[str]:
    """Columns of ZIP codes."""
    return [name for name in feed.delivered() if feed.meta(name).get("code") == "zip3"]


def _has_short_zip(column: pl.Expr) -> pl.Expr:
    """Whether some ZIP codes have the length of an area's number, and others that of whole ones."""
    digits = digits_of_zips(column.unique())
    return ((digits <= AREA).any() & (digits > AREA).any()).fill_null(False)


def decide(
    surveyed: Mapping[str, pl.DataFrame], feed: type[Feed], hints: Mapping[str, Hint], extract_date: date
) -> dict[str, Reading]:
    """The way in which each column is written, where bronze does not type all of it as it stands.

    Parameters
    ----------
    surveyed
        Collected :func:`survey_readings`.
    feed
        Contract of the extract.
    hints
        What a map says, by column.
    extract_date
        As in the survey.

    Raises
    ------
    AmbiguousColumnError
        Two ways of reading a column give other values, and neither its values nor other columns nor the map decide.
    """
    evidence = {name: found.row(0, named=True) for name, found in surveyed.items()}
    told = happened(feed)
    dates = {
        name: {**one, "happened": name in told} for name, one in evidence.items() if feed.delivered()[name] == pl.Date
    }
    numbers = {name: one for name, one in evidence.items() if feed.delivered()[name].is_numeric()}
    orders = _settle(
        dates, "date_order", DATE_ORDERS, ORDER_WORDS, {name: one.date_order for name, one in hints.items()}, {}
    )
    # Three figures behind a sign are no cents: dollars of 2,500 are thousands. Whether those of 2.500 are too is for
    # the file to tell.
    dollars = {
        name: "." for name, one in numbers.items() if feed.meta(name).get("unit") == "USD" and not one["pointed"]
    }
    signs = _settle(
        numbers, "decimal", DECIMALS, DECIMAL_WORDS, {name: one.decimal for name, one in hints.items()}, dollars
    )
    readings = {}
    for name, dtype in feed.delivered().items():
        hint, one = hints.get(name, Hint()), evidence.get(name, {})
        serial = bool(one.get("serials")) and not one["read"]
        readings[name] = Reading(
            date_order="serial" if serial else orders.get(name),
            decimal=signs.get(name) or USUAL.decimal,
            time_zone=hint.time_zone if dtype == pl.Date else None,
            scale=_scale(name, one) if "fractions" in one and hint.scale is None else 1.0,
            newest=extract_date.year + YEARS_AHEAD if one.get("short days") else None,
            zeros=_zeros(one) if name in zips(feed) else None,
        )
    return {name: one for name, one in readings.items() if one != USUAL or evidence.get(name, {}).get("unusual")}


def _settle(
    evidence: Mapping[str, Mapping[str, Any]],
    option: str,
    ways: Sequence[str],
    words: Mapping[str, str],
    said: Mapping[str, str | None],
    usual: Mapping[str, str],
) -> dict[str, str]:
    """The way in which each column is read: as said, as all its values prove, as other columns prove, or as usual."""
    possible = {name: _possible(one, ways) for name, one in evidence.items()}
    proven = {left[0] for left in possible.values() if len(left) == 1}
    chosen = {}
    for name, one in evidence.items():
        left = possible[name]
        pairs = [(a, b) for a, b in combinations(ways, 2) if one[f"{a} {b}"] is not None]
        if (hinted := said.get(name)) is not None:
            rest = [way for way in ways if way != hinted and one[f"not {hinted}"] is not None]
            unsettled = [(a, b) for a, b in pairs if a in rest and b in rest]
            if not unsettled:
                chosen[name] = hinted
                continue
        if len(left) == 1:
            chosen[name] = left[0]
            continue
        among = [(a, b) for a, b in pairs if not left or (a in left and b in left)]
        if not among:
            continue
        if left and len(proven) == 1 and proven <= set(left):
            chosen[name] = next(iter(proven))
            continue
        if one["unusual"] == 0 and "," not in proven:
            continue
        if name in usual and usual[name] in left and not proven - {usual[name]}:
            chosen[name] = usual[name]
            continue
        raise AmbiguousColumnError(name, option, _problem(one, among[0], words, mixed=not left))
    return chosen


def _possible(one: Mapping[str, Any], ways: Sequence[str]) -> list[str]:
    """Ways that read every value that any way reads."""
    left = [way for way in ways if one["read"] and one[f"not {way}"] is None]
    beyond = {way for way in left if one.get(f"{way} beyond")}
    if len(beyond) < len(left):
        left = [way for way in left if way not in beyond]
    if "firsts" in one and one["read"]:
        # Years that fill the days of a month and go beyond next year, beside days that hardly change: the other way.
        ahead = one["year"] % 100 + 1
        if (
            one["firsts"] >= MANY_DAYS and one["greatest first"] > ahead and one["lasts"] <= FEW_YEARS
        ) and "dmy" in left:
            left = [way for way in left if way != "ymd"]
        if (
            one["lasts"] >= MANY_DAYS and one["greatest last"] > ahead and one["firsts"] <= FEW_YEARS
        ) and "ymd" in left:
            left = [way for way in left if way != "dmy"]
        if one["happened"]:
            # What an extract tells had happened does not all lie after it.
            future = {a for a, b in permutations(left, 2) if _pair(one, a, b) is not None and one[f"{a} after {b}"]}
            left = [way for way in left if way not in future]
        # Nor do they lie apart from all days of the column that can be read in one way alone.
        apart = {b for a, b in permutations(left, 2) if _pair(one, a, b) is not None and one[f"{a} among, {b} not"]}
        left = [way for way in left if way not in apart]
    return left


def _pair(one: Mapping[str, Any], a: str, b: str) -> int | None:
    """The first row in which two ways differ."""
    row: int | None = one[f"{a} {b}" if f"{a} {b}" in one else f"{b} {a}"]
    return row


def _problem(one: Mapping[str, Any], pair: tuple[str, str], words: Mapping[str, str], *, mixed: bool) -> str:
    first, second = pair
    both, only_first, only_second = (one[found] for found in (f"{first} {second}", f"not {second}", f"not {first}"))
    if mixed:
        return (
            f"row {only_first} can only be read {words[first]}, row {only_second} only {words[second]}, and row {both} "
            "in both ways"
        )
    return (
        f"row {both} is one value read {words[first]} and another read {words[second]}, and no "
        "value of the file tells which is meant"
    )


def _zeros(one: Mapping[str, Any]) -> str | None:
    if not one.get("short") or not (one["whole"] or one["without_zero"]):
        return None
    return "lost" if one["without_zero"] else "unknown"


def _scale(name: str, one: Mapping[str, Any]) -> float:
    """100 where percent are delivered as fractions of one.

    Raises
    ------
    AmbiguousColumnError
        Fractions of one stand beside whole percent or beside values with a percent sign, or every value is 0 or 1.
    """
    fraction, whole_percent, other = one["fractions"], one["whole percent"], one["other percent"]
    if other is not None or (fraction is None and (one["ones"] is None or whole_percent is not None)):
        return 1.0
    percent = one["signed"] if whole_percent is None else whole_percent
    if fraction is not None and percent is None:
        return 100.0
    rows = f"row {one['ones']} is" if fraction is None else f"row {fraction}, beside row {percent}, is"
    raise AmbiguousColumnError(
        name,
        "scale",
        f"{rows} read {SCALE_WORDS[1.0]} or {SCALE_WORDS[100.0]}, and no value of the file tells which (scale = 1 or "
        "scale = 100)",
    )
