"""Columns as a map says they are to be read."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carti_lake.pipeline.mapped import Source, mapped
from carti_lake.pipeline.reading import Hint


def column(name: str, delivered: Any, *steps: str | int, of: str = "there", strip: str = "", **hint: Any) -> list[Any]:
    """Values of a declared column that is read from another one."""
    rows = pl.LazyFrame({of: delivered})
    source = Source(((of, steps),), strip, Hint(**hint))
    return mapped(rows, {name: source}, {}).collect()[name].to_list()


def test_words_are_looked_up_whatever_their_case_and_blanks_and_unknown_ones_stay() -> None:
    values = {"Paid in full": "paid", "4": "denied", "none yet": ""}
    assert column("status", [" PAID IN FULL", "4", "None yet", "Odd ", None], values=values) == [
        "paid",
        "denied",
        None,
        "Odd ",
        None,
    ]


def test_typed_values_have_words_too() -> None:
    assert column("status", [True, False, None], values={"true": "no_show", "false": "completed"}) == [
        "no_show",
        "completed",
        None,
    ]
    assert column("status", [1.0, 2.5], values={"1": "paid"}) == ["paid", "2.5"]


NESTED = '{"subject": {"reference": "Patient/17"}, "coding": [{"code": "A"}, {"code": 5}]}'


def test_the_empty_word_is_a_cell_without_a_value() -> None:
    values = {"X": "true", "": "false"}
    assert column("is_deleted", ["x", "", None, " ", "Y"], values=values) == ["true", "false", "false", "false", "Y"]
    assert column("is_deleted", ["x", None], values={"X": "true", "": ""}) == ["true", None]


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        (("subject", "reference"), "Patient/17"),
        (("coding", 1, "code"), "5"),
        (("coding", 2, "code"), None),
        (("subject", "nothing"), None),
        (("subject", "reference", "deeper"), None),
    ],
)
def test_paths_lead_into_json_text_and_nested_types_alike(steps: tuple[str | int, ...], found: str | None) -> None:
    typed = [{"subject": {"reference": "Patient/17"}, "coding": [{"code": "A"}, {"code": "5"}]}]
    assert column("id", [NESTED], *steps) == [found]
    assert column("id", typed, *steps) == [found]


def test_a_prefix_is_no_part_of_the_value() -> None:
    assert column("id", [NESTED], "subject", "reference", strip="Patient/") == ["17"]
    assert column("id", ["Group/3"], strip="Patient/") == ["Group/3"]


def test_parts_are_joined_by_a_blank() -> None:
    rows = pl.LazyFrame({"first": ["Dana ", None, None], "last": ["Ortiz", "Lee", None]})
    source = Source((("first", ()), ("last", ())))
    names = mapped(rows, {"id": source}, {}).collect()["id"].to_list()
    assert names == ["Dana Ortiz", "Lee", ""]


@pytest.mark.parametrize("amounts", [["1999", "1,999", "(5)", "free", None], [1999, 1999, -5, None, None]])
def test_a_scale_makes_dollars_of_cents_to_the_cent(amounts: list[Any]) -> None:
    found = column("amount", amounts, scale=0.01)
    assert [None if one in (None, "free") else float(one) for one in found] == [19.99, 19.99, -0.05, None, None]


@given(st.integers(-(10**12), 10**12))
def test_cents_are_the_double_of_their_decimal(cents: int) -> None:
    sign, figures = "-" if cents < 0 else "", f"{abs(cents):03}"
    assert float(column("amount", [str(cents)], scale=0.01)[0]) == float(f"{sign}{figures[:-2]}.{figures[-2:]}")


def test_null_words_stand_for_no_value() -> None:
    assert column("id", ["NIL", "nil ", "n", None], null_words=frozenset({"NIL"})) == [None, None, "n", None]


def test_what_the_map_changes_stands_beside_it_as_delivered() -> None:
    rows = pl.LazyFrame({"status": ["P", "paid", None]})
    source = Source((("status", ()),), hint=Hint(values={"P": "paid"}))
    found = mapped(rows, {"status": source}, {"flag": "true"}).collect()
    assert found["status"].to_list() == ["paid", "paid", None]
    assert found["status as delivered"].to_list() == ["P", None, None]
    assert found["flag"].to_list() == ["true"] * 3


def test_one_delivered_column_can_be_several() -> None:
    rows = pl.LazyFrame({"status": ["Won", "Lost"]})
    sources = {
        "flag": Source((("status", ()),), hint=Hint(values={"Won": "true", "Lost": "false"})),
        "status": Source((("status", ()),), hint=Hint(values={"Won": "closed"})),
    }
    found = mapped(rows, sources, {}).collect()
    assert (found["flag"].to_list(), found["status"].to_list()) == (["true", "false"], ["closed", "Lost"])
