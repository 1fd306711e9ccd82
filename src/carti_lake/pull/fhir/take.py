"""FHIR as a source: what of an export, or of a folder of exported files, is new, as one extract."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from carti_lake.pull.declaration import A_DAY, Source
from carti_lake.pull.fhir.export import FHIR_JSON, Exported, Job, exported, finish
from carti_lake.pull.fhir.http import Server, as_json
from carti_lake.pull.fhir.kept import Delivery, Kept, kept_under, merged, news, sweep
from carti_lake.pull.fhir.sign_in import signing_in
from carti_lake.pull.folder import Look, look
from carti_lake.pull.marks import Standing, digest, standing
from carti_lake.pull.patience import quiet
from carti_lake.pull.place import Seen
from carti_lake.pull.places import place_of
from carti_lake.pull.secrets import SourceError
from carti_lake.pull.sql import check_types
from carti_lake.pull.views.declared import Fhir
from carti_lake.pull.views.view import MOMENTS
from carti_lake.sources.batches import Loaded, load
from carti_lake.sources.extract import Extract, Mark
from carti_lake.sources.frames import extract_of
from carti_lake.sources.headers import matches
from carti_lake.sources.text import decompressed
from carti_lake.store.storage import Storage
from carti_lake.tables.silver import entity_of

#: Seconds until a server that says nothing is taken for gone.
SILENCE = 60.0


@dataclass(frozen=True)
class World:
    """What pulling needs of the world: a clock, a way to wait, and where secrets are looked up."""

    clock: Callable[[], datetime]
    wait: Callable[[float], None]
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Came:
    """What a pull brought.

    Attributes
    ----------
    loaded
        What became of the extract; none where nothing was new.
    waiting
        Files of a folder that are not complete yet.
    problem
        What the server could not export; None where it could all.
    """

    loaded: tuple[Loaded, ...] = ()
    waiting: tuple[str, ...] = ()
    problem: str | None = None


class TooFewError(SourceError):
    """More rows would be withdrawn than are left, and nobody said that this is so."""


def pull(storage: Storage, source: Source, world: World, now: datetime, *, sure: bool = False) -> Came:
    """Take in what is new, with the mark that follows in the commit of its rows.

    ``sure``: where everything is read anew, withdraw even more rows than are left.
    """
    fhir = _checked(source)
    stands = standing(storage, source.feed.short_name, source.name)
    same = stands.reading == source.reading
    before = kept_under(storage, stands.kept)
    sweep(storage, source.name, stands.kept)
    base = _base(source, world)
    folder = Path(tempfile.mkdtemp(prefix="carti-lake-"))
    try:
        if base is None:
            seen, exports = _look(source, _taken(before) if same else set(), world)
            deliveries = _deliveries(seen, exports, folder)
            if not deliveries:
                return Came(waiting=seen.waiting)
            taken = (
                *(before.taken if same else ()),
                *((one.file, one.size, one.modified) for one in seen.whole),
            )
            known = before if same else Kept(storage)
            loaded = _load(storage, source, stands, before, known, deliveries, now, folder, taken=taken, sure=sure)
            return Came(loaded, seen.waiting)
        with _server(source, fhir, base, world) as server:
            job = Job(storage, source.name)
            since = _since(source, stands) if same and before.name else None
            came = exported(server, base, fhir, since, job)
            moment = datetime.fromisoformat(came.moment)
            deliveries = [Delivery(path, "the export", moment) for path in (*came.files, *came.deletions)]
            # A part of a whole export says nothing of what it lacks.
            known = Kept(storage) if since is None and not (came.is_partial and same) else before
            cursor = stands.cursor if came.is_partial else min(moment, now).astimezone(UTC).isoformat()
            try:
                loaded = _load(
                    storage, source, stands, before, known, deliveries, now, folder, cursor=cursor, sure=sure
                )
            except TooFewError:
                # The next pull asks for another export than this one.
                finish(server, job)
                raise
            finish(server, job)
            return Came(loaded, problem=_problem(source, came))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def look_at(storage: Storage, source: Source, world: World) -> tuple[str | None, tuple[str, ...], tuple[str, ...]]:
    """What :func:`pull` would ask for: since when, which files, and which of them are not complete yet."""
    _checked(source)
    stands = standing(storage, source.feed.short_name, source.name)
    same = stands.reading == source.reading
    if _base(source, world) is not None:
        return (_since(source, stands) if same else None), (), ()
    seen, _ = _look(source, _taken(kept_under(storage, stands.kept)) if same else set(), world)
    return None, tuple(one.file for one in seen.whole), seen.waiting


def check(source: Source, world: World) -> None:
    """Reach the source: sign in, and compare what the server says of itself, and the views, with what is asked.

    Raises
    ------
    SourceError
        What does not fit, before any resource is read.
    """
    fhir = _checked(source)
    base = _base(source, world)
    if base is None:
        _look(source, set(), World(world.clock, lambda seconds: None, world.environment))
        return
    with _server(source, fhir, base, world) as server:
        server.token(False)
        what = "capabilities"
        answer = server.ask(what, "GET", f"{base}/metadata", headers={"Accept": FHIR_JSON})
        said = as_json(answer)
        if answer.status_code != 200 or not isinstance(said, dict):
            raise server.refusal(what, answer)
        _check_capabilities(source, fhir, said)


def _check_capabilities(source: Source, fhir: Fhir, said: dict[str, Any]) -> None:
    if said.get("resourceType") != "CapabilityStatement" or not str(said.get("fhirVersion", "")).startswith("4.0"):
        raise SourceError(f"{source.name}: the server speaks no FHIR R4 (4.0).")
    rest = [one for one in said.get("rest") or [] if isinstance(one, dict)]
    resources = [kind for one in rest for kind in one.get("resource") or [] if isinstance(kind, dict)]
    known = {kind.get("type") for kind in resources}
    lacking = [kind for kind in fhir.types() if kind not in known]
    if known and lacking:
        raise SourceError(f"{source.name}: the server has no {', '.join(lacking)}, which the views are of.")
    operations = [one for part in (*rest, *resources) for one in part.get("operation") or [] if isinstance(one, dict)]
    if not any("export" in str(one.get("name", "")) for one in operations):
        raise SourceError(f"{source.name}: the server does not say that it exports in bulk ($export).")


def _checked(source: Source) -> Fhir:
    """What the source declares, once its columns and types are compared with the feed."""
    fhir = source.fhir
    assert fhir is not None, "a source of kind fhir declares it"
    if fhir.query is None:
        (view,) = fhir.views
        types = {
            column.name: pl.Date() if column.type in MOMENTS else column.dtype for column in view.select.all_columns()
        }
    else:
        empty = {view.name: pl.LazyFrame(schema=view.schema()) for view in fhir.views}
        types = dict(fhir.rows(empty).collect_schema())
    listed = next((name for name, dtype in types.items() if dtype.is_nested()), None)
    if listed is not None:
        raise SourceError(f"{source.name}: the column {listed} holds lists; a feed's column holds one value.")
    check_types(pl.Schema(types), source)
    return fhir


def _base(source: Source, world: World) -> str | None:
    """The server's address; None where the source is a folder."""
    address = source.secret("address", world.environment) or ""
    return address.rstrip("/") if "://" in address else None


