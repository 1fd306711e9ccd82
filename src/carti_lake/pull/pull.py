"""Pulling: what is new in each source into bronze; a source that fails leaves the others alone."""

import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from carti_lake.pull import journal, sql, trailer
from carti_lake.pull.declaration import Source, no_keys
from carti_lake.pull.edge import Edge
from carti_lake.pull.fhir import take as fhir
from carti_lake.pull.folder import look
from carti_lake.pull.keys import Compared, compare, listed
from carti_lake.pull.marks import restarted, resumed, standing
from carti_lake.pull.place import Place
from carti_lake.pull.places import place_of
from carti_lake.pull.salesforce import take as salesforce
from carti_lake.pull.secrets import SourceError
from carti_lake.sources.archives import is_archive, unpacked
from carti_lake.sources.batches import Loaded, load
from carti_lake.sources.extract import Extract, ExtractError, file_hash
from carti_lake.sources.files import open_paths
from carti_lake.store.errors import LakeError
from carti_lake.store.locks import lake_lock
from carti_lake.store.storage import Storage


@dataclass(frozen=True)
class Pulled:
    """What came from a source.

    Attributes
    ----------
    source, feed
        Their names.
    loaded
        What became of each extract; none where nothing was new.
    waiting
        Files that are not complete yet.
    error
        What went wrong; what was loaded before it stays.
    compared
        What a full list of the source's keys said, where one was read.
    """

    source: str
    feed: str
    loaded: tuple[Loaded, ...] = ()
    waiting: tuple[str, ...] = ()
    error: str | None = None
    compared: Compared | None = None

    @property
    def rows(self) -> int:
        """Rows added to bronze."""
        return sum(one.rows for one in self.loaded)

    @property
    def withdrawn(self) -> int:
        """Rows withdrawn, since the source has them no longer."""
        return self.compared.withdrawn if self.compared else 0


@dataclass(frozen=True)
class Planned:
    """What a pull would take from a source.

    Attributes
    ----------
    source, feed
        Their names.
    rows
        Rows of a query, those within the overlap among them; None for files.
    files
        Files that are complete and new.
    waiting
        Files that are not complete yet.
    since
        The cursor, None where reading starts from the beginning.
    error
        What would go wrong.
    """

    source: str
    feed: str
    rows: int | None = None
    files: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    since: str | None = None
    error: str | None = None


def pull(
    storage: Storage, sources: Sequence[Source], edge: Edge, progress: Callable[[str], None], *, keys: bool = False
) -> list[Pulled]:
    """Take in what is new of each source, and write down what came.

    ``keys`` compares databases with a full list of their keys, whether it is due or not, and says that what is gone is.

    Raises
    ------
    BusyError
        Another pull is active.
    """
    with lake_lock(storage, "pull", "-pull"):
        return [_pull_one(storage, source, edge, progress, keys) for source in sources]


def _pull_one(storage: Storage, source: Source, edge: Edge, progress: Callable[[str], None], keys: bool) -> Pulled:
    progress(source.name)
    now = edge.clock()
    loaded: list[Loaded] = []
    files: list[dict[str, Any]] = []
    waiting: tuple[str, ...] = ()
    errors: list[str] = []
    compared: Compared | None = None
    with _noted(source, errors):
        if source.kind == "salesforce":
            loaded.extend(load(storage, source.feed, salesforce.take(storage, source, edge, now), lambda name: None))
        elif source.kind == "sql":
            compared = _of_database(storage, source, edge, now, loaded, keys)
        elif source.kind == "fhir":
            came = fhir.pull(storage, source, _world(edge), now, sure=keys)
            loaded.extend(came.loaded)
            waiting = came.waiting
            errors.extend([came.problem] if came.problem else [])
        else:
            with place_of(source, edge.environment, storage.options) as place:
                waiting = _of_folder(storage, source, place, edge, now, _Taken(loaded, files, errors))
    error = errors[0] if errors else None
    whole = journal.entry(source, now, sum(one.rows for one in loaded), error, compared=compared)
    journal.record(storage, [whole, *files])
    return Pulled(source.name, source.feed.short_name, tuple(loaded), waiting, error, compared)


def _of_database(
    storage: Storage, source: Source, edge: Edge, now: datetime, loaded: list[Loaded], asked: bool
) -> Compared | None:
    """Load what is new, and withdraw what is gone where that is due or asked for; says what the list of keys said."""
    due = _is_due(storage, source, now) or (asked and no_keys(source) is None)
    keys, wrong = None, None
    with tempfile.TemporaryDirectory(prefix="carti-lake-") as folder, sql.reading(source, edge.environment) as reading:
        try:
            # Before the rows: what comes between the two is then not taken for gone.
            keys = listed(reading, Path(folder)) if due else None
        except SourceError as error:
            wrong = error
        extract = sql.take(reading, resumed(storage, source), now)
    _take_in(storage, source, extract, loaded)
    if wrong is not None:
        raise wrong
    if keys is None:
        return None
    stands = standing(storage, source.feed.short_name, source.name)
    compared = compare(storage, source, stands, keys, now=now, since=[one.batch_id for one in loaded], sure=asked)
    if compared.missing:
        with sql.reading(source, edge.environment) as reading:
            extract = sql.take(reading, restarted(storage, source), now)
        _take_in(storage, source, extract, loaded)
    return compared


