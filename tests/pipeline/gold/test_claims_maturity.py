"""Maturity by the chain ladder: a published triangle to its printed digits, and small ones by hand."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from carti_lake.pipeline.gold.claims_maturity import (
    claims_maturity,
    claims_triangle,
    development,
    ultimates,
)
from carti_lake.tables.gold import ClaimsLag, Reconciliation
from tests.worlds.rows import held

#: Cumulative payments of Taylor and Ashe (1983), as Mack (1993) works them out.
TAYLOR_ASHE = [
    [357848, 1124788, 1735330, 2218270, 2745596, 3319994, 3466336, 3606286, 3833515, 3901463],
    [352118, 1236139, 2170033, 3353322, 3799067, 4120063, 4647867, 4914039, 5339085],
    [290507, 1292306, 2218525, 3235179, 3985995, 4132918, 4628910, 4909315],
    [310608, 1418858, 2195047, 3757447, 4029929, 4381982, 4588268],
    [443160, 1136350, 2128333, 2897821, 3402672, 3873311],
    [396132, 1333217, 2180715, 2985752, 3691712],
    [440832, 1288463, 2419861, 3483130],
    [359480, 1421128, 2864498],
    [376686, 1363294],
    [344014],
]
FACTORS = [3.491, 1.747, 1.457, 1.174, 1.104, 1.086, 1.054, 1.077, 1.018]
SIGMA_SQUARED = [160280, 37737, 41965, 15183, 13731, 8186, 447, 1147, 447]
RESERVES = [0, 94634, 469511, 709638, 984889, 1419459, 2177641, 3920301, 4278972, 4625811]
STANDARD_ERRORS = [0, 75535, 121699, 133549, 261406, 411010, 558317, 875328, 971258, 1363155]


def month(number):
    return date(2025 + number // 12, number % 12 + 1, 1)


def triangle(values):
    rows = [(month(place), age, value) for place, row in enumerate(values) for age, value in enumerate(row)]
    return pl.LazyFrame(rows, schema={"month": pl.Date, "age": pl.Int64, "value": pl.Int64}, orient="row")


def lag(*rows):
    """Claims adjudicated: month, day, how many."""
    names = ("month", "adjudicated_date", "adjudicated_claims")
    return held(ClaimsLag, *(dict(zip(names, row, strict=True)) for row in rows))


def extract(day):
    return held(Reconciliation, {"feed": "ehr_visits", "extract_date": day})


def test_mack_s_published_example():
    factors = development(triangle(TAYLOR_ASHE)).collect()
    assert factors["factor"].round(3).to_list() == FACTORS
    assert factors["variance"].round().to_list() == SIGMA_SQUARED
    found = ultimates(triangle(TAYLOR_ASHE)).collect()
    assert (found["expected_claims"] - found["value"]).round().to_list() == RESERVES
    assert (found["expected_claims"] * found["relative_error"]).round().to_list() == STANDARD_ERRORS


def test_a_small_triangle_by_hand():
    found = ultimates(triangle([[40, 80, 100], [60, 100], [30]])).collect()
    # 40 + 60 went on to 80 + 100: a factor of 1.8; then 80 to 100: 1.25. Shares: 1 / 2.25, 1 / 1.25, 1.
    assert found["maturity"].to_list() == pytest.approx([1, 1 / 1.25, 1 / 2.25])
    assert found["expected_claims"].to_list() == pytest.approx([100, 125, 67.5])
    assert found["age"].to_list() == [2, 1, 0]


def test_where_nothing_was_adjudicated_at_an_age_nothing_is_complete_at_it():
    found = ultimates(triangle([[0, 5, 10], [0, 5], [0]])).collect()
    assert found["maturity"].to_list() == [1, 0.5, 0]
    assert found["expected_claims"].to_list() == [10, 10, None]
    # Too little happened to tell how far it may go wrong; the oldest month has nothing to come.
    assert found["relative_error"].to_list() == [0, None, None]
    # One that nobody can judge: it has claims where no month before it had any.
    assert ultimates(triangle([[0, 5, 10], [0, 5], [2]])).collect()["expected_claims"].to_list() == [10, 10, None]


def test_ages_are_counted_to_the_day_of_the_month_that_the_data_ends_on():
    january, march = date(2026, 1, 1), date(2026, 3, 1)
    rows = lag(
        (january, date(2026, 1, 5), 1),
        (january, date(2026, 1, 20), 2),  # age 0 up to the 20th
        (january, date(2026, 1, 21), 4),
        (january, date(2026, 3, 20), 8),
        (january, date(2026, 3, 21), 16),  # after the data's end
        (january, date(2025, 12, 31), 32),  # before it began: no later than at age 0
        (march, date(2026, 3, 20), 64),
    )
    found = claims_triangle(rows, pl.LazyFrame({"as_of": [date(2026, 3, 20)]})).collect()
    assert found.rows() == [
        (january, 0, 35),
        (january, 1, 39),
        (january, 2, 47),
        (date(2026, 2, 1), 0, 0),
        (date(2026, 2, 1), 1, 0),
        (march, 0, 64),
    ]


def test_the_last_day_of_a_month_is_that_of_every_month():
    rows = lag((date(2026, 1, 1), date(2026, 1, 31), 1))
    known = pl.LazyFrame({"as_of": [date(2026, 2, 28)]})
    assert claims_triangle(rows, known).collect().rows()[0] == (date(2026, 1, 1), 0, 1)


def worked(*, as_of):
    rows = []
    for place, (first, second, third) in enumerate([(45, 50, 5), (60, 60, 0), (30, 0, 0)]):
        for later, claims in enumerate((first, second, third)):
            day = month(place + later).replace(day=15)
            rows += [(month(place), day, claims)] * (claims > 0 and day <= as_of)
    return claims_maturity(lag(*rows), extract(as_of)).sort("month").collect()


def test_a_month_under_nine_tenths_is_provisional():
    found = worked(as_of=date(2025, 3, 31))
    # Factors 215 / 105 and 100 / 95: complete at age 1 are 0.95, at age 0 0.95 x 105 / 215.
    assert found.drop("maturity_low", "maturity_high").to_dicts() == [
        {
            "month": month(place),
            "as_of": date(2025, 3, 31),
            "age": 2 - place,
            "adjudicated_claims": claims,
            "expected_claims": pytest.approx(expected),
            "maturity": pytest.approx(share),
            "provisional": provisional,
        }
        for place, claims, expected, share, provisional in [
            (0, 100, 100, 1, False),
            (1, 120, 120 / 0.95, 0.95, False),
            (2, 30, 30 / (0.95 * 105 / 215), 0.95 * 105 / 215, True),
        ]
    ]
    low, share, high = (found[name][2] for name in ("maturity_low", "maturity", "maturity_high"))
    assert 0 < low < share < high <= 1
    assert found["maturity_low"][0] == found["maturity_high"][0] == 1


def test_without_three_months_of_history_nothing_is_known_and_all_is_provisional():
    found = worked(as_of=date(2025, 2, 28))
    assert found["adjudicated_claims"].to_list() == [95, 60]
    assert found.select("expected_claims", "maturity", "maturity_low", "maturity_high").null_count().row(0) == (2,) * 4
    assert found["provisional"].all()


def test_only_the_last_three_years_count():
    found = claims_maturity(lag((date(1950, 1, 1), date(2026, 3, 1), 9), (month(3), month(4), 5)), extract(month(6)))
    assert found.collect()["month"].sort().to_list() == [month(3), month(4), month(5), month(6)]


def test_without_a_day_of_adjudication_there_is_no_maturity():
    assert claims_maturity(lag(), extract(month(6))).collect().is_empty()


@settings(max_examples=25)
@given(st.lists(st.lists(st.integers(0, 50), min_size=6, max_size=6), min_size=4, max_size=6), st.randoms())
def test_any_order_of_the_same_rows_gives_the_same_digits(counts, shuffled):
    rows = [
        (month(place), month(place + later), claims)
        for place, added in enumerate(counts)
        for later, claims in enumerate(added)
        if claims
    ]
    again = list(rows)
    shuffled.shuffle(again)
    one, other = (claims_maturity(lag(*some), extract(month(6))).collect() for some in (rows, again))
    assert_frame_equal(one.sort("month"), other.sort("month"), check_exact=True)
    assert one["maturity"].is_between(0, 1).all()
    assert (one["maturity_low"] <= one["maturity_high"]).all()
