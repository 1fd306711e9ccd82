"""The change of a metric as a sum over causes: pure functions of what `read` has read."""

from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from carti_lake.metrics import Metric
from carti_lake.metrics.metric import silver_sources
from carti_lake.releases.explain.causes import Cause, ExplainError
from carti_lake.releases.explain.steps import SEPARATOR, TAG
from carti_lake.tables.gold import Gold

Number = int | Decimal
SUMS = ("numerator", "denominator")


@dataclass(frozen=True)
class Evidence:
    """What two releases hold of a mart, and the changed rows of silver as the mart's own function counts them.

    Attributes
    ----------
    table
        The mart's table.
    before, after
        Its rows in the earlier and the later release.
    steps
        What the mart makes of the tagged steps of the changed rows; see `steps.tagged_steps`.
    rows
        What happened to each of those rows; see `steps.row_changes`.
    recomputed
        What today's code makes of the silver of the earlier and of the later release; None where it made both.
    """

    table: type[Gold]
    before: pl.DataFrame
    after: pl.DataFrame
    steps: pl.DataFrame
    rows: pl.DataFrame
    recomputed: tuple[pl.DataFrame, pl.DataFrame] | None


def member_column(table: type[Gold]) -> str:
    """The key column that tells whose a mart's row is: its first provider, else its first text."""
    dtypes = table.dtypes()
    texts = [name for name in table.key() if dtypes[name] == pl.String]
    if not texts:
        raise ExplainError(
            f"{table.full_name()} has no key that tells whose its rows are: nothing explains its changes."
        )
    return next((name for name in texts if name.endswith("provider_id")), texts[0])


def contributions(evidence: Evidence, metric: Metric) -> pl.DataFrame:
    """What each cause did to each row's share of numerator and denominator, where it did anything.

    Returns
    -------
    pl.DataFrame
        ``cause``, ``table_name``, ``key``, ``day``, the mart's member column (whose number it is), ``numerator``,
        ``denominator`` (zero for a metric without one), ``changes``; by cause, the largest first.
    """
    member = member_column(evidence.table)
    before, after = evidence.recomputed or (evidence.before, evidence.after)
    cells = _cells(before, after, metric)
    states = _states(evidence.steps.lazy(), metric, member)
    parts = [_by_rows(states, evidence, cells), _by_completion(states, evidence, metric, cells)]
    if evidence.recomputed is not None:
        parts.append(_by_definition(evidence, metric, member))
    size = pl.max_horizontal(pl.col(name).abs().cast(pl.Float64) for name in SUMS)
    return (
        pl.concat(parts, how="diagonal")
        .sort(
            pl.col("cause").cast(pl.Enum(Cause)),
            size,
            "table_name",
            "key",
            member,
            descending=[False, True, False, False, False],
        )
        .select("cause", "table_name", "key", "day", member, *SUMS, "changes")
        .collect()
    )


def _cells(before: pl.DataFrame, after: pl.DataFrame, metric: Metric) -> pl.LazyFrame:
    """The mart's cells: what they sum to, and whether they hold all that the metric needs and so count at all."""
    key = metric.mart.key()
    nullable = [name for name in metric.summed() if metric.mart.columns()[name].nullable]
    whole = pl.all_horizontal(pl.lit(True), *(pl.col(name).is_not_null() for name in nullable))
    known = [pl.col(name).is_not_null().any().alias(f"{name}_known") for name in nullable]
    sides = (
        frame.lazy().group_by(key).agg(whole.any().alias("whole"), *known, **_sums_of_part(metric))
        for frame in (before, after)
    )
    joined = next(sides).join(next(sides), on=key, how="full", coalesce=True, suffix="_after", nulls_equal=True)
    held = [name for flag in ("whole", *(f"{name}_known" for name in nullable)) for name in (flag, f"{flag}_after")]
    return joined.with_columns(
        pl.col(held).fill_null(False), *(pl.col(name, f"{name}_after").fill_null(0) for name in SUMS)
    )


def _states(steps: pl.LazyFrame, metric: Metric, member: str) -> pl.LazyFrame:
    """What each state of each row sums to, by the cell that it is in and the causes on either side of it."""
    tags = pl.col(member).str.splitn(SEPARATOR, len(TAG) + 1).struct.rename_fields([*TAG, "_member"])
    return (
        steps.filter(pl.col(member).str.contains(SEPARATOR, literal=True))
        .group_by(metric.mart.key())
        .agg(**_sums_of_part(metric))
        .with_columns(tags.struct.unnest())
        .with_columns(pl.col("row").cast(pl.UInt32), pl.col("_member").alias(member))
        .drop("_member")
    )


def _by_rows(states: pl.LazyFrame, evidence: Evidence, cells: pl.LazyFrame) -> pl.LazyFrame:
    """Contributions by row, cause and member: what a state sums to, for the cause that it completes, from the next.

    A cell that lacks something of what the metric needs, in both releases, counts in neither: nor do its rows.
    """
    key = evidence.table.key()
    member = member_column(evidence.table)
    lacking = cells.filter(~pl.col("whole") & ~pl.col("whole_after")).select(key)
    there = states.join(lacking, on=key, how="anti", nulls_equal=True)
    gained = there.select("row", member, *SUMS, cause="adds_to")
    lost = there.select("row", member, *(-pl.col(name) for name in SUMS), cause="taken_from")
    sums = _adding_up(pl.concat([gained, lost]).filter(pl.col("cause") != ""), ["row", "cause", member])
    return sums.join(evidence.rows.lazy(), on=["row", "cause"], how="left").drop("row")


