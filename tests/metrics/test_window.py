"""Sums over several months, by hand."""

from datetime import date

import polars as pl
import pytest

from carti_lake.metrics import Metric, Sum
from carti_lake.metrics.metric import Window
from carti_lake.metrics.window import windowed
from carti_lake.tables.gold import ClaimsActivity


def rate(window, rows, by=()):
    """A rate without its count of cases, over its window's months."""
    metric = Metric(
        "rate",
        "A rate",
        ClaimsActivity,
        Sum.of("initially_denied_claims"),
        Sum.of("submitted_claims"),
        "this test",
        window=window,
    )
    return windowed(metric, rows, by).drop("n")


def rows(*values, start=11):
    """A row per month from November 2025: month, denied, submitted."""
    months = [date(2025 + (start - 1 + place) // 12, (start - 1 + place) % 12 + 1, 1) for place in range(len(values))]
    return pl.LazyFrame(
        [(month, *value) for month, value in zip(months, values, strict=True)],
        schema={"month": pl.Date, "initially_denied_claims": pl.Int64, "submitted_claims": pl.Int64},
        orient="row",
    )


def test_a_month_over_the_mean_of_the_three_before_it():
    found = rate(Window(denominator=(1, 3)), rows((9, 100), (9, 140), (9, 120), (30, 0), (6, 60)))
    assert found.collect().rows()[3:] == [
        (date(2026, 2, 1), 30, pytest.approx(120), pytest.approx(0.25)),  # the mean of 100, 140 and 120
        (date(2026, 3, 1), 6, pytest.approx(260 / 3), pytest.approx(6 / (260 / 3))),  # of 140, 120 and 0
    ]
    # Their three months begin before the first row.
    assert found.collect()["value"].to_list()[:3] == [None] * 3


def test_months_together_are_the_ratio_of_their_sums():
    found = rate(Window((0, 1), (0, 1)), rows((1, 10), (3, 10), (0, 60))).collect()
    assert found.rows() == [
        (date(2025, 11, 1), 1, 10, None),
        (date(2025, 12, 1), 4, 20, pytest.approx(4 / 20)),
        (date(2026, 1, 1), 3, 70, pytest.approx(3 / 70)),
    ]


def test_who_has_no_rows_in_a_month_has_none_denied_in_it():
    one = rows((4, 100), (5, 100), (6, 100)).with_columns(payer=pl.lit("blue"))
    other = rows((1, 50)).with_columns(payer=pl.lit("self_pay"))
    found = rate(Window(denominator=(1, 2)), pl.concat([one, other]), by=["payer"]).collect()
    assert found.filter(month=date(2026, 1, 1)).select("payer", "numerator", "value").rows() == [
        ("blue", 6, pytest.approx(0.06)),
        ("self_pay", 0, 0),
    ]


def test_a_denominator_of_zero_gives_null():
    assert rate(Window(), rows((1, 0))).collect()["value"].to_list() == [None]


def test_the_month_may_have_another_name():
    renamed = rows((1, 10)).rename({"month": "activity_month"})
    assert rate(Window(month="activity_month"), renamed).collect().rows() == [
        (date(2025, 11, 1), 1, 10, pytest.approx(0.1))
    ]
