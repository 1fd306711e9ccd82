"""Dates and numbers that a source's map says are written in one way, as bronze reads them: ISO days, decimal points."""

import polars as pl

from carti_lake.pipeline.reading import Hint

#: Years of two digits from here on are of the last century.
LAST_CENTURY = 70
STAMP = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}.*(?:Z|[+-]\d{2}:?\d{2})$"


def as_written(value: pl.Expr, dtype: pl.DataType, declared: pl.DataType, hint: Hint) -> pl.Expr:
    """The value in the form that bronze reads; as delivered where it is not of the form that the hint names."""
    if declared == pl.Date and hint.time_zone is not None:
        value = _day_in(value, dtype, hint.time_zone)
    if dtype != pl.String:
        return value
    if declared == pl.Date and hint.date_order is not None:
        return _iso(value, hint.date_order)
    if declared.is_numeric() and hint.decimal is not None:
        return _point(value, hint.decimal)
    return value


def _day_in(value: pl.Expr, dtype: pl.DataType, zone: str) -> pl.Expr:
    """The calendar day of an instant in the zone."""
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        return value.dt.convert_time_zone(zone).dt.date()
    if dtype != pl.String:
        return value
    stamp = pl.when(value.str.contains(STAMP)).then(value).str.replace(" ", "T")
    instant = stamp.str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
    return pl.coalesce(instant.dt.convert_time_zone(zone).dt.date().cast(pl.String), value)


def _iso(text: pl.Expr, order: str) -> pl.Expr:
    """A day in figures as ISO 8601, where such a day exists."""
    year = r"\d{4}|\d{2}"
    pattern = r"[-./ ]".join(f"({year})" if part == "y" else r"(\d{1,2})" for part in order)
    figures = text.str.strip_chars().str.extract_groups(rf"^{pattern}(?:[T ].*)?$").struct.rename_fields(list(order))
    given = figures.struct.field("y").cast(pl.Int32)
    century = pl.when(figures.struct.field("y").str.len_chars() == 4).then(0)
    full = given + century.when(given < LAST_CENTURY).then(2000).otherwise(1900)
    parts = [full.cast(pl.String), *(figures.struct.field(part).str.zfill(2) for part in "md")]
    iso = pl.concat_str(parts, separator="-")
    return pl.when(iso.str.to_date("%Y-%m-%d", strict=False).is_not_null()).then(iso).otherwise(text)


def _point(text: pl.Expr, decimal: str) -> pl.Expr:
    """A number with a decimal point and nothing between its digits."""
    thousands = r"[.'\s\u00a0\u202f\u2009]" if decimal == "," else r"[,'\s\u00a0\u202f\u2009]"
    bare = text.str.replace_all(thousands, "").str.replace(",", ".", literal=True)
    return pl.when(bare.str.contains(r"\d") & bare.str.contains(r"^[^.]*\.?[^.]*$")).then(bare).otherwise(text)
