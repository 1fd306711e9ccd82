"""What a source has delivered so far, so that a resource that changes alone still makes whole rows.

An export since a moment holds what has changed, and a row may be of several resources: an encounter, its patient, its
claim. So the rows of each view are kept, by resource, and the feed's rows made of all of them; what differs from what
was delivered is news. All of it is in a folder of the lake that the mark in bronze names: a kill before the commit
leaves the one before.
"""

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import polars_hash as plh

from carti_lake.pull.fhir.ndjson import DELETIONS, LINE, scan, schema_of, told, type_of
from carti_lake.pull.secrets import SourceError
from carti_lake.pull.views.view import RESOURCE, View, rows_of
from carti_lake.store.durable import sync
from carti_lake.store.files import folder_of, read_file, write_file
from carti_lake.store.storage import Storage

if TYPE_CHECKING:
    from carti_lake.pull.views.declared import Fhir

#: Lines of a file have the numbers from its own, times this, on.
LINES = 1 << 32
PLACE, HASH = "\x1fplace", "\x1fhash"
#: A resource's newest version, or its deletion: when, and where it stands.
LEDGER = {"id": pl.String(), "updated": pl.Datetime("us", "UTC"), PLACE: pl.Int64(), "deleted": pl.Boolean()}


@dataclass(frozen=True)
class Kept:
    """Rows of views and of the feed, as they stood after a pull.

    Attributes
    ----------
    storage
        The lake.
    name
        Of the folder in the lake; None where nothing is kept.
    files
        Number of files that its rows came from.
    taken
        Files of a folder that are in it, as they looked.
    """

    storage: Storage
    name: str | None = None
    files: int = 0
    taken: tuple[tuple[str, int, int], ...] = ()

    def scan(self, table: str, schema: Mapping[str, pl.DataType] | None = None) -> pl.LazyFrame | None:
        """One of its tables, None where it has none."""
        if self.name is None or not self._holds(f"{table}.parquet"):
            return None
        rows = pl.scan_parquet(self._place(table), storage_options=dict(self.storage.options) or None, glob=False)
        return rows if schema is None else rows.select(list(schema))

    def write(self, table: str, rows: pl.LazyFrame) -> None:
        """Write one of its tables."""
        place, local = self._place(table), self.storage.local
        if local is not None:
            Path(place).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        rows.sink_parquet(place, compression="zstd", storage_options=dict(self.storage.options) or None)
        if local is not None:
            sync([Path(place)], local)

    def settle(self) -> None:
        """Write down of which files it is."""
        said = {"files": self.files, "taken": self.taken}
        write_file(self.storage, f"{self.name}/kept.json", json.dumps(said).encode())

    def remove(self) -> None:
        """Remove it."""
        if self.name is None:
            return
        if self.storage.local is not None:
            shutil.rmtree(self.storage.local / self.name, ignore_errors=True)
        else:
            folder_of(self.storage.uri, self.storage.options).delete_dir(self.name)

    def _place(self, table: str) -> str:
        root = self.storage.uri if self.storage.local is None else self.storage.local.as_posix()
        return f"{root.rstrip('/')}/{self.name}/{table}.parquet"

    def _holds(self, file: str) -> bool:
        if self.storage.local is not None:
            return (self.storage.local / str(self.name) / file).is_file()
        info = folder_of(self.storage.uri, self.storage.options).get_file_info(f"{self.name}/{file}")
        return bool(info.is_file)


def kept_under(storage: Storage, name: str | None) -> Kept:
    """What the folder of that name holds; nothing where it is not there (any more)."""
    said = read_file(storage, f"{name}/kept.json") if name else None
    if said is None:
        return Kept(storage)
    read = json.loads(said)
    return Kept(storage, name, read["files"], tuple((str(one), int(size), int(at)) for one, size, at in read["taken"]))


def sweep(storage: Storage, source: str, current: str | None) -> None:
    """Remove what pulls that were killed have left behind, and what is superseded."""
    root = f"pulled/{source}"
    if storage.local is not None:
        found = [path.name for path in (storage.local / root).glob("kept-*")]
    else:
        from pyarrow.fs import FileSelector

        listed = folder_of(storage.uri, storage.options).get_file_info(FileSelector(root, allow_not_found=True))
        found = [info.base_name for info in listed if info.base_name.startswith("kept-")]
    for name in found:
        if f"{root}/{name}" != current:
            Kept(storage, f"{root}/{name}").remove()


