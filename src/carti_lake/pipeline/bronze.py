"""From delivered columns to bronze rows: typed where the value fits exactly, verbatim in ``rescued`` where not."""

from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Any
from zlib import crc32

import polars as pl
import polars_hash as plh

from carti_lake.pipeline.codes import whole_zip
from carti_lake.pipeline.parse import (
    BEYOND_DOUBLE,
    DATE_ORDERS,
    DECIMALS,
    by_distinct,
    has_time_of_day,
    instant,
    parse_date,
    parse_flag,
    parse_number,
    parse_serial,
    says_either,
)
from carti_lake.pipeline.reading import Reading, ways_first
from carti_lake.tables.checks import NULL_SPELLINGS, NULL_WORDS
from carti_lake.tables.feeds import Feed

#: The first day that a four-digit year can name: "24-01-05" is no ISO date of the first century.
FIRST_DAY = date(1000, 1, 1)

#: Whole numbers up to here are doubles.
EXACT, EXACT_OF_FLOAT = 2.0**53, 2.0**24
NO_READINGS: Mapping[str, Reading] = {}

#: Columns of our own on the way; no delivered header holds a control character.
FITTED, NUMBER, PLACE = "\x1ffitted ", "\x1fnumber", "\x1fplace"
#: Before a column's name: what stands where its reader found no value (``#REF!``), and goes to ``rescued`` as it is.
UNREAD = "\x1funread "


def bronze(rows: pl.LazyFrame, feed: type[Feed], readings: Mapping[str, Reading] = NO_READINGS) -> pl.LazyFrame:
    """Rows of an extract as bronze keeps them: declared columns, ``rescued``, ``row_number``, ``row_hash``.

    A delivered value that its column's type cannot hold exactly is null in its column and stands verbatim in
    ``rescued`` (JSON, column to value), as do the values of columns that the feed does not declare. Empty text and
    words for having no value count as null. Rows keep their order. ``row_hash`` is taken over what bronze holds, so the
    same row has the same hash whether it came as CSV, Parquet or a frame.

    Parameters
    ----------
    rows
        Delivered columns under the feed's names.
    feed
        Contract of the extract.
    readings
        How columns are written, as :func:`~carti_lake.pipeline.reading.decide` found it. Such a column is read so; what
        its type does not say in full, a time of day, stands in ``rescued`` beside the value. Other columns are typed
        where the value fits as it stands.
    """
    delivered = rows.collect_schema()
    declared = feed.delivered()
    unknown = sorted(set(delivered) - set(declared))
    read = {name: readings[name] for name in declared if name in delivered and name in readings}
    refitted = [
        name for name, dtype in declared.items() if name in delivered and (delivered[name] != dtype or name in read)
    ]
    columns = {
        name: pl.col(FITTED + name)
        if name in refitted
        else _as_delivered(name, dtype, feed)
        if name in delivered
        else pl.lit(None, dtype)
        for name, dtype in declared.items()
    }
    return (
        # Numbered first: the scan does it by itself, where a node of its own would let rows pile up before it.
        rows.with_row_index(NUMBER, offset=1)
        .with_columns(
            (
                _read(name, delivered[name], declared[name], read[name], feed)
                if name in read
                else _fit(name, delivered[name], feed)
            ).alias(FITTED + name)
            for name in refitted
        )
        .with_columns(_plausible(FITTED + name, declared[name]) for name in refitted)
        .select(
            **columns,
            rescued=_rescued(refitted, read, unknown, delivered, feed),
            row_number=pl.col(NUMBER).cast(pl.Int64),
        )
        .with_columns(row_hash=_row_hash({name: declared[name] for name in declared if name in delivered}))
    )


def withdrawal(rows: pl.LazyFrame, feed: type[Feed]) -> pl.LazyFrame:
    """Bronze rows delivered again as withdrawn, each with its own hash."""
    marked = rows.with_columns(is_deleted=pl.lit(True))
    return marked.with_columns(row_hash=_row_hash(feed.delivered()))


def _row_hash(columns: dict[str, pl.DataType]) -> pl.Expr:
    """Sum of the hashes of the row's values, each seeded with its column's name; a null adds nothing.

    So a column that the feed gains later does not change the hash of rows that were delivered without it.
    """

    def cell(name: str, dtype: pl.DataType) -> pl.Expr:
        value = pl.col(name)
        if dtype == pl.Date:
            value = value.cast(pl.Int32)
        elif dtype.is_float():
            value = value + 0.0  # of the two zeros, the positive one
        octets = value if dtype == pl.String else plh.BytesNameSpace(value).to_le()
        return plh.NonCryptographicHashingNameSpace(octets).xxh3_64(seed=crc32(name.encode()))

    cells = [cell(name, dtype) for name, dtype in {**columns, "rescued": pl.String()}.items()]
    return pl.sum_horizontal(cells).reinterpret(signed=True)


