"""Results of the checks, by month: findings of rows that stand, rules of rows that were refused, extracts delivered."""

from collections.abc import Mapping, Sequence

import polars as pl

from carti_lake.pipeline.gold.references import month_of
from carti_lake.tables.checks import DELIVERY_CHECKS, Finding
from carti_lake.tables.gold import DataQuality
from carti_lake.tables.gold.dimensions import UNDATED
from carti_lake.tables.silver import Entity
from carti_lake.tables.table import KINDS, Table

#: Extract days that say what a feed's usual volume and rhythm are, and how many of them it takes to say so.
USUAL_DAYS, FEWEST_DAYS = 28, 7
#: From which refused share of a batch nothing of it is to be trusted; smaller batches are judged with their month.
WHOLLY, FEW_ROWS = 0.9, 10
#: A day brings under 1/2 of the smallest or over twice the largest usual one; a feed lags by over twice its rhythm.
FAR = 2
_EXTRACT_MONTH = pl.col("extract_date").dt.truncate("1mo")


def fails(finding: Finding) -> pl.Expr:
    """Rows that fail a finding, wherever its column is delivered; an unknown answer (null) is no failure."""
    return finding.failed if finding.applies is None else finding.applies & finding.failed


def findings(rows: pl.LazyFrame, entity: type[Table]) -> list[pl.LazyFrame]:
    """Rows of ``gold.data_quality`` for the table's findings, over the months of the given rows, in a pass or two.

    What looks at other rows of the month holds its columns in memory: a pass of its own, taken after the other, keeps
    them few. Checks of what sources may not deliver are counted in every month; :func:`spared` says which ones count.
    """
    standing = rows.filter(~pl.col("withdrawn")) if "withdrawn" in entity.columns() else rows
    current = standing.with_columns(month_of(entity))
    passes = [[one for one in entity.findings() if one.whole_month is apart] for apart in (False, True)]
    return [_counted(current, some, entity) for some in passes if some]


def _counted(current: pl.LazyFrame, checks: Sequence[Finding], entity: type[Table]) -> pl.LazyFrame:
    """One pass over the rows for all of the checks, then a row per month and check."""
    sums: dict[str, pl.Expr] = {"rows": pl.len()}
    for place, one in enumerate(checks):
        sums[f"{place}.checked"] = pl.len() if one.applies is None else one.applies.sum()
        sums[f"{place}.failed"] = fails(one).sum()
        if one.amount:
            sums[f"{place}.amount"] = pl.when(fails(one)).then(one.amount).sum()
    each = [_result(place, one, entity) for place, one in enumerate(checks)]
    return (
        current.group_by("month")
        .agg(**sums)
        .select("month", "rows", result=pl.concat_list(each))
        .explode("result")
        .unnest("result")
        .pipe(_shaped)
    )


def _result(place: int, finding: Finding, entity: type[Table]) -> pl.Expr:
    amount = pl.col(f"{place}.amount") if finding.amount else pl.lit(None)
    return pl.struct(
        table_name=pl.lit(entity.full_name()),
        rule=pl.lit(finding.id),
        category=pl.lit(finding.category),
        severity=pl.lit("warn"),
        description=pl.lit(finding.description),
        checked=pl.col(f"{place}.checked").cast(pl.Int64),
        failed=pl.col(f"{place}.failed").cast(pl.Int64),
        failed_amount=amount.cast(DataQuality.dtypes()["failed_amount"]),
    )


def first_passed(results: pl.LazyFrame, entity: type[Entity]) -> pl.LazyFrame:
    """First month in which a row passed, for each check of what sources may not deliver: ``rule``, ``first``."""
    checks = [one.id for one in entity.findings() if one.once_delivered]
    passing = results.filter(pl.col("rule").is_in(checks) & (pl.col("passed") > 0))
    return passing.group_by("rule").agg(first=pl.col("month").min())


def spared(results: pl.LazyFrame, entity: type[Entity]) -> pl.LazyFrame:
    """Results in which checks of what sources may not deliver apply only from their first month with a passing row."""
    checks = [one.id for one in entity.findings() if one.once_delivered]
    early = pl.col("rule").is_in(checks) & (pl.col("first").is_null() | (pl.col("month") < pl.col("first")))
    return (
        results.join(first_passed(results, entity), on="rule", how="left")
        .with_columns(rows=pl.col("checked") + pl.col("not_applicable"))
        .with_columns(pl.when(~early).then(pl.col("checked", "failed")).otherwise(0))
        .pipe(_shaped)
    )


