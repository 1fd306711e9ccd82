"""How a column is written: all its values tell, then the file's other columns, then the map; else it is refused."""

from datetime import date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carti_lake.pipeline.bronze import bronze
from carti_lake.pipeline.evidence import rescued_columns, survey_readings
from carti_lake.pipeline.reading import AmbiguousColumnError, Hint, Reading, decide, has_short_zips, undecided
from carti_lake.tables.feeds import EhrMedications, EhrVisits, SalesforceOpportunities, Sg2PatientFlow

TODAY = date(2026, 3, 31)


def read(feed, hints=None, **columns):
    """The columns as bronze holds them once it is decided how they are written."""
    rows = pl.LazyFrame(columns)
    surveyed = {name: found.collect() for name, found in survey_readings(rows, feed, TODAY).items()}
    readings = decide(surveyed, feed, hints or {}, TODAY)
    return bronze(rows, feed, readings).collect(), readings


def days(*texts, column="claim_paid_date", **hint):
    rows, _ = read(EhrVisits, {column: Hint(**hint)} if hint else None, **{column: texts})
    return rows[column].to_list()


def amounts(*texts, **hint):
    rows, _ = read(EhrMedications, {"dose": Hint(**hint)} if hint else None, dose=texts)
    return rows["dose"].to_list()


def march(*numbers):
    return [date(2026, 3, number) for number in numbers]


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["01/03/2026", "13/03/2026"], march(1, 13)),
        (["03/01/2026", "03/13/2026"], march(1, 13)),
        (["01.03.2026", "13.03.2026"], march(1, 13)),
        (["03-01-26", "03-13-26"], march(1, 13)),
        (["3/9/2026 0:00", "3/13/2026 12:00:00 AM"], march(9, 13)),
        (["26-03-09", "26-03-31", "99-12-31"], [*march(9, 31), date(1999, 12, 31)]),
        (["03/09/99", "13/09/37"], [date(1999, 9, 3), date(1937, 9, 13)]),
        (["09-MAR-26", "March 9, 2026", "9 Mar 2026", "20260309143000", "2026-03-09 14:30:00.000"], march(*[9] * 5)),
        (["03/03/2026", "2026-03-04"], march(3, 4)),
        (["46090", "46090.0", "46090.5", None], [*march(9, 9, 9), None]),
        (["46090", "2026-03-09"], [None, *march(9)]),
        (["NULL", "soon", "13/13/2026"], [None, None, None]),
        (["14/03/2026", "03/15/2026"], march(14, 15)),
        (["2026-03-01 00:00:00", "03/02/2026", "2026-03-05"], march(1, 2, 5)),
        (["2026-03-01", "02/03/2026", "2026-03-05"], march(1, 2, 5)),
    ],
)
def test_the_order_of_dates_is_the_one_that_reads_them_all(texts, found):
    assert days(*texts) == found


def test_two_digits_are_the_year_where_the_others_fill_the_months():
    texts = [f"{day:02}-{month:02}-{year}" for year in (16, 17) for month in range(1, 13) for day in range(1, 29)]
    found = days(*texts, "31-12-17")
    assert (min(found), max(found)) == (date(2016, 1, 1), date(2017, 12, 31))


@pytest.mark.parametrize(
    ("texts", "rows"),
    [
        (["01/03/2026", "02/03/2026"], "row 1 is one value read month first and another read day first"),
        (["2026-03-05", "20-10-16", "01-03-17"], "row 2 is one value read day first and another read year first"),
        (["01/02/2026", "13/03/2026", "03/13/2026"], "row 3 can only be read month first, row 2 only day first"),
    ],
)
def test_a_column_that_no_value_decides_is_refused_by_row_and_not_by_value(texts, rows):
    with pytest.raises(AmbiguousColumnError, match=rows) as refused:
        days(*texts)
    assert (refused.value.column, refused.value.option) == ("claim_paid_date", "date_order")
    assert "/" not in str(refused.value)


def test_a_map_decides():
    assert days("01/03/2026", "02/03/2026", date_order="dmy") == march(1, 2)
    assert days("20-10-16", date_order="dmy") == [date(2016, 10, 20)]
    assert amounts("2,500", decimal=",") == [2.5]


def test_other_columns_of_the_file_decide():
    rows, _ = read(EhrVisits, claim_paid_date=["01/03/2026"], claim_submitted_date=["13/02/2026"])
    assert rows["claim_paid_date"].to_list() == march(1)
    rows, readings = read(EhrMedications, dose=["2.500"], total_cost=["12,50"])
    assert (rows["dose"].item(), readings["dose"]) == (2500.0, Reading(decimal=","))


def test_what_had_happened_does_not_lie_after_the_extract():
    assert days("3/9/2026", column="visit_date") == march(9)
    with pytest.raises(AmbiguousColumnError):
        days("3/9/2026", "2/1/2026", column="visit_date")


