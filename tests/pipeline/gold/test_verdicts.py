"""What counts mean under the thresholds in force."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from carti_lake.pipeline.gold.verdicts import by_check, newly_blocked, thresholds, verdicts
from carti_lake.tables.gold import DataQuality
from carti_lake.tables.thresholds import ThresholdChanges
from tests.worlds.rows import APRIL, MARCH, held

PAID, PAYER, FUTURE = "payment_on_unpaid_claim", "payer|missing", "visit_date|future"


def results(*rows):
    """Months of checks of visits: rule, month, checked, failed."""
    return held(
        DataQuality,
        *(
            {"rule": rule, "month": month, "checked": checked, "passed": checked - failed, "failed": failed}
            for rule, month, checked, failed in rows
        ),
        table_name="silver.visits",
        category="plausibility",
        severity="warn",
        description="",
        not_applicable=0,
    ).collect()


def changes(*rows):
    """What people have set: rule, warn, block, fewest; None for back to what is declared."""
    return held(
        ThresholdChanges,
        *(
            {"change": number, "rule": rule, "declared": given is None}
            | dict(zip(("warn", "block", "fewest"), given or (None, None, 1), strict=True))
            for number, (rule, given) in enumerate(rows, 1)
        ),
        table_name="silver.visits",
        at=datetime(2026, 3, 1, tzinfo=UTC),
        who="Ann",
        why="agreed",
    ).collect()


def in_force(checked, *set_by_people):
    rows = thresholds(results((checked, MARCH, 1, 0)), changes(*set_by_people))
    return rows.select("warn", "block", "fewest", "set_by", "why").row(0)


def statuses(counts, *set_by_people):
    judged = verdicts(counts, thresholds(counts, changes(*set_by_people)))
    return judged.sort("rule", "month")["status"].to_list()


def test_the_category_gives_the_thresholds_unless_the_table_declares_others():
    assert in_force(FUTURE) == (0.01, 0.20, 100, None, None)
    assert in_force(PAYER) == (0.05, 0.50, 100, None, None)
    assert in_force("extracts|volume") == (0.0, None, 1, None, None)
    assert in_force(PAID) == (0.0, None, 1, None, None)
    assert in_force("claim_amount|min") == (0.01, 0.20, 100, None, None)


def test_the_newest_change_is_in_force_until_it_is_taken_back():
    first, second = (PAID, (0.02, 0.10, 1)), (PAID, (0.03, None, 5))
    assert in_force(PAID, first) == (0.02, 0.10, 1, "Ann", "agreed")
    assert in_force(PAID, first, second) == (0.03, None, 5, "Ann", "agreed")
    assert in_force(PAID, first, second, (PAID, None)) == (0.0, None, 1, None, None)
    assert in_force(PAYER, first) == (0.05, 0.50, 100, None, None)


@pytest.mark.parametrize(
    ("checked", "failed", "status"),
    [
        (1000, 0, "ok"),
        (1000, 19, "ok"),
        (1000, 20, "warn"),
        (1000, 99, "warn"),
        (1000, 100, "block"),
        (0, 0, "not applicable"),
    ],
)
def test_a_share_reaches_a_threshold_that_it_equals(checked, failed, status):
    assert statuses(results((FUTURE, MARCH, checked, failed)), (FUTURE, (0.02, 0.10, 1))) == [status]


@pytest.mark.parametrize(("failed", "status"), [(4, "warn"), (5, "block")])
def test_too_few_failing_rows_block_nothing(failed, status):
    assert statuses(results((FUTURE, MARCH, 5, failed)), (FUTURE, (0.02, 0.10, 5))) == [status]


def test_a_check_can_be_told_never_to_warn_and_never_to_block():
    assert statuses(results((FUTURE, MARCH, 200, 200)), (FUTURE, (0.5, None, 1))) == ["warn"]
    assert statuses(results((FUTURE, MARCH, 200, 200)), (FUTURE, (None, None, 1))) == ["ok"]


def test_a_threshold_of_zero_counts_the_first_failing_row_and_not_its_absence():
    assert statuses(results((PAID, MARCH, 10, 0), (PAID, APRIL, 10_000, 1))) == ["ok", "warn"]


def test_a_check_stands_as_its_worst_month_does():
    counts = results((FUTURE, MARCH, 1000, 300), (FUTURE, APRIL, 1000, 0), (PAYER, MARCH, 100, 1), (PAYER, APRIL, 0, 0))
    judged = by_check(verdicts(counts, thresholds(counts, changes())))
    assert judged.select("rule", "status", "checked", "passed", "failed", "share").rows() == [
        (FUTURE, "block", 2000, 1700, 300, 0.15),
        (PAYER, "ok", 100, 99, 1, 0.01),
    ]
    assert judged.select("worst_month", "worst_share").rows() == [(MARCH, 0.3), (MARCH, 0.01)]


def test_a_check_without_failing_rows_has_no_worst_month():
    counts = results((FUTURE, MARCH, 10, 0))
    [row] = by_check(verdicts(counts, thresholds(counts, changes()))).to_dicts()
    assert (row["status"], row["worst_month"], row["failed_amount"]) == ("ok", None, None)


def test_only_what_did_not_block_before_is_newly_blocked():
    def judged(*rows):
        counts = results(*rows)
        return verdicts(counts, thresholds(counts, changes((FUTURE, (0.02, 0.10, 1)))))

    before = judged((FUTURE, MARCH, 10, 5), (FUTURE, APRIL, 10, 0))
    now = judged((FUTURE, MARCH, 10, 6), (FUTURE, APRIL, 10, 1), (FUTURE, date(2026, 5, 1), 100, 9))
    assert newly_blocked(now, before)["month"].to_list() == [APRIL]
    assert newly_blocked(now, before.clear())["month"].to_list() == [MARCH, APRIL]
    assert newly_blocked(now, now).is_empty()


def test_thresholds_are_for_the_table_that_they_were_set_for():
    elsewhere = changes((PAYER, (0.0, None, 1))).with_columns(table_name=pl.lit("silver.referrals"))
    counts = results((PAYER, MARCH, 100, 1))
    assert verdicts(counts, thresholds(counts, elsewhere))["status"].to_list() == ["ok"]
