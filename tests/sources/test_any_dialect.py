"""Any table in any dialect, whole or damaged: read exactly, or refused; never fewer or other rows."""

import gzip
from dataclasses import dataclass

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carti_lake.sources import blocks
from carti_lake.sources.extract import ExtractError
from carti_lake.sources.files import explain_failure, open_paths
from carti_lake.tables.feeds import EhrVisits

COLUMNS = ["patient_id", "visit_date", "diagnosis_code", "procedure_code", "provider_name", "note", "claim_amount"]
COLUMNS += ["claim_paid", "claim_status"]
HEADER = [*COLUMNS[:5], "Note", *COLUMNS[6:]]
NOTE = COLUMNS.index("note")

words = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_categories=["Cc", "Cf"]), max_size=8)
tricky = st.text(st.sampled_from(list("ab,;\t|\"'\\ é")), max_size=8)
lines = st.lists(tricky, max_size=3).map("\n".join)


@dataclass(frozen=True)
class Style:
    """A way to write a field; ``doubled`` and ``escaped`` may quote all fields or only those that need it."""

    kind: str
    all_fields: bool

    def fits(self, text: str, separator: str) -> bool:
        """Whether the style can write the text without doubt."""
        if self.kind == "doubled":
            return True
        if self.kind in ("escaped", "single"):
            # A backslash that is doubled may be two, where no quote shows that it escapes.
            return "\\" not in text
        bare = text.replace('"', "")
        alone = not any(sign in text for sign in (separator, "\n", "\\", "'"))
        return alone and all(
            0 < place < len(text) - 1 and bare and text[place - 1] != '"' != text[place + 1]
            for place, sign in enumerate(text)
            if sign == '"'
        )

    def field(self, text: str, separator: str) -> str:
        needed = self.all_fields or any(sign in text for sign in (separator, '"', "\n", "'"))
        match self.kind:
            case "doubled":
                return '"' + text.replace('"', '""') + '"' if needed else text
            case "escaped":
                return '"' + text.replace('"', '\\"') + '"' if needed else text
            case "undoubled":
                return f'"{text}"' if self.all_fields else text
            case "single":
                return "'" + text.replace("'", "''") + "'"
        return text


STYLES = [
    Style(kind, all_fields)
    for kind in ("doubled", "escaped", "undoubled", "single", "unquoted")
    for all_fields in (True, False)
    if all_fields or kind not in ("single",)
]


@dataclass(frozen=True)
class File:
    """A table as it is written."""

    rows: list[list[str]]
    style: Style
    separator: str
    newline: str
    trailing: bool
    title: str

    @property
    def head(self) -> str:
        header = [*HEADER, ""] if self.trailing else HEADER
        line = self.separator.join(self.style.field(name, self.separator) if name else "" for name in header)
        return self.title + line + self.newline

    @property
    def body(self) -> list[str]:
        """A text for each row, with its line end."""
        end = (self.separator if self.trailing else "") + self.newline
        return [self.separator.join(self.style.field(text, self.separator) for text in row) + end for row in self.rows]


@st.composite
def files(draw):
    style, separator = draw(st.sampled_from(STYLES)), draw(st.sampled_from([",", ";", "\t", "|"]))
    texts = st.one_of(words, tricky, lines)
    rows = []
    for number in range(draw(st.integers(1, 6))):
        name, note = (text if style.fits(text, separator) else "Dana Ortiz" for text in (draw(texts), draw(texts)))
        rows.append(
            [f"P{number}", f"2026-01-{number + 1:02}", "C34.90", "99213", name, note, f"{number}.5", "80", "Paid"]
        )
    return File(
        rows,
        style,
        separator,
        draw(st.sampled_from(["\n", "\r\n"])),
        draw(st.booleans()),
        draw(st.sampled_from(["", "Visits of January\n\n"])),
    )


def encoded(content: str, encoding: str, compression: str) -> bytes:
    octets = content.encode(encoding)
    if compression == "gzip":
        return gzip.compress(octets, compresslevel=1)
    return pa.compress(octets, codec="zstd", asbytes=True) if compression == "zstd" else octets


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("dialects") / "visits_2026-01-31.csv"


