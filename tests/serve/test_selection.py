"""Pages together are the whole, whatever their size and order; and a cursor fits its own question alone."""

from datetime import date
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from carti_lake.serve.cursor import Cursor, CursorError
from carti_lake.serve.problems import Problem
from carti_lake.serve.selection import select, selection

SCHEMA = {
    "key": pl.Int64(),
    "name": pl.String(),
    "day": pl.Date(),
    "paid": pl.Decimal(18, 4),
    "share": pl.Float64(),
    "late": pl.Boolean(),
}
ROW = st.fixed_dictionaries(
    {
        "name": st.none() | st.sampled_from(["", "a", "b", 'quote "', "Ä", "null"]),
        "day": st.none() | st.dates(date(2025, 12, 30), date(2026, 1, 2)),
        "paid": st.none() | st.decimals(-2, 2, places=4).map(Decimal),
        "share": st.none() | st.sampled_from([0.1, 0.2, 1 / 3, -0.0, 1e300, float("inf"), float("nan")]),
        "late": st.none() | st.booleans(),
    }
)
SIGNED = st.tuples(st.sampled_from([*SCHEMA]), st.booleans()).map(lambda one: "-" * one[1] + one[0])


def frame(found):
    numbered = [{"key": number, **row} for number, row in enumerate(found)]
    return pl.DataFrame(numbered, schema=SCHEMA).sample(fraction=1, shuffle=True, seed=1)


def pages(rows, query):
    """Every page, by following the cursors."""
    found, cursor = [], None
    while cursor is not None or not found:
        context = [*query, *([("cursor", cursor)] if cursor else [])]
        page = select(rows.lazy(), selection("rows", context, SCHEMA, ["key"]), 7)
        found.append(page)
        cursor = page.next
        assert len(found) <= rows.height + 1
    return found


@given(
    st.lists(ROW, max_size=25), st.lists(SIGNED, max_size=4, unique_by=lambda name: name.lstrip("-")), st.integers(1, 9)
)
@settings(max_examples=60)
def test_all_pages_together_are_the_whole(found, order, size):
    rows = frame(found)
    sort = [("sort", ",".join(order))] if order else []
    (whole,) = pages(rows, [*sort, ("limit", "10000")])
    parts = pages(rows, [*sort, ("limit", str(size))])
    assert_frame_equal(pl.concat(page.rows for page in parts), whole.rows)
    assert {page.total for page in parts} == {rows.height}
    assert all(page.rows.height == size for page in parts[:-1])
    assert sorted(whole.rows["key"]) == list(range(rows.height))


@given(st.lists(ROW, min_size=1, max_size=25), SIGNED)
@settings(max_examples=40)
def test_rows_are_in_order_and_null_comes_last(found, order):
    name, down = order.lstrip("-"), order.startswith("-")
    (whole,) = pages(frame(found), [("sort", order), ("limit", "10000")])
    values = whole.rows[name].to_list()
    known = [value for value in values if value is not None]
    assert values == known + [None] * (len(values) - len(known))
    assert known == sorted(known, reverse=down)


def test_a_page_is_stable_when_fields_leave_out_the_order():
    rows = frame([{"name": name} for name in "cabd"])
    parts = pages(rows, [("sort", "-name"), ("fields", "key"), ("limit", "1")])
    assert [page.rows.to_dicts() for page in parts] == [[{"key": number}] for number in (3, 0, 2, 1)]


def test_a_cursor_fits_its_own_question_alone():
    rows = frame([{"name": name} for name in "abc"])
    cursor = pages(rows, [("limit", "1")])[0].next
    for query in ([("sort", "name")], [("name", "a")], [("fields", "key")]):
        with pytest.raises(Problem, match="cursor") as refused:
            selection("rows", [*query, ("cursor", cursor)], SCHEMA, ["key"])
        assert refused.value.status == 422
    with pytest.raises(Problem, match="cursor"):
        selection("other", [("cursor", cursor)], SCHEMA, ["key"])
    assert selection("rows", [("limit", "2"), ("cursor", cursor)], SCHEMA, ["key"]).after == {"key": 0}


@given(st.text(max_size=200) | st.binary(max_size=60).map(lambda raw: raw.hex()))
def test_text_that_is_no_cursor_is_refused(text):
    with pytest.raises(CursorError):
        Cursor.read(text)


@given(st.text(), st.text(), st.integers(0, 10**9))
def test_a_cursor_is_read_back(last, question, release):
    cursor = Cursor.after(last, question, release)
    if len(cursor.text) <= 4096:
        assert Cursor.read(cursor.text) == cursor


@given(st.binary(max_size=40))
def test_a_forged_place_gives_rows_or_a_refusal(last):
    rows = frame([{"name": name} for name in "abc"])
    question = selection("rows", [], SCHEMA, ["key"]).question
    forged = Cursor.after(last.decode("latin-1"), question, 7).text
    try:
        wanted = selection("rows", [("cursor", forged)], SCHEMA, ["key"])
    except Problem as problem:
        assert problem.status == 422
    else:
        assert select(rows.lazy(), wanted, 7).rows.height <= 3
