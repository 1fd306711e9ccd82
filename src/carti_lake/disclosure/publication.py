"""What outlets read: the tables of a release as they may leave the lake."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from carti_lake.disclosure.blocks import SMALLEST_CELL
from carti_lake.disclosure.lineage import may_leave, of_people
from carti_lake.disclosure.margins import FEW, NETWORK, Told, again, along, decide, margins
from carti_lake.disclosure.remade import remade
from carti_lake.metrics import CRM_RATES, METRICS, PROVIDER_RATES, Metric
from carti_lake.metrics.names import words
from carti_lake.tables.gold import GOLD, Gold, ProviderMonthly, ProviderSummary
from carti_lake.tables.gold.events import AXES, MADE_FROM, OF_PATIENTS, OTHERS, SUMMED, Axis

Frames = Mapping[str, pl.DataFrame]
#: Gold tables of a release by name, as stored; only what is shown of them is read.
Stored = Mapping[str, pl.LazyFrame | pl.DataFrame]

_SUMMED = frozenset(table.short_name for table in SUMMED)

RULE = (
    f"Blank by rule: counts of 1 to {SMALLEST_CELL - 1} patients, visits, claims, stays, referrals or appointments; "
    "what they could be worked out from, such as the counts and dollars beside them and the next smallest row of their "
    f"table; and rates on fewer than {SMALLEST_CELL} cases."
)
IN_FULL = (
    f"FULL COUNTS: counts of 1 to {SMALLEST_CELL - 1} are shown, by which people may be recognised. The lake's audit "
    "log says who asked for this, and why. Keep it inside the organisation."
)
INSIDE = (
    f"INSIDE: exact numbers, counts of 1 to {SMALLEST_CELL - 1} among them, for the workforce under the organisation's "
    "access policies. Keep it inside; what may go out is made for the public."
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
    exact
        Whether every count is shown; else it is for anybody.
    told
        What it tells of events; None where it is exact.
    """

    tables: dict[str, pl.DataFrame]
    network: pl.DataFrame
    notes: tuple[str, ...]
    exact: bool = False
    told: Told | None = None


def publication(
    stored: Stored, earlier: Sequence[Told] = (), since: str | None = None, decided: Told | None = None
) -> Publication:
    """The release with no count of people from 1 to 10, nor any that can be worked out.

    Parameters
    ----------
    stored
        Gold tables of the release.
    earlier
        What was made public before.
    since
        How to call that in the notes; None where there is none.
    decided
        What of this release was shown when it was made public first; a release is published alike ever after.
    """
    # Tables of single rows are large, and are not read.
    frames = _read(stored, {name for name in stored if name in _SUMMED or (name in GOLD and may_leave(GOLD[name]))})
    now = margins(frames)
    told = decide(now, earlier) if decided is None else again(now, decided)
    tables: dict[str, pl.DataFrame] = {}
    for axis in AXES:
        if axis.mart.short_name in frames:
            sums, flags = told.rows(axis.key)
            rows = frames[axis.table] if axis.table in frames else _of_axis(axis, sums)
            tables[axis.table] = _masked(rows, ProviderSummary if axis.table in frames else axis.mart, flags)
    tables |= {
        name: _masked(rows, GOLD[name]) for name, rows in frames.items() if name not in tables and may_leave(GOLD[name])
    }
    tables |= remade(stored.keys(), tables)
    notes = [RULE]
    if left_out := sorted(stored.keys() - tables.keys()):
        notes.append(
            "Left out, since their rows are about few people or single ones, or are computed from such: "
            f"{', '.join(words(name) for name in left_out)}."
        )
    if since is not None:
        notes.append(
            f"Blank, or as it was made public last: what moved by 1 to {SMALLEST_CELL - 1} since {since}, since "
            "whoever has both could subtract. It comes back when it has moved further."
        )
    if told.pooled:
        notes.append(f"Told of together as {OTHERS}: members of a table with fewer than {FEW} events.")
    network = _masked(with_rates(now[NETWORK], NETWORK), ProviderMonthly, told.shown[NETWORK])
    in_order = {name: _in_order(name, rows) for name, rows in tables.items()}
    return Publication(in_order, network, tuple(notes), told=told)


