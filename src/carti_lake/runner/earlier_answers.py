"""Earlier answers brought up to date: what new rows have replaced, and where the visits stand now."""

from collections.abc import Collection
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from carti_lake.pipeline.cleanse import cleanse
from carti_lake.pipeline.fingerprint import code, fingerprint
from carti_lake.pipeline.newest import in_bucket
from carti_lake.pipeline.silver.earlier_answers import ANSWER_COLUMNS, answers, first_answers, replaced
from carti_lake.pipeline.survey import survey
from carti_lake.runner.engine import HERE, Map, made_on
from carti_lake.runner.entities import STEPS, Window, window
from carti_lake.runner.marts import changes
from carti_lake.runner.spill import Spilled, by_bucket, spill
from carti_lake.store import datafiles
from carti_lake.store.log import changed_months, commits, transaction
from carti_lake.store.parts import Part, Target, parts, target
from carti_lake.store.places import Place
from carti_lake.store.scratch import scratch
from carti_lake.store.storage import Storage, scan
from carti_lake.store.write import commit, merge
from carti_lake.tables.gold.dimensions import UNDATED
from carti_lake.tables.silver import EarlierAnswers, Visits

if TYPE_CHECKING:
    from deltalake.transaction import AddAction

FEED, VISITS = Visits.feed.full_name(), Visits.full_name()


def update_earlier_answers(storage: Storage, secret: str, engine: Map, *, full: bool) -> bool:
    """Bring ``silver.earlier_answers`` up to date with bronze and ``silver.visits``; true where it was written to.

    Only months are read that visits changed in, or that the visits of late answers stand in.
    """
    bronze, visits = storage.open(FEED), storage.open(VISITS)
    if bronze is None or visits is None:
        return False
    handle = storage.create(EarlierAnswers.full_name(), EarlierAnswers)
    made_by = fingerprint(code(*STEPS, first_answers.__module__), [Visits, Visits.feed, EarlierAnswers], secret)
    app_id = f"{FEED}@{made_by:x}"
    taken, seen = (
        -1 if full or version is None else version
        for version in (transaction(handle, app_id), transaction(handle, VISITS))
    )
    if (taken, seen) == (bronze.version(), visits.version()):
        return False
    transactions = {app_id: bronze.version(), VISITS: visits.version()}
    rows, existing = scan(visits, storage.options), scan(handle, storage.options)
    touched, rebuilt = changed_months(commits(visits, seen)) if min(taken, seen) >= 0 else ([], True)
    before = None if rebuilt else _before(storage, seen, touched)
    if before is None:
        files = _anew(storage, bronze.version(), visits.version(), target(handle, storage.options), secret, engine)
        metadata = {"rebuild": True, "months": []}
        marks = {**transactions, **made_on(engine, handle)}
        commit(storage, handle, files, transactions=marks, metadata=metadata, mode="overwrite")
        return True
    current = _in({month or UNDATED for month in touched}, rows)
    earlier = _earlier(storage, window(bronze, taken), current, secret)
    earlier = pl.concat([earlier, answers(replaced(before.lazy(), current)).collect(engine="streaming")])
    months = {month or UNDATED for month in touched} | _months_of(earlier, rows)
    existing = _in(months, existing)
    fresh = first_answers(pl.concat([existing.select(ANSWER_COLUMNS), earlier.lazy()]), _in(months, rows))
    change = changes(fresh, existing, EarlierAnswers)
    written = [month.isoformat() for month in change["visit_month"].unique().sort()]
    merge(
        storage,
        handle,
        change,
        key=EarlierAnswers.key(),
        partition_by=EarlierAnswers.partition_by,
        transactions=transactions,
        metadata={"rebuild": False, "months": written},
    )
    return not change.is_empty()


def _anew(
    storage: Storage, delivered: int, standing: int, table: Target, secret: str, engine: Map
) -> list["AddAction"]:
    """Files with the earlier answers of all delivered rows, not committed yet; by part of bronze, then by visit."""
    pieces = parts(storage, FEED, delivered, split=True)
    (visits,) = parts(storage, VISITS, standing, split=False)
    with scratch(storage, shared=engine.__name__ != HERE) as aside:
        find = partial(_find, visits=visits, secret=secret, aside=aside, buckets=len(pieces))
        found = by_bucket(engine(find, pieces))
        first = partial(_first, visits=visits, aside=aside, buckets=len(pieces), table=table)
        return [file for files in engine(first, found) for file in files]


def _find(part: Part, *, visits: Part, secret: str, aside: Place, buckets: int) -> Spilled:
    batches = part.rows().select("batch_id").unique()
    current = visits.rows().join(batches, on="batch_id", how="semi")
    return spill(_answers(part.rows(), current, secret).lazy(), aside, buckets)


def _first(
    bucket: tuple[int, list[str]], *, visits: Part, aside: Place, buckets: int, table: Target
) -> list["AddAction"]:
    number, files = bucket
    rows = datafiles.scanned(files, aside.options)
    return table.write(first_answers(rows, visits.rows().filter(in_bucket(buckets) == number)))


def _earlier(storage: Storage, todo: Window | None, visits: pl.LazyFrame, secret: str) -> pl.DataFrame:
    """Valid answers among the rows of the window's batches that are not their visit's current row."""
    if todo is None:
        return pl.DataFrame(schema={name: EarlierAnswers.dtypes()[name] for name in ANSWER_COLUMNS})
    return _answers(todo.rows(storage, FEED), visits, secret)


def _answers(delivered: pl.LazyFrame, visits: pl.LazyFrame, secret: str) -> pl.DataFrame:
    rows = replaced(delivered, visits).collect(engine="streaming").lazy()
    cleansed = cleanse(rows, Visits, survey(rows, Visits), secret)
    return answers(cleansed.filter(~pl.col("broken"))).collect(engine="streaming")


def _before(storage: Storage, seen: int, touched: Collection[date | None]) -> pl.DataFrame | None:
    """Rows of the touched months as they stood when they were seen last; None where a vacuum has removed them."""
    rows = _in({month or UNDATED for month in touched}, storage.scan(VISITS, seen))
    try:
        return rows.select(*ANSWER_COLUMNS, "withdrawn").collect(engine="streaming")
    except FileNotFoundError:
        return None


def _months_of(earlier: pl.DataFrame, visits: pl.LazyFrame) -> set[date]:
    """Months in which the visits of the answers stand."""
    keys = earlier.lazy().select("key_hash").unique()
    found = visits.select("key_hash", "visit_month").join(keys, on="key_hash", how="semi")
    months = found.select(pl.col("visit_month").fill_null(UNDATED).unique()).collect(engine="streaming")
    return set(months["visit_month"])


def _in(months: Collection[date], rows: pl.LazyFrame) -> pl.LazyFrame:
    month = pl.col("visit_month")
    wanted = month.is_in(sorted(months))
    return rows.filter(wanted | month.is_null() if UNDATED in months else wanted)
