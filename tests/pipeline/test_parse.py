"""What delivered text means; what cannot be read is null, never a guess."""

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from carti_lake.pipeline.parse import parse_date, parse_decimal, parse_flag, parse_whole


def read(parse, text):
    return pl.select(parse(pl.lit(text, pl.String))).item()


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-02-28", date(2026, 2, 28)),
        (" 2026-02-28 ", date(2026, 2, 28)),
        ("2026-02-28T23:59:59Z", date(2026, 2, 28)),
        ("2026-02-28 23:59:59.5+00", date(2026, 2, 28)),
        ("2026-02-28 23:59-05", date(2026, 2, 28)),
        ("2026-02-28 23:59-5", None),
        ("2026-02-28 00:00:00", date(2026, 2, 28)),
        ("02/03/2026", date(2026, 2, 3)),
        ("02-03-2026", date(2026, 2, 3)),
        ("2026/02/03", date(2026, 2, 3)),
        ("20260203", date(2026, 2, 3)),
        ("03-Feb-2026", date(2026, 2, 3)),
        ("Feb 03, 2026", date(2026, 2, 3)),
        ("03.02.2026", date(2026, 2, 3)),
        ("3 février 2026", date(2026, 2, 3)),
        ("05. M\u00e4rz 2026", date(2026, 3, 5)),
        ("5 de marzo de 2026", date(2026, 3, 5)),
        ("1º de março de 2026", date(2026, 3, 1)),
        ("5/out/2026", date(2026, 10, 5)),
        ("5-Dez-2026", date(2026, 12, 5)),
        # November in Finnish, which was March by its first three letters.
        ("5 marraskuu 2026", None),
        ("5 Maryland 2026", None),
        ("2024-02-29", date(2024, 2, 29)),
        ("2026-02-29", None),
        ("31/02/2026", None),
        ("13/13/2026", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_dates(text, day):
    assert read(parse_date, text) == day


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1234.5", "1234.5"),
        ("$1,234.50", "1234.5"),
        ("USD 1,234,567.89", "1234567.89"),
        ("1.234,50 €", "1234.5"),
        ("1,5", "1.5"),
        ("(7.25)", "-7.25"),
        ("7.25-", "-7.25"),
        ("-7.25", "-7.25"),
        ("1\u00a0234.50", "1234.5"),
        ("0.00006", "0.0001"),
        ("1,23,4", None),
        ("12 apples", None),
        ("n/a", None),
        ("", None),
        (None, None),
    ],
)
def test_money(text, amount):
    read_as = read(lambda value: parse_decimal(value, pl.Decimal(18, 4)), text)
    assert read_as == (Decimal(amount) if amount is not None else None)


@pytest.mark.parametrize(
    ("text", "number"), [("3", 3), ("3.0", 3), ("1,000", 1000), ("(2)", -2), ("2.5", None), ("three", None)]
)
def test_whole_numbers_have_no_fraction(text, number):
    assert read(parse_whole, text) == number


@pytest.mark.parametrize(
    ("text", "flag"),
    [("TRUE", True), (" yes ", True), ("1", True), ("1.0", True), ("N", False), ("0", False), ("maybe", None)],
)
def test_flags(text, flag):
    assert read(parse_flag, text) is flag
