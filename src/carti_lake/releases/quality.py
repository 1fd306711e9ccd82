"""Quality of a release: what its checks say under the thresholds in force, how that went, and which rows fail."""

from collections.abc import Callable, Sequence
from datetime import datetime
from difflib import get_close_matches

import polars as pl

from carti_lake.pipeline.gold.quality import extract_days, fails, wholly_refused
from carti_lake.pipeline.gold.references import month_of
from carti_lake.pipeline.gold.verdicts import CHECK, by_check, thresholds, verdicts
from carti_lake.pipeline.keys import key_hash
from carti_lake.releases.release import Release
from carti_lake.store.errors import LakeError
from carti_lake.store.log import transaction
from carti_lake.store.storage import Storage
from carti_lake.store.write import append
from carti_lake.tables import CHECKED, TABLES, Entity, Table, Thresholds
from carti_lake.tables.checks import DELIVERY_CHECKS, Finding
from carti_lake.tables.gold import DataQuality
from carti_lake.tables.silver import UnknownReferences
from carti_lake.tables.thresholds import ThresholdChanges

#: Releases whose failing shares make a check's trend.
TREND = 8
#: Application transaction that numbers the changes of thresholds: two at once conflict.
NUMBERING = "change"
#: The only name of a patient beyond bronze; no report shows it.
PATIENT = "patient_key"

Scan = Callable[[str], pl.LazyFrame]


class QualityError(LakeError):
    """A check that does not exist, or a threshold that cannot be set."""


def judged(storage: Storage, results: int | None, changes: int | None) -> pl.DataFrame:
    """Each month of each check with its status.

    Parameters
    ----------
    storage
        The lake.
    results
        Version of ``gold.data_quality``; None for the newest.
    changes
        Version of ``thresholds`` that is in force; None for the newest, -1 for the declared thresholds alone.
    """
    counts = storage.scan(DataQuality.full_name(), results).collect()
    return verdicts(counts, thresholds(counts, _set(storage, changes)))


def checks_then(storage: Storage, counts: pl.DataFrame, of: Release) -> pl.DataFrame:
    """Every check with the status that counts have under the release's own thresholds, worst first.

    Parameters
    ----------
    storage
        The lake.
    counts
        Rows of ``gold.data_quality``.
    of
        The release; what people have set since changes nothing.
    """
    changes = of.versions.get(ThresholdChanges.full_name(), -1)
    return by_check(verdicts(counts, thresholds(counts, _set(storage, changes))))


def _set(storage: Storage, changes: int | None) -> pl.DataFrame:
    return ThresholdChanges.create_empty() if changes == -1 else _changes(storage, changes)


def _changes(storage: Storage, at: int | None = None) -> pl.DataFrame:
    return storage.scan(ThresholdChanges.full_name(), at).collect()


def report(storage: Storage, shown: Release, earlier: Sequence[Release]) -> pl.DataFrame:
    """Every check of a release, worst first.

    Parameters
    ----------
    storage
        The lake.
    shown
        The release.
    earlier
        Readable releases before it, oldest first, for the trend.

    Returns
    -------
    pl.DataFrame
        As :func:`carti_lake.pipeline.gold.verdicts.by_check`, with ``trend``: the failing shares of the last releases,
        oldest first, null where nothing was checked.
    """
    months = judged(storage, version(shown), None)
    compared = [one for one in earlier if DataQuality.full_name() in one.versions][1 - TREND :]
    shares: dict[int, pl.DataFrame] = {}
    for one in (*compared, shown):
        if version(one) not in shares:
            shares[version(one)] = _shares(storage, version(one))
    checks = by_check(months)
    points = [
        checks.select(CHECK).join(shares[version(one)], on=CHECK, how="left", maintain_order="left")["share"]
        for one in (*compared, shown)
    ]
    return checks.with_columns(trend=pl.concat_list(points))


def version(of: Release) -> int:
    """Version of ``gold.data_quality`` in a release."""
    try:
        return of.versions[DataQuality.full_name()]
    except KeyError:
        raise QualityError(
            f"Release {of.number} has no {DataQuality.full_name()}; `carti-lake run` makes it."
        ) from None


def _shares(storage: Storage, version: int) -> pl.DataFrame:
    """Failing share of each check, as a release told it."""
    checked, failed = pl.col("checked").sum(), pl.col("failed").sum()
    rows = storage.scan(DataQuality.full_name(), version).group_by(CHECK)
    return rows.agg(share=pl.when(checked > 0).then(failed / checked)).collect()


def find_check(name: str) -> tuple[type[Table], str]:
    """The table and the id of a check: ``payment_on_unpaid_claim``, or ``visits.payment_on_unpaid_claim``.

    Raises
    ------
    QualityError
        Where no table has such a check (with the nearest names), or several have.
    """
    bare = name.removeprefix("silver.")
    known = {f"{table}.{rule}": (entity, rule) for table, entity in CHECKED.items() for rule in entity.check_ids()}
    if bare in known:
        return known[bare]
    found = [full for full, (_, rule) in known.items() if rule == bare]
    if len(found) == 1:
        return known[found[0]]
    if found:
        raise QualityError(f"Several tables have a check {name!r}: name one of {', '.join(found)}.")
    near = get_close_matches(bare, [*known, *(rule for _, rule in known.values())], n=3)
    hint = f" Did you mean {', '.join(dict.fromkeys(near))}?" if near else " `carti-lake quality` lists them."
    raise QualityError(f"There is no check {name!r}.{hint}")


def find_table(name: str) -> type[Table] | None:
    """The checked table of that name, bare or full; None where it is none."""
    return CHECKED.get(name.removeprefix("silver."))