def with_unknown(results: pl.LazyFrame, unknown: pl.LazyFrame, lacking: Sequence[str]) -> pl.LazyFrame:
    """Results of the checks of references, with the rows that fail them as ``silver.unknown_references`` has them.

    ``lacking`` are the checks that apply to nothing: nobody delivers what they look for.
    """
    check = ["table_name", "rule", "month"]
    failing = unknown.group_by(check).agg(failed=pl.col("rows").sum())
    checked = pl.when(~pl.col("rule").is_in(lacking)).then("checked").otherwise(0)
    counted = results.with_columns(checked=checked, rows=pl.col("checked") + pl.col("not_applicable")).drop("failed")
    return counted.join(failing, on=check, how="left").with_columns(pl.col("failed").fill_null(0)).pipe(_shaped)


def refusals(quarantine: pl.LazyFrame, reconciliation: pl.LazyFrame, entity: type[Entity]) -> pl.LazyFrame:
    """Rows of ``gold.data_quality`` for the rules that refuse, by month of the extract.

    A rule that refuses a row in any month has a row in every month, so that its share is of all that was delivered.
    """
    month = pl.col("extract_date").dt.truncate("1mo").alias("month")
    delivered = (
        reconciliation.filter(pl.col("feed") == entity.feed.short_name)
        .group_by(month)
        .agg(rows=pl.col("bronze_rows").sum())
    )
    broken = (
        quarantine.select(month, rule=pl.col("rules").str.split(","))
        .explode("rule")
        .group_by("month", "rule")
        .agg(failed=pl.len())
    )
    return (
        broken.select("rule")
        .unique()
        .join(delivered, how="cross")
        .join(broken, on=["month", "rule"], how="left")
        .with_columns(
            pl.col("failed").fill_null(0),
            checked="rows",
            table_name=pl.lit(entity.full_name()),
            category=_category(entity),
            severity=pl.lit("quarantine"),
            description=_meaning(entity),
            failed_amount=pl.lit(None),
        )
        .pipe(_shaped)
    )


#: What a refused row looks like, by the kind of a column's rule.
_MEANINGS = {
    "unreadable": "{}: the delivered value cannot be read",
    "nullability": "{}: missing",
    "min": "{}: out of its range",
    "max": "{}: out of its range",
    "implausible": "{}: no day that can be meant, such as 9999-12-31",
    "icd9": "{}: an ICD-9-CM code",
    "mangled": "{}: a spreadsheet has rounded the number, as in 2.60331E+12",
    "total_row": "{}: the row is a report's total",
    "foreign": "{}: an amount in another currency than US dollars",
}


def _category(entity: type[Entity]) -> pl.Expr:
    of_rules = {rule: entity.category_of(rule) for rule in entity.row_rules()}
    kind = pl.col("rule").str.split("|").list.last()
    return pl.coalesce(
        kind.replace_strict(KINDS, default=None, return_dtype=pl.String),
        pl.col("rule").replace_strict(of_rules, default="plausibility", return_dtype=pl.String),
    )


def _meaning(entity: type[Entity]) -> pl.Expr:
    texts = entity.rule_text()
    column, kind = (pl.col("rule").str.split("|").list.get(i, null_on_oob=True) for i in (0, 1))
    meaning = pl.col("rule").replace_strict(texts, default=pl.col("rule"), return_dtype=pl.String)
    for name, text in _MEANINGS.items():
        meaning = pl.when(kind == name).then(pl.format(text, column)).otherwise(meaning)
    return meaning


def extract_days(reconciliation: pl.LazyFrame) -> pl.LazyFrame:
    """Each feed's extract days, with whether each has an unusual volume and whether the feed is late by now.

    Parameters
    ----------
    reconciliation
        ``gold.reconciliation``.

    Returns
    -------
    pl.LazyFrame
        ``feed``, ``extract_date``, ``rows``; ``smallest`` and ``largest`` of the usual days before, ``unusual`` (null
        where there are too few); on the feed's newest day ``rhythm`` and ``lag`` in days, and ``late`` (null likewise).
    """
    before = pl.col("rows").shift(1)
    gap = pl.col("extract_date").diff().dt.total_days()
    newest = pl.col("extract_date") == pl.col("extract_date").max().over("feed")

    def by_day(expression: pl.Expr) -> pl.Expr:
        return expression.over("feed", order_by="extract_date")

    return (
        reconciliation.group_by("feed", "extract_date")
        .agg(rows=pl.col("bronze_rows").sum())
        .with_columns(
            smallest=by_day(before.rolling_min(USUAL_DAYS, min_samples=FEWEST_DAYS)),
            largest=by_day(before.rolling_max(USUAL_DAYS, min_samples=FEWEST_DAYS)),
            rhythm=by_day(gap.rolling_median(USUAL_DAYS, min_samples=FEWEST_DAYS - 1)),
            lag=(pl.col("extract_date").max() - pl.col("extract_date")).dt.total_days(),
        )
        .with_columns(
            unusual=(pl.col("rows") * FAR < pl.col("smallest")) | (pl.col("rows") > pl.col("largest") * FAR),
            late=pl.when(newest).then(pl.col("lag") > pl.col("rhythm") * FAR),
        )
    )


