"""What outlets read: the tables of a release as they may leave the lake."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import polars as pl

from carti_lake.disclosure.blocks import SMALLEST_CELL
from carti_lake.disclosure.margins import NETWORK, Margins, margins, shown
from carti_lake.metrics import CRM_RATES, METRICS, PROVIDER_RATES, Metric
from carti_lake.tables.gold import ProviderSummary
from carti_lake.tables.gold.events import (
    AXES,
    MADE_FROM,
    NOT_OF_PEOPLE,
    OF_DEALS,
    OF_ESTIMATES,
    OF_PATIENTS,
    PLAIN,
    SUMMED,
)

Frames = Mapping[str, pl.DataFrame]
#: Gold tables of a release by name, as stored; only what is shown of them is read.
Stored = Mapping[str, pl.LazyFrame | pl.DataFrame]

#: What is shown without full counts, and what that is summed from: tables of single rows are large, and are not read.
_SUMMED = frozenset(table.short_name for table in SUMMED)
_SHOWN = _SUMMED | PLAIN | OF_DEALS.keys() | OF_ESTIMATES.keys()

RULE = (
    f"Blank by rule: counts of 1 to {SMALLEST_CELL - 1} patients, visits, claims, stays, referrals or appointments; "
    "what they could be worked out from, such as the counts and dollars beside them and the next smallest row of their "
    f"table; and rates on fewer than {SMALLEST_CELL} cases."
)
IN_FULL = (
    f"FULL COUNTS: counts of 1 to {SMALLEST_CELL - 1} are shown, by which people may be recognised. The lake's audit "
    "trail says who asked for this, and why. Keep it inside the organisation."
)


@dataclass(frozen=True)
class Publication:
    """One release as it may be shown.

    Attributes
    ----------
    tables
        By name; what may not be shown is null.
    network
        One row: the sums of events over the whole network.
    notes
        Sentences that tell the reader why something is blank, for every outlet's page.
    """

    tables: dict[str, pl.DataFrame]
    network: pl.DataFrame
    notes: tuple[str, ...]


def publication(stored: Stored, before: Stored | None = None, compared_with: str | None = None) -> Publication:
    """The release with no count of people from 1 to 10, nor any that can be worked out.

    Parameters
    ----------
    stored
        Gold tables of the release.
    before
        Those of the release that readers had before; None for the first.
    compared_with
        How to call that release in the notes.
    """
    frames = _read(stored, _SHOWN)
    now = margins(frames)
    flags = shown(now, None if before is None else margins(_read(before, _SUMMED)))
    tables = {name: frame for name, frame in frames.items() if name in PLAIN}
    tables |= {name: _masked(rows, key, flags[key]) for name, (key, rows) in _by_axis(frames, now).items()}
    tables |= {
        name: _masked(frames[name], key, frames[name].select(key)) for name, key in OF_DEALS.items() if name in frames
    }
    tables |= {
        name: frames[name].filter(pl.col("level") == NETWORK, pl.col(lowest) >= SMALLEST_CELL)
        for name, lowest in OF_ESTIMATES.items()
        if name in frames
    }
    notes = [RULE]
    if left_out := sorted(stored.keys() - tables.keys()):
        notes.append(f"Left out, since their rows are about few people or single ones: {', '.join(left_out)}.")
    if compared_with is not None:
        notes.append(
            f"Blank too: counts that moved by 1 to {SMALLEST_CELL - 1} since {compared_with}, since whoever has both "
            "could subtract. They come back when they have moved further, or rest."
        )
    return Publication(tables, _masked(_with_rates(now[NETWORK], NETWORK), NETWORK, flags[NETWORK]), tuple(notes))


def in_full(stored: Stored) -> Publication:
    """The release with every count, but without rows of single patients."""
    frames = _read(stored, stored.keys() - OF_PATIENTS)
    now = margins(frames)
    tables = frames | {name: rows for name, (_, rows) in _by_axis(frames, now).items()}
    return Publication(tables, _with_rates(now[NETWORK], NETWORK), (IN_FULL,))


def _read(stored: Stored, wanted: Collection[str]) -> dict[str, pl.DataFrame]:
    kept = [name for name in stored if name in wanted]
    return dict(zip(kept, pl.collect_all([stored[name].lazy() for name in kept], engine="streaming"), strict=True))


def _by_axis(frames: Frames, now: Margins) -> dict[str, tuple[str, pl.DataFrame]]:
    """Key and rows of every table of an axis; that of providers stands in the lake as it is published."""
    rows = {axis.table: (axis.key, now[axis.key]) for axis in AXES if axis.key in now}
    made = {name: (key, _with_rates(sums, key)) for name, (key, sums) in rows.items()}
    return made | {ProviderSummary.short_name: ("provider_id", frames[ProviderSummary.short_name])}


def _with_rates(sums: pl.DataFrame, key: str) -> pl.DataFrame:
    """The sums, and the registry's rates that are made of them."""
    possible = [rate for rate in PROVIDER_RATES if set(_made_from(rate.id)) <= set(sums.columns)]
    rates = sums.group_by(key).agg(rate.expression() for rate in possible)
    return sums.join(rates, on=key, how="left", nulls_equal=True, maintain_order="left")


def _masked(rows: pl.DataFrame, key: str, flags: pl.DataFrame) -> pl.DataFrame:
    """The rows, null where a column, or one that it is made from, may not be shown, or nobody said what it counts."""
    placed = rows.select(key).join(flags, on=key, how="left", nulls_equal=True, maintain_order="left")
    counted = [
        column
        for column, dtype in rows.schema.items()
        if column != key and dtype.is_numeric() and column not in NOT_OF_PEOPLE
    ]
    allowed = {
        column: pl.all_horizontal(_made_from(column))
        if set(_made_from(column)) <= set(flags.columns)
        else pl.lit(False)
        for column in counted
    }
    masks = placed.select(mask.alias(column) for column, mask in allowed.items())
    return rows.with_columns(
        pl.when(masks[column]).then(pl.col(column)).alias(column) for column in counted
    ).with_columns(_on_enough_cases(rate) for rate in CRM_RATES if rate.proportion and rate.id in rows.columns)


def _on_enough_cases(rate: Metric) -> pl.Expr:
    assert rate.denominator is not None
    return pl.when(pl.sum_horizontal(rate.denominator.columns) >= SMALLEST_CELL).then(pl.col(rate.id)).alias(rate.id)


def _made_from(column: str) -> tuple[str, ...]:
    """Columns of the marts that a published column tells of: itself, or what it is made from."""
    rate = METRICS.get(column)
    if rate is None or rate.denominator is None:
        return MADE_FROM.get(column, (column,))
    return tuple(name for name in rate.summed() if name not in NOT_OF_PEOPLE)
