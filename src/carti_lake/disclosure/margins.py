"""The published sums of events, along each axis by itself, and which of their columns may be shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from carti_lake.disclosure.blocks import Cells, Counts, Flags, Then, protect
from carti_lake.tables.gold.events import AXES, FAMILIES, OTHERS, TOTALS, Axis, Family, Split

#: Axis of one cell: the network as a whole.
NETWORK = "network"
#: Distinct patients do not add up: they are counted per provider, in the summary.
PATIENTS = "total_patients"
#: Members of an axis with fewer events than this are told of together, where the axis says so.
FEW = 50

_SHOWN_BY = {column: family.name for family in FAMILIES for column in family.shows}

#: Rows of each axis by the name of its key, which is their first column.
Margins = dict[str, pl.DataFrame]


def margins(frames: Mapping[str, pl.DataFrame]) -> Margins:
    """Sums of every column of events along each axis, and over the whole network.

    Parameters
    ----------
    frames
        Gold tables of one release by name, ``provider_monthly`` and ``provider_summary`` among them; an axis whose
        mart is not among them is left out.

    Returns
    -------
    dict
        A column that two marts have is about the same events in both, and is taken from the first.
    """
    whole: pl.DataFrame | None = None
    found: Margins = {}
    for mart in dict.fromkeys((*(axis.mart for axis in AXES), *TOTALS)):
        if (rows := frames.get(mart.short_name)) is not None:
            totals = rows.select(pl.lit(NETWORK).alias(NETWORK), *_sums(rows, NETWORK))
            whole = totals if whole is None else _beside(whole, totals)
    for axis in AXES:
        rows = frames.get(axis.mart.short_name)
        if rows is not None:
            cells = along(axis, rows)
            known = found.get(axis.key)
            found[axis.key] = cells if known is None else _beside(known, cells)
    assert whole is not None
    patients = frames["provider_summary"].select("provider_id", PATIENTS)
    found["provider_id"] = _beside(found["provider_id"], patients)
    return {key: rows.sort(key) for key, rows in (found | {NETWORK: whole}).items()}


def along(axis: Axis, rows: pl.DataFrame) -> pl.DataFrame:
    """Sums of a mart's rows along an axis, in the order of its key."""
    return rows.group_by(axis.key).agg(_sums(rows, axis.key)).sort(axis.key)