@contextmanager
def _server(source: Source, fhir: Fhir, base: str, world: World) -> Iterator[Server]:
    import httpx

    with quiet(), httpx.Client(timeout=SILENCE, follow_redirects=False) as client:
        server = Server(source.name, client, world.wait, world.clock)
        server.token = signing_in(server, base, source, fhir, world.environment)
        yield server


def _since(source: Source, stands: Standing) -> str | None:
    """From when on changes are asked for: the mark less the overlap."""
    if stands.cursor is None:
        return None
    overlap = source.overlap if isinstance(source.overlap, timedelta) else A_DAY
    since = datetime.fromisoformat(stands.cursor) - overlap
    return since.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _look(source: Source, taken: set[Seen], world: World) -> tuple[Look, Path]:
    """What is new in the folder, and the folder."""
    with place_of(source, world.environment, {}) as place:
        assert place.here is not None, "an address without a scheme is a folder of this machine"
        return look(source, place, taken, world.wait), place.here


def _taken(before: Kept) -> set[Seen]:
    return {Seen(*one) for one in before.taken}


def _deliveries(seen: Look, exports: Path, folder: Path) -> list[Delivery]:
    """Files in the order in which they were written."""
    deliveries = []
    for number, one in enumerate(sorted(seen.whole, key=lambda one: (one.modified, one.file))):
        plain = folder / str(number)
        plain.mkdir()
        moment = datetime.fromtimestamp(one.modified / 1e9, UTC)
        deliveries.append(Delivery(decompressed(exports / one.file, plain, one.file), one.file, moment))
    return deliveries