def _by_completion(states: pl.LazyFrame, evidence: Evidence, metric: Metric, cells: pl.LazyFrame) -> pl.LazyFrame:
    """Contributions of cells that the metric begins, or ceases, to count: what stands in them beside changed rows.

    A campaign's deals enter its return on the day when its cost becomes known, though no deal has changed. The cause
    is that of the first changed row that feeds the column which became known, or unknown: a row of the cell itself,
    else of any other, since a table that is delivered for the first time makes a column known everywhere.
    """
    key, member = evidence.table.key(), member_column(evidence.table)
    rows = evidence.rows.lazy().with_columns(
        order=pl.struct(pl.col("changes").list.len() == 0, pl.col("cause").cast(pl.Enum(Cause)).to_physical())
    )
    parts = []
    left = cells.filter(pl.col("whole") != pl.col("whole_after"))
    for name in metric.summed():
        if not metric.mart.columns()[name].nullable:
            continue
        turned = left.filter(pl.col(f"{name}_known") != pl.col(f"{name}_known_after"))
        left = left.filter(pl.col(f"{name}_known") == pl.col(f"{name}_known_after"))
        tables = {f"silver.{source.partition('.')[0]}" for source in silver_sources(metric.mart, name)}
        feeding = rows.filter(pl.col("table_name").is_in(sorted(tables)))
        own = (
            states.select("row", *key)
            .join(feeding, on="row")
            .group_by(key)
            .agg(pl.col("cause").sort_by("order").first())
        )
        other = feeding.sort("order").select(any_cause="cause").head(1)
        now_known = pl.col(f"{name}_known_after")
        said = (
            pl.when(now_known)
            .then(pl.lit(f"{name}: not known → known"))
            .otherwise(pl.lit(f"{name}: known → not known"))
        )
        parts.append(
            turned.join(own, on=key, how="left", nulls_equal=True)
            .join(other, how="cross")
            .select(
                *(pl.when("whole_after").then(was).otherwise(-pl.col(f"{was}_after")).alias(was) for was in SUMS),
                cause=pl.coalesce("cause", "any_cause"),
                table_name=pl.lit(evidence.table.full_name()),
                key=_told(key),
                changes=pl.concat_list(said),
                **{member: pl.col(member)},
            )
            .filter(_not_nothing())
        )
    nothing = pl.LazyFrame(schema={"cause": pl.String})
    return pl.concat([nothing, *parts], how="diagonal")


def _by_definition(evidence: Evidence, metric: Metric, member: str) -> pl.LazyFrame:
    """Contributions by the mart's own cells: the change as stored, less the change by today's code."""
    assert evidence.recomputed is not None
    key = evidence.table.key()
    gained, lost = (evidence.after, evidence.recomputed[0]), (evidence.before, evidence.recomputed[1])
    plus, minus = (
        pl.concat(frame.lazy().group_by(key).agg(**stored_sums(metric)) for frame in frames)
        for frames in (gained, lost)
    )
    sums = pl.concat([plus, minus.with_columns(-pl.col(name) for name in SUMS)])
    return _adding_up(sums, key).select(
        *SUMS,
        cause=pl.lit(Cause.DEFINITION_CHANGE, pl.String),
        table_name=pl.lit(evidence.table.full_name()),
        key=_told(key),
        **{member: pl.col(member)},
    )


def _told(key: list[str]) -> pl.Expr:
    return pl.concat_str(pl.col(key).cast(pl.String), separator=" · ")


def stored_sums(metric: Metric) -> dict[str, pl.Expr]:
    """Numerator and denominator as readers see them, but for zero where no row holds what the metric needs."""
    terms = metric.terms()
    below = pl.lit(0, pl.Int64) if metric.denominator is None else terms["denominator"].fill_null(0)
    return {"numerator": terms["numerator"].fill_null(0), "denominator": below}


def _sums_of_part(metric: Metric) -> dict[str, pl.Expr]:
    """The same of some rows' share, which need not hold all that the metric needs."""
    below = pl.lit(0, pl.Int64) if metric.denominator is None else metric.denominator.expression()
    return {"numerator": metric.numerator.expression(), "denominator": below}


def _adding_up(parts: pl.LazyFrame, by: list[str]) -> pl.LazyFrame:
    return parts.group_by(by).agg(pl.col(SUMS).sum()).filter(_not_nothing())


def _not_nothing() -> pl.Expr:
    return pl.any_horizontal(pl.col(name) != 0 for name in SUMS)


def rate_share(
    numerator: Number, denominator: Number, numerators: tuple[Number, Number], denominators: tuple[Number, Number]
) -> float | None:
    """The part of a ratio's change that a change of its numerator and denominator explains.

    With N and D before (0) and after (1), a cause that changes them by n and d explains
    ``((D0 + D1) n - (N0 + N1) d) / (2 D0 D1)``: the Shapley value of numerator and denominator, i.e. the mean of
    replacing the one first and the other first. It does not depend on the order of causes, and the shares of causes
    whose n and d sum to N1 - N0 and D1 - D0 sum to N1/D1 - N0/D0.

    Parameters
    ----------
    numerator, denominator
        What the cause changed.
    numerators, denominators
        Before and after.

    Returns
    -------
    float | None
        None where a denominator is zero: then there was no ratio to change.
    """
    below = 2 * denominators[0] * denominators[1]
    if not below:
        return None
    return float(sum(denominators) * numerator - sum(numerators) * denominator) / float(below)