def _as_delivered(name: str, dtype: pl.DataType, feed: type[Feed]) -> pl.Expr:
    """A column delivered in its declared type, without the values that stand for none."""
    if dtype == pl.String:
        return _fit_text(pl.col(name), dtype, feed.meta(name))
    return pl.col(name).fill_nan(None) if dtype.is_float() else pl.col(name)


def _says_something(text: pl.Expr, meta: Mapping[str, Any]) -> pl.Expr:
    """Whether a text is more than blanks or a word for having no value; of a name, in a spelling that no name has."""
    words = NULL_SPELLINGS if meta.get("name") else NULL_WORDS
    return ~text.is_in(["", *words])


def _fit(name: str, delivered: pl.DataType, feed: type[Feed]) -> pl.Expr:
    """The column in its declared type, null where the delivered value does not fit."""
    value, declared, meta = pl.col(name), feed.delivered()[name], feed.meta(name)
    if delivered == pl.Null:
        return value.cast(declared)
    if delivered == pl.String:
        return _fit_text(value, declared, meta)
    if delivered in (pl.Categorical, pl.Enum):
        return _fit_text(value.cast(pl.String), declared, meta)
    if declared == pl.String:
        return _text_of(value, delivered)
    if declared == pl.Date and delivered == pl.Datetime:
        return pl.when(value.dt.time() == time(0)).then(value.dt.date())
    if delivered.is_numeric() and (declared.is_numeric() or declared == pl.Boolean):
        cast = value.cast(declared, strict=False)
        return pl.when(cast.cast(delivered, strict=False) == value).then(cast)
    return pl.lit(None, declared)


def _fit_text(text: pl.Expr, declared: pl.DataType, meta: Mapping[str, Any]) -> pl.Expr:
    """Text in its declared type: ISO dates, plain numbers, flags."""
    if declared == pl.String:
        return pl.when(_says_something(text, meta)).then(text)
    bare = text.str.strip_chars()
    if declared == pl.Date:
        # Without the cache: parsing a day costs less than looking it up.
        return bare.str.to_date("%Y-%m-%d", strict=False, cache=False)
    if declared == pl.Boolean:
        return parse_flag(text, meta.get("yes", ()), meta.get("no", ()))
    number = bare.cast(declared, strict=False)
    return pl.when(~says_either(bare)).then(number) if declared.is_numeric() else number


def _read(name: str, delivered: pl.DataType, declared: pl.DataType, reading: Reading, feed: type[Feed]) -> pl.Expr:
    """The column in its declared type, read as the whole column is written."""
    value = pl.col(name)
    if delivered in (pl.Categorical, pl.Enum):
        value, delivered = value.cast(pl.String), pl.String()
    if reading.zeros is not None:
        return by_distinct(
            _fit(name, delivered, feed), lambda text: whole_zip(text, lost=reading.zeros == "lost"), declared
        )
    if declared == pl.Date and delivered == pl.String:
        return by_distinct(value, lambda text: _day(text, reading), declared)
    if declared == pl.Date and isinstance(delivered, pl.Datetime) and reading.time_zone and delivered.time_zone:
        return value.dt.convert_time_zone(reading.time_zone).dt.date()
    if not declared.is_numeric() or (delivered != pl.String and not delivered.is_numeric()):
        return _fit(name, delivered, feed)
    fitted = value.cast(declared)
    if delivered == pl.String:
        fitted = parse_number(value.str.strip_suffix("%"), ways_first(reading.decimal, DECIMALS))
        return pl.when(value.str.ends_with("%")).then(fitted).otherwise(fitted * reading.scale)
    return fitted * reading.scale


def _day(text: pl.Expr, reading: Reading) -> pl.Expr:
    if reading.date_order == "serial":
        return parse_serial(text)
    orders = ways_first(reading.date_order, DATE_ORDERS) if reading.date_order else ()
    day = parse_date(text, orders, reading.newest)
    return day if reading.time_zone is None else pl.coalesce(instant(text, reading.time_zone).dt.date(), day)