@dataclass(frozen=True)
class Delivery:
    """A file that has come: of resources, or of what was deleted.

    Attributes
    ----------
    path, name
        Where it is, and what it is called in errors.
    moment
        As of when it is, for resources that do not say when they changed.
    """

    path: Path
    name: str
    moment: datetime


def merged(before: Kept, into: Kept, fhir: "Fhir", deliveries: Sequence[Delivery], folder: Path) -> Kept:
    """The rows of all views after some more files, the newest version of each resource.

    Parameters
    ----------
    before
        What was kept; nothing where the files are all there is.
    into
        The folder that is written.
    fhir
        The views, and the query over them.
    deliveries
        Files, in the order of their delivery.
    folder
        For temporary files.
    """
    ledgers: dict[str, list[pl.LazyFrame]] = {kind: [] for kind in fhir.types()}
    fresh: dict[str, list[pl.LazyFrame]] = {view.name: [] for view in fhir.views}
    for number, delivery in enumerate(deliveries, before.files):
        kind = type_of(delivery.path, delivery.name)
        if kind == "Bundle":
            for deleted, rows in _deletions(delivery, number, fhir.types(), folder).items():
                ledgers[deleted].append(rows)
        elif kind in ledgers:
            views = [view for view in fhir.views if view.resource == kind]
            ledger, tables = _resources(delivery, number, views, folder)
            ledgers[kind].append(ledger)
            for name, rows in tables.items():
                fresh[name].append(rows)
    for kind, parts in ledgers.items():
        into.write(f"ledger-{kind}", _newest(_with(before.scan(f"ledger-{kind}"), parts, LEDGER)))
    for view in fhir.views:
        alive = _required(into.scan(f"ledger-{view.resource}")).filter(~pl.col("deleted")).select(PLACE)
        rows = _with(before.scan(f"view-{view.name}"), fresh[view.name], {PLACE: pl.Int64(), **view.schema()})
        into.write(f"view-{view.name}", rows.join(alive, on=PLACE, how="semi"))
    tables = {view.name: _required(into.scan(f"view-{view.name}")).drop(PLACE) for view in fhir.views}
    try:
        into.write("rows", fhir.rows(tables))
    except pl.exceptions.PolarsError as error:
        # Its own words quote the value.
        reason = (
            f"a value does not fit what the query makes of it ({type(error).__name__}); TRY_CAST gives null instead"
        )
        raise SourceError(f"the query over {', '.join(tables)} failed: {reason}.") from None
    made = replace(into, files=before.files + len(deliveries))
    made.settle()
    return made


def news(before: Kept, after: Kept, key: Sequence[str]) -> pl.LazyFrame:
    """What differs between the feed's rows before and after: rows that are gone, as withdrawn, then rows that are new.

    Parameters
    ----------
    before, after
        What was kept, and is.
    key
        Columns by which a row is the same row; none where that takes all of them.
    """
    rows, old = _required(after.scan("rows")), before.scan("rows")
    if old is None:
        return rows
    changed = rows.with_columns(_hash(rows)).join(old.select(_hash(old)), on=HASH, how="anti").drop(HASH)
    if all(name in frame.collect_schema() for frame in (rows, old) for name in key) and key:
        gone = old.join(rows.select(key), on=list(key), how="anti", nulls_equal=True)
    else:
        gone = old.with_columns(_hash(old)).join(rows.select(_hash(rows)), on=HASH, how="anti").drop(HASH)
    withdrawn = gone.with_columns(is_deleted=pl.lit(True))
    return pl.concat([withdrawn, changed], how="diagonal_relaxed")


def _hash(rows: pl.LazyFrame) -> pl.Expr:
    # Of 128 bits: two rows that share one are not to be met with.
    return plh.hash_rows(rows.collect_schema().names()).nchash.xxh3_128().alias(HASH)


