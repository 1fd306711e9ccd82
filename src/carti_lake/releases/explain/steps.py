"""What happened to each row of an entity between two releases, one cause at a time: pure functions of its rows."""

from collections.abc import Iterable, Mapping
from datetime import date

import polars as pl

from carti_lake.releases.explain.causes import Cause
from carti_lake.tables import Entity

#: Stands between the parts of a tag; no source delivers it within a provider's name.
SEPARATOR = "\x1f"
TAG = ("row", "adds_to", "taken_from")
#: Begin the names of columns that describe a patient, which no explanation shows.
OF_PATIENTS = "patient_"
#: Was visible, is visible.
STOOD = pl.col("withdrawn_before").not_().fill_null(False)
STANDS = pl.col("withdrawn").not_().fill_null(False)


def changed_rows(
    before: pl.LazyFrame,
    after: pl.LazyFrame,
    entity: type[Entity],
    known_batches: pl.LazyFrame,
    data_as_of: date | None,
    also: pl.LazyFrame,
) -> pl.LazyFrame:
    """The keys whose visible row differs, each with the cause of what neither its provider nor its status explains.

    Parameters
    ----------
    before, after
        Rows of the entity in the earlier and the later release, tombstones among them.
    entity
        Its declaration.
    known_batches
        ``batch_id`` of every delivery that the earlier release had taken in.
    data_as_of
        Newest extract date of the earlier release.
    also
        Keys whose rows are wanted even where they do not differ, since what the mart looks up with them does; and
        ``reversed``, whether it is by a reversal.

    Returns
    -------
    pl.LazyFrame
        The key, every other business column as it is and, as ``<name>_before``, as it was; ``withdrawn`` likewise;
        ``key_hash``; ``cause``.
    """
    key, lineage = entity.key(), ["batch_id", "row_number"]
    compared = [*entity.business_columns(), "withdrawn"]
    was, became = (side.select(*compared, *lineage, "key_hash") for side in (before, after))
    pairs = _differing(became, was, compared, key, also).join(
        _differing(was, became, compared, key, also), on=key, how="full", suffix="_before", coalesce=True
    )
    delivered_before = known_batches.select("batch_id").unique().with_columns(delivered_before=True)
    day = pl.col(entity.dated) if entity.dated else pl.lit(None, pl.Date)
    values = [name for name in compared if name not in (*key, *entity.providers)]
    reversed_now = (entity.takes_back & _differs(entity.statuses)) | pl.col("reversed").fill_null(False)
    # What no delivery explains, the lake did: a rule was mended, a row is cleansed otherwise.
    by_the_lake = (
        pl.when(STOOD & STANDS)
        .then(~_differs(lineage) & _differs(values))
        .when(STOOD)
        .then(pl.col("withdrawn").is_null())
        .otherwise(pl.col("withdrawn_before").is_null() & pl.col("delivered_before").is_not_null())
    )
    cause = (
        pl.when(by_the_lake)
        .then(pl.lit(Cause.DEFINITION_CHANGE))
        .when(STOOD & STANDS)
        .then(pl.when(reversed_now).then(pl.lit(Cause.REVERSALS)).otherwise(pl.lit(Cause.CORRECTED_VALUES)))
        .when(STOOD)
        .then(pl.lit(Cause.WITHDRAWN_ROWS))
        .when(day <= pl.lit(data_as_of, pl.Date))
        .then(pl.lit(Cause.LATE_ROWS))
        .otherwise(pl.lit(Cause.NEW_ROWS))
    )
    return (
        pairs.filter(STOOD | STANDS)
        .join(delivered_before, on="batch_id", how="left")
        .join(also.group_by(key).agg(pl.col("reversed").any()), on=key, how="left")
        .with_columns(cause=cause.cast(pl.String), key_hash=pl.coalesce("key_hash", "key_hash_before"))
        .drop(*lineage, *(f"{name}_before" for name in (*lineage, "key_hash")), "delivered_before", "reversed")
    )


def _differing(
    rows: pl.LazyFrame, other: pl.LazyFrame, compared: list[str], key: list[str], also: pl.LazyFrame
) -> pl.LazyFrame:
    changed = rows.join(other, on=compared, how="anti", nulls_equal=True)
    return pl.concat([changed, rows.join(also, on=key, how="semi")]).unique(key)


def _differs(columns: Iterable[str]) -> pl.Expr:
    return pl.any_horizontal(pl.lit(False), *(pl.col(name).ne_missing(pl.col(f"{name}_before")) for name in columns))


