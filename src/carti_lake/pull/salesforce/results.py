"""Rows of queries, as text: pages of JSON over REST, and sets of CSV of the Bulk API 2.0, which go to files."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from carti_lake.pull.salesforce.fields import Reads
from carti_lake.pull.salesforce.org import DATA, PATIENCE, Org, RefusedError, read
from carti_lake.pull.secrets import SourceError
from carti_lake.sources.frames import hash_of, spooled

Page = Mapping[str, Any]
#: Most rows of a set of results, each of which is one commit.
ROWS = 200_000
#: Seconds between two looks at a job: the first, and the most.
FIRST_LOOK, LAST_LOOK = 1.0, 30.0
#: Looks after which a job is left to the next pull: some three hours.
LOOKS = 360
#: Pages or sets that may come again one after the other before a query or job is given up.
REPEATS = 3
#: What the Bulk API has no job for, though REST has a query.
NO_JOB = {"INVALIDENTITY", "InvalidEntity", "FUNCTIONALITY_NOT_ENABLED", "FeatureNotEnabled", "API_DISABLED_FOR_ORG"}


class GoneError(SourceError):
    """A job that can give no results any more: it was removed, or is too old."""


class FailedError(GoneError):
    """A job that Salesforce failed, or that somebody aborted."""


@dataclass(frozen=True)
class Job:
    """A query job that has done its work: how many rows it gives, and when it was made by the org's clock."""

    id: str
    rows: int | None
    created: datetime | None


@dataclass(frozen=True)
class Set:
    """A set of a job's results: its rows, how many, and where the next one is; None where it is the last."""

    rows: pl.LazyFrame
    count: int
    following: str | None


def count(org: Org, reads: Reads, query: str) -> int:
    """How many rows a query gives; none is read."""
    return int(_page(org, _path(reads), q=query)["totalSize"])


def first_page(org: Org, reads: Reads, query: str) -> Page:
    """The first page of a query; ``done`` says whether it is all."""
    return _page(org, _path(reads), q=query)


def whole(org: Org, reads: Reads, page: Page, folder: Path) -> pl.LazyFrame:
    """All rows of a query, from its first page on; a page that comes again counts once.

    Raises
    ------
    SourceError
        The pages hold other rows than the query said.
    """
    total, held, seen, repeats = int(page["totalSize"]), 0, set[str](), 0
    while repeats <= REPEATS:
        rows = frame(page["records"], reads)
        content = hash_of(rows.lazy())
        repeats = repeats + 1 if content in seen else 0
        if not repeats:
            rows.write_parquet(folder / f"page{len(seen):06}.parquet", compression="lz4")
            seen.add(content)
            held += rows.height
        if page["done"] is True:
            break
        address = str(page["nextRecordsUrl"])
        if not address.startswith("/services/data/"):
            raise SourceError(f"{org.name}: the next page is said to be somewhere else than in the org.")
        page = _page(org, address)
    if held != total:
        raise SourceError(f"{org.name}: the pages held {held:,} of {total:,} rows. Pull again.")
    return pl.scan_parquet(sorted(folder.glob("page*.parquet")), glob=False)


def frame(records: Sequence[Mapping[str, Any]], reads: Reads) -> pl.DataFrame:
    """Records of REST as the Bulk API writes them: text, a column for each field or path."""
    return pl.DataFrame(
        {path: [_text(_value(record, path.split("."))) for record in records] for path in reads.types},
        schema=dict.fromkeys(reads.types, pl.String),
    ).with_columns(_in_utc(reads))


def _in_utc(reads: Reads) -> list[pl.Expr]:
    """Moments as the Bulk API writes them: in the order of time as text, too."""
    moments = [path for path, dtype in reads.types.items() if dtype == pl.Datetime]
    return [pl.col(moments).str.replace(r"\+00:?00$", "Z")] if moments else []


def _value(record: Any, steps: Sequence[str]) -> Any:
    for step in steps:
        if not isinstance(record, Mapping):
            return None
        record = record.get(step)
    return record


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None or value == "" else str(value)


def _path(reads: Reads) -> str:
    return f"{DATA}/queryAll" if reads.deleted else f"{DATA}/query"


def _page(org: Org, path: str, **params: str) -> Page:
    said = read(org.ask("GET", path, params=params or None), org.name)
    if not isinstance(said, dict) or not {"totalSize", "done", "records"} <= said.keys():
        raise SourceError(f"{org.name}: the answer is no page of a query.")
    return said


