"""What was known then: features of an instant are made from what the lake held, and had dated, before it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

import polars as pl

from carti_lake.models.estimators import DECIDED, INSTANT, MOST_ROWS, SUBJECT, TARGET
from carti_lake.models.model import Known, Tables

#: Nothing that happened longer before an instant is looked at, so that a day's scores do not cost more as a lake ages.
YEAR = 365
#: Days after which a subject's first delivery is looked for in the present alone.
LATE = 60
DATE = "date"
OUTCOME = (TARGET, DECIDED)


def as_known_then(
    known: Sequence[Known],
    subjects: Callable[[Tables], pl.LazyFrame],
    features: Callable[[pl.LazyFrame, Tables], pl.LazyFrame],
    recent: Callable[[Tables, date], Tables],
    since: date | None = None,
) -> pl.DataFrame:
    """Examples: subjects as they were first told of, with features from the release that stood at their instant.

    Their outcomes come from the present. Instants before the first release take that one's rows, which `before` cuts
    by their dates: all that can be said of a history that was loaded at once. Of more than
    `carti_lake.models.estimators.MOST_ROWS` subjects a sample is taken, by a hash of their ids.

    Parameters
    ----------
    known
        The lake as it was known, oldest first.
    subjects
        One row each: ``subject_id``, ``instant``, its own columns, ``target`` and ``decided`` (null: no outcome yet).
    features
        Adds columns to subjects from tables, looking at nothing dated at or after a subject's instant.
    recent
        The months of the tables that subjects from a day on need.
    since
        Instants after this day; None for all.
    """
    present = known[-1]
    after = pl.lit(True) if since is None else pl.col(INSTANT) > since

    def examples_then(then: Known, day: date | None) -> pl.LazyFrame:
        rows = subjects(recent(then.tables, day) if day else then.tables).filter(after, pl.col(INSTANT) <= then.as_of)
        return rows.filter(pl.col(INSTANT) >= day) if day else rows

    # A claim may bill two visits.
    ended = examples_then(present, since).filter(pl.col(DECIDED) <= present.as_of).drop_nulls(TARGET)
    ended = _sample(ended.group_by(SUBJECT).agg(pl.col(OUTCOME).max())).collect(engine="streaming").lazy()
    days = [since, *(then.as_of - timedelta(days=LATE) for then in known[:-1])]
    # The present tells of all, of those too that came later than that.
    first = [*zip(known, days, strict=True), *[(present, since)] * (len(known) > 1)]
    rows = pl.concat(
        examples_then(then, max(filter(None, (day, since)), default=None))
        .drop(OUTCOME)
        .join(ended, on=SUBJECT, how="semi")
        .select(pl.lit(place).alias("_place"), pl.all())
        for place, (then, day) in enumerate(first)
    )
    rows = rows.sort(pl.all()).unique(SUBJECT, keep="first", maintain_order=True)
    found = rows.drop("_place").join(ended, on=SUBJECT).collect(engine="streaming")
    parts = [features(found.clear().lazy(), present.tables).collect()]
    for place, then in enumerate(known):
        chosen = found.filter(
            pl.col(INSTANT) > then.as_of if place else pl.lit(True),
            pl.col(INSTANT) <= known[place + 1].as_of if place < len(known) - 1 else pl.lit(True),
        )
        if not chosen.is_empty():
            day: date = chosen[INSTANT].min()  # type: ignore[assignment]
            parts.append(features(chosen.lazy(), recent(then.tables, day)).collect(engine="streaming"))
    return pl.concat(parts).sort(INSTANT, SUBJECT)


def _sample(rows: pl.LazyFrame) -> pl.LazyFrame:
    count = rows.select(pl.len()).collect(engine="streaming").item()
    if count <= MOST_ROWS:
        return rows
    return rows.filter(pl.col(SUBJECT).hash() < pl.lit(round(MOST_ROWS / count * 2**64), pl.UInt64))


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
        .join(subjects.select(key).unique(), on=key, how="semi")
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