def read(path, content: bytes, block: int) -> list[tuple[str, ...]] | None:
    """The rows, or None where the file is refused."""
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK", block)
        try:
            (extract,) = open_paths([path], EhrVisits)
            rows = extract.rows.select(pl.col("Note" if name == "note" else name).fill_null("") for name in COLUMNS)
            return rows.collect(engine="streaming").rows()
        except ExtractError:
            return None
        except pl.exceptions.PolarsError as error:
            assert "line" in str(explain_failure(extract, error))
            return None


def normal(rows: list[list[str]]) -> list[tuple[str, ...]]:
    return [tuple(row) for row in rows]


@given(
    files(),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"]),
    st.sampled_from(["", "gzip", "zstd"]),
    st.sampled_from([7, 64, 1 << 20]),
)
def test_a_whole_file_is_read_exactly_or_refused(path, file, encoding, compression, block):
    content = file.head + "".join(file.body)
    if encoding == "cp1252" and content.encode("cp1252", "ignore").decode("utf-8", "carti_lake.cp1252") != content:
        encoding = "utf-8"  # by chance its bytes are other text in UTF-8
    found = read(path, encoded(content, encoding, compression), block)
    if found is None:
        # Only what may be read in two ways, or looks like two lost quotes.
        assert file.style.kind != "doubled" or '\\"' in content or file.separator * 8 in content or like_records(file)
    else:
        assert found == normal(file.rows)


def like_records(file: File) -> bool:
    """Whether a line that goes on with a record has the separators of a record of its own."""
    return any(line.count(file.separator) >= 8 for record in file.body for line in record.splitlines()[1:])


def damages(draw, file: File) -> tuple[str, set[int], int]:
    """The file's text with some damage, the rows that it touches, and how many rows its lines still begin."""
    body = file.body
    kind = draw(st.sampled_from(["drop quotes", "add quotes", "swap", "merge", "cut"]))
    touched: set[int] = set()
    if kind == "cut":
        text = "".join(body)
        place = draw(st.integers(0, len(text)))
        ends = [sum(map(len, body[: number + 1])) for number in range(len(body))]
        whole = sum(end <= place for end in ends)
        return file.head + text[:place], {whole}, whole + (place > ([0, *ends][whole]))
    for _ in range(draw(st.integers(1, 2))):
        number = draw(st.integers(0, len(body) - 1))
        row = body[number]
        touched.add(number)
        quotes = [place for place, sign in enumerate(row) if sign in "\"'"]
        if kind == "drop quotes" and quotes:
            place = draw(st.sampled_from(quotes))
            body[number] = row[:place] + row[place + 1 :]
        elif kind == "add quotes":
            place = draw(st.integers(0, len(row) - len(file.newline)))
            body[number] = row[:place] + draw(st.sampled_from("\"'")) + row[place:]
        elif kind == "swap" and len(row) > 3:
            place = draw(st.integers(0, len(row) - 2 - len(file.newline)))
            body[number] = row[:place] + row[place + 1] + row[place] + row[place + 2 :]
        elif kind == "merge" and number + 1 < len(body):
            body[number] = row.removesuffix(file.newline)
            touched.add(number + 1)
    return file.head + "".join(body), touched, len(file.rows)


@given(files(), st.data(), st.sampled_from([7, 64, 1 << 20]))
def test_a_damaged_file_is_refused_or_loses_no_row(path, file, data, block):
    content, touched, begun = damages(data.draw, file)
    found = read(path, content.encode(), block)
    if found is None:
        return
    expected = normal(file.rows)
    if '\\"' in content:
        # The damage may have made a whole file of a dialect with escapes, where a backslash is none of the text.
        found, expected = (
            [tuple(text.replace("\\", "") for text in row) for row in rows] for rows in (found, expected)
        )
    assert len(found) == begun
    assert [row for number, row in enumerate(found) if number not in touched] == [
        row for number, row in enumerate(expected[:begun]) if number not in touched
    ]


