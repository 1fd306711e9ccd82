"""An entity made anew from bronze, in rounds of tasks: each holds what it reads, and leaves the rest in files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from carti_lake.pipeline.cleanse import cleanse, refusals
from carti_lake.pipeline.newest import LIGHT, Resolution, narrow, resolve_versions, together
from carti_lake.pipeline.order import at_places
from carti_lake.pipeline.silver import TOGETHER
from carti_lake.pipeline.silver.providers import resolve
from carti_lake.pipeline.silver.snapshot import unlisted
from carti_lake.pipeline.survey import combined, survey
from carti_lake.runner.engine import HERE, Map
from carti_lake.runner.spill import Spilled, by_bucket, spill
from carti_lake.store import datafiles
from carti_lake.store.parts import Part, Target, parts, target
from carti_lake.store.places import Place
from carti_lake.store.scratch import scratch
from carti_lake.store.storage import Storage
from carti_lake.tables import Table
from carti_lake.tables.quarantine import QUARANTINE
from carti_lake.tables.silver import Entity

if TYPE_CHECKING:
    from deltalake.transaction import AddAction

Cleansing = Callable[[pl.LazyFrame], pl.LazyFrame]
Reading = Callable[[], pl.LazyFrame]


@dataclass(frozen=True)
class Rebuilt:
    """What all of an entity's bronze rows come to.

    Attributes
    ----------
    files
        Data files of silver, not committed yet.
    refused
        Rows of quarantine.
    rivals
        Cleansed rows that share their key with another of their batch (columns that the caller asked for).
    resolution
        What became of every row, without the ``superseded`` ones.
    """

    files: list["AddAction"]
    refused: pl.DataFrame
    rivals: pl.DataFrame
    resolution: Resolution


def rebuilt(
    storage: Storage,
    entity: type[Entity],
    version: int,
    references: pl.DataFrame,
    secret: str,
    told: Sequence[str],
    engine: Map,
) -> Rebuilt:
    """Make the rows of an entity anew; nothing is committed.

    Parameters
    ----------
    storage
        The lake.
    entity
        Declaration of the entity.
    version
        Version of its feed's bronze up to which rows are taken in.
    references
        Resolved providers.
    secret
        Key of the patients' pseudonyms.
    told
        Columns of cleansed rows that ``rivals`` are to have.
    engine
        Where the tasks are worked out.
    """
    # Rows that are read together are not split.
    split = not entity.feed.snapshot and entity not in TOGETHER
    pieces = parts(storage, entity.feed.full_name(), version, split=split)
    surveyed = combined(engine(partial(_survey, entity=entity), pieces))
    cleansing = partial(cleanse, entity=entity, surveyed=surveyed, secret=secret)
    with scratch(storage, shared=engine.__name__ != HERE) as aside:
        found = engine(partial(_settle, entity=entity, aside=aside), _by_key(pieces, cleansing, aside, engine))
        resolution = together([one for one, _ in found])
        make = partial(
            _make,
            entity=entity,
            cleansing=cleansing,
            why=partial(refusals, entity=entity, surveyed=surveyed, secret=secret),
            lost=[file for _, files in found for file in files],
            resolution=resolution,
            aside=aside,
            references=references,
            told=told,
            silver=target(storage.create(entity.full_name(), entity), storage.options),
        )
        made = engine(make, pieces)
    files, refused, rivals = zip(*made, strict=True)
    return Rebuilt([file for of_part in files for file in of_part], pl.concat(refused), pl.concat(rivals), resolution)


def _survey(part: Part, *, entity: type[Entity]) -> dict[str, pl.DataFrame]:
    return survey(part.rows(), entity)


def _by_key(pieces: Sequence[Part], cleansing: Cleansing, aside: Place, engine: Map) -> list[Reading]:
    """Narrow rows of all parts, in as many buckets of keys as there are parts."""
    if len(pieces) == 1:
        return [partial(_narrow, pieces[0], cleansing=cleansing)]
    spilled = engine(partial(_spill, cleansing=cleansing, aside=aside, number=len(pieces)), pieces)
    return [partial(datafiles.scanned, files, aside.options) for _, files in by_bucket(spilled)]


def _narrow(part: Part, *, cleansing: Cleansing) -> pl.LazyFrame:
    return narrow(cleansing(part.rows()))


def _spill(part: Part, *, cleansing: Cleansing, aside: Place, number: int) -> Spilled:
    return spill(_narrow(part, cleansing=cleansing), aside, number)


def _settle(rows: Reading, *, entity: type[Entity], aside: Place) -> tuple[Resolution, list[str]]:
    """Narrow rows resolved against nothing; the places of those that are not current are written to a file."""
    resolution = resolve_versions(
        rows(), _empty(entity), _empty(QUARANTINE[entity.short_name], "row_number", "extract_date")
    )
    lost = resolution.superseded.select("batch_id", "order")
    written = datafiles.sink(lost.lazy(), aside.address, [], aside.options)
    kept = replace(resolution, superseded=resolution.superseded.clear())
    return kept, datafiles.addresses(written, aside.address)


def _make(
    part: Part,
    *,
    entity: type[Entity],
    cleansing: Cleansing,
    why: Cleansing,
    lost: Sequence[str],
    resolution: Resolution,
    aside: Place,
    references: pl.DataFrame,
    told: Sequence[str],
    silver: Target,
) -> tuple[list["AddAction"], pl.DataFrame, pl.DataFrame]:
    """A part's current rows written to silver; its refused rows, and what is told of its rivals."""
    rows = part.rows()
    cleansed = cleansing(rows)
    batches = rows.select("batch_id").unique().collect(engine="streaming").lazy()
    current = cleansed
    if lost:
        # All but the few that lost, and without looking at the rules again.
        current = cleansed.filter(~at_places(_of(batches, datafiles.scanned(lost, aside.options))))
    if entity.feed.snapshot:
        current = unlisted(current, cleansed, pl.LazyFrame(), pl.LazyFrame(), rebuild=True)
    if entity in TOGETHER:
        current = TOGETHER[entity](current, cleansed, None)
    files = silver.write(resolve(current, entity, references.lazy()))
    refused = rows.filter(at_places(_of(batches, resolution.refused.lazy()))).collect(engine="streaming").lazy()
    named = refused.join(why(refused), on=["batch_id", "row_number"])
    quarantined = named.select(QUARANTINE[entity.short_name].column_names()).collect(engine="streaming")
    rivals = cleansed.filter(at_places(resolution.rivals.lazy())).select(told)
    return files, quarantined, rivals.collect(engine="streaming") if resolution.rivals.height else _none(rivals)


def _of(batches: pl.LazyFrame, places: pl.LazyFrame) -> pl.LazyFrame:
    """Those of the places that are of the batches."""
    return places.select("batch_id", "order").join(batches, on="batch_id", how="semi")


def _none(rows: pl.LazyFrame) -> pl.DataFrame:
    return pl.DataFrame(schema=rows.collect_schema())


def _empty(table: type[Table], *more: str) -> pl.DataFrame:
    schema = {**table.dtypes(), "order": pl.Int128()}
    return pl.DataFrame(schema={name: schema[name] for name in (*LIGHT, *more)})
