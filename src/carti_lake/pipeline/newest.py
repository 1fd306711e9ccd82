"""Newest wins: which delivered row is the current one of its key, which are refused, and what became of the rest.

The result depends on the rows alone, never on how they were split, repeated or in which order they were loaded.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import polars as pl

#: What settling needs of a row.
LIGHT = ("key_hash", "order", "row_hash", "batch_id")
#: What became of a batch's rows; together they are the batch.
OUTCOMES = ("silver_rows", "superseded_rows", "duplicate_rows", "quarantined_rows")
#: What the ledger says of a batch, in the order of its numbers: those, and what its own rows took from each other.
BOOKS = {
    **dict.fromkeys(OUTCOMES, pl.Int64()),
    "displaced_rows": pl.Int64(),
    "displaced_amount": pl.Decimal(18, 4),
}


@dataclass(frozen=True)
class Resolution:
    """What a step does to silver and quarantine.

    Attributes
    ----------
    superseded
        New rows (``LIGHT``) that are not the current row of their key, broken ones among them; all others are.
    replaced
        Rows of ``current`` that a new row replaces.
    refused
        New rows (``LIGHT``) that go to quarantine.
    released
        Rows of the quarantine that leave it.
    rivals
        Valid new rows (``LIGHT``) that share their key with a row of their own batch that says something else.
    silver_ledger, quarantine_ledger
        By ``batch_id``: changes of :data:`OUTCOMES` that go with the commit of silver, of quarantine.
    """

    superseded: pl.DataFrame
    replaced: pl.DataFrame
    rivals: pl.DataFrame
    refused: pl.DataFrame
    released: pl.DataFrame
    silver_ledger: pl.DataFrame
    quarantine_ledger: pl.DataFrame


def narrow(rows: pl.LazyFrame) -> pl.LazyFrame:
    """What resolving needs of cleansed rows: ``LIGHT`` and ``broken``."""
    return rows.select(*LIGHT, "broken")


def in_bucket(buckets: int) -> pl.Expr:
    """The number of a row's bucket, from 0: rows of one key share one, and can be resolved without all others."""
    return (pl.col("key_hash").reinterpret(signed=False) % buckets).fill_null(0)


def together(parts: Sequence[Resolution]) -> Resolution:
    """What all buckets together do; each was resolved by itself."""
    ledgers = ("silver_ledger", "quarantine_ledger")
    joined = {one.name: pl.concat(getattr(part, one.name) for part in parts) for one in fields(Resolution)}
    return Resolution(**{name: ledger(rows) if name in ledgers else rows for name, rows in joined.items()})


def resolve_versions(rows: pl.LazyFrame, current: pl.DataFrame, quarantined: pl.DataFrame) -> Resolution:
    """Settle new rows against the current row of their keys and the refused rows of the same keys.

    Parameters
    ----------
    rows
        New rows: ``LIGHT`` and ``broken`` (Boolean). Rows that silver or quarantine holds already may be
        among them.
    current
        Silver's rows of the same keys (``LIGHT`` and whatever the caller wants back in ``replaced``).
    quarantined
        Quarantine's rows of the same keys, and those without a readable key (``LIGHT``).
    """
    # Narrow and read several times: held in memory (batches as numbers), not computed again each time.
    compact = narrow(rows).with_columns(pl.col("batch_id").cast(pl.Categorical))
    light = compact.collect(engine="streaming").lazy().with_columns(pl.col("batch_id").cast(pl.String))
    valid = light.filter(~pl.col("broken")).select(LIGHT)
    bad = light.filter("broken").select(LIGHT).collect(engine="streaming")
    held = current.lazy().select("key_hash", "order")
    best = (
        pl.concat([valid.select("key_hash", "order"), held])
        .group_by("key_hash")
        .agg(pl.col("order").max().alias("best"), pl.len().alias("rows"))
        .collect(engine="streaming")
    )
    # Only the rows of contested keys are looked at again: most keys have one row.
    contested = best.lazy().filter(pl.col("rows") > 1).select("key_hash", "best")
    contesting = valid.join(contested, on="key_hash").collect(engine="streaming")
    superseded = contesting.filter(pl.col("order") < pl.col("best")).select(LIGHT)
    replaced = current.join(best, on="key_hash").filter(pl.col("order") < pl.col("best")).drop("best", "rows")
    rivals = _rivals(contesting.select(LIGHT))
    waiting = _waiting(bad, quarantined, best.select("key_hash", "best"))
    refused = waiting.join(quarantined, on=["batch_id", "order"], how="anti")
    released = quarantined.join(waiting, on=["batch_id", "order"], how="anti")
    return Resolution(
        superseded=pl.concat([superseded, bad]),
        replaced=replaced,
        rivals=rivals,
        refused=refused,
        released=released,
        silver_ledger=_silver_ledger(valid, superseded, current, replaced),
        quarantine_ledger=_quarantine_ledger(bad, quarantined, refused, released),
    )


