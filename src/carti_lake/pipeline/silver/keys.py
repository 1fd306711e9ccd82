"""Keys for rows that come without one."""

import polars as pl
import polars_hash as plh


def derived(*parts: pl.Expr) -> pl.Expr:
    """A stable key from what identifies the row by nature; null where a part is."""
    joined = plh.concat_str(*(part.cast(pl.String) for part in parts), separator="\x1f")
    return pl.format("derived-{}", joined.nchash.xxhash64())
