"""A CSV holds no formula, and loses nothing by that."""

import io
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carti_lake.outlets.table_file import flat, write_table

TAKEN_OFF = r"^'('*[=+\-@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}])"


def as_csv(texts: list[str | None]) -> list[str | None]:
    """The texts as they stand in a CSV."""
    return flat(pl.LazyFrame({"text": texts}, schema={"text": pl.String})).collect()["text"].to_list()


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+1+1", "'+1+1"),
        ("-2*3", "'-2*3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\n=1", "'\n=1"),
        ("\uff1d1", "'\uff1d1"),
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("'=1", "''=1"),
        ("-", "'-"),
    ],
)
def test_a_text_that_begins_as_a_formula_is_quoted(text: str, written: str) -> None:
    assert as_csv([text]) == [written]


@pytest.mark.parametrize("text", ["-12.5", "+3", "-1e5", "-.5", "Dr. O'Neil", "'tis", "a=b", "", "1-2", "co_16", None])
def test_any_other_text_and_any_number_is_left_alone(text: str | None) -> None:
    assert as_csv([text]) == [text]


@given(st.lists(st.text(alphabet="'=+-@\t\r\n\uff1da1. ", max_size=6)))
def test_the_text_is_had_back_by_taking_one_quote_off(texts: list[str]) -> None:
    written = flat(pl.LazyFrame({"text": texts}, schema={"text": pl.String}))
    back = written.with_columns(pl.col("text").str.replace(TAKEN_OFF, "${1}")).collect()
    assert back["text"].to_list() == texts
    assert not [text for text in written.collect()["text"] if text[:1] in tuple("=@\t\r\n\uff1d")]


def test_numbers_lists_and_headers() -> None:
    rows = pl.LazyFrame(
        {"=a": [-1, 2], "b": [["=1", "x"], ["y"]], "c": pl.Series(["-x", "ok"], dtype=pl.Enum(["-x", "ok"]))}
    )
    written = flat(rows).collect()
    assert written.rows() == [(-1, "'=1; x", "'-x"), (2, "y", "ok")]
    assert written.columns == ["'=a", "b", "c"]


def test_files_other_than_csv_hold_the_text_as_it_is(tmp_path: Path) -> None:
    rows = pl.LazyFrame({"text": ["=1+1"]})
    for ending, read in (("csv", pl.read_csv), ("json", pl.read_json), ("parquet", pl.read_parquet)):
        write_table(rows, ending, str(tmp_path / f"rows.{ending}"), {})
        text = read(io.BytesIO((tmp_path / f"rows.{ending}").read_bytes()))["text"].item()  # type: ignore[operator]
        assert text == ("'=1+1" if ending == "csv" else "=1+1")