def _rivals(contesting: pl.DataFrame) -> pl.DataFrame:
    """Of rows of contested keys, those whose batch has another content for the key."""
    group, content = ["batch_id", "key_hash"], pl.col("row_hash")
    several = contesting.lazy().group_by(group).agg(first=content.min(), last=content.max())
    found = several.filter(pl.col("first") != pl.col("last")).collect(engine="streaming")
    return contesting.clear() if found.is_empty() else contesting.join(found, on=group, how="semi")


def displaced(rivals: pl.LazyFrame, takes_back: pl.Expr, amount: str | None) -> pl.LazyFrame:
    """By ``batch_id``, ``displaced_rows`` and ``displaced_amount``: what a batch says and silver does not hold.

    Of several rows of one key the last is current. A row is displaced where another row of its batch that says
    something else comes after it; not where that is one that takes it back, which is what such rows are for.

    Parameters
    ----------
    rivals
        Rows of :attr:`Resolution.rivals`: ``LIGHT``, and the columns that the others name.
    takes_back
        Whether a row takes back the row before it, a withdrawal or a reversal; such a row is not displaced itself.
    amount
        Column that is summed; none where the table has no dollars.
    """
    group = ["batch_id", "key_hash"]
    dollars = pl.lit(0) if amount is None else pl.col(amount)
    contents = rivals.sort("order").unique([*group, "row_hash"], keep="last", maintain_order=True)
    followed = takes_back.shift(-1).over(group)
    return (
        contents.filter(followed.is_not_null() & ~followed & ~takes_back)
        .group_by("batch_id")
        .agg(displaced_rows=pl.len(), displaced_amount=dollars.sum())
    )


def _waiting(bad: pl.DataFrame, quarantined: pl.DataFrame, best: pl.DataFrame) -> pl.DataFrame:
    """Refused rows newer than the current row of their key; of identical ones the newest."""
    return (
        pl.concat([bad, quarantined.select(LIGHT)])
        .join(best, on="key_hash", how="left")
        .filter(pl.col("best").is_null() | (pl.col("order") > pl.col("best")))
        .sort("order", "batch_id")
        .unique(["key_hash", "row_hash"], keep="last", maintain_order=True)
        .select(LIGHT)
    )


def _silver_ledger(
    valid: pl.LazyFrame, superseded: pl.DataFrame, current: pl.DataFrame, replaced: pl.DataFrame
) -> pl.DataFrame:
    known = valid.join(current.lazy().select("key_hash", "order"), on=["key_hash", "order"], how="semi")
    counts, taken, lost = pl.collect_all(
        [
            valid.group_by("batch_id").agg(silver_rows=pl.len()),
            known.group_by("batch_id").agg(silver_rows=pl.len()),
            _lost(superseded.lazy(), valid),
        ],
        engine="streaming",
    )
    return ledger(
        counts,
        lost,
        taken.with_columns(-pl.col("silver_rows").cast(pl.Int64)),
        _count(superseded, silver_rows=-1),
        _count(replaced, silver_rows=-1, superseded_rows=1),
    )


def _quarantine_ledger(
    bad: pl.DataFrame, quarantined: pl.DataFrame, refused: pl.DataFrame, released: pl.DataFrame
) -> pl.DataFrame:
    kept = pl.concat([refused, quarantined.select(LIGHT)])
    superseded = bad.join(kept, on=["batch_id", "order"], how="anti")
    return ledger(
        _count(refused, quarantined_rows=1),
        _lost(superseded.lazy(), bad.lazy()).collect(),
        _count(released, quarantined_rows=-1, superseded_rows=1),
    )


def _lost(superseded: pl.LazyFrame, rows: pl.LazyFrame) -> pl.LazyFrame:
    """Losing rows by batch: identical to a later row of their own batch (duplicates), or superseded."""
    content = ["batch_id", "row_hash"]
    last = rows.join(superseded, on=content, how="semi").group_by(content).agg(last=pl.col("order").max())
    return (
        superseded.join(last, on=content)
        .group_by("batch_id")
        .agg(
            superseded_rows=(pl.col("order") == pl.col("last")).sum(),
            duplicate_rows=(pl.col("order") < pl.col("last")).sum(),
        )
    )


def _count(rows: pl.DataFrame, **changes: int) -> pl.DataFrame:
    return rows.group_by("batch_id").agg((pl.len().cast(pl.Int64) * sign).alias(name) for name, sign in changes.items())


def ledger(*parts: pl.DataFrame) -> pl.DataFrame:
    """Changes of everything in :data:`BOOKS` by batch, summed."""

    def typed(part: pl.DataFrame) -> pl.DataFrame:
        return part.with_columns(pl.col(name).cast(BOOKS[name]) for name in part.columns if name in BOOKS)

    empty = pl.DataFrame(schema={"batch_id": pl.String(), **BOOKS})
    summed = pl.concat([empty, *map(typed, parts)], how="diagonal").group_by("batch_id").agg(pl.all().sum())
    return typed(summed).sort("batch_id")
