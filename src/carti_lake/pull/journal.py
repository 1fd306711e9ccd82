"""What was pulled, when, and what went wrong: for ``status``, and so that a file is not opened twice."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from carti_lake.pull.marks import standing
from carti_lake.pull.place import Seen
from carti_lake.store.storage import Storage
from carti_lake.store.write import append
from carti_lake.tables.pulls import Pulls

if TYPE_CHECKING:
    # Of what pulls, `status` needs nothing: neither databases nor views.
    from carti_lake.pull.declaration import Source
    from carti_lake.pull.keys import Compared

TABLE = Pulls.full_name()
#: How the name of a query job begins, in the column of files.
JOB = "query job "


def entry(
    source: "Source",
    now: datetime,
    rows: int,
    error: str | None = None,
    seen: Seen | None = None,
    compared: "Compared | None" = None,
) -> dict[str, Any]:
    """A row of the journal: of a pull, or of a file that it took."""
    return {
        "at": now,
        "source": source.name,
        "file": seen.file if seen else "",
        "feed": source.feed.short_name,
        "reading": source.reading,
        "size": seen.size if seen else None,
        "modified": seen.modified if seen else None,
        "rows": rows,
        "keys": compared.keys if compared else None,
        "withdrawn": compared.withdrawn if compared else None,
        "error": error,
    }


def record(storage: Storage, entries: Sequence[dict[str, Any]]) -> None:
    """Write entries down. What a kill keeps from being written is only looked at again, not loaded again."""
    rows = pl.DataFrame(entries, schema=Pulls.dtypes())
    append(storage, storage.create(TABLE, Pulls, change_feed=False), rows, transactions={}, metadata={})


def taken(storage: Storage, source: "Source") -> set[Seen]:
    """Files of a source that were taken as it reads them now, as they looked then."""
    mine = (pl.col("source") == source.name) & (pl.col("reading") == source.reading) & (pl.col("file") != "")
    found = storage.scan(TABLE).filter(mine).select("file", "size", "modified").collect()
    return {Seen(*row) for row in found.iter_rows()}


def compared_on(storage: Storage, source: "Source") -> date | None:
    """Day on which a source was last compared with a full list of its keys, or first read as it is read now."""
    mine = (pl.col("source") == source.name) & (pl.col("reading") == source.reading) & pl.col("error").is_null()
    last = pl.col("at").filter(pl.col("keys").is_not_null()).max()
    found = storage.scan(TABLE).filter(mine, pl.col("file") == "").select(pl.coalesce(last, pl.col("at").min()))
    moment: datetime | None = found.collect().item()
    return None if moment is None else moment.date()


def note_job(storage: Storage, source: "Source", now: datetime, job: str, after: int) -> None:
    """Write down that a query job was asked for, following the mark ``after``: a pull that dies leaves it at work."""
    record(storage, [{**entry(source, now, 0), "file": _job(job, after)}])


def open_job(storage: Storage, source: "Source", after: int) -> str | None:
    """The last query job that was asked for since the mark ``after``; None where there is none."""
    mine = (pl.col("source") == source.name) & (pl.col("reading") == source.reading)
    since = pl.col("file").str.starts_with(JOB) & pl.col("file").str.ends_with(_job("", after).removeprefix(JOB))
    found = storage.scan(TABLE).filter(mine & since).select(pl.col("file").sort_by("at").last()).collect().item()
    return None if found is None else str(found).removeprefix(JOB).partition(",")[0]


def _job(job: str, after: int) -> str:
    return f"{JOB}{job}, after mark {after}"


def overview(storage: Storage, now: datetime) -> list[dict[str, Any]]:
    """Each source that was ever pulled: where it stands, how old that is, and the error of its last pull."""
    pulls = storage.scan(TABLE).filter(pl.col("file") == "")
    succeeded = pl.col("at").filter(pl.col("error").is_null()).max()
    newest = (
        pulls.group_by("source")
        .agg(pl.col("feed", "error").sort_by("at").last(), pulled_at=pl.col("at").max(), succeeded_at=succeeded)
        .sort("source")
        .collect()
    )
    return [
        {
            **one,
            "cursor": standing(storage, one["feed"], one["source"]).cursor,
            "age_hours": None
            if (since := one["succeeded_at"]) is None
            else round((now - since).total_seconds() / 3600, 1),
        }
        for one in newest.iter_rows(named=True)
    ]
