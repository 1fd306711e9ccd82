"""What the values of an extract's columns say of the way in which they are written: counts and row numbers only."""

from collections.abc import Mapping
from datetime import date
from itertools import combinations, permutations

import polars as pl

from carti_lake.pipeline.codes import digits_of_zips
from carti_lake.pipeline.parse import (
    DATE_ORDERS,
    DECIMALS,
    OLDEST,
    calendar_day,
    parse_date,
    parse_serial,
    plain_number,
    says_either,
)
from carti_lake.tables.feeds import Feed
from carti_lake.tables.silver import entity_of

#: Years beyond its extract that a date may lie in: what is planned, never what a system writes for "no end".
YEARS_AHEAD = 10


def rescued_columns(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Columns (``name``) of which some bronze row holds a value as text."""
    members = pl.col("rescued").drop_nulls().str.extract_all(r'"\w+":')
    return rows.select(name=members).explode("name").unique().select(pl.col("name").str.strip_chars('":'))


def survey_readings(rows: pl.LazyFrame, feed: type[Feed], extract_date: date) -> dict[str, pl.LazyFrame]:
    """What the values of each column that is delivered as text say of the way in which they are written.

    Parameters
    ----------
    rows
        Rows of an extract, in columns named by the feed.
    feed
        Contract of the extract.
    extract_date
        Day that the extract is about.

    Returns
    -------
    dict
        A frame of one row for each column of dates, numbers or percent: counts and row numbers, no values.
    """
    delivered = rows.collect_schema()
    most = greatest(feed)
    found = {}
    for name, dtype in feed.delivered().items():
        written = delivered.get(name)
        if written is None:
            continue
        cells = rows.select(text=pl.col(name)).with_row_index("row", offset=1).drop_nulls()
        if written == pl.String and dtype == pl.Date:
            found[name] = _date_evidence(cells, extract_date)
        elif feed.meta(name).get("unit") == "percent":
            found[name] = _percent_evidence(cells.with_columns(pl.col("text").cast(pl.String)), most.get(name))
        elif written == pl.String and dtype.is_numeric():
            found[name] = _number_evidence(cells, most.get(name))
        elif feed.meta(name).get("code") == "zip3" and (written == pl.String or written.is_numeric()):
            found[name] = _zip_evidence(cells.select(text=pl.col("text").cast(pl.String)))
    return found


def greatest(feed: type[Feed]) -> dict[str, float]:
    """The most that a number of each column can be, where its entity says so."""
    entity = entity_of(feed)
    found = {}
    for name in entity.parsed_columns():
        # Silver's ages end at 90; they are delivered as they are.
        limit = OLDEST if entity.meta(name).get("code") == "age" else getattr(entity.columns()[name], "max", None)
        if limit is not None and feed.delivered()[name].is_numeric():
            found[name] = float(limit)
    return found


def _evidence(cells: pl.LazyFrame, ways: Mapping[str, pl.Expr], *more: pl.Expr) -> pl.LazyFrame:
    """Of cells read in several ways: how many are read, and the first row that a way cannot read or two differ in."""
    read = cells.with_columns(value.alias(way) for way, value in ways.items())
    some = pl.any_horizontal(pl.col(way).is_not_null() for way in ways)
    first = {f"not {way}": some & pl.col(way).is_null() for way in ways}
    first |= {f"{one} {other}": differ(pl.col(one), pl.col(other)) for one, other in combinations(ways, 2)}
    rows = [pl.when(where).then("row").min().alias(name) for name, where in first.items()]
    return read.select(some.sum().alias("read"), *rows, *more)


def differ(one: pl.Expr, other: pl.Expr) -> pl.Expr:
    """Whether two ways read other values."""
    return (one != other).fill_null(False)


def whole_column(text: pl.Expr) -> pl.Expr:
    """Whether a day has a year of two digits or is a serial number: only its column tells which day it is."""
    return calendar_day(text).str.contains(
        r"^\d{1,2}\D\d{1,2}\D\d{1,2}$|^\d{1,2}\D.*\D\d\d$|^[A-Za-z].*\D\d\d$|^\d{5}(?:\.\d+)?$"
    )


def _date_evidence(cells: pl.LazyFrame, extract_date: date) -> pl.LazyFrame:
    """Days repeat: each distinct text is looked at once."""
    texts, text = cells.group_by("text").agg(pl.col("row").min()), pl.col("text")
    day = calendar_day(text)
    short = day.str.extract_groups(r"^(\d{1,2})[-/.](\d{1,2})[-/.](\d{1,2})$").struct
    first, last = short.field("1").cast(pl.Int32), short.field("3").cast(pl.Int32)
    # Whether, of the values in which two orders differ, one puts all after the extract, and the other none.
    ahead = [
        ((pl.col(one) > extract_date) & (pl.col(other) <= extract_date))
        .filter(differ(pl.col(one), pl.col(other)))
        .all()
        .alias(f"{one} after {other}")
        for one, other in permutations(DATE_ORDERS, 2)
    ]
    # Whether one order puts all of them among the days that nobody can misread, and the other none.
    alike = ~pl.any_horizontal(differ(pl.col(one), pl.col(other)) for one, other in combinations(DATE_ORDERS, 2))
    sure = pl.coalesce(DATE_ORDERS).filter(alike)
    among = {order: pl.col(order).is_between(sure.min(), sure.max()) for order in DATE_ORDERS}
    among_sure = [
        (among[one] & ~among[other])
        .fill_null(False)
        .filter(differ(pl.col(one), pl.col(other)))
        .all()
        .alias(f"{one} among, {other} not")
        for one, other in permutations(DATE_ORDERS, 2)
    ]
    newest = extract_date.year + YEARS_AHEAD
    return _evidence(
        texts,
        {order: parse_date(text, [order], newest) for order in DATE_ORDERS},
        *ahead,
        *among_sure,
        (~text.str.contains(r"^\s*\d{4}-\d{2}-\d{2}\s*$")).sum().alias("unusual"),
        parse_serial(text).count().alias("serials"),
        whole_column(text).sum().alias("short days"),
        first.drop_nulls().n_unique().alias("firsts"),
        first.max().alias("greatest first"),
        last.drop_nulls().n_unique().alias("lasts"),
        last.max().alias("greatest last"),
        pl.lit(extract_date.year).alias("year"),
    )


def _number_evidence(cells: pl.LazyFrame, most: float | None, *more: pl.Expr) -> pl.LazyFrame:
    """Numbers that bronze types as they stand, and that can be no others, tell nothing by themselves."""
    text = pl.col("text").str.strip_chars()
    unusual = text.cast(pl.Float64, strict=False).is_null() | says_either(text)
    point, comma = (pl.col(decimal).cast(pl.Float64, strict=False).abs() for decimal in DECIMALS)
    sizes = zip(DECIMALS, (point, comma), strict=True)
    beyond = {} if most is None else {f"{decimal} beyond": size > most for decimal, size in sizes}
    return _evidence(
        cells,
        {decimal: plain_number(text, [decimal]) for decimal in DECIMALS},
        unusual.sum().alias("unusual"),
        (point < comma).any().alias("pointed"),
        *(found.filter(point != comma).any().alias(name) for name, found in beyond.items()),
        *more,
    )


def _zip_evidence(cells: pl.LazyFrame) -> pl.LazyFrame:
    digits = digits_of_zips(pl.col("text"))
    return cells.select(
        short=(digits <= 3).sum(), whole=(digits == 5).sum(), without_zero=(digits == 4).sum(), unusual=pl.lit(0)
    )


def _percent_evidence(cells: pl.LazyFrame, most: float | None) -> pl.LazyFrame:
    """Numbers without a percent sign, by what they can be: fractions of one, percent, or either; and those with one."""
    text = pl.col("text").str.strip_chars()
    value = plain_number(text).cast(pl.Float64, strict=False).abs()
    above, whole = value > 1, value == value.round(0)
    return _number_evidence(
        cells,
        most,
        pl.when((value > 0) & (value < 1)).then("row").min().alias("fractions"),
        pl.when(value == 1).then("row").min().alias("ones"),
        pl.when(above & whole).then("row").min().alias("whole percent"),
        pl.when(above & ~whole).then("row").min().alias("other percent"),
        pl.when(text.str.ends_with("%")).then("row").min().alias("signed"),
    )
