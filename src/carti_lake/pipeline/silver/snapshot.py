"""Feeds that deliver a full list each time: what the newest list lacks is withdrawn.

A list is all that was delivered about one extract date, in however many files.
"""

import polars as pl

from carti_lake.pipeline.order import order


def unlisted(
    upserts: pl.LazyFrame, delivered: pl.LazyFrame, silver: pl.LazyFrame, quarantine: pl.LazyFrame, *, rebuild: bool
) -> pl.LazyFrame:
    """The rows to upsert, with ``withdrawn`` as the newest list says, and the standing rows for which that changes.

    Parameters
    ----------
    upserts
        New current rows.
    delivered
        All new rows, valid or not, with their ``order``.
    silver, quarantine
        The tables as they stand; without meaning where ``rebuild``.
    rebuild
        Whether the new rows are all rows there ever were.
    """
    place = ("key_hash", "extract_date", "order")
    known = [delivered.select(*place, gone="withdrawn")]
    if not rebuild:
        known.append(silver.with_columns(order=order()).select(*place, gone="withdrawn"))
        refused = quarantine.with_columns(order=order())
        known.append(refused.select(*place, gone=pl.col("is_deleted").fill_null(False)))
    every = pl.concat(known)
    newest = every.select(pl.col("extract_date").max())
    # Of what a list says of a key the last row counts, refused or not, whatever files the list came in.
    last = pl.col("gone").sort_by("order").last()
    listed = (
        every.join(newest, on="extract_date", how="semi")
        .group_by("key_hash")
        .agg(gone=last)
        .filter(~pl.col("gone"))
        .select("key_hash", listed=pl.lit(True))
    )
    marked = (
        upserts.join(listed, on="key_hash", how="left")
        .with_columns(withdrawn=pl.col("listed").is_null())
        .drop("listed")
    )
    if rebuild:
        return marked
    kept = silver.join(upserts, on="key_hash", how="anti").join(listed, on="key_hash", how="left")
    turned = kept.filter(pl.col("withdrawn") != pl.col("listed").is_null()).with_columns(withdrawn=~pl.col("withdrawn"))
    return pl.concat([marked, turned.drop("listed")], how="diagonal")