def _load(
    storage: Storage,
    source: Source,
    stands: Standing,
    before: Kept,
    known: Kept,
    deliveries: list[Delivery],
    now: datetime,
    folder: Path,
    *,
    cursor: str | None = None,
    taken: tuple[tuple[str, int, int], ...] = (),
    sure: bool,
) -> tuple[Loaded, ...]:
    """What is new into bronze; ``known`` is what the files add to, ``before`` what was delivered."""
    fhir = source.fhir
    assert fhir is not None
    told = digest(source.name, str(stands.number), source.reading, cursor, *(one.path.name for one in deliveries))
    into = Kept(storage, f"pulled/{source.name}/kept-{stands.number}-{told[:12]}", taken=taken)
    into.remove()
    after = merged(known, into, fhir, deliveries, folder)
    path = folder / "news.parquet"
    news(_comparable(before, after), after, _key(source, after)).sink_parquet(path, compression="lz4")
    rows = pl.scan_parquet(path, glob=False)
    if rows.select(pl.len()).collect().item() == 0:
        after.remove()
        return ()
    if known.name is None and not sure:
        # What the server itself tells as deleted is not judged.
        _check_withdrawn(source, rows, after)
    loaded = tuple(
        load(storage, source.feed, iter([_extract(source, stands, rows, now, cursor, after)]), lambda name: None)
    )
    sweep(storage, source.name, after.name)
    return loaded


def _check_withdrawn(source: Source, news: pl.LazyFrame, after: Kept) -> None:
    """Refuse a whole delivery that lacks more rows than it has: it may be that of a server that is being filled."""
    if "is_deleted" not in news.collect_schema():
        return
    gone = int(news.select(pl.col("is_deleted").cast(pl.String).eq("true").sum()).collect().item())
    kept = after.scan("rows")
    left = 0 if kept is None else int(kept.select(pl.len()).collect().item())
    if gone > left:
        after.remove()
        raise TooFewError(
            f"{source.name}: {gone:,} of its rows would be withdrawn, which is more than the {left:,} that it holds "
            "when everything is read anew. If that is right, say so: carti-lake pull --keys."
        )


def _comparable(before: Kept, after: Kept) -> Kept:
    """What was delivered, where it had the same columns."""
    old, new = before.scan("rows"), after.scan("rows")
    if old is None or new is None or old.collect_schema() != new.collect_schema():
        return Kept(before.storage)
    return before


def _key(source: Source, after: Kept) -> list[str]:
    """Columns of the rows that the entity's key is made of; none where it is made by the lake."""
    rows = after.scan("rows")
    headers = [] if rows is None else rows.collect_schema().names()
    of = {column: header for header, column in matches(headers, source.feed, source.mapping).items()}
    key = entity_of(source.feed).key()
    return [of[column] for column in key] if all(column in of for column in key) else []


def _extract(
    source: Source, stands: Standing, rows: pl.LazyFrame, now: datetime, cursor: str | None, after: Kept
) -> Extract:
    moment, day = stands.following(now)
    extract = extract_of(
        rows,
        source.feed,
        mapping=source.mapping,
        name=source.name,
        delivered_at=moment,
        extract_date=day,
    )
    content = digest(extract.content_hash, cursor)
    says = {"cursor": cursor, "content": content, "reading": source.reading, "kept": after.name}
    return replace(
        extract,
        # The same rows after others are news: a value may have gone back to what it was.
        content_hash=digest(source.name, str(stands.number), content),
        mark=Mark(source.name, stands.number, says),
    )


def _problem(source: Source, came: Exported) -> str | None:
    if not came.is_partial:
        return None
    told = ", ".join(f"{count:,} times {issue}" for issue, count in sorted(came.problems.items()))
    return (
        f"{source.name}: the server could not export everything ({told}); its log says what. What came is in the lake, "
        "and the next pull asks for the same again."
    )
