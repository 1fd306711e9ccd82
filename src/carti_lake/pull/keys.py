"""Deletes: which of a source's rows it no longer has, by a full list of its keys."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import polars as pl

from carti_lake.pipeline.bronze import bronze
from carti_lake.pipeline.keys import key_hash
from carti_lake.pull.declaration import Source
from carti_lake.pull.marks import Standing
from carti_lake.pull.secrets import SourceError
from carti_lake.pull.sql import Reading
from carti_lake.sources.apply import as_mapped
from carti_lake.sources.batches import Withdrawal, withdraw
from carti_lake.sources.extract import Extract, Mark
from carti_lake.sources.headers import canonical, matches, steps_of
from carti_lake.store.log import commits
from carti_lake.store.storage import Storage
from carti_lake.tables.feeds import Feed
from carti_lake.tables.silver import entity_of

#: A column of our own, and the order in which rows were delivered.
HASH = "\x1fhash"
ORDER = ("extract_date", "delivered_at", "row_number", "row_hash")
#: What a withdrawal by keys says of itself in its mark.
WITHDREW = "withdrew"


@dataclass(frozen=True)
class Compared:
    """What a list of keys said.

    Attributes
    ----------
    keys
        Keys on the list.
    withdrawn
        Rows that were withdrawn, since their keys are not on it.
    missing
        Keys on it that the lake does not hold: rows that were committed later than the overlap reaches, or came back.
    """

    keys: int
    withdrawn: int
    missing: int


def listed(reading: Reading, folder: Path) -> pl.DataFrame:
    """Hashes of all keys that the source holds, read as its rows are.

    Raises
    ------
    SourceError
        The list is not whole, or empty: no row may be withdrawn by it.
    """
    source, database = reading.source, reading.database
    key = key_of(source.feed)
    columns = _columns(source, reading.types.names(), key)
    if not columns:
        raise SourceError(f"{source.name}: keys needs {key} of {source.feed.short_name}, and no column of it is that.")
    said = ", ".join(database.quoted(name) for name in columns)
    some = " OR ".join(f"{database.quoted(name)} IS NOT NULL" for name in columns)
    if not database.steady:
        raise SourceError(
            f"{source.name}: the database shows rows as they change while they are read, so that a key may be missed, "
            "and nothing is withdrawn. Let its owner ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON."
        )
    query = f"FROM {reading.origin} WHERE {some}"
    counts = [f"SELECT count(*) AS n {query}", f"SELECT {said} {query}", f"SELECT count(*) AS n {query}"]
    read = []
    for place, one in enumerate(counts):
        (into := folder / str(place)).mkdir()
        read.append(database.read(one, into, None).rows)
    before, after = (int(read[place].collect().item()) for place in (0, 2))
    rows = _as_bronze(read[1], source, key).select(hashed(key))
    found = rows.collect(engine="streaming")
    if found.height < min(before, after):
        raise SourceError(f"{source.name}: not all of its keys came, so nothing is withdrawn. Pull again.")
    whole = found.drop_nulls().unique()
    if whole.is_empty():
        raise SourceError(
            f"{source.name}: it holds no row at all, so nothing is withdrawn: it may be being filled anew. Where it is "
            "empty for good, take the source's rows out with a list of your own."
        )
    return whole


def compare(
    storage: Storage,
    source: Source,
    standing: Standing,
    keys: pl.DataFrame,
    *,
    now: datetime,
    since: Collection[str],
    sure: bool,
) -> Compared:
    """Withdraw the source's rows whose keys are not on the list.

    Parameters
    ----------
    storage
        The lake.
    source
        Whose list it is.
    standing
        Where the source stands.
    keys
        Of :func:`listed`.
    now
        The present moment.
    since
        Batches that were read after the list, which does not judge them.
    sure
        Withdraw even more rows than are left.

    Raises
    ------
    SourceError
        More keys are gone than are left, and nobody said that this is so.
    """
    ours, by_keys = _batches(storage, source)
    if not ours:
        return Compared(keys.height, 0, keys.height)
    key, table = key_of(source.feed), source.feed.full_name()
    held = storage.scan(table).with_columns(hashed(key)).filter(pl.col(HASH).is_not_null())
    own = held.filter(pl.col("batch_id").is_in(list(ours)))
    on_list = keys.lazy()
    gone = _newest(held, own.select(HASH).join(on_list, on=HASH, how="anti"))
    gone = gone.filter(pl.col("batch_id").is_in(list(ours.difference(since))), ~pl.col("is_deleted").fill_null(False))
    back = _newest(
        held, own.filter(pl.col("batch_id").is_in(list(by_keys))).select(HASH).join(on_list, on=HASH, how="semi")
    )
    back = back.filter(pl.col("batch_id").is_in(list(by_keys)))
    never = on_list.join(own.select(HASH), on=HASH, how="anti").select(pl.len()).collect(engine="streaming").item()
    if gone.height > keys.height and not sure:
        raise SourceError(
            f"{source.name}: {gone.height:,} of its rows would be withdrawn, which is more than the {keys.height:,} "
            "that it still holds. If that is right, say so: carti-lake pull --keys."
        )
    if gone.height:
        places = gone.lazy().select("batch_id", "row_number")
        rows = storage.scan(table).join(places, on=["batch_id", "row_number"], how="semi")
        numbered = rows.drop("row_number").with_row_index("row_number", offset=1)
        withdraw(storage, source.feed, numbered, _withdrawal(source, standing, gone, now))
    return Compared(keys.height, gone.height, never + back.height)


def key_of(feed: type[Feed]) -> str:
    """The column by which a feed's rows are told apart."""
    return entity_of(feed).key()[0]


