"""Delivered columns as a source's map says they are to be read: paths, words, constants, units.

What a map changes is not lost: the value as delivered stands beside it, under ``… as delivered``, and goes to
``rescued`` as every column that the feed does not declare.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from carti_lake.pipeline.parse import DECIMALS, plain_number
from carti_lake.pipeline.reading import Hint

if TYPE_CHECKING:
    from polars._typing import PolarsDataType

#: A key of an object, or a place in a list.
Step = str | int
AS_DELIVERED = " as delivered"


@dataclass(frozen=True)
class Source:
    """Where a declared column comes from, and how it is written.

    Attributes
    ----------
    parts
        Delivered columns with the steps into their nested values; the texts of several are joined by a blank.
    strip
        What each text begins with and is no part of it.
    hint
        How the values are written.
    """

    parts: tuple[tuple[str, tuple[Step, ...]], ...]
    strip: str = ""
    hint: Hint = field(default_factory=Hint)


def mapped(
    rows: pl.LazyFrame,
    sources: Mapping[str, Source],
    constants: Mapping[str, str],
) -> pl.LazyFrame:
    """Rows with the columns that the map speaks of, and beside each its delivered value where that was another.

    Parameters
    ----------
    rows
        Delivered columns.
    sources
        By declared column.
    constants
        By declared column, the text of its value in every row.
    """
    delivered = rows.collect_schema()
    columns: dict[str, pl.Expr] = {name: pl.lit(text) for name, text in constants.items()}
    for name, source in sources.items():
        columns[name] = _value(source, delivered)
        # Under another name, the delivered column stays as it is.
        if name in delivered:
            changed = _text(pl.col(name), delivered[name]).ne_missing(_text(columns[name], None))
            columns[name + AS_DELIVERED] = pl.when(changed).then(pl.col(name))
    return rows.with_columns(**columns)


def _value(source: Source, delivered: pl.Schema) -> pl.Expr:
    found = [_inside(pl.col(name), delivered[name], steps) for name, steps in source.parts]
    value, dtype = found[0]
    hint = source.hint
    if len(found) > 1:
        texts = [_text(one, kind).str.strip_chars() for one, kind in found]
        value, dtype = pl.concat_str(texts, separator=" ", ignore_nulls=True), pl.String()
    words = {word.strip().lower(): meaning or None for word, meaning in hint.values.items()}
    words |= {word.strip().lower(): None for word in hint.null_words}
    if source.strip or words:
        value, dtype = _text(value, dtype).str.strip_prefix(source.strip), pl.String()
        # A cell without a value is the empty word.
        value = value.fill_null("") if words.get("") is not None else value
        value = _meaning(value, words) if words else value
    return value if hint.scale is None else _scaled(value, dtype, hint.scale, hint.decimal)


def _inside(value: pl.Expr, dtype: pl.DataType, steps: Sequence[Step]) -> tuple[pl.Expr, pl.DataType]:
    """What the steps lead to, null where they lead nowhere, and its type; JSON is text."""
    if not steps:
        return value, dtype
    first, *rest = steps
    if isinstance(dtype, pl.Struct):
        kinds = {field.name: field.dtype for field in dtype.fields}
        if first in kinds:
            return _inside(value.struct.field(str(first)), _kind(kinds[str(first)]), rest)
    if isinstance(dtype, pl.List) and isinstance(first, int):
        return _inside(value.list.get(first, null_on_oob=True), _kind(dtype.inner), rest)
    if dtype == pl.String:
        path = "".join(f"[{step}]" if isinstance(step, int) else f"['{step}']" for step in steps)
        return value.str.json_path_match(f"${path}"), dtype
    return pl.lit(None, pl.String), pl.String()


def _kind(dtype: "PolarsDataType") -> pl.DataType:
    return dtype() if isinstance(dtype, type) else dtype


def _text(value: pl.Expr, dtype: pl.DataType | None) -> pl.Expr:
    """A value as text; a whole float of a spreadsheet without its ``.0``."""
    if dtype is None or not dtype.is_float():
        return value.struct.json_encode() if isinstance(dtype, pl.Struct) else value.cast(pl.String)
    return (
        pl.when(value == value.round())
        .then(value.cast(pl.Int64, strict=False).cast(pl.String))
        .otherwise(value.cast(pl.String))
    )


def _meaning(text: pl.Expr, words: Mapping[str, str | None]) -> pl.Expr:
    """What a word stands for, whatever its case and the blanks around it; a word that the map lacks as delivered."""

    def look_up(batch: pl.Series) -> pl.Series:
        word = batch.str.strip_chars().str.to_lowercase()
        meaning = word.replace_strict(words, default=None, return_dtype=pl.String)
        return batch.zip_with(~word.is_in(list(words)), meaning)

    # By batches: ``replace_strict`` in a plan holds every column of every row in memory.
    return text.map_batches(look_up, return_dtype=pl.String, is_elementwise=True)


def _scaled(value: pl.Expr, dtype: pl.DataType, scale: float, decimal: str | None) -> pl.Expr:
    """The number in the declared unit; what is no number as delivered."""
    number = value.cast(pl.String) if dtype.is_numeric() else plain_number(value, [decimal] if decimal else DECIMALS)
    mantissa, exponent = f"{scale:.15e}".split("e")
    # By the exponent: 1999 cents are the double of 19.99, where 1999 * 0.01 is a little more.
    product = (number + f"e{exponent}").cast(pl.Float64, strict=False) * float(mantissa)
    return product if dtype.is_numeric() else pl.coalesce(product.cast(pl.String), value)
