"""How the rows of a table differ between two of its versions."""

import polars as pl

from carti_lake.tables import Table


def diff(before: pl.LazyFrame, after: pl.LazyFrame, table: type[Table]) -> pl.LazyFrame:
    """Rows inserted, updated and deleted between two states of a table.

    Returns
    -------
    pl.LazyFrame
        ``change`` (inserted, updated, deleted), the key, ``changed_columns`` (list of names), then for every other
        column its new value under its name and its old value under ``<name>_before``.
    """
    key = table.key()
    schema = {**after.collect_schema(), **before.collect_schema()}
    values = [name for name in schema if name not in key]
    old = _with_columns_of(before, schema).with_columns(_before=pl.lit(True))
    new = _with_columns_of(after, schema).with_columns(_after=pl.lit(True))
    both = new.join(old, on=key, how="full", suffix="_before", coalesce=True)
    differing = pl.concat_list(
        pl.when(pl.col(name).ne_missing(pl.col(f"{name}_before"))).then(pl.lit(name)) for name in values
    ).list.drop_nulls()
    change = (
        pl.when(pl.col("_before").is_null())
        .then(pl.lit("inserted"))
        .when(pl.col("_after").is_null())
        .then(pl.lit("deleted"))
        .otherwise(pl.lit("updated"))
    )
    return (
        both.with_columns(change=change, changed_columns=differing)
        .filter((pl.col("change") != "updated") | (pl.col("changed_columns").list.len() > 0))
        .select("change", *key, "changed_columns", *(side for name in values for side in (name, f"{name}_before")))
        .sort("change", *key)
    )


def _with_columns_of(rows: pl.LazyFrame, schema: dict[str, pl.DataType]) -> pl.LazyFrame:
    """Rows with null in the columns that the table has only in its other state."""
    missing = schema.keys() - rows.collect_schema().keys()
    return rows.with_columns(pl.lit(None, schema[name]).alias(name) for name in missing)
