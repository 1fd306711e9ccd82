"""What must hold before a release: gold is compared with its inputs and with the last release."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial

import polars as pl

from carti_lake.models.catalogue import MODELS
from carti_lake.pipeline.gold.verdicts import CHECK, newly_blocked
from carti_lake.pipeline.marts import BUILT, MARTS
from carti_lake.pipeline.newest import OUTCOMES, in_bucket
from carti_lake.pipeline.silver.claim_lines import services, with_lines
from carti_lake.releases.quality import judged
from carti_lake.releases.release import Audit, Release
from carti_lake.runner.engine import Map
from carti_lake.store.log import changed_months, commits, row_count
from carti_lake.store.parts import Part, parts, parts_by_month
from carti_lake.store.storage import Storage
from carti_lake.tables import ENTITIES, TABLES
from carti_lake.tables.gold import DataQuality
from carti_lake.tables.quarantine import QUARANTINE
from carti_lake.tables.thresholds import ThresholdChanges

VISITS, OF_LINES = "silver.visits", "silver.claims_of_lines"
#: Largest change of a total over months that were complete in the last release, as a share of it.
DRIFT_TOLERANCE = 0.10
#: Findings of one audit that are told in full.
MOST_TOLD = 3
#: Marts that credit visits to what brought them; together with what nothing is credited with, marketing has them all.
CREDITING = ("gold.referral_flow", "gold.marketing_roi")
#: Payments are not among them: they go on coming in for months that are complete.
DRIFTING = ("visits", "gross_charges", "stays", "referrals_made")


@dataclass(frozen=True)
class _Changed:
    """Rows of the partitions of a table that changed since the last release.

    Attributes
    ----------
    rows
        Those.
    anew
        Whether they are all: the table was made anew, or is of no release yet.
    """

    rows: pl.LazyFrame
    anew: bool


def audit(storage: Storage, last: Release | None, engine: Map) -> list[Audit]:
    """Every audit of the lake as it stands, against the last release where there is one."""
    return [
        _reconciliation(storage),
        _keys(storage, last, engine),
        _integrity(storage),
        _totals(storage, last, engine),
        _drift(storage, last),
        _quality(storage, last),
    ]


def _reconciliation(storage: Storage) -> Audit:
    """Every delivered row is accounted for, and the accounts agree with the tables."""
    balance = storage.scan("gold.reconciliation").collect()
    off = balance.filter(pl.col("bronze_rows") != pl.sum_horizontal(OUTCOMES))
    problems = [
        f"{row['batch_id']}: {row['bronze_rows']} delivered, "
        + ", ".join(f"{row[name]} {name.removesuffix('_rows')}" for name in OUTCOMES)
        for row in off.head(3).iter_rows(named=True)
    ]
    sums = balance.group_by("feed").agg(pl.col("silver_rows", "quarantined_rows").sum())
    booked = {feed: (silver, refused) for feed, silver, refused in sums.iter_rows()}
    for name, entity in ENTITIES.items():
        expected = booked.get(entity.feed.short_name, (0, 0))
        for table, count in zip((entity.full_name(), QUARANTINE[name].full_name()), expected, strict=True):
            handle = storage.open(table)
            actual = 0 if handle is None else row_count(handle)
            if actual != count:
                problems.append(f"{table} holds {actual} rows, its batches account for {count}")
    return Audit(
        "reconciliation",
        not problems,
        "; ".join(problems) or f"{balance.height} batches, {balance['bronze_rows'].sum()} rows, all accounted for",
    )


def _keys(storage: Storage, last: Release | None, engine: Map) -> Audit:
    """Business keys are unique, and no part of gold's is null: in the partitions of silver and gold that changed."""
    problems = []
    checked = 0
    for entity in ENTITIES.values():
        changed = _changed(storage, entity.full_name(), last)
        if changed is None:
            continue
        if changed.anew:
            count, distinct = _distinct_keys(storage, entity.full_name(), engine)
        else:
            count, distinct = _counted(changed.rows)
        checked += count
        if count != distinct:
            problems.append(f"{entity.full_name()}: {count - distinct} rows repeat a key")
    scored = dict.fromkeys(table for model in MODELS.values() for table in model.fills)
    for table in (*BUILT, *scored):
        key, changed = table.key(), _changed(storage, table.full_name(), last)
        if changed is None:
            continue
        blank = pl.any_horizontal(pl.col(key).is_null()).sum()
        counted = changed.rows.select(pl.len(), keys=pl.struct(key).n_unique(), blank=blank)
        count, distinct, nameless = counted.collect(engine="streaming").row(0)
        checked += count
        if nameless:
            problems.append(f"{table.full_name()}: {nameless} rows have no {' or '.join(key)}")
        if count != distinct:
            problems.append(f"{table.full_name()}: {count - distinct} rows repeat a key")
    return Audit("keys", not problems, "; ".join(problems) or f"{checked} keys are unique")