def create(org: Org, reads: Reads, query: str) -> str | None:
    """Ask for a job; its number, or None where the object has none."""
    wanted = {
        "operation": "queryAll" if reads.deleted else "query",
        "query": query,
        "contentType": "CSV",
        "columnDelimiter": "COMMA",
        "lineEnding": "LF",
    }
    try:
        return str(org.ask("POST", f"{DATA}/jobs/query", json=wanted).json()["id"])
    except RefusedError as error:
        if error.code in NO_JOB:
            return None
        raise


def finished(org: Org, job: str) -> Job:
    """The job, once its results are there.

    Raises
    ------
    GoneError
        It failed, or is no more.
    SourceError
        It takes longer than a pull waits; the next one goes on with it.
    """
    pause = FIRST_LOOK
    for _ in range(LOOKS):
        try:
            said = org.get(f"/jobs/query/{job}")
        except RefusedError as error:
            raise _gone(org, error) from None
        state = said.get("state")
        if state == "JobComplete":
            rows, created = said.get("numberRecordsProcessed"), said.get("createdDate")
            return Job(
                job,
                None if rows is None else int(rows),
                None if created is None else datetime.fromisoformat(str(created)),
            )
        if state in ("Failed", "Aborted"):
            raise FailedError(
                f"{org.name}: Salesforce has {'aborted' if state == 'Aborted' else 'failed'} the query's job; its own "
                "page of bulk jobs says why."
            )
        org.wait(pause)
        pause = min(pause * 1.5, LAST_LOOK)
    raise SourceError(f"{org.name}: the query's job is still at work. The next pull goes on with it.")


def delete(org: Org, job: str) -> None:
    """Remove a job and its results from the org; where that fails, Salesforce does it after a week."""
    try:
        org.ask("DELETE", f"{DATA}/jobs/query/{job}")
    except SourceError:
        return


def fetch(org: Org, reads: Reads, job: str, locator: str | None, folder: Path) -> Set:
    """A set of a job's results, whole, in a file of the folder.

    Raises
    ------
    GoneError
        The job is no more.
    SourceError
        However often it is asked for, the set has not the rows that it says.
    """
    params = {"maxRecords": str(ROWS)} | ({"locator": locator} if locator else {})
    path = folder / "rows.csv"
    for pause in (*PATIENCE[:3], None):
        try:
            answer = org.ask("GET", f"{DATA}/jobs/query/{job}/results", params=params, into=path)
        except RefusedError as error:
            raise _gone(org, error) from None
        said = answer.headers.get("Sforce-NumberOfRecords", "")
        rows = None if _is_torn(path) else _whole_rows(path, reads)
        held = None if rows is None else int(rows.select(pl.len()).collect().item())
        if rows is not None and held is not None and (not said.isdecimal() or held == int(said)):
            following = answer.headers.get("Sforce-Locator")
            return Set(rows, held, None if following in (None, "", "null") else following)
        if pause is not None:
            org.wait(pause)
    raise SourceError(f"{org.name}: a set of results has not the rows that it should have. Pull again.")


def _gone(org: Org, error: RefusedError) -> Exception:
    """What an error about a job means: 404 and 409 that it is no more, 400 that its place in the results is none."""
    return GoneError(f"{org.name}: the query's job is no more.") if error.status in (400, 404, 409, 410) else error


def _whole_rows(path: Path, reads: Reads) -> pl.LazyFrame | None:
    """A set's rows, read once; None where they cannot be."""
    try:
        return spooled(_rows(path, reads), path.parent)
    except (pl.exceptions.PolarsError, UnicodeDecodeError):
        return None


def _rows(path: Path, reads: Reads) -> pl.LazyFrame:
    """A set's rows; its first line names the fields, or they are in the order that they were asked for."""
    names = [*reads.types]
    if path.stat().st_size == 0:
        return frame([], reads).lazy()
    with path.open(encoding="utf-8", newline="") as file:
        first = next(csv.reader(file), [])
    by_fold = {name.casefold(): name for name in names}
    headed = sorted(name.casefold() for name in first) == sorted(by_fold)
    rows = pl.scan_csv(
        path,
        has_header=headed,
        schema=dict.fromkeys((by_fold[name.casefold()] for name in first) if headed else names, pl.String),
        glob=False,
    )
    return rows.select(pl.col(names).replace("", None)).with_columns(_in_utc(reads))


def _is_torn(path: Path) -> bool:
    """Whether a file whose values stand in quotes ends in the middle of one."""
    with path.open("rb") as file:
        quoted = file.read(1) == b'"'
        file.seek(max(0, path.stat().st_size - 2))
        return quoted and not file.read().rstrip(b"\r\n").endswith(b'"')