def told_of(stored: Stored) -> Told:
    """What a release tells by itself: what its readers have had where nothing else is on record."""
    return decide(margins(_read(stored, _SUMMED)))


def in_full(stored: Stored, note: str = IN_FULL) -> Publication:
    """The release with every count, but without rows of single patients; the note tells readers that it is."""
    frames = _read(stored, stored.keys() - OF_PATIENTS)
    now = margins(frames)
    axes = [axis for axis in AXES if axis.mart.short_name in frames]
    tables = {axis.table: _of_axis(axis, along(axis, frames[axis.mart.short_name])) for axis in axes} | frames
    return Publication(tables, with_rates(now[NETWORK], NETWORK), (note,), exact=True)


def _read(stored: Stored, wanted: Collection[str]) -> dict[str, pl.DataFrame]:
    kept = [name for name in stored if name in wanted]
    return dict(zip(kept, pl.collect_all([stored[name].lazy() for name in kept], engine="streaming"), strict=True))


def _of_axis(axis: Axis, sums: pl.DataFrame) -> pl.DataFrame:
    """The columns of the axis's mart, and the rates that are made of them."""
    return with_rates(sums.select(name for name in sums.columns if name in axis.mart.columns()), axis.key)


def _in_order(name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows by their own key: the order in which they are stored hangs on rows that are not shown."""
    keys = {axis.table: [axis.key] for axis in AXES}
    return rows.sort(keys.get(name) or GOLD[name].key())


def with_rates(sums: pl.DataFrame, key: str) -> pl.DataFrame:
    """The sums, and the registry's rates that are made of them."""
    possible = [rate for rate in PROVIDER_RATES if set(rate.summed()) <= set(sums.columns)]
    rates = sums.group_by(key).agg(rate.expression() for rate in possible)
    return sums.join(rates, on=key, how="left", nulls_equal=True, maintain_order="left")


def _masked(rows: pl.DataFrame, mart: type[Gold], flags: pl.DataFrame | None = None) -> pl.DataFrame:
    """The rows, null where a column tells of people and what it is made from may not be shown.

    Parameters
    ----------
    rows
        Of a table that is published.
    mart
        Whose columns they are.
    flags
        Of an axis: its key and, column by column, whether the sum may be shown. None where no sum is.
    """
    key = mart.key() if flags is None else flags.columns[:1]
    hidden = [column for column in rows.columns if column not in key and of_people(mart, column)]
    masks = pl.DataFrame() if flags is None else _placed(rows, flags)
    allowed = {column: made_from(column) for column in hidden}
    shown = {
        column: masks.select(pl.all_horizontal(made)).to_series()
        for column, made in allowed.items()
        if {*made} <= {*masks.columns}
    }
    nothing = {column: rows.schema[column] for column in hidden if column not in shown}
    return rows.with_columns(
        *(pl.when(mask).then(pl.col(column)).alias(column) for column, mask in shown.items()),
        *(pl.lit(None, dtype).alias(column) for column, dtype in nothing.items()),
    ).with_columns(_on_enough_cases(rate) for rate in CRM_RATES if rate.proportion and rate.id in rows.columns)


def _placed(rows: pl.DataFrame, flags: pl.DataFrame) -> pl.DataFrame:
    key = flags.columns[0]
    return rows.select(key).join(flags, on=key, how="left", nulls_equal=True, maintain_order="left")


def _on_enough_cases(rate: Metric) -> pl.Expr:
    assert rate.denominator is not None
    return pl.when(pl.sum_horizontal(rate.denominator.columns) >= SMALLEST_CELL).then(pl.col(rate.id)).alias(rate.id)


def made_from(column: str) -> tuple[str, ...]:
    """Columns of the marts that a published column of people tells of: itself, or what it is made from."""
    rate = METRICS.get(column)
    if rate is None or rate.denominator is None:
        return MADE_FROM.get(column, (column,))
    return tuple(name for name in rate.summed() if of_people(rate.mart, name))
