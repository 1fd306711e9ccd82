"""What the counts of ``gold.data_quality`` mean under the thresholds in force: ok, warn, block."""

import polars as pl

from carti_lake.tables import TABLES

#: From good to bad; ``not applicable`` where no row was checked.
STATUSES = ("not applicable", "ok", "warn", "block")
CHECK = ["table_name", "rule"]
_THRESHOLDS = {"warn": pl.Float64, "block": pl.Float64, "fewest": pl.Int64}


def thresholds(results: pl.DataFrame, changes: pl.DataFrame) -> pl.DataFrame:
    """The thresholds in force for each check that has results.

    Parameters
    ----------
    results
        ``gold.data_quality``.
    changes
        ``thresholds``: what people have set, one row per change.

    Returns
    -------
    pl.DataFrame
        ``table_name``, ``rule``, ``warn``, ``block``, ``fewest``; ``set_by`` and ``why``, null where the declared
        thresholds stand.
    """
    checks = results.select(CHECK).unique().sort(CHECK)
    declared = [TABLES[table].declared_thresholds(rule) for table, rule in checks.iter_rows()]
    usual = checks.with_columns(
        pl.Series(name, [getattr(one, name) for one in declared], dtype) for name, dtype in _THRESHOLDS.items()
    )
    newest = changes.sort("change").unique(CHECK, keep="last").filter(~pl.col("declared"))
    ours = newest.select(
        *CHECK, "why", pl.col("who").alias("set_by"), *(pl.col(name).alias(f"{name}_set") for name in _THRESHOLDS)
    )
    return usual.join(ours, on=CHECK, how="left").select(
        *CHECK,
        *(pl.when(pl.col("set_by").is_null()).then(name).otherwise(f"{name}_set").alias(name) for name in _THRESHOLDS),
        "set_by",
        "why",
    )


def verdicts(results: pl.DataFrame, in_force: pl.DataFrame) -> pl.DataFrame:
    """Each month of each check with its failing ``share`` and ``status``, and the thresholds that gave it.

    A share reaches a threshold that it equals. A check without a failing row is ok, whatever its thresholds.
    """
    share = pl.when(pl.col("checked") > 0).then(pl.col("failed") / pl.col("checked"))
    failing = pl.col("failed") > 0
    status = (
        pl.when(pl.col("checked") == 0)
        .then(pl.lit("not applicable"))
        .when(failing & (pl.col("share") >= pl.col("block")) & (pl.col("failed") >= pl.col("fewest")))
        .then(pl.lit("block"))
        .when(failing & (pl.col("share") >= pl.col("warn")))
        .then(pl.lit("warn"))
        .otherwise(pl.lit("ok"))
    )
    return (
        results.join(in_force, on=CHECK, how="left")
        .with_columns(share=share)
        .with_columns(status=status.cast(pl.Enum(STATUSES)))
    )


def by_check(months: pl.DataFrame) -> pl.DataFrame:
    """One row per check: counts of all months, and the status of its worst month, worst first.

    Parameters
    ----------
    months
        Result of :func:`verdicts`.

    Returns
    -------
    pl.DataFrame
        The check, its counts, ``share`` and ``failed_amount``; ``status``; ``worst_month`` and ``worst_share`` where
        rows failed; the thresholds in force.
    """
    counts = [pl.col(name).sum() for name in ("checked", "passed", "failed", "not_applicable")]
    dollars = pl.when(pl.col("failed_amount").count() > 0).then(pl.col("failed_amount").sum())
    worst = pl.col("status", "month", "share").last().name.prefix("worst_")
    return (
        months.sort(pl.col("status").to_physical(), "share", "failed", "month", nulls_last=False)
        .group_by(*CHECK, "category", "severity", "description", *_THRESHOLDS, "set_by", "why")
        .agg(*counts, dollars.alias("failed_amount"), worst)
        .with_columns(
            share=pl.when(pl.col("checked") > 0).then(pl.col("failed") / pl.col("checked")),
            worst_month=pl.when(pl.col("failed") > 0).then("worst_month"),
            worst_share=pl.when(pl.col("failed") > 0).then("worst_share"),
        )
        .rename({"worst_status": "status"})
        .sort(
            pl.col("status").to_physical(),
            pl.col("share").fill_null(0),
            *CHECK,
            descending=[True, True, False, False],
        )
    )


def newly_blocked(now: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """Months of checks that block now and did not in what was published before."""
    month = [*CHECK, "month"]
    held = before.filter(pl.col("status") == "block")
    return now.filter(pl.col("status") == "block").join(held, on=month, how="anti").sort(*month)