def _required(rows: pl.LazyFrame | None) -> pl.LazyFrame:
    assert rows is not None, "it was written a moment ago"
    return rows


def _with(
    before: pl.LazyFrame | None, parts: Iterable[pl.LazyFrame], schema: Mapping[str, pl.DataType]
) -> pl.LazyFrame:
    old = [] if before is None else [before]
    return pl.concat([pl.LazyFrame(schema=schema), *old, *parts])


def _newest(ledger: pl.LazyFrame) -> pl.LazyFrame:
    """One row a resource: its last change; of two at one moment, what was delivered later."""
    last = ledger.group_by("id").agg(pl.col("updated").max())
    at_last = ledger.join(last, on=["id", "updated"], how="semi")
    return (
        at_last.group_by("id").agg(pl.col("updated", "deleted").max_by(PLACE), pl.col(PLACE).max()).select(list(LEDGER))
    )


def _resources(
    delivery: Delivery, number: int, views: Sequence[View], folder: Path
) -> tuple[pl.LazyFrame, dict[str, pl.LazyFrame]]:
    elements = {name for view in views for name in view.elements()}
    schema = schema_of(delivery.path, delivery.name, elements)
    resources = scan(delivery.path, schema).with_columns((pl.col(LINE) + number * LINES).alias(PLACE))
    whole = pl.col(RESOURCE).struct
    said = {*schema}
    identity = whole.field("id") if "id" in said else pl.lit(None, pl.String)
    ledger = resources.select(
        # A resource without an id is itself alone.
        id=pl.coalesce(identity, pl.format("#{}", PLACE)),
        updated=_updated(resources, delivery.moment),
        place=pl.col(PLACE),
        deleted=pl.lit(False),
    ).rename({"place": PLACE})
    written = _spooled(ledger, folder, f"{number}-ledger", delivery)
    tables = {
        view.name: _spooled(rows_of(view, resources, (PLACE,)), folder, f"{number}-{view.name}", delivery)
        for view in views
    }
    return written, tables


def _deletions(delivery: Delivery, number: int, types: Sequence[str], folder: Path) -> dict[str, pl.LazyFrame]:
    """Deleted resources by type, of bundles whose entries are requests to delete."""
    schema = schema_of(delivery.path, delivery.name, DELETIONS)
    bundles = scan(delivery.path, schema)
    whole = pl.col(RESOURCE).struct
    urls = pl.col("entry").struct.field("request").struct
    rows = (
        bundles.select(
            _updated(bundles, delivery.moment).alias("updated"),
            (pl.col(LINE) + number * LINES).alias(PLACE),
            whole.field("entry").alias("entry"),
        )
        .explode("entry")
        .filter(urls.field("method") == "DELETE")
        .select(
            "updated",
            PLACE,
            kind=urls.field("url").str.extract(r"(?:^|/)([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]+$"),
            id=urls.field("url").str.extract(r"([A-Za-z0-9\-.]+)$"),
            deleted=pl.lit(True),
        )
    )
    if "entry" not in schema:
        return {}
    spooled = _spooled(rows, folder, f"{number}-deleted", delivery)
    return {kind: spooled.filter(pl.col("kind") == kind).select(list(LEDGER)) for kind in types}


def _updated(resources: pl.LazyFrame, moment: datetime) -> pl.Expr:
    """When each resource changed last; where it does not say so, as of when its file is."""
    otherwise = pl.lit(moment).cast(LEDGER["updated"])
    meta = next((one.dtype for one in resources.collect_schema()[RESOURCE].fields if one.name == "meta"), None)  # type: ignore[attr-defined]
    if not isinstance(meta, pl.Struct) or "lastUpdated" not in [one.name for one in meta.fields]:
        return otherwise
    text = pl.col(RESOURCE).struct.field("meta").struct.field("lastUpdated")
    return pl.coalesce(text.str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False), otherwise)


def _spooled(rows: pl.LazyFrame, folder: Path, name: str, delivery: Delivery) -> pl.LazyFrame:
    path = folder / f"{name}.parquet"
    with told(delivery.path, delivery.name):
        rows.sink_parquet(path, compression="lz4", engine="streaming")
    return pl.scan_parquet(path, glob=False)
