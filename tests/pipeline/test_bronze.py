import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import dataframely as dy
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carti_lake.pipeline.bronze import bronze
from carti_lake.tables.checks import NO_VALUE
from carti_lake.tables.feeds import Feed


class Orders(Feed, table="orders"):
    """An order, for these tests."""

    code = dy.String(nullable=True)
    day = dy.Date(nullable=True)
    amount = dy.Float64(nullable=True)
    done = dy.Bool(nullable=True)


def land(**columns):
    return bronze(pl.LazyFrame(columns), Orders).collect(engine="streaming")


def value(column, delivered, dtype=None):
    """What becomes of one delivered value: its place in the column, and what is rescued of it."""
    row = bronze(pl.LazyFrame({column: pl.Series([delivered], dtype=dtype)}), Orders).collect().row(0, named=True)
    rescued = json.loads(row["rescued"]) if row["rescued"] is not None else {}
    return row[column], rescued.get(column)


@pytest.mark.parametrize(
    ("column", "delivered", "held"),
    [
        ("code", " A-1 ", " A-1 "),
        ("code", "", None),
        ("day", "2026-02-28", date(2026, 2, 28)),
        ("day", " 2026-02-28\t", date(2026, 2, 28)),
        ("day", "", None),
        ("day", "  ", None),
        ("amount", "16228.153088423232", 16228.153088423232),
        ("amount", " -1.5e3 ", -1500.0),
        ("amount", "0012", 12.0),
        ("amount", "", None),
        ("done", "true", True),
        ("done", " FALSE", False),
        ("done", "", None),
        ("done", None, None),
        ("done", "1", True),
        ("done", "Y", True),
        ("done", " yes", True),
        ("done", "no", False),
        ("done", "NULL", None),
        ("code", "NULL", None),
        ("code", "\\N", None),
        ("code", "n/a", None),
        ("code", "None", None),
        ("code", "-", None),
        ("code", "nap", "nap"),
        ("day", "#N/A", None),
        ("amount", "NaN", None),
        ("amount", "nan", None),
        ("amount", "--", None),
    ],
)
def test_text_that_fits_is_typed(column, delivered, held):
    assert value(column, delivered) == (held, None)


@pytest.mark.parametrize(
    ("column", "delivered"),
    [
        ("day", "31/02/2026"),
        ("day", "2026-02-31"),
        ("day", "02/28/2026"),
        ("day", "26-02-28"),
        ("day", "2026-02-28T10:00:00"),
        ("day", "soon"),
        ("amount", "$1,234"),
        ("amount", "1.234,50"),
        ("amount", "(12)"),
        ("amount", "inf"),
        ("amount", "1e999"),
        ("amount", 'a "quoted" \\ \n ü \0 value'),
        ("done", "perhaps"),
        ("done", "2"),
    ],
)
def test_text_that_does_not_fit_is_rescued_verbatim(column, delivered):
    assert value(column, delivered) == (None, delivered)


@pytest.mark.parametrize(
    ("column", "delivered", "dtype", "held"),
    [
        ("code", 17, pl.Int32, "17"),
        ("code", 17.0, pl.Float64, "17"),
        ("code", 17.5, pl.Float64, "17.5"),
        ("code", Decimal("17.00"), pl.Decimal(38, 10), "17"),
        ("code", Decimal("170"), pl.Decimal(38, 0), "170"),
        ("code", Decimal("17.50"), pl.Decimal(10, 2), "17.50"),
        ("code", float("nan"), pl.Float64, None),
        ("code", True, pl.Boolean, "true"),
        ("code", date(2026, 1, 2), pl.Date, "2026-01-02"),
        ("code", timedelta(hours=1), pl.Duration("us"), "PT1H"),
        ("code", "x", pl.Categorical, "x"),
        ("day", datetime(2026, 1, 2), pl.Datetime("ms"), date(2026, 1, 2)),
        ("day", datetime(2026, 1, 2), pl.Datetime("us", "UTC"), date(2026, 1, 2)),
        ("day", "2026-01-02", pl.Enum(["2026-01-02"]), date(2026, 1, 2)),
        ("amount", 5, pl.UInt8, 5.0),
        ("amount", 1.25, pl.Float32, 1.25),
        ("amount", "1.10", pl.Decimal(10, 2), 1.1),
        ("amount", float("nan"), pl.Float64, None),
        ("amount", float("nan"), pl.Float32, None),
        ("done", 1, pl.Int64, True),
        ("done", 0.0, pl.Float64, False),
        ("day", None, pl.Null, None),
    ],
)
def test_typed_values_that_fit_exactly_are_cast(column, delivered, dtype, held):
    assert value(column, delivered, dtype) == (held, None)


