"""Which records are copied for the CSV reader, and how they are then written."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carti_lake.sources.blocks import Header, flagged_records
from carti_lake.sources.dialects import explain, strictly
from carti_lake.sources.extract import ExtractError
from carti_lake.sources.quotes import (
    DOUBLED,
    ESCAPED,
    SINGLE,
    UNDOUBLED,
    UNQUOTED,
    Dialect,
    flagged_around,
    inside_quotes,
    words,
)

MARK = b"\xef\xbb\xbf"


def strict(block, quoting, newline="\n"):
    dialect = Dialect(",", newline, quoting)
    return strictly(flagged_records(block, dialect), dialect, marks=True)


@pytest.mark.parametrize(
    ("quoting", "block", "expected"),
    [
        (ESCAPED, rb'1,"Dana \"Dee\" Ortiz",2' + b"\n", b'1,"Dana ""Dee"" Ortiz",2\n'),
        (ESCAPED, rb'1,"a\\b\",\"",2' + b"\n", rb'1,"a\b"","""' + b",2\n"),
        (ESCAPED, rb"1,Ortiz\, Dana \"Dee\",2" + b"\r\n", b'1,"Ortiz, Dana ""Dee""",2\r\n'),
        (ESCAPED, b"1,Ortiz\\, Dana\r\n", b'1,"Ortiz, Dana"\r\n'),
        (ESCAPED, b"a\\\nb,1\n", b'"a\nb",1\n'),
        (ESCAPED, b"1,a\\\r\n", b'1,"a\r"\n'),
        (UNDOUBLED, b'1,"Dana "Dee" Ortiz",2\n', b'1,"Dana ""Dee"" Ortiz",2\n'),
        (UNDOUBLED, b'a "b" c,"x "y" z"\n', b'"a ""b"" c","x ""y"" z"\n'),
        (SINGLE, b"1,'Dana O'Brien',2\n", b"1,'Dana O''Brien',2\n"),
        (SINGLE, b"1,Dana O'Brien\n", b"1,'Dana O''Brien'\n"),
        (SINGLE, b"1,'Dana O'Brien'\n" * 300, b"1,'Dana O''Brien'\n" * 300),
        (DOUBLED, MARK + b'1,"a\n' + MARK + b'b"\n' + MARK + b"2,c\n", b'1,"a\n' + MARK + b'b"\n2,c\n'),
        (UNQUOTED, MARK + b'1,a "b" c\n', b'1,a "b" c\n'),
        (UNDOUBLED, MARK + b'1,"a "b" c"\n', b'1,"a ""b"" c"\n'),
    ],
)
def test_what_the_csv_reader_would_read_otherwise_is_written_for_it(quoting, block, expected):
    assert strict(block, quoting) == expected


@pytest.mark.parametrize(
    ("quoting", "block"),
    [
        (DOUBLED, b'1,"Dana ""Dee"" Ortiz"\n'),
        (ESCAPED, b'1,"Dana, Ortiz"\n'),
        (ESCAPED, rb"1,C:\temp" + b"\n"),
        (UNDOUBLED, b'1,"Dana ""Dee"" Ortiz"\n'),
        (SINGLE, b"'1','Dana O''Brien'\n"),
        (UNQUOTED, b'1,William "Bill" Smith\n'),
    ],
)
def test_what_it_reads_exactly_stays_as_it_is(quoting, block):
    assert strict(block, quoting) is block


def read(tmp_path, *blocks):
    path = tmp_path / "visits.csv"
    path.write_bytes(b"a,b\n" + b"".join(blocks))
    return path, explain(path, ",", "\n", Header(["a", "b"], 1, 4), tmp_path, "visits.csv")


def test_a_file_is_copied_only_if_a_record_asks_for_it(tmp_path):
    path, found = read(tmp_path, b"1,x\n")
    assert (found.path, found.lines, found.dialect.quoting) == (path, 1, DOUBLED)
    path, found = read(tmp_path, b"1,x\n", b'2,"a \\"b\\""')
    assert (found.lines, found.dialect.quoting) == (0, ESCAPED)
    assert found.path.read_bytes() == b'1,x\n2,"a ""b"""\n'


@pytest.mark.parametrize("block", [7, 1 << 20])
def test_records_before_the_first_odd_one_are_copied_too(tmp_path, monkeypatch, block):
    monkeypatch.setattr("carti_lake.sources.blocks.BLOCK", block)
    _, found = read(tmp_path, *[b"%d,x\n" % number for number in range(50)], b'50,"a "b" c"\n', b"51,x\n")
    rows = found.path.read_bytes().splitlines()
    assert rows == [b"%d,x" % number for number in range(50)] + [b'50,"a ""b"" c"', b"51,x"]


def test_single_quotes_and_others_are_read_as_one_file(tmp_path):
    path, found = read(tmp_path, b"'1','x'\n'2','y'\n")
    assert (found.path, found.dialect.quoting) == (path, SINGLE)
    with pytest.raises(ExtractError):
        read(tmp_path, b"'1','x\n'2','y'\n")


def test_places_are_found_across_words():
    block = b"x" * 200 + b'"' + b"y" * 70 + b'",1\n'
    inside = inside_quotes(words(np.frombuffer(block, np.uint8) == ord('"')))
    assert int(np.bitwise_count(inside).sum()) == 71


@given(st.lists(st.booleans(), min_size=1, max_size=300), st.data())
def test_flags_around_places_are_the_nearest(flags, data):
    last = len(flags)
    places = data.draw(st.lists(st.integers(0, last - 1), min_size=1, max_size=20))
    before, after = flagged_around(words(np.array([*flags, True])), np.array(places))
    flagged = [place for place, flag in enumerate([*flags, True]) if flag]
    assert before.tolist() == [max((one for one in flagged if one < place), default=-1) for place in places]
    assert after.tolist() == [min(one for one in flagged if one > place) for place in places]