def _text_of(value: pl.Expr, delivered: pl.DataType) -> pl.Expr:
    """A typed value as text, null for nested and binary ones."""
    if delivered.is_float():
        # Spreadsheets and pandas turn whole numbers into floats: patient 17 is not "17.0".
        whole = value.cast(pl.Int64, strict=False)
        exact = (value == whole) & (value.abs() < (EXACT_OF_FLOAT if delivered == pl.Float32 else EXACT))
        return pl.when(exact).then(whole.cast(pl.String)).otherwise(in_figures(value))
    if delivered == pl.Duration:
        return value.dt.to_string("iso")
    if isinstance(delivered, pl.Decimal):
        # Databases without whole numbers have decimals for them: patient 17 is not "17.0000000000".
        return value.cast(pl.String).str.replace(r"\.0+$", "")
    return pl.lit(None, pl.String) if delivered.is_nested() or delivered == pl.Binary else value.cast(pl.String)


def in_figures(value: pl.Expr) -> pl.Expr:
    """A float as text; whole numbers that it does not hold exactly in scientific notation, as others round them."""
    text = value.fill_nan(None).cast(pl.String)
    whole = (value == value.round(0)) & ~text.str.contains("e", literal=True)
    return pl.when(whole).then(text.str.strip_suffix(".0") + "E+0").otherwise(text)


def _plausible(column: str, declared: pl.DataType) -> pl.Expr:
    """A fitted column without what merely parses: infinity, lost decimals, empty text, years of two digits."""
    value = pl.col(column)
    if declared.is_float():
        # Beyond that, only whole numbers are what was delivered; infinity and not-a-number are neither.
        whole = (value.abs() < EXACT) & (value == value.round(0))
        return pl.when((value.abs() < BEYOND_DOUBLE) | whole).then(value)
    if declared == pl.Date:
        return pl.when(value >= FIRST_DAY).then(value)
    return pl.when(value != "").then(value) if declared == pl.String else value


def _rescued(
    refitted: list[str], read: Mapping[str, Reading], unknown: list[str], delivered: pl.Schema, feed: type[Feed]
) -> pl.Expr:
    """JSON of the values that found no place, null for the usual row where all did."""
    if not refitted and not unknown:
        return pl.lit(None, pl.String)

    def rescue(batch: Sequence[pl.Series]) -> pl.Series:
        nulls = {column.name: column.null_count() for column in batch}
        rescued = pl.repeat(None, len(batch[0]), dtype=pl.String, eager=True)
        # No more nulls than were delivered: the whole column fitted, and JSON costs nothing where nothing is rescued.
        lossy = [name for name in refitted if nulls[FITTED + name] > nulls[name]]
        homeless = {name: _has_value(name, delivered[name], feed) & pl.col(FITTED + name).is_null() for name in lossy}
        for name in read:
            if feed.delivered()[name] == pl.Date and (said := _time_of_day(name, delivered[name])) is not None:
                homeless[name] = homeless.get(name, pl.lit(False)) | said
        homeless |= {name: _has_value(name, delivered[name], feed) for name in unknown}
        if not homeless:
            return rescued
        rows = pl.DataFrame(batch).with_row_index(PLACE).filter(pl.any_horizontal(homeless.values()))
        members = [pl.when(lost).then(_json_member(name, delivered[name])) for name, lost in homeless.items()]
        json = rows.select("{" + pl.concat_str(members, separator=",", ignore_nulls=True) + "}").to_series()
        return rescued.scatter(rows[PLACE], json)

    return pl.map_batches(
        [*refitted, *(FITTED + name for name in refitted), *unknown],
        rescue,
        return_dtype=pl.String,
        is_elementwise=True,
    )


def _time_of_day(name: str, dtype: pl.DataType) -> pl.Expr | None:
    """Whether a moment says more than its day; None where the type holds no time."""
    if dtype == pl.String:
        return has_time_of_day(pl.col(name))
    return pl.col(name).dt.time() != time(0) if dtype == pl.Datetime else None


def _has_value(name: str, dtype: pl.DataType, feed: type[Feed]) -> pl.Expr:
    value = pl.col(name)
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        text = value.cast(pl.String)
        # Of a column that nobody declared, nothing is left out but blanks.
        bare = text.str.strip_chars()
        said = _says_something(bare, feed.meta(name)) if name in feed.delivered() else bare != ""
        return value.is_not_null() & said
    return value.is_not_null() & value.is_not_nan() if dtype.is_float() else value.is_not_null()


def _json_member(name: str, dtype: pl.DataType) -> pl.Expr:
    """One member of a JSON object: ``"claim_amount":"$1,234"``."""
    value = pl.col(name)
    if dtype == pl.Binary:
        value = value.bin.encode("base64")
    elif dtype.is_float():
        value = value.cast(pl.String)
    elif not dtype.is_nested():
        value = _text_of(value, dtype)
    return pl.struct(value.alias(name.removeprefix(UNREAD))).struct.json_encode().str.head(-1).str.slice(1)
