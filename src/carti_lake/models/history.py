"""What was known then: features of an instant are made from what the lake held, and had dated, before it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

import polars as pl

from carti_lake.models.estimators import INSTANT
from carti_lake.models.model import Known, Tables

#: Nothing that happened longer before an instant is looked at, so that a day's scores do not cost more as a lake ages.
YEAR = 365
DATE = "date"


def as_known_then(
    subjects: pl.LazyFrame, known: Sequence[Known], features: Callable[[pl.LazyFrame, Tables], pl.LazyFrame]
) -> pl.DataFrame:
    """The subjects with their features, each from the release that stood at its instant.

    Instants before the first release take that one's rows, which `before` cuts by their dates: all that can be said
    of a history that was loaded at once.

    Parameters
    ----------
    subjects
        One row each, with an ``instant``.
    known
        The lake as it was known, oldest first.
    features
        Adds features to subjects from tables, looking at nothing dated at or after a subject's instant.
    """
    parts = []
    for place, then in enumerate(known):
        chosen = subjects
        if place > 0:
            chosen = chosen.filter(pl.col(INSTANT) > then.as_of)
        if place < len(known) - 1:
            chosen = chosen.filter(pl.col(INSTANT) <= known[place + 1].as_of)
        parts.append(features(chosen, then.tables).collect(engine="streaming"))
    return pl.concat(parts)


def before(
    subjects: pl.LazyFrame,
    events: pl.LazyFrame,
    key: Sequence[str],
    sums: Mapping[str, pl.Expr],
    days: int = YEAR,
) -> pl.LazyFrame:
    """The subjects with sums over the events of the same key in the days before their instant, that day excluded.

    Parameters
    ----------
    subjects
        With ``instant`` and the key's columns.
    events
        With ``date`` and the key's columns.
    key
        Columns of both.
    sums
        Aggregations that add up, by the name of the column that they become.
    days
        How far back events count.
    """
    names = list(sums)
    running = (
        events.drop_nulls([*key, DATE])
        .group_by(*key, DATE)
        .agg(**sums)
        .sort(*key, DATE)
        .with_columns(pl.col(names).cum_sum().over(key))
        .sort(DATE)
    )
    ends = subjects.with_columns(_from=pl.col(INSTANT) - pl.duration(days=days))
    for at, suffix in ((INSTANT, "_until"), ("_from", "_since")):
        renamed = running.rename({name: f"{name}{suffix}" for name in names})
        ends = ends.sort(at).join_asof(
            renamed, left_on=at, right_on=DATE, by=key, allow_exact_matches=False, check_sortedness=False
        )
        ends = ends.drop(DATE, strict=False)
    counted = [
        (pl.col(f"{name}_until").fill_null(0) - pl.col(f"{name}_since").fill_null(0)).alias(name) for name in names
    ]
    return ends.with_columns(counted).drop("_from", *(f"{name}{end}" for name in names for end in ("_until", "_since")))


def share(part: str, whole: str, least: int = 10) -> pl.Expr:
    """A share that enough events stand behind; else null."""
    return pl.when(pl.col(whole) >= least).then(pl.col(part) / pl.col(whole))


def months_since(month: str, day: date, days: int) -> pl.Expr:
    """Partitions of the months from so many days before a day."""
    return pl.col(month) >= (day - timedelta(days=days)).replace(day=1)
