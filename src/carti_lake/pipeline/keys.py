"""Keys as the lake stores them: a hash of the business key, and pseudonyms of identifiers."""

import polars as pl
import polars_hash as plh


def key_hash(columns: list[str]) -> pl.Expr:
    """Stable 64-bit hash of the business key; null where a part of it is."""
    joined = plh.concat_str(*columns, separator="\x1f") if len(columns) > 1 else plh.col(columns[0])
    return joined.nchash.xxhash64().reinterpret(signed=True)


def pseudonym(column: str, secret: str) -> pl.Expr:
    """First 60 bits of SHA-256 over the secret and the identifier; null where it is blank."""
    digest = plh.concat_str(pl.lit(secret), identifier(pl.col(column))).chash.sha2_256()
    return digest.str.slice(0, 15).str.to_integer(base=16)


def identifier(text: pl.Expr) -> pl.Expr:
    """An identifier without blanks around it; null where nothing is left."""
    bare = text.str.strip_chars()
    return pl.when(bare.str.len_bytes() > 0).then(bare)