def test_the_day_of_an_instant_is_that_of_the_zone_that_a_map_names():
    stamps = ["2026-04-01T03:30:00Z", "2026-03-31T22:30:00-05:00", "2026-04-01 03:30:00.000+0000"]
    stamps += ["2026-04-01 03:30:00+00", "2026-03-31 22:30-05"]
    assert days(*stamps, time_zone="America/Chicago") == march(31, 31, 31, 31, 31)
    assert days("2026-04-01T03:30:00", time_zone="America/Chicago") == [date(2026, 4, 1)]
    typed = pl.Series([datetime(2026, 4, 1, 3, 30)]).dt.replace_time_zone("UTC")
    rows, _ = read(EhrVisits, {"visit_date": Hint(time_zone="America/Chicago")}, visit_date=typed)
    assert rows["visit_date"].to_list() == march(31)
    assert rows["rescued"].item() == '{"visit_date":"2026-04-01 03:30:00.000000+00:00"}'


def test_a_time_of_day_is_kept_beside_the_day():
    rows, _ = read(EhrVisits, visit_date=["3/13/2026 14:05", "3/14/2026 0:00"])
    assert rows["visit_date"].to_list() == march(13, 14)
    assert rows["rescued"].to_list() == ['{"visit_date":"3/13/2026 14:05"}', None]


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["1.234,50", "2.000"], [1234.5, 2000]),
        (["0,125", "2,500"], [0.125, 2.5]),
        (["1,234.50", "2,500"], [1234.5, 2500]),
        (["1.50", "2,500"], [1.5, 2500]),
        (["1 234,50", "1234,50", "1'234,50", "2.000"], [1234.5, 1234.5, 1234.5, 2000]),
        (["1'234.50", "1,23,456.00", "\u2212100", "7 CR", "7.25-", "(7.25)"], [1234.5, 123456, -100, -7, -7.25, -7.25]),
        (["2.500", ".5"], [2.5, 0.5]),
        (["2.500", "0.125", "1.000"], [2.5, 0.125, 1]),
        (["1.000", "1500.000"], [1, 1500]),
        (["1.000", "-12.5", "1e3"], [1, -12.5, 1000]),
        (["1.000", "1.234.567"], [1000, 1234567]),
        (["10.0", "1.000"], [10, 1]),
        (["$1,234.50", "1.234,50", "7"], [1234.5, 1234.5, 7]),
    ],
)
def test_the_decimal_sign_is_the_one_that_reads_all_numbers(texts, found):
    assert amounts(*texts) == found


@pytest.mark.parametrize(
    "texts",
    [
        ["2,500"],
        ["2,500", "30"],
        ["1.234,50", "1,234.50", "2.000"],
        ["2.500", "1.000"],
        ["30", "-1.000", None, "x"],
        ["1.000", "2,000"],
        ["1.000 mg", "$1.000"],
    ],
)
def test_numbers_that_nothing_decides_are_refused(texts):
    with pytest.raises(AmbiguousColumnError, match="decimal"):
        amounts(*texts)


def test_dollars_of_three_figures_behind_a_point_are_for_the_file_to_tell():
    """Three figures behind a comma are thousands of dollars; behind a point they are that or three decimals."""
    rows, _ = read(EhrVisits, claim_amount=["2,500", "1,000"])
    assert rows["claim_amount"].to_list() == [2500, 1000]
    for written in (["1.000", "2.500"], ["$1.000"], ["1.000", "2,500"]):
        with pytest.raises(AmbiguousColumnError, match="with a decimal point and another read with a decimal comma"):
            read(EhrVisits, claim_amount=written)
    rows, _ = read(EhrVisits, claim_amount=["1.000"], claim_paid=["80.25"])
    assert rows["claim_amount"].to_list() == [1]
    rows, readings = read(EhrVisits, claim_amount=["1.000"], claim_paid=["80,25"])
    assert (rows["claim_amount"].item(), readings["claim_amount"]) == (1000, Reading(decimal=","))


def test_a_number_that_nobody_can_be_is_no_reading():
    rows, _ = read(EhrVisits, patient_age=["61.000", "7.000"])
    assert rows["patient_age"].to_list() == [61, 7]
    rows, _ = read(SalesforceOpportunities, probability=["75.000", "90.000"])
    assert rows["probability"].to_list() == [75, 90]
    with pytest.raises(AmbiguousColumnError):
        read(Sg2PatientFlow, length_of_stay=["4.000"])


def test_a_number_that_is_written_in_one_way_alone_is_typed_as_it_stands():
    rows, readings = read(EhrVisits, claim_amount=["210.00", "1000", "0.125"], claim_paid=["1e3", "80", "12.3456"])
    assert (rows["rescued"].null_count(), readings) == (3, {})