def failing(scan: Scan, table: type[Table], rule: str) -> pl.LazyFrame:
    """Rows (extract days) that fail a finding, without identifiers of patients.

    Parameters
    ----------
    scan
        Rows of a table of the release.
    table, rule
        The check; rules that refuse rows are not among them: quarantine shows theirs.

    Returns
    -------
    pl.LazyFrame
        The business key, the columns that the check looks at, the providers, and where each row was delivered.
    """
    if not issubclass(table, Entity):
        return scan(table.full_name()).filter(fails(next(one for one in table.findings() if one.id == rule)))
    entity = table
    if rule in DELIVERY_CHECKS:
        return _failing_deliveries(scan("gold.reconciliation").filter(feed=entity.feed.short_name), rule)
    finding = next(one for one in entity.findings() if one.id == rule)
    if finding.refers is not None:
        naming = scan(entity.full_name()).with_columns(month_of(entity), reference=key_hash([finding.refers[0]]))
        unknown = scan(UnknownReferences.full_name()).filter(table_name=entity.full_name(), rule=rule)
        return naming.join(unknown, on=["month", "reference"], how="semi").select(_telling(entity, finding))
    wrong = fails(finding)
    if finding.whole_month and entity.partition_by is not None:
        wrong = wrong.over(entity.partition_by)
    # Where nothing is counted as failed, the source does not deliver what is asked for.
    counted = scan(DataQuality.full_name()).filter(table_name=entity.full_name(), rule=rule)
    months = counted.filter(pl.col("failed") > 0).select("month").collect()["month"].to_list()
    rows = scan(entity.full_name()).filter(month_of(entity).is_in(months))
    return rows.filter(wrong).select(_telling(entity, finding))


def _failing_deliveries(reconciliation: pl.LazyFrame, rule: str) -> pl.LazyFrame:
    """Extract days, or batches, of a feed that fail a check of deliveries."""
    match rule:
        case "extracts|late":
            return extract_days(reconciliation).filter(pl.col("late").fill_null(False))
        case "extracts|volume":
            return extract_days(reconciliation).filter(pl.col("unusual").fill_null(False))
        case "extracts|refused":
            return wholly_refused(reconciliation).filter("wrong").drop("wrong")
        case _:
            return reconciliation.filter(pl.col("displaced_rows") > 0)


def _telling(entity: type[Entity], finding: Finding) -> list[str]:
    """Columns that tell which row fails, and why."""
    looked_at = [finding.failed] if finding.applies is None else [finding.applies, finding.failed]
    roots = [name for expression in looked_at for name in expression.meta.root_names()]
    dollars = [finding.amount] if finding.amount else []
    names = [*entity.key(), *roots, *dollars, *entity.providers, "batch_id", "row_number", "extract_date"]
    hidden = {PATIENT, *entity.feed.phi_columns()}
    return [name for name in dict.fromkeys(names) if name not in hidden]


def in_force(storage: Storage, entity: type[Table], rule: str) -> Thresholds:
    """The thresholds of a check as they stand now."""
    check = pl.DataFrame({"table_name": [entity.full_name()], "rule": [rule]})
    row = thresholds(check, _changes(storage)).row(0, named=True)
    return Thresholds(row["warn"], row["block"], row["fewest"])


def set_thresholds(
    storage: Storage,
    entity: type[Table],
    rule: str,
    wanted: Thresholds | None,
    *,
    who: str,
    why: str,
    now: datetime,
) -> None:
    """Put other thresholds in force for a check; None puts the declared ones in force again.

    Raises
    ------
    QualityError
        Where a share is not between 0 and 1, or the check would block before it warns; or no reason is given.
    """
    if not storage.exists(DataQuality.full_name()):
        raise QualityError(f"{storage.uri} has checked nothing yet. Load extracts, then `carti-lake run`.")
    if not why.strip():
        raise QualityError("Say why the thresholds are changed: it is recorded with them.")
    chosen = entity.declared_thresholds(rule) if wanted is None else wanted
    for name, share in (("warn", chosen.warn), ("block", chosen.block)):
        if share is not None and not 0 <= share <= 1:
            raise QualityError(f"{name} is a share of the rows checked, from 0 to 1 (2 % is 0.02), not {share}.")
    if chosen.block is not None and (chosen.warn is None or chosen.warn > chosen.block):
        raise QualityError(
            f"{rule} would block from {chosen.block} before it warns from "
            f"{'never' if chosen.warn is None else chosen.warn}; give a warn that is no higher."
        )
    handle = storage.create(ThresholdChanges.full_name(), ThresholdChanges, change_feed=False)
    number = (transaction(handle, NUMBERING) or 0) + 1
    row = {
        "change": number,
        "table_name": entity.full_name(),
        "rule": rule,
        "declared": wanted is None,
        "warn": chosen.warn,
        "block": chosen.block,
        "fewest": chosen.fewest,
        "at": now,
        "who": who,
        "why": why.strip(),
    }
    change = pl.DataFrame([row], schema=ThresholdChanges.dtypes())
    append(storage, handle, change, transactions={NUMBERING: number}, metadata={"change": number})


def candidate(storage: Storage, last: Release | None, now: datetime) -> Release:
    """What the last run made, published or not, as the release that it would be."""
    handles = {name: storage.open(name) for name, table in TABLES.items() if table.layer in ("silver", "gold")}
    return Release(
        number=1 if last is None else last.number + 1,
        at=now,
        data_as_of=storage.scan("gold.reconciliation").select(pl.col("extract_date").max()).collect().item(),
        versions={name: handle.version() for name, handle in handles.items() if handle is not None},
        rows={},
        audits=(),
        accepted=(),
        locks=(),
        expired=False,
    )