def test_the_styles_are_all_read(path):
    """What the property would not notice: that a style is refused whatever it writes."""
    row = ["P1", "2026-01-05", "C34.90", "99213", "Dana Ortiz", "x", "1.5", "80", "Paid"]
    for style in STYLES:
        odd = {"single": 'O\'Brien, "x"', "unquoted": 'William "Bill" Smith', "undoubled": 'William "Bill" Smith'}
        text = odd.get(style.kind, 'Smith, "Bill"\nWilliam')
        file = File([*[row] * 9, [*row[:4], text, *row[5:]]], style, ",", "\n", False, "")
        assert read(path, (file.head + "".join(file.body)).encode(), 64) == normal(file.rows), style


@pytest.mark.parametrize(
    ("style", "texts", "lost"),
    [
        # Read with its quotes as text, since single quotes no longer explained it.
        (Style("single", True), ["", ""], ("'P1'", "P1'")),
        # The quote behind a backslash and the stray one made a pair around two rows.
        (Style("escaped", False), ['"', ","], (',",",', ',,",')),
        # The backslash of the first text and the missing quote made a pair around the rest of one row and another.
        (Style("doubled", False), ["\n\\", '"'], ('""""', '"""')),
    ],
)
def test_damage_that_was_once_read_is_refused(path, style, texts, lost):
    rows = [
        [f"P{number}", "2026-01-01", "C34.90", "99213", "", text, "0.5", "80", "Paid"]
        for number, text in enumerate([*texts, ""])
    ]
    file = File(rows, style, ",", "\n", False, "")
    content = file.head + "".join(file.body)
    assert read(path, content.encode(), 64) == normal(rows)
    assert lost[0] in content
    assert read(path, content.replace(*lost, 1).encode(), 64) is None


def test_a_row_whose_quote_is_closed_in_the_text_of_the_next_one_is_refused(path):
    text = [
        "P0,2026-01-01,C34.90,99213,\"',,0.5,80,Paid",
        'P1,2026-01-02,C34.90,99213,\n",,1.5,80,Paid',
        "P2,2026-01-03,C34.90,99213,,,2.5,80,Paid",
    ]
    assert read(path, "\n".join([",".join(HEADER), *text, ""]).encode(), 64) is None


@pytest.mark.parametrize("column", [COLUMNS[0], COLUMNS[-1]])
@pytest.mark.parametrize("kind", ["doubled", "escaped"])
@pytest.mark.parametrize("text", ['first\nsecond, "third"', "a\nb\nc", "\n1, 2"])
def test_a_text_of_several_lines_may_stand_in_the_first_and_in_the_last_column(path, column, kind, text):
    """Its first line, or its last, has all of the header's fields and numbers."""
    rows = [
        [f"P{number}", "2026-01-05", "C34.90", "99213", "Dana Ortiz", "x", "1.5", "80", "Paid"] for number in range(3)
    ]
    rows[1][COLUMNS.index(column)] = text
    for all_fields in (True, False):
        file = File(rows, Style(kind, all_fields), ",", "\n", False, "")
        assert read(path, (file.head + "".join(file.body)).encode(), 1 << 20) == normal(rows)


@pytest.mark.parametrize("text", ["first\\\nsecond", "a\\\tb", "\\\\"])
def test_mysql_writes_line_ends_and_separators_behind_a_backslash(path, text):
    """As `SELECT ... INTO OUTFILE` does: tabs, no quotes, `\\N` for no value."""
    row = ["P1", "2026-01-05", "C34.90", "99213", "Dana Ortiz", text, "1.5", "80", "\\N"]
    plain = ["P2", "2026-01-05", "C34.90", "99213", "Dana\\\nOrtiz", "x", "1.5", "80", "Paid"]
    content = "".join("\t".join(one) + "\n" for one in (HEADER, row, plain))
    meant = [[*row[:5], text.replace("\\", "", 1), *row[6:]], [*plain[:4], "Dana\nOrtiz", *plain[5:]]]
    assert read(path, content.encode(), 1 << 20) == normal(meant)
