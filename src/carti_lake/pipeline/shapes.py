"""What values look like, without saying what they are: kinds, orders of dates, shapes."""

from collections.abc import Mapping

import polars as pl

from carti_lake.pipeline.codes import icd10, npi, procedure, zip3
from carti_lake.pipeline.parse import FALSE, TRUE, parse_date, plain_number

FIGURES = r"^\s*(\d{1,2})[-./](\d{1,2})[-./](?:\d{4}|\d{2})(?:\D.*)?$"

#: Kinds of values, each with when a text is of it.
KINDS: Mapping[str, pl.Expr] = {
    "day": pl.col("text").str.contains(FIGURES) | parse_date(pl.col("text")).is_not_null(),
    "number": plain_number(pl.col("text")).cast(pl.Float64, strict=False).is_not_null(),
    "flag": pl.col("text").str.strip_chars().str.to_lowercase().is_in([*TRUE, *FALSE]),
    "icd10": icd10(pl.col("text")).is_not_null(),
    "procedure": procedure(pl.col("text")).str.contains(r"^(\d{5}|[A-Z]\d{4}|\d{4}[A-Z]|\d{6,18})$"),
    "npi": npi(pl.col("text")).is_not_null(),
    "zip3": zip3(pl.col("text")).is_not_null(),
}


def kinds(texts: pl.Series) -> dict[str, float]:
    """Share of the texts that are of each kind; all zero where there are none."""
    if texts.is_empty():
        return dict.fromkeys(KINDS, 0.0)
    shares = texts.to_frame("text").select(**{name: found.fill_null(False).mean() for name, found in KINDS.items()})
    return shares.row(0, named=True)


def shapes(texts: pl.Series, most: int = 3) -> dict[str, int]:
    """The commonest shapes with their counts: ``V-1034`` has the shape ``A-9``; nothing of a value is told."""
    plain = texts.str.replace_all(r"[\p{L}\p{M}]+", "A").str.replace_all(r"\p{N}+", "9")
    shape = plain.str.replace_all(r"[^A9\-./ ,:()@#_]", "*").str.slice(0, 40).rename("shape")
    counts = shape.to_frame().group_by("shape").len().sort("len", "shape", descending=[True, False]).head(most)
    return dict(counts.iter_rows())


def date_order(texts: pl.Series) -> str | None:
    """``dmy`` or ``mdy`` where a figure above 12 proves it, ``either`` where none does; None for other dates."""
    parts = texts.str.extract_groups(FIGURES).struct.unnest()
    first, second = (parts[name].cast(pl.Int32) for name in ("1", "2"))
    if first.null_count() == len(texts):
        return None
    days_first, days_second = bool((first > 12).any()), bool((second > 12).any())
    if days_first == days_second:
        return "either"
    return "dmy" if days_first else "mdy"


def has_decimal_comma(texts: pl.Series) -> bool:
    """Whether a number has its decimals after a comma, and none after a point."""
    comma = texts.str.contains(r"^\s*-?\d{1,3}(?:\.\d{3})*,\d{1,2}\s*$|^\s*-?\d+,\d{1,2}\s*$")
    return bool(comma.any()) and not bool(texts.str.contains(r"\.\d{1,2}\s*$").any())
