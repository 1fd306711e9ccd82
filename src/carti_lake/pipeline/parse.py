"""Delivered text to values: dates, money, numbers, flags. What cannot be read becomes null."""

import polars as pl

DATE_FORMATS = ("%Y-%m-%d", "%m/%d/%Y", "%Y/%m/%d", "%Y%m%d", "%d-%b-%Y", "%b %d, %Y", "%m-%d-%Y", "%d.%m.%Y")
TRUE = ("true", "t", "yes", "y", "1", "1.0")
FALSE = ("false", "f", "no", "n", "0", "0.0")


def parse_date(text: pl.Expr) -> pl.Expr:
    """Date of a text: ISO 8601 with or without a time of day, US month first, or a named month; 31/02 is null."""
    day = text.str.strip_chars().str.replace(r"^(\d{4}-\d{2}-\d{2})[T ].*$", "$1")
    return pl.coalesce(day.str.to_date(pattern, strict=False, exact=True) for pattern in DATE_FORMATS)


def plain_number(text: pl.Expr) -> pl.Expr:
    """A number's text without currency, blanks, thousands separators and accounting parentheses.

    ``(1,234.50)`` is negative; ``1.234,50`` has the decimal comma of continental Europe.
    """
    bare = text.str.replace_all(r"(?i)usd|[$€\s\u00a0]", "")
    negative = bare.str.contains(r"^\(.*\)$|-$")
    digits = bare.str.replace_all(r"[()]", "").str.replace(r"-$", "")
    continental = digits.str.contains(r"^-?\d{1,3}(\.\d{3})*,\d{1,2}$")
    us = digits.str.contains(r"^-?\d{1,3}(,\d{3})+(\.\d+)?$")
    plain = (
        pl.when(continental)
        .then(digits.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True))
        .when(us)
        .then(digits.str.replace_all(",", "", literal=True))
        .otherwise(digits)
    )
    return pl.when(negative).then("-" + plain).otherwise(plain)


def parse_decimal(text: pl.Expr, dtype: pl.Decimal) -> pl.Expr:
    """Exact number of a text, to the scale of ``dtype``."""
    number = plain_number(text)
    # Through a double, as bronze holds numbers: a redelivery as plain text must give the same cents.
    return number.cast(pl.Float64, strict=False).cast(dtype, strict=False)


def parse_whole(text: pl.Expr) -> pl.Expr:
    """Whole number of a text; one with a fraction is null."""
    return whole(plain_number(text).cast(pl.Float64, strict=False))


def whole(number: pl.Expr) -> pl.Expr:
    """The double as a whole number; null where it has a fraction."""
    return pl.when(number == number.round(0)).then(number).cast(pl.Int64, strict=False)


def parse_flag(text: pl.Expr) -> pl.Expr:
    """True or false of a text."""
    word = text.str.strip_chars().str.to_lowercase()
    return pl.when(word.is_in(TRUE)).then(True).when(word.is_in(FALSE)).then(False)
