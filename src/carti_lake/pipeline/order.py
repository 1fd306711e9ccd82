"""The order of delivery: where each delivered row stands in it, and rows told by that place."""

from collections.abc import Sequence

import numpy as np
import polars as pl
import polars_hash as plh

#: Bits of the order of delivery, from the least: batch, row content, row number, delivered_at (ms), extract date.
BATCH_BITS, CONTENT_BITS, ROW_BITS, DELIVERED_BITS = 23, 12, 32, 43


def order() -> pl.Expr:
    """Place of a row in the order of delivery: extract date, delivered_at, row number, row content, batch."""

    def low_bits(number: pl.Expr, bits: int) -> pl.Expr:
        return (number & ((1 << bits) - 1)).cast(pl.Int128)

    batch = plh.col("batch_id").nchash.xxhash64().reinterpret(signed=True)
    place = pl.col("extract_date").cast(pl.Int32).cast(pl.Int128)
    for part, bits in (
        (pl.col("delivered_at").dt.epoch("ms").cast(pl.Int128), DELIVERED_BITS),
        (pl.col("row_number").cast(pl.Int128), ROW_BITS),
        (low_bits(pl.col("row_hash"), CONTENT_BITS), CONTENT_BITS),
        (low_bits(batch, BATCH_BITS), BATCH_BITS),
    ):
        place = place * (1 << bits) + part
    return place


def row_number(place: pl.Expr) -> pl.Expr:
    """The row number in a place of the order of delivery."""
    return (place // (1 << (CONTENT_BITS + BATCH_BITS)) % (1 << ROW_BITS)).cast(pl.Int64)


def at_places(places: pl.LazyFrame) -> pl.Expr:
    """Whether a row is one of those at the given places.

    Parameters
    ----------
    places
        ``batch_id`` and ``order`` of delivered rows.
    """
    return among(places.select("batch_id", row_number=row_number(pl.col("order"))))


def among(rows: pl.LazyFrame) -> pl.Expr:
    """Whether a delivered row is one of the given ones, which are read at once.

    A look-up in a row of flags for each batch: a join for the same would hold every column of every row in memory.

    Parameters
    ----------
    rows
        ``batch_id`` and ``row_number`` of delivered rows.
    """
    flags = {}
    numbers = pl.col("row_number").cast(pl.UInt32)
    batches = rows.group_by("batch_id").agg(numbers).collect(engine="streaming")
    for batch, of_batch in zip(batches["batch_id"], batches["row_number"], strict=True):
        wanted = of_batch.to_numpy()
        flags[batch] = np.zeros(wanted.max() + 1, np.bool_)
        flags[batch][wanted] = True
    none = np.zeros(1, np.bool_)

    def look_up(columns: Sequence[pl.Series]) -> pl.Series:
        # Statistics of files are asked as well, and they may be null.
        batches, numbers = columns[0], columns[1].fill_null(0)
        found = np.zeros(len(batches), np.bool_)
        runs = batches.rle().struct.unnest()
        start = 0
        for length, batch in runs.iter_rows():
            of_batch = flags.get(batch, none)
            wanted = numbers[start : start + length].to_numpy()
            # Number 0 is no row's: it stands for those behind the last flag.
            found[start : start + length] = of_batch[np.where(wanted < len(of_batch), wanted, 0)]
            start += length
        return pl.Series(found)

    return pl.map_batches(["batch_id", "row_number"], look_up, return_dtype=pl.Boolean, is_elementwise=True)
