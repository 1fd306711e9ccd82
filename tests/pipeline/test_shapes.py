"""What values look like."""

import polars as pl
import pytest

from carti_lake.pipeline.shapes import date_order, has_decimal_comma, kinds, shapes


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        ("day", ["2026-04-01", "4/1/2026", "25.12.26"]),
        ("number", ["1,234.50", "(3)", "$7"]),
        ("flag", ["Y", "no", "1"]),
        ("icd10", ["C50.911", "c3490"]),
        ("procedure", ["99213", "J9271", "410620009"]),
        ("npi", ["1234567893"]),
        ("zip3", ["72205", "72205-1234"]),
    ],
)
def test_kinds_are_told_by_values(kind: str, texts: list[str]) -> None:
    assert kinds(pl.Series(texts))[kind] == 1
    assert kinds(pl.Series([*texts, *(["Dana Ortiz"] * len(texts))]))[kind] == 0.5
    assert kinds(pl.Series([], dtype=pl.String))[kind] == 0


def test_shapes_tell_nothing_of_a_value() -> None:
    assert shapes(pl.Series(["V-1034", "V-7", "Müller, Ann"])) == {"A-9": 2, "A, A": 1}


@pytest.mark.parametrize(
    ("texts", "order"),
    [
        (["20-10-16", "01-03-17"], "dmy"),
        (["3/25/2026", "1/2/2026"], "mdy"),
        (["1/2/2026"], "either"),
        (["25/3/2026", "3/25/2026"], "either"),
        (["2026-01-02", "2 January"], None),
    ],
)
def test_a_figure_above_12_proves_an_order(texts: list[str], order: str | None) -> None:
    assert date_order(pl.Series(texts)) == order


@pytest.mark.parametrize(
    ("texts", "comma"), [(["1.234,50", "2.000"], True), (["1,234", "5"], False), (["1,5", "1.5"], False)]
)
def test_a_decimal_comma_is_told_by_its_decimals(texts: list[str], comma: bool) -> None:
    assert has_decimal_comma(pl.Series(texts)) == comma