def _is_due(storage: Storage, source: Source, now: datetime) -> bool:
    """Whether so many days have begun since the last list: by days, so that a timer's jitter puts off none."""
    last = journal.compared_on(storage, source) if source.keys else None
    return last is not None and source.keys is not None and now.date() - last >= source.keys


def _take_in(storage: Storage, source: Source, extract: Extract | None, loaded: list[Loaded]) -> None:
    loaded.extend(load(storage, source.feed, iter([extract] if extract else []), lambda name: None))


@dataclass(frozen=True)
class _Taken:
    """What is taken down of a folder as its files are taken."""

    loaded: list[Loaded]
    files: list[dict[str, Any]]
    errors: list[str]


def _of_folder(
    storage: Storage, source: Source, place: Place, edge: Edge, now: datetime, taken: _Taken
) -> tuple[str, ...]:
    """Load each whole file, one after the other; gives the names of those that wait."""
    seen = look(source, place, journal.taken(storage, source), edge.wait)
    waiting = [*seen.waiting]
    for file in seen.whole:
        with _noted(source, taken.errors), tempfile.TemporaryDirectory(prefix="carti-lake-") as folder:
            (fetched := Path(folder) / "fetched").mkdir()
            path = place.fetch(file, fetched, edge.wait)
            wanted = seen.hashes.get(file.file)
            if wanted and place.here is None and file_hash(path) != wanted:
                waiting.append(file.file)
                continue
            rows = 0
            for one in _of_file(storage, source, path, Path(folder)):
                taken.loaded.append(one)
                rows += one.rows
            taken.files.append(journal.entry(source, now, rows, seen=file))
    return tuple(waiting)


def _of_file(storage: Storage, source: Source, path: Path, folder: Path) -> Iterator[Loaded]:
    """A file, or each one in an archive, loaded; one whose trailer does not agree with it is not."""
    (unpacking := folder / "unpacked").mkdir()
    for number, one in enumerate(unpacked(path, unpacking) if is_archive(path) else [path]):
        totals = None
        if source.trailer is not None:
            (scratch := folder / f"file-{number}").mkdir()
            one, totals = trailer.split(one, source.trailer, scratch)
        for extract in open_paths([one], source.feed, mapping=source.mapping):
            if totals is not None:
                trailer.check(extract, source.feed, totals)
            yield from load(storage, source.feed, iter([extract]), lambda name: None)


def plan(storage: Storage, sources: Sequence[Source], edge: Edge) -> list[Planned]:
    """What :func:`pull` would take, without taking it."""
    return [_plan_one(storage, source, edge) for source in sources]


def _plan_one(storage: Storage, source: Source, edge: Edge) -> Planned:
    errors: list[str] = []
    planned = partial(Planned, source.name, source.feed.short_name)
    with _noted(source, errors):
        if source.kind == "folder":
            with place_of(source, edge.environment, storage.options) as place:
                seen = look(source, place, journal.taken(storage, source), edge.wait)
            return planned(files=tuple(file.file for file in seen.whole), waiting=seen.waiting)
        if source.kind == "fhir":
            since, files, waiting = fhir.look_at(storage, source, _world(edge))
            return planned(files=files, waiting=waiting, since=since)
        stands = resumed(storage, source)
        if source.kind == "salesforce":
            return planned(rows=salesforce.count(source, stands, edge), since=stands.cursor)
        with tempfile.TemporaryDirectory() as folder, sql.reading(source, edge.environment) as reading:
            return planned(rows=sql.count(reading, stands, Path(folder)), since=stands.cursor)
    return planned(error=errors[0])


def check(storage: Storage, source: Source, edge: Edge) -> str | None:
    """What is wrong with a source, after a look at it; None where nothing is."""
    errors: list[str] = []
    with _noted(source, errors):
        if source.kind == "folder":
            with place_of(source, edge.environment, storage.options) as place:
                look(source, place, set(), lambda seconds: None)
        elif source.kind == "salesforce":
            salesforce.check(source, edge)
        elif source.kind == "fhir":
            fhir.check(source, _world(edge))
        else:
            with tempfile.TemporaryDirectory() as folder, sql.reading(source, edge.environment) as reading:
                sql.rehearse(reading, Path(folder))
    return errors[0] if errors else None


def _world(edge: Edge) -> fhir.World:
    return fhir.World(edge.clock, edge.wait, edge.environment)


@contextmanager
def _noted(source: Source, errors: list[str]) -> Iterator[None]:
    """Take down what goes wrong, in words that name no secret and no value of a row."""
    try:
        yield
    except (LakeError, ExtractError) as error:
        errors.append(str(error))
    except ModuleNotFoundError as error:
        extra = "sqlserver" if error.name == "mssql_python" else "all"
        errors.append(f"{source.name}: this needs the package {error.name}: pip install 'carti_lake[{extra}]'.")
    except BaseException as error:
        # A damaged data file panics inside the reader, past every `except Exception`.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(frame.filename).name}, line {frame.lineno}"
        errors.append(f"{source.name}: unexpected {type(error).__name__} in {place}.")