def _distinct_keys(storage: Storage, table: str, engine: Map) -> tuple[int, int]:
    """Rows of a whole table, and how many keys they have, by buckets of keys."""
    handle = storage.open(table)
    assert handle is not None
    buckets = len(parts(storage, table, handle.version(), split=True))
    (whole,) = parts(storage, table, handle.version(), split=False)
    counts = engine(partial(_in_bucket, whole=whole, buckets=buckets), range(buckets))
    return sum(rows for rows, _ in counts), sum(keys for _, keys in counts)


def _in_bucket(bucket: int, *, whole: Part, buckets: int) -> tuple[int, int]:
    return _counted(whole.rows().select("key_hash").filter(in_bucket(buckets) == bucket))


def _counted(rows: pl.LazyFrame) -> tuple[int, int]:
    count, distinct = rows.select(pl.len(), keys=pl.col("key_hash").n_unique()).collect(engine="streaming").row(0)
    return count, distinct


def _integrity(storage: Storage) -> Audit:
    """Every fact of gold finds its provider, month and service line in the dimensions."""
    monthly = storage.scan("gold.provider_monthly")
    lookups = {
        "gold.dim_provider": (monthly.select("provider_id").unique(), "provider_id"),
        "gold.dim_service_line": (monthly.select("service_line").unique(), "service_line"),
        "gold.dim_date": (monthly.select(date="month").unique(), "date"),
    }
    problems = []
    for dimension, (facts, key) in lookups.items():
        orphans = facts.join(storage.scan(dimension), on=key, how="anti").collect(engine="streaming").height
        if orphans:
            problems.append(f"{orphans} values of {key} in gold.provider_monthly are not in {dimension}")
    summary = storage.scan("gold.provider_summary")
    orphans = summary.join(storage.scan("gold.dim_provider"), on="provider_id", how="anti").collect().height
    if orphans:
        problems.append(f"{orphans} providers of gold.provider_summary are not in gold.dim_provider")
    return Audit("integrity", not problems, "; ".join(problems) or "facts find their dimensions")


def _totals(storage: Storage, last: Release | None, engine: Map) -> Audit:
    """Counts and dollars of gold are silver's, to the cent, in every month that changed; summary adds up monthly."""
    problems = []
    months_checked = set()
    declared = {name: totals for mart in MARTS for name, totals in mart.totals.items()}
    for mart, table in dict.fromkeys((mart, of) for mart, totals in declared.items() for of, _ in totals.values()):
        changed = _with_lines(storage, last) if table == VISITS else _changed(storage, table, last)
        if changed is None:
            continue
        sums = [name for name, (of, _) in declared[mart].items() if of == table]
        if changed.anew:
            together = [table, OF_LINES] if table == VISITS else [table]
            groups = parts_by_month(storage, together, ())
            silver = pl.concat(engine(partial(_sums_of, mart=mart, table=table), groups))
        else:
            silver = _sums(changed.rows, mart, table)
        months_checked |= set(silver["month"])
        gold = (
            storage.scan(mart)
            .group_by("month")
            .agg(pl.col(name).sum() for name in sums)
            .join(silver.lazy().select("month"), on="month", how="semi")
            .collect()
        )
        both = silver.join(gold, on="month", how="left", suffix="_gold").sort("month")
        for name in sums:
            off = both.filter(pl.col(name).fill_null(0) != pl.col(f"{name}_gold").fill_null(0))
            for row in off.head(2).iter_rows(named=True):
                values = f"silver {row[name]}, gold {row[f'{name}_gold']}"
                problems.append(f"{name} of {row['month']}: {values} in {mart}")
    names = {"total_visits": "visits", "total_claim_amount": "gross_charges", "stays": "stays"}
    summary = storage.scan("gold.provider_summary").select(pl.col(name).sum() for name in names).collect()
    monthly = storage.scan("gold.provider_monthly").select(pl.col(name).sum() for name in names.values()).collect()
    for above, below in names.items():
        if (summary[above][0] or 0) != (monthly[below][0] or 0):
            problems.append(f"{above}: summary {summary[above][0]}, monthly {monthly[below][0]}")
    cash = storage.scan("gold.marketing_monthly").select(pl.col("realised_cash").sum()).collect().item() or 0
    for mart in CREDITING:
        credited = storage.scan(mart).select(pl.col("realised_cash").sum()).collect().item() or 0
        if credited > cash:
            problems.append(f"{mart} credits {credited} of cash, all visits together brought {cash}")
    paid, answered = _paid_by_lines(storage)
    if paid != answered:
        problems.append(f"payments on claims with lines: {OF_LINES} {paid}, the lines themselves {answered}")
    return Audit("totals", not problems, "; ".join(problems) or f"gold equals silver in {len(months_checked)} months")


def _sums_of(group: list[Part], *, mart: str, table: str) -> pl.DataFrame:
    rows = [part.rows() for part in group]
    return _sums(with_lines(*rows) if table == VISITS else rows[0], mart, table)


def _sums(rows: pl.LazyFrame, mart: str, table: str) -> pl.DataFrame:
    """What a mart must equal of a table of silver, by month."""
    totals = next(one.totals[mart] for one in MARTS if mart in one.totals)
    sums = {name: expression for name, (of, expression) in totals.items() if of == table}
    standing = rows.filter(~pl.col("withdrawn"))
    return standing.group_by(pl.col(_month_column(table)).alias("month")).agg(**sums).collect(engine="streaming")


