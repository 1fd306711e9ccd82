"""What is new in a Salesforce object, as extracts: one, or one for each set of results of a query job.

A job's sets are loaded as they come. The commit of each says where the next one is, so that a pull that dies goes on
there; the last one's says the cursor.
"""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from carti_lake.pull import journal
from carti_lake.pull.declaration import A_DAY, Source
from carti_lake.pull.edge import Edge
from carti_lake.pull.marks import Standing, digest, resumed
from carti_lake.pull.salesforce import results
from carti_lake.pull.salesforce.fields import Reads, proved
from carti_lake.pull.salesforce.org import Org, opened
from carti_lake.pull.secrets import SourceError
from carti_lake.pull.soql import moment, select
from carti_lake.sources.extract import Extract, Mark, keep_with
from carti_lake.sources.frames import extract_of, hash_of
from carti_lake.store.storage import Storage


def check(source: Source, edge: Edge) -> None:
    """Sign in, and prove object, fields, types and condition; no row is read."""
    count(source, Standing(), edge)


def count(source: Source, standing: Standing, edge: Edge) -> int:
    """Rows that :func:`take` would read."""
    with opened(source, edge.environment, edge.clock, edge.wait) as org:
        reads = proved(org, source)
        return results.count(
            org, reads, select(["COUNT()"], reads.object, reads.where, _since(source, reads, standing))
        )


def take(storage: Storage, source: Source, edge: Edge, now: datetime) -> Iterator[Extract]:
    """What is new since the source's mark; each extract must be loaded before the next is asked for.

    Parameters
    ----------
    storage
        The lake's tables.
    source
        Of kind ``salesforce``.
    edge
        Clock, patience, and where secrets are looked up.
    now
        When reading begins: a cursor never runs ahead of it.

    Raises
    ------
    SourceError
        What Salesforce refuses, or has not given whole.
    """
    with opened(source, edge.environment, edge.clock, edge.wait) as org:
        reads = proved(org, source)
        standing = resumed(storage, source)
        left = standing.fetched.get("job") or journal.open_job(storage, source, standing.number)
        if left is not None:
            # What it had given is loaded; what it can give no more is asked for anew, with what has changed since.
            with suppress(results.GoneError):
                yield from _of_job(org, reads, storage, source, left, now)
        for is_last in (False, True):
            standing = resumed(storage, source)
            query = select([*reads.types], reads.object, reads.where, _since(source, reads, standing))
            page = results.first_page(org, reads, query)
            # A full list that came in parts would, until the last, withdraw who is on none of them.
            small = page["done"] is True or source.feed.snapshot
            job = None if small else results.create(org, reads, query)
            if job is None:
                yield from _of_pages(org, reads, source, standing, page, now)
                return
            journal.note_job(storage, source, now, job, standing.number)
            try:
                yield from _of_job(org, reads, storage, source, job, now)
            except results.GoneError as error:
                if is_last or isinstance(error, results.FailedError):
                    raise
            else:
                return


def _of_pages(
    org: Org, reads: Reads, source: Source, standing: Standing, page: results.Page, now: datetime
) -> Iterator[Extract]:
    folder = Path(tempfile.mkdtemp(prefix="carti-lake-"))
    with _removed_on_error(folder):
        rows = results.whole(org, reads, page, folder)
        content = hash_of(rows)
        cursor = _cursor(source, standing, _furthest(source, rows), now)
        told = digest(content, cursor)
        if int(page["totalSize"]) == 0 or told == standing.content:
            shutil.rmtree(folder, ignore_errors=True)
            return
        says = {"cursor": cursor, "content": told, "reading": source.reading, "fetched": {"pages": [content]}}
        extract = _extract(source, standing, rows, now, says)
    yield keep_with(extract, folder)


