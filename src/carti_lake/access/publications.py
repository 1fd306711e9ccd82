"""The record of publications: what each release told when it was made public first, and what it was compared with."""

from getpass import getuser
from typing import Any

import polars as pl

from carti_lake.access import audit_log
from carti_lake.disclosure import Publication, Told, as_shown_before, publication, told_of
from carti_lake.disclosure.release import gold_frames
from carti_lake.releases.release import When, releases
from carti_lake.releases.view import View
from carti_lake.store.errors import ConflictError
from carti_lake.store.storage import Storage
from carti_lake.tables.gold.events import SUMMED
from carti_lake.tables.publications import Publications

TABLE = Publications.full_name()
#: What ``after`` says where no reader has had an earlier release.
NOTHING = "none"
#: How often a publication is decided anew since another one was recorded meanwhile.
TRIES = 20
#: Lists of the record that go together.
LISTS = ("axis", "member", "column", "sum", "shown")
#: Types of the columns whose sums it keeps.
_DECLARED = {name: dtype for table in SUMMED for name, dtype in table.dtypes().items() if dtype.is_numeric()}


def published(view: View, outlet: str, after: When | None = None) -> Publication:
    """The release as anybody may see it; what it tells is decided when it is made public first, and recorded.

    Parameters
    ----------
    view
        The release.
    outlet
        What is made of it, for the record.
    after
        The release that its readers had before, alone; ``none`` where nobody has had one: only whoever hands out the
        publications can say so. None for all that is on record.
    """
    named = None if after is None else str(after)
    for attempt in range(TRIES):
        record = view.storage.scan(TABLE).collect().sort("change")
        same = record.filter(pl.col("release") == view.release.number, pl.col("after").eq_missing(named))
        before = record if same.is_empty() else record.filter(pl.col("change") < same["change"][0])
        earlier, since = _earlier(view, before, after)
        stored = gold_frames(view)
        if not same.is_empty():
            again = publication(stored, earlier, since, decided=_told(same.row(0, named=True)))
            return as_shown_before(again, earlier)
        made = publication(stored, earlier, since)
        assert made.told is not None
        try:
            _record(view, made.told, outlet, named, record.height + 1)
        except ConflictError:
            view.storage.let_go(TABLE)
            if attempt == TRIES - 1:
                raise
            continue
        return as_shown_before(made, earlier)
    raise AssertionError("unreachable")


def entries(storage: Storage) -> pl.DataFrame:
    """Every publication, newest first: of which release, when, by whom, for which outlet, and how much it hides."""
    found = storage.scan(TABLE).collect().sort("change", descending=True)
    hidden = pl.col("shown").list.eval(~pl.element()).list.sum()
    return found.select("change", "release", "after", "at", "who", outlet="why", hidden=hidden)


def _earlier(view: View, record: pl.DataFrame, after: When | None) -> tuple[list[Told], str | None]:
    """What the readers may have, and how to call it."""
    # A release that is locked under the word is meant by it: comparing hides more than not comparing.
    if after == NOTHING and not any(NOTHING in one.locks for one in releases(view.storage)):
        return [], None
    if after is not None:
        base = view.at(after)
        had = record.filter(pl.col("release") == base.release.number)
        told = [_told(row) for row in had.iter_rows(named=True)] or [told_of(gold_frames(base))]
        return told, f"release {base.release.number}"
    numbers = [str(number) for number in record["release"].unique().sort()]
    if not numbers:
        return [], None
    called = f"release {numbers[0]}" if not numbers[1:] else f"releases {', '.join(numbers[:-1])} and {numbers[-1]}"
    return [_told(row) for row in record.iter_rows(named=True)], called


def _record(view: View, told: Told, outlet: str, after: str | None, number: int) -> None:
    rows = pl.concat(_long(key, told) for key in sorted(told.sums))
    audit_log.change(
        view.storage,
        "publication",
        {
            "release": view.release.number,
            "after": after,
            **{name: rows[name].to_list() for name in LISTS},
            "pooled": sorted(f"{key} {name}" for key, names in told.pooled.items() for name in names),
        },
        lambda change: f"release {view.release.number} was made public (publication {change})",
        who=getuser(),
        why=outlet,
        now=view.clock(),
        number=number,
    )


def _long(key: str, told: Told) -> pl.DataFrame:
    """A row for each member and column of an axis."""
    flags, sums = told.shown[key], told.sums[key]
    told_of = [name for name in flags.columns if name != key]
    shown = flags.unpivot(index=key, variable_name="column", value_name="shown")
    counts = sums.select(key, *(_whole(name, sums.schema[name]) for name in told_of)).unpivot(
        index=key, variable_name="column", value_name="sum"
    )
    return shown.join(counts, on=[key, "column"], how="left", nulls_equal=True, maintain_order="left").select(
        pl.lit(key).alias("axis"), pl.col(key).cast(pl.String).alias("member"), "column", "sum", "shown"
    )


def _whole(name: str, dtype: pl.DataType) -> pl.Expr:
    """The sum as a whole number, of dollars and points in their least part; null where that is too large."""
    scaled = pl.col(name) * 10**dtype.scale if isinstance(dtype, pl.Decimal) else pl.col(name)
    return scaled.cast(pl.Int64, strict=False).alias(name)


def _as_declared(name: str) -> pl.Expr:
    dtype = _DECLARED[name]
    parts = 10**dtype.scale if isinstance(dtype, pl.Decimal) else 1
    return (pl.col(name).cast(pl.Decimal(38, 8)) / pl.lit(parts)).cast(dtype)


def _told(row: dict[str, Any]) -> Told:
    """What a publication on record told."""
    long = pl.DataFrame({name: row[name] for name in LISTS}, schema_overrides={"sum": pl.Int64, "member": pl.String})
    sums, shown = {}, {}
    for (key,), rows in long.group_by("axis", maintain_order=True):
        member = pl.col("member")
        kept = rows.with_columns((member.str.to_date() if str(key).endswith("month") else member).alias(str(key)))
        shown[str(key)] = kept.pivot("column", index=str(key), values="shown").sort(str(key))
        whole = kept.drop_nulls("sum").pivot("column", index=str(key), values="sum").sort(str(key))
        sums[str(key)] = whole.with_columns(_as_declared(name) for name in whole.columns if name in _DECLARED)
    pooled: dict[str, set[str]] = {}
    for one in row["pooled"]:
        key, _, name = one.partition(" ")
        pooled.setdefault(key, set()).add(name)
    return Told(sums, shown, {key: frozenset(names) for key, names in pooled.items()})
