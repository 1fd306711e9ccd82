"""Pulling: what is new in each source into bronze; a source that fails leaves the others alone."""

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from carti_lake.pull import fhir, journal, sql
from carti_lake.pull.declaration import Source
from carti_lake.pull.folder import look
from carti_lake.pull.marks import resumed
from carti_lake.sources.batches import Loaded, load
from carti_lake.sources.extract import ExtractError
from carti_lake.sources.files import open_paths
from carti_lake.store.errors import LakeError
from carti_lake.store.locks import lake_lock
from carti_lake.store.storage import Storage


@dataclass(frozen=True)
class Edge:
    """What pulling needs of the world: a clock, a way to wait, and where secrets are looked up."""

    clock: Callable[[], datetime]
    wait: Callable[[float], None]
    environment: Mapping[str, str]


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
    """

    source: str
    feed: str
    loaded: tuple[Loaded, ...] = ()
    waiting: tuple[str, ...] = ()
    error: str | None = None

    @property
    def rows(self) -> int:
        """Rows added to bronze."""
        return sum(one.rows for one in self.loaded)


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


def pull(storage: Storage, sources: Sequence[Source], edge: Edge, progress: Callable[[str], None]) -> list[Pulled]:
    """Take in what is new of each source, and write down what came.

    Raises
    ------
    BusyError
        Another pull is active.
    """
    with lake_lock(storage, "pull", "-pull"):
        return [_pull_one(storage, source, edge, progress) for source in sources]


def _pull_one(storage: Storage, source: Source, edge: Edge, progress: Callable[[str], None]) -> Pulled:
    progress(source.name)
    now = edge.clock()
    loaded: list[Loaded] = []
    files: list[dict[str, Any]] = []
    waiting: tuple[str, ...] = ()
    errors: list[str] = []
    with _noted(source, errors):
        if source.kind == "sql":
            loaded.extend(_of_database(storage, source, edge, now))
        elif source.kind == "fhir":
            came = fhir.pull(storage, source, _world(edge), now)
            loaded.extend(came.loaded)
            waiting = came.waiting
            errors.extend([came.problem] if came.problem else [])
        else:
            seen = look(source, journal.taken(storage, source), edge.environment, edge.wait)
            waiting = seen.waiting
            for path, file in seen.whole.items():
                with _noted(source, errors):
                    loaded.extend(_of_file(storage, source, path))
                    files.append(journal.entry(source, now, loaded[-1].rows, seen=file))
    error = errors[0] if errors else None
    journal.record(storage, [journal.entry(source, now, sum(one.rows for one in loaded), error), *files])
    return Pulled(source.name, source.feed.short_name, tuple(loaded), waiting, error)


def _of_database(storage: Storage, source: Source, edge: Edge, now: datetime) -> Iterator[Loaded]:
    extract = sql.take(source, resumed(storage, source), edge.environment, now)
    return load(storage, source.feed, iter([extract] if extract else []), lambda name: None)


def _of_file(storage: Storage, source: Source, path: Path) -> Iterator[Loaded]:
    return load(storage, source.feed, open_paths([path], source.feed, mapping=source.mapping), lambda name: None)


def plan(storage: Storage, sources: Sequence[Source], edge: Edge) -> list[Planned]:
    """What :func:`pull` would take, without taking it."""
    return [_plan_one(storage, source, edge) for source in sources]


def _plan_one(storage: Storage, source: Source, edge: Edge) -> Planned:
    errors: list[str] = []
    planned = partial(Planned, source.name, source.feed.short_name)
    with _noted(source, errors):
        if source.kind == "folder":
            seen = look(source, journal.taken(storage, source), edge.environment, edge.wait)
            return planned(files=tuple(file.file for file in seen.whole.values()), waiting=seen.waiting)
        if source.kind == "fhir":
            since, files, waiting = fhir.look_at(storage, source, _world(edge))
            return planned(files=files, waiting=waiting, since=since)
        standing = resumed(storage, source)
        with sql.reading(source, edge.environment) as (ask, types):
            return planned(rows=sql.count(ask, source, types, standing), since=standing.cursor)
    return planned(error=errors[0])


def check(source: Source, edge: Edge) -> str | None:
    """What is wrong with a source, after a look at it; None where nothing is."""
    errors: list[str] = []
    with _noted(source, errors):
        if source.kind == "folder":
            look(source, set(), edge.environment, lambda seconds: None)
        elif source.kind == "fhir":
            fhir.check(source, _world(edge))
        else:
            with sql.reading(source, edge.environment):
                pass
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
        errors.append(f"{source.name}: this needs the package {error.name}: pip install 'carti_lake[all]'.")
    except BaseException as error:
        # A damaged data file panics inside the reader, past every `except Exception`.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(frame.filename).name}, line {frame.lineno}"
        errors.append(f"{source.name}: unexpected {type(error).__name__} in {place}.")
