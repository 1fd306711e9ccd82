"""Earlier answers brought up to date: what new rows have replaced, and where the visits stand now."""

from collections.abc import Collection
from datetime import date

import polars as pl

from carti_lake.pipeline.cleanse import cleanse
from carti_lake.pipeline.gold.dimensions import UNDATED
from carti_lake.pipeline.silver import earlier_answers as answers_module
from carti_lake.pipeline.silver.earlier_answers import TOLD, answers, first_answers, replaced
from carti_lake.runner.entities import STEP_MODULES, Window, changed_months, collected_survey, window
from carti_lake.runner.fingerprint import fingerprint
from carti_lake.runner.marts import changes
from carti_lake.storage import Storage, commits, scan, transaction
from carti_lake.tables.silver import EarlierAnswers, Visits

FEED, VISITS = Visits.feed.full_name(), Visits.full_name()


def update_earlier_answers(storage: Storage, secret: str, *, full: bool) -> bool:
    """Bring ``silver.earlier_answers`` up to date with bronze and ``silver.visits``; true where it was written to.

    Only months are read that visits changed in, or that the visits of late answers stand in.
    """
    bronze, visits = storage.open(FEED), storage.open(VISITS)
    if bronze is None or visits is None:
        return False
    handle = storage.create(EarlierAnswers.full_name(), EarlierAnswers)
    made_by = fingerprint((*STEP_MODULES, answers_module), [Visits, Visits.feed, EarlierAnswers], secret)
    app_id = f"{FEED}@{made_by:x}"
    taken, seen = (
        -1 if full or version is None else version
        for version in (transaction(handle, app_id), transaction(handle, VISITS))
    )
    if (taken, seen) == (bronze.version(), visits.version()):
        return False
    transactions = {app_id: bronze.version(), VISITS: visits.version()}
    rows, standing = scan(visits, storage.options), scan(handle, storage.options)
    touched, rebuilt = changed_months(commits(visits, seen)) if min(taken, seen) >= 0 else ([], True)
    before = None if rebuilt else _before(storage, seen, touched)
    if before is None:
        told = _told(storage, window(bronze, -1), rows, secret)
        metadata = {"rebuild": True, "months": []}
        fresh = first_answers(told.lazy(), rows)
        storage.append(handle, fresh, transactions=transactions, metadata=metadata, mode="overwrite")
        return True
    current = _in({month or UNDATED for month in touched}, rows)
    told = _told(storage, window(bronze, taken), current, secret)
    told = pl.concat([told, answers(replaced(before.lazy(), current)).collect(engine="streaming")])
    months = {month or UNDATED for month in touched} | _months_of(told, rows)
    standing = _in(months, standing)
    fresh = first_answers(pl.concat([standing.select(TOLD), told.lazy()]), _in(months, rows))
    change = changes(fresh, standing, EarlierAnswers)
    written = [month.isoformat() for month in change["visit_month"].unique().sort()]
    storage.merge(
        handle,
        change,
        key=EarlierAnswers.key(),
        partition_by=EarlierAnswers.partition_by,
        transactions=transactions,
        metadata={"rebuild": False, "months": written},
    )
    return not change.is_empty()


def _told(storage: Storage, todo: Window | None, visits: pl.LazyFrame, secret: str) -> pl.DataFrame:
    """Valid answers among the rows of the window's batches that are not their visit's current row."""
    if todo is None:
        return pl.DataFrame(schema={name: EarlierAnswers.dtypes()[name] for name in TOLD})
    rows = replaced(todo.rows(storage, FEED), visits).collect(engine="streaming").lazy()
    cleansed = cleanse(rows, Visits, collected_survey(rows, Visits), secret)
    return answers(cleansed.filter(~pl.col("broken"))).collect(engine="streaming")


def _before(storage: Storage, seen: int, touched: Collection[date | None]) -> pl.DataFrame | None:
    """Rows of the touched months as they stood when they were seen last; None where a vacuum has removed them."""
    rows = _in({month or UNDATED for month in touched}, storage.scan(VISITS, seen))
    try:
        return rows.select(*TOLD, "withdrawn").collect(engine="streaming")
    except FileNotFoundError:
        return None


def _months_of(told: pl.DataFrame, visits: pl.LazyFrame) -> set[date]:
    """Months in which the visits of the answers stand."""
    keys = told.lazy().select("key_hash").unique()
    found = visits.select("key_hash", "visit_month").join(keys, on="key_hash", how="semi")
    months = found.select(pl.col("visit_month").fill_null(UNDATED).unique()).collect(engine="streaming")
    return set(months["visit_month"])


def _in(months: Collection[date], rows: pl.LazyFrame) -> pl.LazyFrame:
    month = pl.col("visit_month")
    wanted = month.is_in(sorted(months))
    return rows.filter(wanted | month.is_null() if UNDATED in months else wanted)
