"""What a publication hides, as an earlier one showed it: readers have that already, so nothing new is told.

The proof is the signature: what stands is a function of a publication with its blanks, and of what earlier ones
showed. Whoever has them all could put it together by hand.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from carti_lake.disclosure.margins import NETWORK, Told
from carti_lake.disclosure.publication import Publication, made_from, with_rates
from carti_lake.tables.gold.events import AXES, MADE_FROM, kinds

#: Members that a note names; of more it says how many.
MOST_NAMED = 8
#: How far a whole (visits, stays, referrals, appointments) may have moved, as a share of itself, for its row to stand
#: as it was: growth beyond that is worth more than the parts that it would bring back.
NEAR = 0.1
#: Where a number is from: a number from 0 for an earlier publication.
NOW, NOWHERE = -1, -2


def as_shown_before(published: Publication, earlier: Sequence[Told]) -> Publication:
    """The publication with rows that it hides parts of as an earlier one showed them, and a note of where.

    All that a row tells of one kind of event is of one publication, the newest of those that tell most of it: never a
    part of then beside a whole of now, nor a rate of both. A zero of then does not stand for what is hidden now.

    Parameters
    ----------
    published
        With its blanks.
    earlier
        What its readers have had, oldest first.
    """
    if published.told is None or not earlier:
        return published
    tables, said = dict(published.tables), list[str]()
    for axis in AXES:
        if axis.table in tables:
            former = _former(published.told, earlier, axis.key)
            tables[axis.table], told = _filled(tables[axis.table], axis.key, former)
            said += [f"{axis.table}: {told}"] if told else []
    network, told = _filled(published.network, NETWORK, _former(published.told, earlier, NETWORK))
    said += [f"{NETWORK}: {told}"] if told else []
    if not said:
        return published
    note = (
        "As they were made public last, and not as they are now, since a difference would tell of 1 to 10 people: "
        f"{'; '.join(said)}."
    )
    return replace(published, tables=tables, network=network, notes=(*published.notes, note))


@dataclass(frozen=True)
class _Former:
    """Sums that were shown before, by member, and of which publication each is."""

    sums: pl.DataFrame
    place: pl.DataFrame


def _former(now: Told, earlier: Sequence[Told], key: str) -> _Former:
    """Member by member and kind by kind, the publication that tells most of it, and what that showed."""
    held, flags = now.rows(key)
    members = flags.select(key)
    stands = members.join(held, on=key, how="left", nulls_equal=True, maintain_order="left")
    there = [(number, *_of_members(members, one, key)) for number, one in enumerate(earlier) if key in one.sums]
    sums, place = dict[str, pl.Series](), dict[str, pl.Series]()
    for wholes, columns in kinds():
        names = [name for name in columns if name in flags.columns and name != key]
        shown = flags.select(names)
        chosen = pl.repeat(NOW, flags.height, dtype=pl.Int64, eager=True)
        most = _count(shown)
        takes: dict[int, pl.DataFrame] = {}
        for number, was, told in reversed(there):
            takes[number] = _takes(names, stands, shown, was, told)
            near = _near([name for name in wholes if name in names], stands, shown, was)
            told_then = _count(takes[number])
            better = near & (told_then > most)
            chosen = pl.repeat(number, flags.height, dtype=pl.Int64, eager=True).zip_with(better, chosen)
            most = told_then.zip_with(better, most)
        for name in names:
            sums[name] = pl.repeat(None, flags.height, dtype=stands.schema[name], eager=True)
            # What the chosen publication did not tell is not told beside it either.
            place[name] = chosen.zip_with(chosen == NOW, pl.repeat(NOWHERE, flags.height, dtype=pl.Int64, eager=True))
            for number, was, _ in there:
                of_then = (chosen == number) & takes[number][name]
                place[name] = chosen.zip_with(of_then, place[name])
                if name in was.columns:
                    sums[name] = was[name].cast(stands.schema[name]).zip_with(of_then, sums[name])
    return _Former(members.with_columns(**sums), members.with_columns(**place))


def _takes(
    names: Sequence[str], now: pl.DataFrame, shown: pl.DataFrame, was: pl.DataFrame, told: pl.DataFrame
) -> pl.DataFrame:
    """Which columns of an earlier publication can stand: what it showed, and no zero for what is hidden or grew."""
    nothing = pl.repeat(False, now.height, eager=True)
    return pl.DataFrame(
        {
            name: told[name].fill_null(False)
            & ((was[name].fill_null(0) != 0) | (shown[name] & (now[name].fill_null(0) == 0)))
            if name in was.columns and name in told.columns
            else nothing
            for name in names
        },
        schema=dict.fromkeys(names, pl.Boolean),
    )


def _near(wholes: Sequence[str], now: pl.DataFrame, shown: pl.DataFrame, was: pl.DataFrame) -> pl.Series:
    """Whether no whole that is told now has moved far since."""
    near = pl.repeat(True, now.height, eager=True)
    for name in wholes:
        then = was[name].fill_null(0) if name in was.columns else pl.repeat(0, now.height, eager=True)
        near &= ~shown[name] | ((now[name] - then).abs() <= NEAR * now[name].abs())
    return near


def _count(flags: pl.DataFrame) -> pl.Series:
    return flags.select(pl.sum_horizontal(pl.lit(0), pl.all().cast(pl.Int64)).alias("told")).to_series()


def _of_members(members: pl.DataFrame, told: Told, key: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Sums and flags of a publication, in the order of the members."""

    def placed(rows: pl.DataFrame) -> pl.DataFrame:
        return members.join(rows, on=key, how="left", nulls_equal=True, maintain_order="left")

    return placed(told.sums[key]), placed(told.shown[key])


def _filled(rows: pl.DataFrame, key: str, former: _Former) -> tuple[pl.DataFrame, str]:
    """The rows with what was shown before where that tells more, and where that is, in words."""
    remade = with_rates(former.sums, key)
    remade = remade.with_columns(
        pl.sum_horizontal(made).alias(name) for name, made in MADE_FROM.items() if {*made} <= {*remade.columns}
    )
    order = rows.select(key)
    values = order.join(remade, on=key, how="left", nulls_equal=True, maintain_order="left")
    place = order.join(former.place, on=key, how="left", nulls_equal=True, maintain_order="left")
    filled, touched = rows, pl.repeat(False, rows.height, eager=True)
    cells = 0
    for name in rows.columns:
        made = made_from(name)
        if name == key or not {*made} <= {*place.columns} or not made:
            continue
        least, most = (
            place.select(of(made)).to_series().fill_null(NOW) for of in (pl.min_horizontal, pl.max_horizontal)
        )
        blank = pl.repeat(None, rows.height, dtype=rows.schema[name], eager=True)
        then = values[name].cast(rows.schema[name]) if name in values.columns else blank
        of_then = (least == most) & (least >= 0)
        new = rows[name].zip_with((least == NOW) & (most == NOW), then.zip_with(of_then, blank))
        filled = filled.with_columns(new.alias(name))
        moved = of_then & new.is_not_null()
        touched, cells = touched | moved, cells + int(moved.sum())
    return filled, _words(rows.filter(touched)[key], cells) if cells else ""


def _words(members: pl.Series, cells: int) -> str:
    if members.len() > MOST_NAMED:
        return f"{cells} numbers of {members.len()} rows"
    named = ", ".join("unknown" if one is None else str(one).removesuffix("-01") for one in members.to_list())
    return f"{cells} number{'s' * (cells != 1)} of {named}"