def tagged_steps(
    changed: pl.LazyFrame, entity: type[Entity], columns: Iterable[str]
) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Every changed row as it was, then with one cause after another applied, up to what it is.

    The order is: provider, status, everything else; a row that appears or goes does so in one step. What a row adds
    to a sum after a step, less what it added before, is the step's contribution: so each state carries the cause
    that it completes (``adds_to``) and the one that it is replaced by (``taken_from``).

    Parameters
    ----------
    changed
        Rows of :func:`changed_rows`, numbered in ``row``.
    entity
        Its declaration.
    columns
        By which the mart groups the rows; each value is prefixed with row, ``adds_to`` and ``taken_from``, so that
        the mart's own function keeps every state of every row apart. Null stays null.

    Returns
    -------
    tuple[pl.LazyFrame, pl.LazyFrame]
        Rows of the entity, whose lineage is null: the states up to the new provider, for which what the mart looks up
        is as it was, and those from the new status on, for which it is as it is.
    """
    key = entity.key()
    names = [name for name in entity.business_columns() if name not in key]
    was = {name: pl.col(f"{name}_before").alias(name) for name in names}
    became = {name: pl.col(name) for name in names}
    moved = {**was, **{role: became[role] for role in entity.providers}}
    status = {
        name: pl.when(moves).then(became[name]).otherwise(was[name]) for name, moves in with_status(entity).items()
    }
    last, of_status = pl.col("cause"), _status_cause()
    none, both = pl.lit(None, pl.String), STOOD & STANDS
    states: list[tuple[pl.Expr, Mapping[str, pl.Expr], pl.Expr, pl.Expr]] = [
        (STOOD, was, none, pl.when(both).then(pl.lit(Cause.REATTRIBUTION)).otherwise(last)),
        (both, moved, pl.lit(Cause.REATTRIBUTION), of_status),
        (both, {**moved, **status}, of_status, last),
        (STANDS, became, last, none),
    ]
    steps = [
        changed.filter(there).select(
            *key,
            "key_hash",
            *(value.alias(name) for name, value in values.items()),
            row="row",
            adds_to=adds_to,
            taken_from=taken_from,
            withdrawn=pl.lit(False),
        )
        for there, values, adds_to, taken_from in states
    ]
    tag = [pl.col(name).cast(pl.String).fill_null("") for name in TAG]
    tagged = [pl.concat_str(*tag, pl.col(name), separator=SEPARATOR).alias(name) for name in columns]
    dtypes = entity.dtypes()
    held = (*key, *names, "key_hash", "withdrawn")
    lineage = [pl.lit(None, dtype).alias(name) for name, dtype in dtypes.items() if name not in held]
    shaped = [step.with_columns(*tagged, *lineage).select(entity.column_names()) for step in steps]
    return pl.concat(shaped[:2]), pl.concat(shaped[2:])


def with_status(entity: type[Entity]) -> dict[str, pl.Expr]:
    """Statuses and the columns that become known with them: each with whether a change of it is the status's."""
    moves: dict[str, pl.Expr] = dict.fromkeys(entity.statuses, pl.lit(True))
    for status, followers in entity.statuses.items():
        changed = pl.col(status).ne_missing(pl.col(f"{status}_before"))
        moves.update({name: moves[name] | changed if name in moves else changed for name in followers})
    return moves


def _status_cause() -> pl.Expr:
    redelivered = pl.col("cause") == Cause.CORRECTED_VALUES
    return pl.when(redelivered).then(pl.lit(Cause.STATUS_CHANGES)).otherwise(pl.col("cause"))


def row_changes(changed: pl.LazyFrame, entity: type[Entity]) -> pl.LazyFrame:
    """What each cause did to each row, in words; nothing that describes a patient.

    Returns
    -------
    pl.LazyFrame
        ``row``, ``cause``, ``table_name``, ``key``, ``day``, ``changes`` (list of ``column: old → new``).
    """
    key, roles, moves = entity.key(), tuple(entity.providers), with_status(entity)
    shown = [name for name in entity.business_columns() if name not in key and not name.startswith(OF_PATIENTS)]
    both, always = STOOD & STANDS, pl.lit(True)
    naming = {*roles, *(name for names in entity.providers.values() for name in names)}
    values = [name for name in shown if name not in naming]
    measures = [name for name in shown if name in (entity.dated, *roles, *moves) or entity.meta(name).get("unit")]
    parts: list[tuple[pl.Expr, pl.Expr, dict[str, pl.Expr]]] = [
        (both, pl.lit(Cause.REATTRIBUTION), {name: always for name in shown if name in naming}),
        (both, _status_cause(), {name: moves[name] for name in values if name in moves}),
        (both, pl.col("cause"), {name: ~moves[name] if name in moves else always for name in values}),
        (~both, pl.col("cause"), {name: always for name in measures}),
    ]
    day = pl.coalesce(entity.dated, f"{entity.dated}_before") if entity.dated else pl.lit(None, pl.Date)
    changes = pl.concat(
        changed.filter(there).select(
            "row",
            cause=cause.cast(pl.String),
            table_name=pl.lit(entity.full_name()),
            key=pl.concat_str(key, separator=" · "),
            day=day,
            changes=_changes(columns),
        )
        for there, cause, columns in parts
    )
    # A row that the lake itself changed has status and other values under one cause.
    return changes.group_by("row", "cause", "table_name", "key", "day").agg(
        pl.col("changes").list.explode().drop_nulls()
    )


def _changes(columns: Mapping[str, pl.Expr]) -> pl.Expr:
    texts = []
    for name, when in columns.items():
        # A tombstone still holds the values that the source took back.
        new, old = pl.when(STANDS).then(name), pl.when(STOOD).then(f"{name}_before")
        old_text, new_text = (side.cast(pl.String).fill_null("—") for side in (old, new))
        said = pl.concat_str(pl.lit(f"{name}: "), old_text, pl.lit(" → "), new_text)
        texts.append(pl.when(when & new.ne_missing(old)).then(said))
    if not texts:
        return pl.lit([], pl.List(pl.String))
    return pl.concat_list(texts).list.drop_nulls()
