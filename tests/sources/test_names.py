from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carti_lake.sources.names import AmbiguousNameError, day_and_moment

#: Day of the delivery.
MAY = date(2026, 5, 1)


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
        "visits_2026-01-01_2026-04-02.csv",
        "visits_2026.01.01-2026.04.02.csv",
        "visits_2026-01-01_to_2026-04-02.csv",
        "visits_30012026_02042026.csv",
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


@pytest.mark.parametrize("name", ["visits_31992026.csv", "31_03-2026.csv", "visits_3042026.csv"])
def test_figures_that_are_no_day(name):
    assert day_and_moment(name, MAY) == (None, None)


THIRD, FOURTH = date(2026, 4, 3), date(2026, 3, 4)


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        ("visits_03042026.csv", "03042026"),
        ("visits_03-04-2026.csv", "03-04-2026"),
        ("visits 3.4.2026.csv", "3.4.2026"),
        ("visits_20260201_03042026.csv", "03042026"),
        ("visits_030426.csv", "030426"),
        ("visits_03-04-26.csv", "03-04-26"),
        ("visits_0304.csv", "0304"),
    ],
)
def test_figures_that_can_be_two_days_are_refused_unless_something_tells(name, figures):
    with pytest.raises(AmbiguousNameError) as error:
        day_and_moment(name, MAY)
    assert (error.value.figures, set(error.value.days)) == (figures, {THIRD, FOURTH})
    for order, meant in (("dmy", THIRD), ("mdy", FOURTH)):
        assert day_and_moment(name, MAY, order)[0] == meant


@pytest.mark.parametrize(
    ("name", "other", "day"),
    [
        ("visits_03042026.csv", "visits_31032026.csv", THIRD),
        ("visits_03042026.csv", "visits_03312026.csv", FOURTH),
        ("visits_30032026_03042026.csv", "visits.csv", THIRD),
        ("visits_030426.csv", "visits_310326.csv", THIRD),
        ("visits_030426.csv", "visits_033126.csv", FOURTH),
        ("visits_0304.csv", "visits_3103.csv", THIRD),
        # Beside what is no day, a number is none.
        ("visits_0304.csv", "visits_0032.csv", None),
        ("visits_030426.csv", "visits_990426.csv", None),
    ],
)
def test_a_file_beside_it_tells(name, other, day):
    assert day_and_moment(name, MAY, None, [other, "notes.txt", "stays_03312026.csv"])[0] == day


def test_files_beside_it_that_contradict_each_other_tell_nothing():
    with pytest.raises(AmbiguousNameError):
        day_and_moment("visits_03042026.csv", MAY, None, ["visits_31032026.csv", "visits_03312026.csv"])


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("visits_310326.csv", date(2026, 3, 31)),
        ("visits_260331.csv", date(2026, 3, 31)),
        # The extract's day is not after its delivery, and not long before.
        ("visits_251103.csv", date(2025, 11, 3)),
        ("visits_000123.csv", None),
        ("visits_063000.csv", None),
        ("visits_3103.csv", None),
        ("part-0304.csv", None),
        ("visits_2012.csv", None),
        ("a0304f.csv", None),
        ("part-3fa85f64-5717-0304-b3fc-123456789012.csv", None),
    ],
)
def test_a_year_of_two_figures(name, day):
    assert day_and_moment(name, MAY) == (day, None)
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


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("extrait_mars_2026.csv", date(2026, 3, 31)),
        ("auszug_märz_2026.csv", date(2026, 3, 31)),
        ("auszug_ma\u0308rz_2026.csv", date(2026, 3, 31)),
        ("visitas_31_de_marzo_de_2026.csv", date(2026, 3, 31)),
        ("extrait_1er_mars_2026.csv", date(2026, 3, 1)),
        ("2026_août.csv", date(2026, 8, 31)),
        ("visitas_5out2026.csv", date(2026, 10, 5)),
        ("visits_out_2026-03.csv", date(2026, 3, 31)),
        ("out_05_2026.csv", date(2026, 5, 31)),
        ("visits_03-2026.csv", date(2026, 3, 31)),
        ("visits_2026Q1.csv", date(2026, 3, 31)),
        ("1Q2026.csv", date(2026, 3, 31)),
        ("visits_2026-W13.csv", date(2026, 3, 29)),
        ("visits_27Mar26.csv", date(2026, 3, 27)),
        ("visits_31_mars.csv", date(2026, 3, 31)),
        ("P.A1.ACO.CCLF1.D260331.T0112000.txt", date(2026, 3, 31)),
    ],
)
def test_words_of_other_languages_and_other_forms(name, day):
    assert day_and_moment(name, MAY)[0] == day


@pytest.mark.parametrize("name", ["visits_out_2026.csv", "mayo_2026.csv", "FY2026Q1.csv", "visits_Mar26.csv"])
def test_what_may_be_a_month_is_refused(name):
    with pytest.raises(AmbiguousNameError):
        day_and_moment(name, MAY)