def _with_lines(storage: Storage, last: Release | None) -> _Changed | None:
    """Visits of the months in which they or their claims' lines changed, with their claims as the lines say."""
    visits, of_lines = (_changed(storage, table, last) for table in (VISITS, OF_LINES))
    changed = [one for one in (visits, of_lines) if one is not None]
    if not changed:
        return None
    rows = changed[0].rows
    if of_lines is not None:
        months = pl.concat(one.rows.select("visit_month") for one in changed).unique()
        rows = storage.scan(VISITS).join(months, on="visit_month", how="semi")
    return _Changed(with_lines(rows, storage.scan(OF_LINES)), visits is not None and visits.anew)


def _paid_by_lines(storage: Storage) -> tuple[Decimal, Decimal]:
    """Payments of claims with lines, as claims have them and as the lines of visits that stand add up, line by line."""
    if not storage.exists(OF_LINES):
        return Decimal(0), Decimal(0)
    visits = storage.scan(VISITS).filter(~pl.col("withdrawn"))
    lines = services(storage.scan("silver.claim_lines"))
    linked = [
        lines.join(visits, on="visit_id", how="semi").select("claim_id"),
        visits.select(claim_id=pl.coalesce("claim_id", "visit_id")),
    ]
    sums = [
        storage.scan(OF_LINES).select(pl.col("claim_paid").sum()),
        lines.join(pl.concat(linked), on="claim_id", how="semi").select(pl.col("paid_amount").sum()),
    ]
    paid, answered = (one.collect(engine="streaming").item() or Decimal(0) for one in sums)
    return paid, answered


def _drift(storage: Storage, last: Release | None) -> Audit:
    """Months that the last release held complete have not changed by more than the tolerance."""
    if last is None or last.data_as_of is None or "gold.provider_monthly" not in last.versions:
        return Audit("drift", True, "no earlier release to compare with")
    open_month = last.data_as_of.replace(day=1)
    sums = [pl.col(name).sum().cast(pl.Float64) for name in DRIFTING]
    before, now = (
        frame.filter(pl.col("month") < open_month).select(sums).collect(engine="streaming")
        for frame in (
            storage.scan("gold.provider_monthly", last.versions["gold.provider_monthly"]),
            storage.scan("gold.provider_monthly"),
        )
    )
    worst, problems = 0.0, []
    for name in DRIFTING:
        old, new = before[name][0], now[name][0]
        if not old:
            continue
        change = (new - old) / old
        worst = max(worst, abs(change))
        if abs(change) > DRIFT_TOLERANCE:
            problems.append(f"{name} before {open_month:%Y-%m} went from {old:,.2f} to {new:,.2f} ({change:+.1%})")
    detail = "; ".join(problems) or f"months before {open_month:%Y-%m} moved by at most {worst:.2%}"
    return Audit("drift", not problems, f"{detail} (tolerance {DRIFT_TOLERANCE:.0%})")


def _quality(storage: Storage, last: Release | None) -> Audit:
    """No check has come to block since the last release, by the thresholds that were in force then and now.

    What an accepted release held already is not asked about again.
    """
    now = judged(storage, None, None)
    before = now.clear()
    if last is not None and DataQuality.full_name() in last.versions:
        changes = last.versions.get(ThresholdChanges.full_name(), -1)
        before = judged(storage, last.versions[DataQuality.full_name()], changes)
    blocked = newly_blocked(now, before)
    problems = [
        f"{row['table_name']} {row['rule']}, {row['month']:%Y-%m}: {row['failed']:,} of {row['checked']:,} fail "
        f"({row['share']:.1%}; blocks from {row['block']:.1%}): {row['description'].rstrip('.')}"
        for row in blocked.head(MOST_TOLD).iter_rows(named=True)
    ]
    if blocked.height > MOST_TOLD:
        problems.append(f"and {blocked.height - MOST_TOLD} more")
    checks = now.select(CHECK).unique().height
    warned = now.filter(pl.col("status") == "warn").select(CHECK).unique().height
    return Audit("quality", not problems, "; ".join(problems) or f"{checks} checks, of which {warned} warn")


def _changed(storage: Storage, table: str, last: Release | None) -> _Changed | None:
    """What changed of a table since the last release; None where nothing did."""
    handle = storage.open(table)
    if handle is None:
        return None
    rows = storage.scan(table)
    seen = None if last is None else last.versions.get(table)
    if seen is None:
        return _Changed(rows, True)
    if seen == handle.version():
        return None
    touched, rebuilt = changed_months(commits(handle, seen))
    partition = TABLES[table].partition_by
    if rebuilt or partition is None:
        return _Changed(rows, rebuilt)
    dated: list[date] = [day for day in touched if day]
    return _Changed(rows.filter(pl.col(partition).is_in(dated)), False)


def _month_column(table: str) -> str:
    column = ENTITIES[table.split(".")[1]].partition_by
    assert column is not None
    return column
