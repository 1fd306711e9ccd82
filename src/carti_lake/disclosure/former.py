"""What a publication hides, as an earlier one showed it: readers have that already, so nothing new is told.

The proof is the signature: what is filled in is a function of a publication with its blanks, and of what earlier ones
showed. Whoever has them all could fill it in by hand.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from carti_lake.disclosure.margins import NETWORK, Told
from carti_lake.disclosure.publication import Publication, made_from, with_rates
from carti_lake.tables.gold.events import AXES, FAMILIES, MADE_FROM

_SHOWS = {family.name: family.shows for family in FAMILIES}
#: By column: those that it is a part of.
_WHOLES = {
    column: [whole for parent in family.under for whole in _SHOWS[parent]]
    for family in FAMILIES
    for column in family.shows
}
#: Members that a note names; of more it says how many.
MOST_NAMED = 8


def as_shown_before(published: Publication, earlier: Sequence[Told]) -> Publication:
    """The publication with what it hides as the newest earlier one showed it, and a note of where.

    A rate is filled in where all that it is made of was shown by one and the same publication. A zero is not: that
    nothing was there says little of now.

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
    """Sums that were shown before, by member, and of which publication each is: -1 for none."""

    sums: pl.DataFrame
    place: pl.DataFrame


def _former(now: Told, earlier: Sequence[Told], key: str) -> _Former:
    """Of what is hidden now, member by member and column by column, what was shown last.

    A part goes with its whole, as one and the same publication showed both: never a part of then beside a whole of now.
    """
    _, flags = now.rows(key)
    names = [name for name in flags.columns if name != key]
    sums = {name: pl.repeat(None, flags.height, dtype=now.sums[key].schema[name], eager=True) for name in names}
    place = {name: flags[name].replace_strict({True: len(earlier), False: -1}, return_dtype=pl.Int64) for name in names}
    then = [
        (number, *_of_members(flags.select(key), one, key)) for number, one in enumerate(earlier) if key in one.sums
    ]
    for name in names:
        wholes = [whole for whole in _WHOLES[name] if whole in place]
        for number, was, told in reversed(then):
            if name in was.columns and name in told.columns:
                takes = (place[name] == -1) & told[name].fill_null(False) & (was[name].fill_null(0) != 0)
                for whole in wholes:
                    takes &= place[whole] == number
                sums[name] = was[name].cast(sums[name].dtype).zip_with(takes, sums[name])
                place[name] = pl.repeat(number, flags.height, dtype=pl.Int64, eager=True).zip_with(takes, place[name])
    # What is shown now stands as it is, and is of no earlier publication.
    before = {name: one.replace(len(earlier), -1) for name, one in place.items()}
    return _Former(flags.select(key).with_columns(**sums), flags.select(key).with_columns(**before))


def _of_members(members: pl.DataFrame, told: Told, key: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Sums and flags of a publication, in the order of the members."""

    def placed(rows: pl.DataFrame) -> pl.DataFrame:
        return members.join(rows, on=key, how="left", nulls_equal=True, maintain_order="left")

    return placed(told.sums[key]), placed(told.shown[key])


def _filled(rows: pl.DataFrame, key: str, former: _Former) -> tuple[pl.DataFrame, str]:
    """The rows with what was shown before where they are blank, and where that is, in words."""
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
        if name == key or name not in values.columns or not {*made} <= {*place.columns}:
            continue
        same = place.select(
            (pl.min_horizontal(made) == pl.max_horizontal(made)) & (pl.min_horizontal(made) >= 0)
        ).to_series()
        takes = rows[name].is_null() & same.fill_null(False) & values[name].is_not_null()
        filled = filled.with_columns(
            pl.when(takes).then(values[name].cast(rows.schema[name])).otherwise(name).alias(name)
        )
        touched, cells = touched | takes, cells + int(takes.sum())
    return filled, _words(rows.filter(touched)[key], cells) if cells else ""


def _words(members: pl.Series, cells: int) -> str:
    if members.len() > MOST_NAMED:
        return f"{cells} numbers of {members.len()} rows"
    named = ", ".join("unknown" if one is None else str(one).removesuffix("-01") for one in members.to_list())
    return f"{cells} number{'s' * (cells != 1)} of {named}"
