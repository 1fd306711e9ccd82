import csv
import io
import string

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carti_lake.sources import blocks
from carti_lake.sources.blocks import Header
from carti_lake.sources.extract import ExtractError
from carti_lake.sources.quotes import DOUBLED, ESCAPED, SINGLE, UNDOUBLED, UNQUOTED, Dialect
from carti_lake.sources.records import check_records

COLUMNS = ["a", "b", "c"]


def check(path, text, *, separator=",", newline="\n", skip_lines=1, quoting=DOUBLED, numeric=(), each=False):
    """Whether there are blank lines."""
    content = text.encode() if isinstance(text, str) else text
    path.write_bytes(content)
    lines = content.split(newline.encode())[:skip_lines]
    header = Header(COLUMNS, skip_lines, sum(len(line) + 1 for line in lines), numeric)
    return check_records(path, Dialect(separator, newline, quoting), header, "x.csv", each=each).blanks


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.csv"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("records")


@pytest.fixture(params=[4 << 20, 8], ids=["one block", "many blocks"])
def block(request, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", request.param)


@pytest.mark.usefixtures("block")
class TestRecords:
    def test_even_records_pass(self, path):
        assert check(path, "a,b,c\n1,2,3\n4,,\n") is False

    def test_quoted_separators_line_ends_and_doubled_quotes_pass(self, path):
        assert check(path, 'a,b,c\r\n"1,1","x\r\n""y"", z",3\r\n"",,""', numeric=[2]) is False

    def test_blank_lines_are_reported(self, path):
        assert check(path, "a,b,c\n1,2,3\n\n4,5,6\n\n\n") is True

    def test_title_lines_above_the_header_do_not_count(self, path):
        assert check(path, 'Visits, as of\n\n"a\n",b,c\n1,2,3\n', skip_lines=4) is False

    @pytest.mark.parametrize(
        ("text", "place"),
        [
            ("a,b,c\n1,2,3\n1,2\n", "line 3: 2 fields where the header has 3 columns"),
            ("a,b,c\n1,2,3\n\n4,5,6,7\n8,9\n", "line 4: 4 fields where the header has 3 columns"),
            ('a,b,c\n1,"x\ny",3\n1,2\n', "line 4: 2 fields"),
            ("a,b,c\n1,2,3\n1", "line 3: 1 field where"),
            ("a,b,c\n1;2;3\n", "line 2: 1 field where"),
            ('a,b,c\n1,2,3\n1,"2,3\n4,5,6\n7,8,9\n', r'line 3: a quote \("\) is opened'),
            ('a,b,c\n1,2,"3\n', r'line 2: a quote \("\) is opened'),
            ("a,b,c\n1,2,3\n1,2\0,3\n", 'line 3, column "b": a NUL byte'),
        ],
    )
    def test_the_first_bad_line_is_named(self, path, text, place):
        with pytest.raises(ExtractError, match=f"x.csv, {place}"):
            check(path, text)

    def test_old_mac_line_ends(self, path):
        assert check(path, "a,b,c\r1,2,3\r4,5,6", newline="\r") is False

    def test_text_that_is_not_utf8_is_told(self, path):
        with pytest.raises(UnicodeDecodeError):
            check(path, b"a,b,c\n1,2,Fran\xe7ois\n")


def test_a_quote_that_is_never_closed_does_not_swallow_a_large_file(path, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 1000)
    monkeypatch.setattr(blocks, "LONGEST_RECORD", 5000)
    with pytest.raises(ExtractError, match=r"x.csv, line 12:"):
        check(path, "a,b,c\n" + "1,2,3\n" * 10 + '1,"2,3\n' + "1,2,3\n" * 10_000)


@pytest.mark.usefixtures("block")
class TestQuotes:
    @pytest.mark.parametrize(
        "lines",
        [
            '1,"x" y,3',
            '1,5" nail,3\n1,2,3\n1,6" nail,3',
            '1,2,x "y, z"',
            '1,"x \\"y",3\n1,2,3\n1,"x \\"z",3',
            '1,"x "y",3\n1,"x "y",3',
            '1, "x, y",3',
        ],
    )
    def test_a_stray_quote_is_found_though_another_evens_it_out(self, path, lines):
        with pytest.raises(ExtractError, match=r'x.csv, line 3: a quote \("\) stands before or after'):
            check(path, f'a,b,c\n"1",2,3\r\n{lines}\n4,5,6\n')

    @pytest.mark.parametrize(
        ("quoting", "lines"),
        [
            (ESCAPED, '1,"x \\"y",3\n"1\\\\",2\\,2,3\n1,"x \\"z\\\n",3'),
            (UNDOUBLED, '1,"x "y",3\n1,"x ""y"" z",3\n1,x "Y" z,3'),
            (UNQUOTED, '1,5" nail,3\n1,2,3\n1,6",3\n1,2,x "y"'),
            (SINGLE, "'1','x, y',3\n1,O'Brien,'it''s'\n'1','O'Brien',3\""),
        ],
    )
    def test_a_dialect_explains_its_quotes(self, path, quoting, lines):
        assert check(path, f"a,b,c\n{lines}\n4,5,6\n", quoting=quoting) is False

    @pytest.mark.parametrize(
        ("quoting", "lines"),
        [
            (ESCAPED, '1,"x "y",3'),
            (UNDOUBLED, '1,"x" y,3'),
            (UNDOUBLED, '1,"x \\"y",3'),
            (UNQUOTED, '1,"x" y,3'),
            (UNQUOTED, '1,x",3'),
            (SINGLE, "1,2,'x\n1,2,3"),
        ],
    )
    def test_a_dialect_does_not_explain_others(self, path, quoting, lines):
        with pytest.raises(ExtractError, match=r"x.csv, line 2"):
            check(path, f"a,b,c\n{lines}\n4,5,6\n", quoting=quoting)

    @pytest.mark.parametrize("lines", ['1,"2,3\n4,5",6', '"1,2,3\n4",5,6', '1,2,"3\n4,5,6\n7,8,9"'])
    def test_records_between_two_quotes_far_apart_are_not_a_field(self, path, lines):
        with pytest.raises(ExtractError, match=r"x.csv, line 3: .* the lines between are records themselves"):
            check(path, f"a,b,c\n1,2,3\n{lines}\n7,8,9\n", numeric=(0, 2))

    @pytest.mark.parametrize("text", ["x, y\nz", "x\ny, z, and more\nw", "1\n2, 3\n4", "\n\n"])
    def test_free_text_of_several_lines_is_a_field(self, path, text):
        assert check(path, f'a,b,c\n1,"{text}",3\n', numeric=(0, 2)) is False


# Without digits: lines of numbers and separators within a field would be records.
fields = st.text(st.characters(exclude_characters="\0" + string.digits, exclude_categories=["Cs"]), max_size=6)
tricky = st.text(st.sampled_from(list('x,;"\n\r é ')), max_size=6)


@given(
    rows=st.lists(st.lists(fields | tricky, min_size=3, max_size=3), max_size=12),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    newline=st.sampled_from(["\n", "\r\n"]),
    size=st.integers(1, 40),
)
def test_whatever_is_written_properly_is_even(folder, rows, separator, quoting, newline, size):
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, quoting=quoting, lineterminator=newline).writerows([COLUMNS, *rows])
    path = folder / "x.csv"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK", size)
        assert check(path, text.getvalue(), separator=separator, numeric=[0]) is False


@given(st.text(st.sampled_from(list('1x,"\n')), max_size=40), st.integers(1, 20))
def test_what_passes_has_a_field_for_every_column_of_every_record(folder, body, size):
    path = folder / "x.csv"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK", size)
        try:
            check(path, "a,b,c\n" + body)
        except ExtractError:
            return
    expected = [tuple(row) for row in csv.reader(io.StringIO(body, newline="")) if row]
    try:
        rows = pl.scan_csv(
            path,
            has_header=False,
            skip_rows=1,
            schema=dict.fromkeys(COLUMNS, pl.String()),
            empty_string_is_null=False,
            missing_columns="insert",
        ).collect(engine="streaming")
    except pl.exceptions.PolarsError:
        # A long record and a blank line may hide one another in a sum; Polars refuses it, and its line is then found.
        with pytest.raises(ExtractError, match="line"):
            check(path, "a,b,c\n" + body, each=True)
        return
    # A blank line is a row of nothing, as is one of separators only.
    assert [row for row in rows.rows() if any(row)] == [row for row in expected if any(row)]