def deliveries(reconciliation: pl.LazyFrame, entities: Mapping[str, type[Entity]]) -> pl.LazyFrame:
    """Rows of ``gold.data_quality`` for what each feed delivers: is it late, and are its volumes usual."""
    days = extract_days(reconciliation)
    newest = pl.col("extract_date") == pl.col("extract_date").max().over("feed")
    measured = {
        "extracts|late": _told(days.filter(newest).with_columns(month=pl.lit(UNDATED), wrong="late")),
        "extracts|volume": _told(days.with_columns(month=_EXTRACT_MONTH, wrong="unusual")),
        "extracts|refused": _told(wholly_refused(reconciliation)),
        "extracts|rows_of_one_key": _displaced(reconciliation),
    }
    tables = {entity.feed.short_name: entity.full_name() for entity in entities.values()}
    advice = {entity.feed.short_name: f". {entity.instead}" for entity in entities.values() if entity.instead}
    instead = pl.col("feed").replace_strict(advice, default="", return_dtype=pl.String)
    return pl.concat(
        rows.with_columns(
            table_name=pl.col("feed").replace_strict(tables, return_dtype=pl.String),
            rule=pl.lit(rule),
            category=pl.lit(DELIVERY_CHECKS[rule].category),
            severity=pl.lit("extract"),
            description=pl.lit(DELIVERY_CHECKS[rule].description)
            + (instead if rule == "extracts|rows_of_one_key" else pl.lit("")),
        ).pipe(_shaped)
        for rule, rows in measured.items()
    )


def _told(answers: pl.LazyFrame) -> pl.LazyFrame:
    """Counts of a check by feed and month, from what it says (``wrong``; null: nothing) of each thing it looks at."""
    wrong = pl.col("wrong")
    return answers.group_by("feed", "month").agg(
        rows=pl.len(), checked=wrong.count(), failed=wrong.fill_null(False).sum(), failed_amount=pl.lit(None)
    )


def wholly_refused(reconciliation: pl.LazyFrame) -> pl.LazyFrame:
    """Each month of a feed, and each batch that is not small, with whether it is refused as good as whole (``wrong``).

    Returns
    -------
    pl.LazyFrame
        ``feed``, ``month``, ``batch_id`` (null for the month), ``rows`` without duplicates, ``quarantined_rows``,
        ``wrong``.
    """
    refused = pl.col("quarantined_rows")
    batches = reconciliation.select(
        "feed", "batch_id", refused, month=_EXTRACT_MONTH, rows=pl.col("bronze_rows") - pl.col("duplicate_rows")
    )
    months = batches.group_by("feed", "month").agg(pl.col("rows", "quarantined_rows").sum())
    judged = pl.concat([months, batches.filter(pl.col("rows") >= FEW_ROWS)], how="diagonal")
    return judged.with_columns(wrong=(refused > 0) & (refused >= WHOLLY * pl.col("rows")))


def _displaced(reconciliation: pl.LazyFrame) -> pl.LazyFrame:
    """Rows lost to rows of their key, as a share of the batches with such rows: other deliveries hide none."""
    delivered, lost = pl.col("bronze_rows"), pl.col("displaced_rows")
    return (
        reconciliation.group_by("feed", month=_EXTRACT_MONTH)
        .agg(
            rows=delivered.sum(),
            failed=lost.sum(),
            concerned=pl.when(lost > 0).then(delivered).sum(),
            failed_amount=pl.when(lost > 0).then("displaced_amount").sum(),
            dollars=pl.col("displaced_amount").count(),
        )
        .with_columns(
            checked=pl.when(pl.col("failed") > 0).then("concerned").otherwise("rows"),
            failed_amount=pl.when(pl.col("dollars") > 0).then("failed_amount"),
        )
    )


def _shaped(rows: pl.LazyFrame) -> pl.LazyFrame:
    checked, failed = (pl.col(name).cast(pl.Int64) for name in ("checked", "failed"))
    counted = rows.with_columns(passed=checked - failed, not_applicable=pl.col("rows").cast(pl.Int64) - checked)
    return counted.select(pl.col(name).cast(dtype) for name, dtype in DataQuality.dtypes().items())
