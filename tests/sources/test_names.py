from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carti_lake.sources.names import day_and_moment


@pytest.mark.parametrize(
    "name",
    [
        "visits_2026-04-02.csv",
        "visits_20260402.csv.gz",
        "visits_2026_04_02.csv",
        "visits.2026.04.02.csv",
        "visits_02Apr2026.csv",
        "visits_2-April-2026.csv",
        "visits 02-APR-2026.csv",
        "Apr 2, 2026.csv",
        "visits_April_02_2026.csv",
        "2026-Apr-02 visits.csv",
        "visits_20260101_20260402.csv",
        "visits_202601_20260402.csv",
        "visits_2026-04-02_part1.csv",
        "visits_2026-04-02_v2.csv",
        "visits_2026-04-02 (1).csv",
        "visits_20260402_12345678.csv",
    ],
)
def test_a_day(name):
    assert day_and_moment(name) == (date(2026, 4, 2), None)


@pytest.mark.parametrize(
    "name", ["visits_31032026.csv", "visits_03312026.csv", "visits 31.03.2026.csv", "03-31-2026.csv"]
)
def test_a_day_whose_year_stands_last(name):
    assert day_and_moment(name) == (date(2026, 3, 31), None)


@pytest.mark.parametrize(
    "name", ["visits_03042026.csv", "visits_03-04-2026.csv", "visits_31992026.csv", "31_03-2026.csv"]
)
def test_a_day_that_could_be_two_is_none(name):
    assert day_and_moment(name) == (None, None)


@pytest.mark.parametrize(
    "name",
    [
        "visits_20260402063000.csv",
        "visits_202604020630.csv",
        "visits_20260402_0630.csv",
        "visits_20260402-063000.csv",
        "visits_2026-04-02T0630.csv",
        "visits_2026-04-02T06:30:00Z.csv",
        "visits_2026-04-02_06-30-00.csv",
        "visits_2026-04-02 06.30.00.csv",
        "visits_20260402T063000.000Z.csv",
        "visits_20260402063000123.csv",
        "visits_02Apr2026_0630.csv",
    ],
)
def test_a_day_with_a_time(name):
    assert day_and_moment(name) == (date(2026, 4, 2), datetime(2026, 4, 2, 6, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("visits_202605.csv", date(2026, 5, 31)),
        ("visits_2026-02.csv", date(2026, 2, 28)),
        ("visits_2024_02.csv", date(2024, 2, 29)),
        ("visits_Apr2026.csv", date(2026, 4, 30)),
        ("visits April-2026.csv", date(2026, 4, 30)),
        ("visits_2026Sept.csv", date(2026, 9, 30)),
        ("MAY_2026.xlsx", date(2026, 5, 31)),
    ],
)
def test_a_month_is_its_last_day(name, day):
    assert day_and_moment(name) == (day, None)


@pytest.mark.parametrize(
    "name",
    [
        "visits.csv",
        "visits_202611221.csv",
        "visits_2026-13-45.csv",
        "visits_2026.csv",
        "mayo_2026.csv",
        "visits_123456.csv",
        "visits_202613.csv",
        "visits_v1.2.3.csv",
    ],
)
def test_no_day(name):
    assert day_and_moment(name) == (None, None)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)).map(lambda one: one.replace(microsecond=0)))
def test_any_moment_is_read_back(moment):
    for form in (
        "%Y%m%d%H%M%S",
        "%Y-%m-%dT%H%M%S",
        "%Y-%m-%d_%H-%M-%S",
        "%Y%m%d_%H%M%S",
        "%d%b%Y_%H%M%S",
        "%d-%B-%Y %H%M%S",
    ):
        assert day_and_moment(f"visits_{moment:{form}}.csv") == (moment.date(), moment.replace(tzinfo=UTC))
