"""The published sums of events, along each axis by itself, and which of their columns may be shown."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from carti_lake.disclosure.blocks import Cells, Counts, Flags, protect
from carti_lake.tables.gold.events import AXES, FAMILIES, Family, Split

#: Axis of one cell: the network as a whole.
NETWORK = "network"
#: Distinct patients do not add up: they are counted per provider, in the summary.
PATIENTS = "total_patients"

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
    """
    whole = frames["provider_monthly"]
    found = {NETWORK: whole.select(pl.lit(NETWORK).alias(NETWORK), *_sums(whole))}
    for axis in AXES:
        if axis.mart.short_name in frames:
            rows = frames[axis.mart.short_name]
            found[axis.key] = rows.group_by(axis.key).agg(_sums(rows))
    patients = frames["provider_summary"].select("provider_id", PATIENTS)
    everyone = found["provider_id"].join(patients, on="provider_id", how="full", coalesce=True)
    found["provider_id"] = everyone.with_columns(pl.col(_columns(everyone)).fill_null(0))
    return {key: rows.sort(key) for key, rows in found.items()}


def _sums(rows: pl.DataFrame) -> list[pl.Expr]:
    return [pl.col(column).sum().cast(rows.schema[column]) for column in _columns(rows)]


def _columns(rows: pl.DataFrame) -> list[str]:
    return [column for family in FAMILIES for column in family.shows if column in rows.columns]


def shown(now: Margins, before: Margins | None = None) -> Margins:
    """For each axis its keys, and of each column whether it may be shown there.

    Parameters
    ----------
    now
        Sums of this release.
    before
        Sums of the release before it, if that one is published too: what moved by 1 to 10 since is not shown, and what
        it had to hide stays hidden once more, so that the two releases hide the same blocks.
    """
    permitted = {} if before is None else shown(before)
    earlier = before or {}
    rows = {key: _aligned(key, now[key], earlier.get(key), permitted.get(key)) for key in now}
    flags: dict[str, dict[str, Flags]] = {key: {} for key in now}
    for family in FAMILIES:
        _show(family, rows, flags)
    return {
        key: rows[key][0]
        .select(key)
        .with_columns(
            pl.Series(column, flags[key][family.name])
            for family in FAMILIES
            if family.name in flags[key]
            for column in family.shows
            if column in now[key].columns
        )
        for key in now
    }


#: Sums of now, sums of before (None: not published), what was shown before; the same keys in the same order.
_Rows = tuple[pl.DataFrame, pl.DataFrame | None, pl.DataFrame | None]


def _aligned(key: str, now: pl.DataFrame, before: pl.DataFrame | None, permitted: pl.DataFrame | None) -> _Rows:
    if before is None or permitted is None:
        return now, None, None
    keys = pl.concat([now.select(key), before.select(key)]).unique().sort(key)

    def placed(rows: pl.DataFrame, absent: int | bool) -> pl.DataFrame:
        joined = keys.join(rows, on=key, how="left", nulls_equal=True, maintain_order="left")
        return joined.with_columns(pl.exclude(key).fill_null(absent))

    # A key that a release does not have counts as zero there, which may be shown.
    return placed(now, 0), placed(before, 0), placed(permitted, True)


def _show(family: Family, rows: Mapping[str, _Rows], flags: dict[str, dict[str, Flags]]) -> None:
    """Add the family's flags to each axis that has its columns."""
    totals = rows[NETWORK]
    network = _cells(family, NETWORK, totals, flags[NETWORK], _splits(family, NETWORK, totals[0]))
    axes = {}
    for key in [key for key in rows if key != NETWORK]:
        splits = _splits(family, key, rows[key][0])
        cells = _cells(family, key, rows[key], flags[key], splits)
        if cells is not None:
            axes[key] = cells, _cells(family, NETWORK, totals, flags[NETWORK], splits)
    total_shown, found = protect(network, axes)
    for key, one in found.items():
        flags[key][family.name] = one
    if network is not None:
        flags[NETWORK][family.name] = np.array([total_shown])


def _splits(family: Family, key: str, rows: pl.DataFrame) -> list[Split]:
    """The family's splits that the axis has all columns of."""
    return [
        split
        for split in family.splits
        if (split.axes is None or key in (NETWORK, *split.axes)) and {split.whole, *split.parts} <= set(rows.columns)
    ]


def _cells(family: Family, key: str, rows: _Rows, flags: Mapping[str, Flags], splits: Sequence[Split]) -> Cells | None:
    now, before, permitted = rows
    if not splits or not {column for split in splits for column in (split.whole, *split.parts)} <= set(now.columns):
        return None
    counts = _classes(splits, now)
    open_ = np.ones(now.height, dtype=bool)
    for parent in family.under:
        open_ &= flags.get(parent, open_)
    for column in family.shows:
        if permitted is not None and column in permitted.columns:
            open_ &= permitted[column].to_numpy()
    whole, groups, place = [], [], 0
    for split in splits:
        width = len(split.parts) + 1 if split.parts else 1
        if split.parts:
            groups.append((list(range(place, place + width)), flags[_SHOWN_BY[split.whole]]))
        else:
            whole.append(place)
        place += width
    moved = before is not None and {c for split in splits for c in (split.whole, *split.parts)} <= set(before.columns)
    moves = counts - _classes(splits, before) if moved and before is not None else np.zeros_like(counts)
    return Cells(counts, moves, tuple(whole), tuple(groups), open_)


def _classes(splits: Sequence[Split], rows: pl.DataFrame) -> Counts:
    """Cells x classes: a count by itself, or the parts of a count and its remainder."""
    classes = []
    for split in splits:
        parts = [pl.col(part) for part in split.parts]
        classes += [*parts, pl.col(split.whole) - pl.sum_horizontal(parts)] if parts else [pl.col(split.whole)]
    return rows.select(one.alias(str(place)) for place, one in enumerate(classes)).to_numpy().astype(np.int64)