def hashed(key: str) -> pl.Expr:
    """Hash of a delivered key, null where there is none."""
    return key_hash([key]).alias(HASH)


def _columns(source: Source, here: Collection[str], key: str) -> list[str]:
    """Columns of the source that its key comes from."""
    if key in source.mapping.sources:
        wanted = {canonical(part) for part in source.mapping.sources[key]}
        wanted |= {canonical(steps_of(part)[0]) for part in source.mapping.sources[key]}
        return [name for name in here if canonical(name) in wanted]
    return [name for name, column in matches([*here], source.feed, source.mapping).items() if column == key]


def _as_bronze(rows: pl.LazyFrame, source: Source, key: str) -> pl.LazyFrame:
    """The keys as bronze would hold them."""
    said = source.mapping
    of_key = replace(
        said,
        sources={column: parts for column, parts in said.sources.items() if column == key},
        hints={column: hint for column, hint in said.hints.items() if column == key},
        strip={column: text for column, text in said.strip.items() if column == key},
        constants={},
    )
    names = rows.collect_schema().names()
    renamed = rows.rename(matches(names, source.feed, of_key))
    # Of a delivery, only the rows and their map matter here.
    moment = datetime.min
    extract = Extract(source.name, "", moment, moment.date(), renamed, of_key)
    return bronze(as_mapped(extract, source.feed), source.feed)


def _newest(held: pl.LazyFrame, keys: pl.LazyFrame) -> pl.DataFrame:
    """The row of each of the keys that was delivered last."""
    few = keys.unique().collect(engine="streaming").lazy()
    rows = held.select(HASH, *ORDER, "batch_id", "is_deleted").join(few, on=HASH, how="semi")
    return rows.collect(engine="streaming").sort(ORDER).group_by(HASH, maintain_order=True).last()


def _batches(storage: Storage, source: Source) -> tuple[set[str], set[str]]:
    """Batches that the source delivered, and those of them that withdrew by a list of keys."""
    handle = storage.open(source.feed.full_name())
    history = [] if handle is None else commits(handle, -1)
    mine = [one.metadata for one in history if one.metadata.get("source", {}).get("name") == source.name]
    by_keys = {one["batch"]["batch_id"] for one in mine if one["source"].get(WITHDREW)}
    return {one["batch"]["batch_id"] for one in mine}, by_keys


def _withdrawal(source: Source, standing: Standing, gone: pl.DataFrame, now: datetime) -> Withdrawal:
    """The batch of a withdrawal; the source stands where it stood, and what comes next is newer."""
    moment, day = standing.following(now)
    content = hashlib.sha256(gone[HASH].sort().to_numpy().tobytes()).hexdigest()[:16]
    says = {"cursor": standing.cursor, "content": standing.content, "reading": standing.reading, WITHDREW: gone.height}
    return Withdrawal(
        f"{source.feed.short_name}:{day}:{source.name}:{standing.number}:{content}",
        f"{source.name}, by its keys",
        day,
        moment,
        Mark(source.name, standing.number, says),
    )
