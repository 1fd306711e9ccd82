"""How the rows of a table differ between two states of it."""

import dataframely as dy
import polars as pl
import pytest

from carti_lake.changes import diff
from carti_lake.tables import Table


class Prices(Table, layer="gold", table="prices"):
    """A table to compare, for these tests."""

    provider_id = dy.String(primary_key=True)
    month = dy.Int64(primary_key=True)
    paid = dy.Int64(nullable=True)
    note = dy.String(nullable=True)


def state(*rows):
    return pl.LazyFrame(rows, schema=Prices.dtypes(), orient="row")


def differences(before, after):
    return diff(state(*before), state(*after), Prices).collect().rows()


KEPT = ("lee", 1, 10, "a")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([KEPT], [KEPT], []),
        ([KEPT], [KEPT, ("lee", 2, 5, None)], [("inserted", "lee", 2, ["paid"], 5, None, None, None)]),
        ([KEPT, ("lee", 2, 5, None)], [KEPT], [("deleted", "lee", 2, ["paid"], None, 5, None, None)]),
        ([KEPT], [("lee", 1, 12, "a")], [("updated", "lee", 1, ["paid"], 12, 10, "a", "a")]),
        ([KEPT], [("lee", 1, None, "b")], [("updated", "lee", 1, ["paid", "note"], None, 10, "b", "a")]),
        ([("lee", 1, None, None)], [("lee", 1, 0, None)], [("updated", "lee", 1, ["paid"], 0, None, None, None)]),
        ([("lee", 1, None, None)], [("lee", 1, None, None)], []),
        # Another key is another row.
        (
            [KEPT],
            [("lee", 2, 10, "a")],
            [
                ("deleted", "lee", 1, ["paid", "note"], None, 10, None, "a"),
                ("inserted", "lee", 2, ["paid", "note"], 10, None, "a", None),
            ],
        ),
    ],
)
def test_inserted_updated_deleted(before, after, expected):
    assert differences(before, after) == expected


def test_old_values_stand_beside_the_new_ones():
    columns = diff(state(KEPT), state(KEPT), Prices).collect_schema().names()
    assert columns == [
        "change",
        "provider_id",
        "month",
        "changed_columns",
        "paid",
        "paid_before",
        "note",
        "note_before",
    ]


@pytest.mark.parametrize("gained_by", ["before", "after"])
def test_a_column_that_only_one_state_has_is_null_in_the_other(gained_by):
    full, less = state(KEPT), state(KEPT).drop("note")
    before, after = (full, less) if gained_by == "before" else (less, full)
    rows = diff(before, after, Prices).collect()
    assert rows["change"].to_list() == ["updated"]
    assert rows["changed_columns"].to_list() == [["note"]]
    assert rows.select("note_before", "note").row(0) == (("a", None) if gained_by == "before" else (None, "a"))
