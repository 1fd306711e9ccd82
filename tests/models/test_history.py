"""What was known then: nothing that came later changes a feature."""

from datetime import date, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from carti_lake.models.history import as_known_then, before
from carti_lake.models.model import Known

START = date(2026, 1, 1)
#: Releases stood on these days.
FIRST, SECOND = START + timedelta(days=60), START + timedelta(days=90)
days = st.integers(0, 120).map(lambda place: START + timedelta(days=place))


def events(*rows: tuple[str, date]) -> pl.LazyFrame:
    return pl.LazyFrame(rows, schema={"who": pl.String, "date": pl.Date}, orient="row")


def asked(*rows: tuple[str, date]) -> pl.LazyFrame:
    return pl.LazyFrame(rows, schema={"who": pl.String, "instant": pl.Date}, orient="row")


people = st.sampled_from("AB")
drawn_events = st.lists(st.tuples(people, days), max_size=30)


@given(drawn_events, st.lists(st.tuples(people, days), min_size=1, max_size=10), st.integers(1, 100))
def test_events_count_in_the_days_before_and_not_on_the_day(happened, wanted, back):
    found = before(asked(*wanted), events(*happened), ["who"], {"n": pl.len()}, back).collect()
    expected = sorted(
        (who, at, sum(one == who and at - timedelta(days=back) <= day < at for one, day in happened))
        for who, at in wanted
    )
    assert sorted(found.select("who", "instant", "n").rows()) == expected


@given(drawn_events, drawn_events, days)
def test_later_events_change_nothing(happened, later, at):
    future = [(who, max(day, at)) for who, day in later]
    one, other = (
        before(asked(("A", at)), events(*rows), ["who"], {"n": pl.len()}).collect()
        for rows in (happened, [*happened, *future])
    )
    assert one.equals(other)


def test_each_instant_is_told_by_the_release_that_stood_then():
    known = [Known(FIRST, 1, {"t": events(("A", START))}), Known(SECOND, 2, {"t": events(("A", START), ("A", FIRST))})]
    days = pl.Series([START + timedelta(days=day) for day in (30, 60, 75, 90, 100)])
    subjects = pl.LazyFrame({"subject_id": ["1", "2", "3", "4", "5"], "who": "A", "instant": days})
    subjects = subjects.with_columns(target=True, decided="instant")
    known.append(Known(START + timedelta(days=110), 3, known[-1].tables))
    found = as_known_then(
        known,
        lambda tables: subjects,
        lambda rows, tables: before(rows, tables["t"], ["who"], {"n": pl.len()}),
        lambda tables, day: tables,
    )
    # Until the second release stands, its correction of January is not known.
    assert found.sort("instant")["n"].to_list() == [1, 1, 1, 1, 2]