def _of_job(org: Org, reads: Reads, storage: Storage, source: Source, job: str, now: datetime) -> Iterator[Extract]:
    """The sets of a job's results that were not taken yet."""
    ready = results.finished(org, job)
    before = resumed(storage, source)
    # What was taken of another job is of that one's end.
    known = before.fetched.get("pages", [])
    state = before.fetched if before.fetched.get("job") == job else {}
    seen: list[str] = [*known] if state else []
    locator, held, furthest = state.get("locator"), state.get("rows", 0), state.get("furthest")
    # A mark that a job has left open is closed by the next one's end.
    repeats, news = 0, "job" in before.fetched
    while True:
        folder = Path(tempfile.mkdtemp(prefix="carti-lake-"))
        with _removed_on_error(folder):
            found = results.fetch(org, reads, job, locator, folder)
            content = hash_of(found.rows)
            again = content in seen
            repeats = repeats + 1 if again else 0
            if not again:
                seen.append(content)
                held += found.count
                furthest = max(filter(None, (furthest, _furthest(source, found.rows))), default=None)
            last = held == ready.rows or found.following is None
            if repeats > results.REPEATS or (last and ready.rows not in (None, held)):
                results.delete(org, job)
                raise SourceError(f"{source.name}: the query's job gave {held:,} of {ready.rows:,} rows. Pull again.")
            standing = resumed(storage, source)
            # A set as the last job gave it is no news; the cursor needs a commit to stand in, if anything came.
            stale = again or found.count == 0 or (not state and content in known)
            if last:
                cursor = _cursor(source, standing, furthest, min(now, ready.created or now))
                told = digest(*seen, cursor)
                says = {"cursor": cursor, "content": told, "reading": source.reading, "fetched": {"pages": seen}}
                skipped = told == standing.content or (stale and not news)
            else:
                fetched = {"job": job, "locator": found.following, "rows": held, "furthest": furthest, "pages": seen}
                says = {"cursor": standing.cursor, "content": None, "reading": source.reading, "fetched": fetched}
                skipped = stale
            extract = None if skipped else _extract(source, standing, found.rows, now, says)
        if extract is None:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            news = True
            yield keep_with(extract, folder)
        if last:
            results.delete(org, job)
            return
        locator = found.following


def _extract(
    source: Source, standing: Standing, rows: pl.LazyFrame, now: datetime, says: Mapping[str, object]
) -> Extract:
    instant, day = standing.following(now)
    gives = {*source.mapping.headers, *(part for parts in source.mapping.sources.values() for part in parts)}
    beside = {"Id", *([source.cursor] if source.cursor and not source.cursor_gives() else [])}
    extract = extract_of(
        # They tell of the row, and are none of its values: they would stand in `rescued` of each.
        rows.drop(*(beside - gives)),
        source.feed,
        mapping=source.mapping,
        name=source.name,
        delivered_at=instant,
        extract_date=day,
    )
    return replace(
        extract,
        # The same rows after others are news: a value may have gone back to what it was.
        content_hash=digest(source.name, str(standing.number), extract.content_hash),
        mark=Mark(source.name, standing.number, says),
    )


def _since(source: Source, reads: Reads, standing: Standing) -> str | None:
    """Condition on the rows to read: from the overlap before the cursor on, and those of which nobody knows."""
    if source.cursor is None or standing.cursor is None:
        return None
    back = source.overlap if isinstance(source.overlap, timedelta) else A_DAY
    start = datetime.fromisoformat(standing.cursor).replace(tzinfo=UTC) - back
    dtype = reads.types[source.cursor]
    said = f"{source.cursor} >= {start.date().isoformat() if dtype == pl.Date else moment(start)}"
    return f"{said} OR {source.cursor} = null" if reads.nullable else said


def _furthest(source: Source, rows: pl.LazyFrame) -> str | None:
    """The greatest cursor among the rows, as text whose order is time's."""
    if source.cursor is None:
        return None
    found: str | None = rows.select(pl.col(source.cursor).max()).collect(engine="streaming").item()
    return found


def _cursor(source: Source, standing: Standing, furthest: str | None, now: datetime) -> str | None:
    """Where reading goes on: no later than now, since a wrong year must not hide what comes until then."""
    if source.cursor is None or furthest is None:
        return standing.cursor
    present = now.date().isoformat() if len(furthest) == len("2026-11-22") else moment(now)
    return min(furthest, present)


@contextmanager
def _removed_on_error(folder: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