def _beside(rows: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """The rows with what others tell of the same keys, zero where they do not have one."""
    key = rows.columns[0]
    new = [name for name in others.columns if name not in rows.columns]
    joined = rows.join(others.select(key, *new), on=key, how="full", coalesce=True, nulls_equal=True)
    return joined.with_columns(pl.exclude(key).fill_null(0))


def _sums(rows: pl.DataFrame, key: str) -> list[pl.Expr]:
    return [pl.col(column).sum().cast(rows.schema[column]) for column in told_of(rows.columns, key)]


def told_of(columns: Sequence[str], key: str) -> list[str]:
    """Those of the columns that are shown along an axis."""
    along = [family for family in FAMILIES if key == NETWORK or family.axes is None or key in family.axes]
    return [column for family in along for column in family.shows if column in columns]


@dataclass(frozen=True)
class Told:
    """What one publication tells of events.

    Attributes
    ----------
    sums
        Of its release, along each axis and over the network.
    shown
        For each axis its keys, and of each column whether it is shown there.
    pooled
        For each axis the members of which only the sum is told.
    """

    sums: Margins
    shown: Margins
    pooled: Mapping[str, frozenset[Any]] = field(default_factory=dict)

    def rows(self, key: str) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Sums and flags of an axis as readers see its members: those of few events as one.

        Their sum is that of all hidden members less the others that are hidden: it is told where there are no others.
        """
        sums, flags = self.sums[key], self.shown[key]
        apart = pl.col(key).is_in(list(self.pooled.get(key, ())))
        if not self.pooled.get(key):
            return sums, flags
        others = sums.filter(apart).select(pl.lit(OTHERS).alias(key), pl.exclude(key).sum())
        total = self.shown[NETWORK]
        hidden = flags.filter(~apart).select(pl.exclude(key).all())
        told = hidden.with_columns(
            pl.col(name) & total[name].item() for name in hidden.columns if name in total.columns
        ).select(pl.lit(OTHERS).alias(key), pl.all())
        return (
            pl.concat([sums.filter(~apart), others.cast(sums.schema)]),
            pl.concat([flags.filter(~apart), told.select(flags.columns)]),
        )


def decide(now: Margins, earlier: Sequence[Told] = ()) -> Told:
    """What may be shown of these sums to readers who may have the earlier publications.

    Parameters
    ----------
    now
        Sums of the release.
    earlier
        What was made public: small changes since are not shown, nor what would tell of the earlier ones.
    """
    # What an earlier one did not have is in no relation to it.
    rows = {key: _aligned(key, now[key], earlier) for key in now}
    pooled = {key: _few(key, placed.now) for key, placed in rows.items()}
    flags: dict[str, dict[str, Flags]] = {key: {} for key in now}
    for family in FAMILIES:
        _show(family, rows, pooled, flags)
    marked = {
        key: placed.now.select(key)
        .with_columns(
            pl.Series(column, flags[key][family.name], dtype=pl.Boolean)
            for family in FAMILIES
            if family.name in flags[key]
            for column in family.shows
            if column in now[key].columns
        )
        .join(now[key].select(key), on=key, how="semi", nulls_equal=True)
        for key, placed in rows.items()
    }
    apart = {key: placed.now[key].filter(pl.Series(pooled[key])).to_list() for key, placed in rows.items()}
    return Told(now, marked, {key: frozenset(names) for key, names in apart.items() if names})


def again(now: Margins, decided: Told) -> Told:
    """The same of the sums as was told of them once; of an axis or a column that was not, nothing."""
    shown = {key: decided.shown.get(key, sums.select(key).clear()) for key, sums in now.items()}
    return Told(now, shown, decided.pooled)


def _few(key: str, rows: pl.DataFrame) -> Flags:
    """Members of an axis that are told of together, since little could be told of each."""
    counted = {split.whole for family in FAMILIES for split in family.splits if not split.parts}
    if key not in {axis.key for axis in AXES if axis.few}:
        return np.zeros(rows.height, dtype=bool)
    most = rows.select(pl.max_horizontal(name for name in rows.columns if name in counted)).to_series()
    found: Flags = most.to_numpy() < FEW
    return found


@dataclass(frozen=True)
class _Placed:
    """Sums of an axis, and those of earlier publications with what these showed: the same keys in the same order."""

    now: pl.DataFrame
    then: Mapping[int, tuple[pl.DataFrame, pl.DataFrame]]


def _aligned(key: str, now: pl.DataFrame, every: Sequence[Told]) -> _Placed:
    earlier = {number: one for number, one in enumerate(every) if key in one.sums}
    keys = pl.concat([now.select(key), *(one.sums[key].select(key) for one in earlier.values())]).unique().sort(key)

    def placed(rows: pl.DataFrame, absent: int | bool) -> pl.DataFrame:
        joined = keys.join(rows, on=key, how="left", nulls_equal=True, maintain_order="left")
        return joined.with_columns(pl.exclude(key).fill_null(absent))

    # A key that a release does not have counts as zero there, which may be shown.
    then = {number: (placed(one.sums[key], 0), placed(one.shown[key], True)) for number, one in earlier.items()}
    return _Placed(placed(now, 0), then)


def _show(
    family: Family,
    rows: Mapping[str, _Placed],
    pooled: Mapping[str, Flags],
    flags: dict[str, dict[str, Flags]],
) -> None:
    """Add the family's flags to each axis that has its columns."""
    totals = rows[NETWORK]
    network = _cells(family, NETWORK, totals, flags[NETWORK], _splits(family, NETWORK, totals))
    axes = {}
    for key in [key for key in rows if key != NETWORK]:
        splits = _splits(family, key, rows[key])
        cells = _cells(family, key, rows[key], flags[key], splits)
        if cells is not None:
            cells = replace(cells, open=cells.open & ~pooled[key])
            axes[key] = cells, _cells(family, NETWORK, totals, flags[NETWORK], splits)
    total_shown, found = protect(network, axes)
    for key, one in found.items():
        flags[key][family.name] = one
    if network is not None:
        flags[NETWORK][family.name] = np.array([total_shown])


def _splits(family: Family, key: str, rows: _Placed) -> list[Split]:
    """The family's splits that the axis has all columns of."""
    if key != NETWORK and family.axes is not None and key not in family.axes:
        return []
    return [
        split
        for split in family.splits
        if (split.axes is None or key in (NETWORK, *split.axes)) and {*split.columns} <= {*rows.now.columns}
    ]


def _cells(
    family: Family, key: str, rows: _Placed, flags: Mapping[str, Flags], splits: Sequence[Split]
) -> Cells | None:
    columns = {column for split in splits for column in split.columns}
    shows = [column for column in family.shows if column in rows.now.columns]
    if not splits or not columns <= {*rows.now.columns}:
        return None
    open_ = np.ones(rows.now.height, dtype=bool)
    for parent in family.under:
        open_ &= flags.get(parent, open_)
    whole, groups, parents, place = [], [], [], 0
    for split in splits:
        width = len(split.parts) + 1 if split.parts else 1
        if not split.parts:
            whole.append(place)
        elif split.twice is None and (known := flags.get(_SHOWN_BY[split.whole])) is not None:
            groups.append((list(range(place, place + width)), known))
            parents.append(split.whole)
        place += width
    earlier = {
        number: Then(_classes(splits, sums), _all(was, shows), tuple(_all(was, [parent]) for parent in parents))
        for number, (sums, was) in rows.then.items()
        if columns <= {*sums.columns} and {*shows} & {*was.columns}
    }
    return Cells(_classes(splits, rows.now), tuple(whole), tuple(groups), open_, earlier)


def _all(was: pl.DataFrame, columns: Sequence[str]) -> Flags:
    """Whether all of the columns were shown, of those that there were."""
    there = [column for column in columns if column in was.columns]
    return was.select(pl.all_horizontal(pl.lit(True), *there)).to_series().to_numpy().astype(bool)


def _classes(splits: Sequence[Split], rows: pl.DataFrame) -> Counts:
    """Cells x classes: a count by itself, or the parts of a count and its remainder."""
    classes: list[pl.Expr] = []
    for split in splits:
        remainder = pl.col(split.whole)
        for part in split.parts:
            remainder -= pl.col(part)
        if split.twice is not None:
            remainder += pl.col(split.twice)
        classes += [*(pl.col(part) for part in split.parts), remainder]
    return rows.select(one.alias(str(place)) for place, one in enumerate(classes)).to_numpy().astype(np.int64)