@pytest.mark.parametrize(
    ("column", "delivered", "dtype", "rescued"),
    [
        ("day", datetime(2026, 1, 2, 3, 4), pl.Datetime("ms"), "2026-01-02 03:04:00.000"),
        ("day", 45_000, pl.Int64, "45000"),
        ("amount", 2**53 + 1, pl.Int64, str(2**53 + 1)),
        ("amount", True, pl.Boolean, "true"),
        ("amount", date(2026, 1, 2), pl.Date, "2026-01-02"),
        ("done", 2, pl.Int64, "2"),
        ("code", [1, 2], pl.List(pl.Int64), [1, 2]),
        ("code", {"x": 1}, pl.Struct({"x": pl.Int64}), {"x": 1}),
        ("code", b"\xff\x00", pl.Binary, "/wA="),
    ],
)
def test_typed_values_that_do_not_fit_are_rescued(column, delivered, dtype, rescued):
    assert value(column, delivered, dtype) == (None, rescued)


def test_columns_that_the_feed_does_not_declare_are_rescued_where_they_hold_something():
    rows = land(code=["A", "B", "C"], region=["South", "", None], rescued=[None, None, 7], amount=["1", "x", "3"])
    assert rows["rescued"].to_list() == ['{"region":"South"}', '{"amount":"x"}', '{"rescued":"7"}']


@pytest.mark.parametrize(
    ("delivered", "rescued"),
    [
        (pl.Series([5], dtype=pl.Int128), "5"),
        (pl.Series(["1.50"]).cast(pl.Decimal(10, 2)), "1.50"),
        (pl.Series([time(1, 2)]), "01:02:00"),
        (pl.Series([timedelta(hours=1)]), "PT1H"),
        (pl.Series([float("inf")]), "inf"),
        (pl.Series([float("nan")]), None),
        (pl.Series([b"\xff"]), "/w=="),
        (pl.Series([[1.5, None]], dtype=pl.Array(pl.Float64, 2)), [1.5, None]),
        (pl.Series([None]), None),
        (pl.Series(["x"], dtype=pl.Categorical), "x"),
    ],
)
def test_whatever_type_an_undeclared_column_has(delivered, rescued):
    row = land(code=["A"], row=delivered).row(0, named=True)
    assert (json.loads(row["rescued"])["row"] if row["rescued"] else None) == rescued


def test_columns_that_are_not_delivered_are_null():
    rows = land(code=["A"])
    assert rows.select("day", "amount", "done", "rescued").row(0) == (None, None, None, None)
    assert rows.schema["day"] == pl.Date


def test_rows_are_numbered_in_the_order_of_delivery():
    rows = land(code=[str(number) for number in range(250_000)])
    assert rows["row_number"].to_list() == list(range(1, 250_001))
    assert rows["code"].cast(pl.Int64).to_list() == list(range(250_000))


def test_equal_rows_have_equal_hashes_in_any_format():
    text = land(code=["A"], day=["2026-01-02"], amount=["1.50"], done=["TRUE"])
    typed = land(code=["A"], day=[date(2026, 1, 2)], amount=[1.5], done=[True])
    assert text.equals(typed)
    # Rows that were loaded before an upgrade must be recognised after it.
    assert text["row_hash"].to_list() == [836981508197455286]


def test_different_rows_have_different_hashes():
    rows = land(
        code=["A", None, "B", "A", "AB", "A", "A", "A"],
        done=[None, "true", None, "false", None, None, None, None],
        amount=[None, None, None, None, None, "x", "y", None],
        region=[None, None, None, None, None, None, None, "South"],
    )
    assert rows["row_hash"].n_unique() == 8


def test_a_column_without_values_does_not_change_the_hash():
    assert land(code=["A"], amount=["-0"]).equals(land(code=["A"], amount=[0.0], day=[None], region=[""]))


def test_the_columns_are_the_declared_ones_and_the_row_s_own():
    assert land(code=["A"], region=["South"]).columns == [*Orders.delivered(), "rescued", "row_number", "row_hash"]


cells = st.one_of(
    st.none(),
    # Python strips four separators that Unicode does not call white space.
    st.text(st.characters(exclude_characters="\x1c\x1d\x1e\x1f", exclude_categories=["Cs"]), max_size=8),
    st.sampled_from(["", " ", "1", "2026-01-02", "2026-02-30", "true", "$5", "1e400", '"', "\\", "{}", "null"]),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.dates(min_value=date(1000, 1, 1)).map(str),
)


@given(
    st.lists(
        st.fixed_dictionaries({name: cells for name in ["code", "day", "amount", "done", "not declared"]}), max_size=8
    )
)
def test_no_delivered_value_is_lost(records):
    schema = dict.fromkeys(["code", "day", "amount", "done", "not declared"], pl.String())
    rows = bronze(pl.LazyFrame(records, schema=schema), Orders).collect(engine="streaming")
    assert rows.height == len(records)
    for record, row in zip(records, rows.iter_rows(named=True), strict=True):
        rescued = json.loads(row["rescued"] or "{}")
        for name, delivered in record.items():
            blank = delivered is None or not delivered.strip()
            if blank or (name in Orders.delivered() and delivered.strip().lower() in NO_VALUE):
                assert name not in rescued
            else:
                assert (row.get(name) is None) == (name in rescued)
                assert rescued.get(name, delivered) == delivered
