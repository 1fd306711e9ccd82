"""First denials brought up to date: with the denials of new batches, and with where the visits stand now."""

from datetime import date

import polars as pl

from carti_lake.pipeline.cleanse import cleanse, code_maps
from carti_lake.pipeline.gold.dimensions import UNDATED
from carti_lake.pipeline.silver import initial_denials as initial_denials_module
from carti_lake.pipeline.silver.initial_denials import EVIDENCE, denials, first_denials, said_denied
from carti_lake.runner.entities import STEP_MODULES, Window, changed_months, window
from carti_lake.runner.fingerprint import fingerprint
from carti_lake.runner.marts import changes
from carti_lake.storage import Storage, commits, scan, transaction
from carti_lake.tables.silver import InitialDenials, Visits


def update_initial_denials(storage: Storage, secret: str, *, full: bool) -> bool:
    """Bring ``silver.initial_denials`` up to date with bronze and ``silver.visits``; true where a row changed.

    Only the months are read that visits changed in, or that visits of newly told denials stand in.
    """
    feed, entity = Visits.feed.full_name(), Visits.full_name()
    bronze, visits = storage.open(feed), storage.open(entity)
    if bronze is None or visits is None:
        return False
    handle = storage.create(InitialDenials.full_name(), InitialDenials)
    made_by = fingerprint((*STEP_MODULES, initial_denials_module), [Visits, Visits.feed, InitialDenials], secret)
    app_id = f"{feed}@{made_by:x}"
    recorded = (transaction(handle, app_id), transaction(handle, entity))
    taken, seen = (-1 if full or version is None else version for version in recorded)
    rebuild = min(taken, seen) < 0
    touched, rebuilt = changed_months([] if rebuild else commits(visits, seen))
    rebuild = rebuild or rebuilt
    todo = window(bronze, -1 if rebuild else taken)
    if todo is None and seen == visits.version():
        return False
    new = pl.DataFrame(schema={name: InitialDenials.dtypes()[name] for name in EVIDENCE})
    if todo is not None:
        new = _told(storage, todo, secret)
    rows, standing = scan(visits, storage.options), scan(handle, storage.options)
    transactions = {app_id: bronze.version(), entity: visits.version()}
    if rebuild:
        fresh = first_denials(new.lazy(), rows)
        storage.append(
            handle, fresh, transactions=transactions, metadata={"rebuild": True, "months": []}, mode="overwrite"
        )
        return True
    months = {month or UNDATED for month in touched} | _months_of(new, rows)
    standing, rows = _in(months, standing), _in(months, rows)
    fresh = first_denials(pl.concat([standing.select(EVIDENCE), new.lazy()]), rows)
    change = changes(fresh, standing, InitialDenials)
    written = [month.isoformat() for month in change["visit_month"].unique().sort()]
    storage.merge(
        handle,
        change,
        key=InitialDenials.key(),
        partition_by=InitialDenials.partition_by,
        transactions=transactions,
        metadata={"rebuild": False, "months": written},
    )
    return not change.is_empty()


def _told(storage: Storage, todo: Window, secret: str) -> pl.DataFrame:
    """Valid denials among the rows of the window's batches."""
    rows = said_denied(todo.rows(storage, Visits.feed.full_name()))
    maps = code_maps(rows, Visits)
    codes = dict(zip(maps, pl.collect_all(maps.values(), engine="streaming"), strict=True))
    return denials(cleanse(rows, Visits, codes, secret)).collect(engine="streaming")


def _months_of(new: pl.DataFrame, visits: pl.LazyFrame) -> set[date]:
    """Months in which the visits of the denials stand."""
    keys = new.lazy().select("key_hash").unique()
    found = visits.select("key_hash", "visit_month").join(keys, on="key_hash", how="semi")
    months = found.select(pl.col("visit_month").fill_null(UNDATED).unique()).collect(engine="streaming")
    return set(months["visit_month"])


def _in(months: set[date], rows: pl.LazyFrame) -> pl.LazyFrame:
    month = pl.col("visit_month")
    wanted = month.is_in(sorted(months))
    return rows.filter(wanted | month.is_null() if UNDATED in months else wanted)