@pytest.mark.parametrize(("texts", "asks"), [(["72205", "722"], True), (["722", "501", None, "722-X9"], False)])
def test_short_zips_among_whole_ones_ask_for_the_whole_column(texts, asks):
    assert has_short_zips(bronze(pl.LazyFrame({"patient_zip3": texts}), EhrVisits), EhrVisits).collect().item() is asks


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["2139", "02139", "501", "00501", "601"], ["2139", "02139", "00501", "00501", "00601"]),
        (["21391234", "72205-1234", "501", "213"], ["21391234", "72205-1234", "00501", None]),
        (["72205", "722", "501"], ["72205", None, None]),
        (["722", "021", "501", "5"], ["722", "021", "501", "5"]),
        ([2139, 501, 72205], ["2139", "00501", "72205"]),
        ([2139.0, 501.0], ["2139", "00501"]),
        (["2139", "K1A 0B1", "unknown", "213"], ["2139", "K1A 0B1", "unknown", None]),
    ],
)
def test_a_zip_of_three_digits_has_lost_two_where_others_have_lost_one(texts, found):
    rows, _ = read(EhrVisits, patient_zip3=texts)
    assert rows["patient_zip3"].to_list() == found
    lost = [str(text).removesuffix(".0") for text, zip3 in zip(texts, found, strict=True) if zip3 is None]
    assert rows["rescued"].drop_nulls().to_list() == [f'{{"patient_zip3":"{text}"}}' for text in lost]


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (["75 %", "75%", "5"], [75, 75, 5]),
        ([0.75, 0.5, 1.0, 0.0], [75, 50, 100, 0]),
        (["0.75", "0.5", "1"], [75, 50, 100]),
        (["75%", "50", "1"], [75, 50, 1]),
        (["75%", "0.5", "12.5"], [75, 0.5, 12.5]),
        (["75%", "0.5%", "0"], [75, 0.5, 0]),
        ([0.75, 12.4], [0.75, 12.4]),
        ([0.0, 0.0], [0, 0]),
    ],
)
def test_percent_are_told_from_fractions(cells, found):
    assert read(SalesforceOpportunities, probability=cells)[0]["probability"].to_list() == found


@pytest.mark.parametrize("cells", [[0.75, 75.0], [0.0, 1.0], ["0.5", "75%"], ["75 %", "1"]])
def test_percent_that_could_be_fractions_are_refused(cells):
    with pytest.raises(AmbiguousColumnError, match="as percent or as fractions of one"):
        read(SalesforceOpportunities, probability=cells)


@pytest.mark.parametrize(
    ("columns", "asks"),
    [
        ({"visit_date": ["2026-03-01", "2026-02-30", "soon"], "claim_paid": ["1", "$1,234.50", "x"]}, False),
        ({"visit_date": ["Mar 05, 2026", "3/13/2026"]}, False),
        ({"visit_date": ["3/9/2026"]}, True),
        ({"visit_date": ["46090"]}, True),
        ({"visit_date": ["26-03-09"]}, True),
        ({"claim_paid": ["2,500"]}, True),
        ({"claim_paid": ["12,50"]}, True),
    ],
)
def test_only_what_could_be_read_otherwise_asks_for_the_whole_column(columns, asks):
    rows = bronze(pl.LazyFrame(columns), EhrVisits)
    rescued = set(rescued_columns(rows).collect()["name"])
    assert undecided(rows, EhrVisits, rescued).collect().item() is asks


@pytest.mark.parametrize(
    ("order", "text", "day"),
    [
        ("dmy", "20-10-16", date(2016, 10, 20)),
        ("dmy", "1/3/2017", date(2017, 3, 1)),
        ("mdy", "1.3.98", date(1998, 1, 3)),
        ("ymd", "26-03-09", date(2026, 3, 9)),
        ("dmy", "03/09/2025 14:30", date(2025, 9, 3)),
        ("dmy", "2026-03-09", date(2026, 3, 9)),
        ("dmy", "31/02/2026", None),
        ("dmy", "soon", None),
    ],
)
def test_an_order_that_a_map_names_decides_which_day_it_is(order, text, day):
    assert days(text, None, date_order=order) == [day, None]


@given(st.dates(date(1970, 1, 1), date(2036, 12, 31)), st.sampled_from(["ymd", "mdy", "dmy"]), st.sampled_from("-/."))
def test_any_day_in_any_order_that_a_map_names_is_that_day(day, order, separator):
    for year in (f"{day:%Y}", f"{day:%y}"):
        parts = {"y": year, "m": str(day.month), "d": str(day.day)}
        assert days(separator.join(parts[part] for part in order), date_order=order) == [day]


@pytest.mark.parametrize(
    ("decimal", "text", "number"),
    [(",", "1.234,50", 1234.5), (",", "2.000", 2000), (",", "0,125", 0.125), (".", "2,000", 2000)],
)
def test_a_decimal_sign_that_a_map_names_decides_what_separates_thousands(decimal, text, number):
    assert amounts(text, "n/a", None, decimal=decimal) == [number, None, None]
