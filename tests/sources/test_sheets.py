import io
import json
from datetime import datetime, time

import polars as pl
import pytest
import xlsxwriter

from carti_lake.pipeline.parse import parse_date, parse_serial
from carti_lake.sources.extract import ExtractError

from .test_files import HEADER, loaded, opened, refused, written

COLUMNS = HEADER.split(",")
VISIT = ["P1", "2026-01-05", "C50.911", "99213", "Dr. Brown", 120.5, 80, "Paid"]


def visit(patient, **changes):
    return list({**dict(zip(COLUMNS, VISIT, strict=True)), "patient_id": patient, **changes}.values())


def workbook(path, sheets, *, hidden=(), start=(0, 0)):
    """A workbook of sheets, each a list of rows; text that begins with = is a formula that was never computed."""
    with xlsxwriter.Workbook(path) as book:
        for title, rows in sheets.items():
            sheet = book.add_worksheet(title)
            for number, row in enumerate(rows, start[0]):
                for place, cell in enumerate(row, start[1]):
                    if str(cell).startswith("#"):
                        sheet.write_formula(number, place, "=NA()", None, cell)
                    elif str(cell).startswith("="):
                        sheet.write_formula(number, place, cell, None, "")
                    else:
                        sheet.write(number, place, cell)
            if title in hidden:
                sheet.hide()
    return path


def test_all_visible_sheets_that_fit_are_read(tmp_path):
    path = workbook(
        tmp_path / "v.xlsx",
        {
            "Jan": [COLUMNS, visit("P1")],
            "How to read": [["Ask the billing office"]],
            "Feb": [["title"], COLUMNS, visit(2), visit("P3", claim_amount="$7")],
            "Mar": [[*COLUMNS, "payer"], [*visit("P4"), "Aetna"]],
        },
    )
    rows = loaded(path)
    assert rows["patient_id"].to_list() == ["P1", "2", "P3", "P4"]
    assert rows["payer"].to_list() == [None, None, None, "Aetna"]
    assert rows["claim_amount"].to_list() == [120.5, 120.5, None, 120.5]
    assert rows["rescued"].to_list() == [None, None, '{"claim_amount":"$7"}', None]
    assert opened(path).notes == ('sheets left out that are not ehr_visits: "How to read"',)


def test_a_hidden_sheet_is_left_out_with_a_word(tmp_path):
    sheets = {"old": [[*COLUMNS, "payer"], [*visit("P0"), "Aetna"]], "new": [COLUMNS, visit("P1")]}
    path = workbook(tmp_path / "v.xlsx", {"first": [["x"]], **sheets}, hidden=["old"])
    assert loaded(path)["patient_id"].to_list() == ["P1"]
    assert 'hidden sheets left out: "old"' in opened(path).notes
    path = workbook(tmp_path / "w.xlsx", {"first": [["x"]], **sheets}, hidden=["old", "new"])
    assert 'only hidden sheets hold the feed ehr_visits: "old", "new"' in refused(path)


def test_a_sheet_that_nearly_fits_is_not_left_out_in_silence(tmp_path):
    spelt = ["Billed" if column == "claim_amount" else column for column in COLUMNS]
    path = workbook(tmp_path / "v.xlsx", {"Jan": [COLUMNS, visit("P1")], "Feb": [spelt, visit("P2")]})
    assert 'v.xlsx, sheet "Feb", line 1: lacks claim_amount' in refused(path)
    assert "P2" not in refused(path)


@pytest.mark.parametrize("start", [(0, 0), (4, 2)])
@pytest.mark.parametrize("cell", ["#REF!", "#N/A", "#VALUE!", "#DIV/0!", "#NAME?", "=A1+B1"])
@pytest.mark.parametrize("column", ["patient_id", "visit_date", "claim_amount", "claim_status"])
def test_cells_without_a_value_are_rescued(tmp_path, start, cell, column):
    path = workbook(
        tmp_path / "v.xlsx", {"Jan": [COLUMNS, visit("P1"), visit("P2", **{column: cell}), visit("P3")]}, start=start
    )
    rows = loaded(path)
    assert rows[column].is_null().to_list() == [False, True, False]
    assert [text and json.loads(text) for text in rows["rescued"]] == [None, {column: cell}, None]


def test_a_formula_with_a_value_is_its_value(tmp_path):
    with xlsxwriter.Workbook(tmp_path / "v.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, COLUMNS)
        sheet.write_row(1, 0, visit("P1"))
        sheet.write_formula(1, 5, "=100+20.5", None, 120.5)
    assert loaded(tmp_path / "v.xlsx").equals(loaded(workbook(tmp_path / "w.xlsx", {"x": [COLUMNS, visit("P1")]})))


@pytest.mark.parametrize("start", [(0, 0), (4, 2)])
@pytest.mark.parametrize(
    ("shown_as", "text"),
    [
        ("[$€-407] #,##0.00", "€ 120.5"),
        ('#,##0.00 "€"', "€ 120.5"),
        ("[$JPY] #,##0", "JPY 120.5"),
        ("[$Fr.-807] #,##0.00", "Fr. 120.5"),
        ("[$$-409]#,##0.00", None),
        ("[$USD] #,##0.00", None),
        ("[$-409]#,##0.00", None),
        ("#,##0.00", None),
    ],
)
def test_an_amount_that_is_shown_in_another_currency_is_none_of_dollars(tmp_path, start, shown_as, text):
    """The value of the cell is a bare number: the currency is in its format alone."""
    with xlsxwriter.Workbook(tmp_path / "v.xlsx") as book:
        sheet, style = book.add_worksheet(), book.add_format({"num_format": shown_as})
        for number, row in enumerate([COLUMNS, visit("P1"), visit("P2"), visit("P3")], start[0]):
            sheet.write_row(number, start[1], row)
        sheet.write_number(start[0] + 2, start[1] + COLUMNS.index("claim_amount"), 120.5, style)
    rows = loaded(tmp_path / "v.xlsx")
    assert rows["claim_amount"].to_list() == [120.5, None if text else 120.5, 120.5]
    assert rows["rescued"].to_list() == [
        None,
        text and json.dumps({"claim_amount": text}, ensure_ascii=False, separators=(",", ":")),
        None,
    ]


@pytest.mark.parametrize("start", [(0, 0), (4, 2)])
def test_a_number_that_is_shown_with_noughts_has_them(tmp_path, start):
    """As it has in a CSV that Excel writes of the same sheet: else it would be another patient."""
    with xlsxwriter.Workbook(tmp_path / "v.xlsx") as book:
        sheet, six = book.add_worksheet(), book.add_format({"num_format": "000000"})
        for number, row in enumerate([COLUMNS, visit(139), visit(1234567), visit(17), visit("A1")], start[0]):
            sheet.write_row(number, start[1], row)
        for number, patient in enumerate((139, 1234567), start[0] + 1):
            sheet.write_number(number, start[1], patient, six)
            sheet.write_number(number, start[1] + COLUMNS.index("claim_amount"), 120, six)
    rows = loaded(tmp_path / "v.xlsx")
    assert rows["patient_id"].to_list() == ["000139", "1234567", "17", "A1"]
    assert rows["claim_amount"].to_list() == [120.0, 120.0, 120.5, 120.5]
    assert rows["rescued"].null_count() == 4


@pytest.mark.parametrize("date_1904", [False, True])
def test_the_number_of_a_day_as_text_is_not_taken_for_one_since_1900_where_days_count_from_1904(tmp_path, date_1904):
    with xlsxwriter.Workbook(tmp_path / "v.xlsx", {"date_1904": date_1904}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, COLUMNS)
        sheet.write_row(1, 0, visit("02139", visit_date="46090"))
    rows = opened(tmp_path / "v.xlsx").rows.collect()
    # An identifier of five figures is no day.
    told = "46090 since 1904" if date_1904 else "46090"
    assert rows.select("patient_id", "visit_date").row(0) == ("02139", told)
    assert is_unreadable(told) == date_1904


def is_unreadable(day):
    return pl.select(parse_serial(pl.lit(day)).is_null() & parse_date(pl.lit(day)).is_null()).item()


def test_no_sheet_fits(tmp_path):
    path = workbook(tmp_path / "v.xlsx", {"Jan": [["a", "b"], [1, 2]]})
    assert "no sheet has a column of the feed ehr_visits" in refused(path)
    path = workbook(tmp_path / "w.xlsx", {"Jan": [COLUMNS[1:], VISIT[1:]]})
    with pytest.raises(ExtractError, match='sheet "Jan", line 1: column "patient_id" is missing'):
        opened(path)


def test_an_archive_that_is_no_workbook(tmp_path):
    import zipfile

    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("v.csv", "x")
    assert "no workbook that can be read" in refused(written(tmp_path / "v.zip", target.getvalue()))


def test_a_second_table_below_the_first_is_refused_with_sheet_and_row(tmp_path):
    """Its columns stand in another order: payments were charges, and providers patients."""
    swapped = [*COLUMNS[:5], "claim_paid", "claim_amount", COLUMNS[7]]
    rows = [["Report"], COLUMNS, visit("P1"), [], ["2025"], swapped, visit("P2")]
    refusal = refused(workbook(tmp_path / "v.xlsx", {"Mar": rows}))
    assert 'v.xlsx, sheet "Mar", row 6: another header, whose columns are not those of row 2' in refusal
    again = loaded(workbook(tmp_path / "w.xlsx", {"Mar": [COLUMNS, visit("P1"), COLUMNS, visit("P2")]}))
    assert again["patient_id"].to_list() == ["P1", "patient_id", "P2"]


def test_an_identifier_of_more_figures_than_excel_keeps_is_rounded(tmp_path):
    path = workbook(tmp_path / "v.xlsx", {"Mar": [COLUMNS, visit(2603310000034567891), visit(260331000001)]})
    rounded, whole = loaded(path)["patient_id"]
    assert whole == "260331000001"
    assert "E+" in rounded.upper()


def test_an_amount_that_its_cell_shows_as_percent_is_none(tmp_path):
    with xlsxwriter.Workbook(tmp_path / "v.xlsx") as book:
        sheet, percent = book.add_worksheet(), book.add_format({"num_format": "0%"})
        sheet.write_row(0, 0, COLUMNS)
        sheet.write_row(1, 0, visit("P1"))
        sheet.write_number(1, COLUMNS.index("claim_amount"), 0.5, percent)
    assert loaded(tmp_path / "v.xlsx").select("claim_amount", "rescued").row(0) == (None, '{"claim_amount":"50 %"}')


def test_days_beside_times_of_day_are_read_as_what_they_show(tmp_path):
    """Cells of two types that have none in common: once the reader's error went through to the user."""
    day = COLUMNS.index("visit_date")
    with xlsxwriter.Workbook(tmp_path / "v.xlsx") as book:
        sheet, formats = book.add_worksheet(), ("yyyy-mm-dd", "h:mm", "[h]:mm")
        for number, cells in enumerate([COLUMNS, visit("P1"), visit("P2"), visit("P3")]):
            sheet.write_row(number, 0, cells)
        for number, value in enumerate([datetime(2026, 3, 10), time(12, 30), 1.5], 1):
            sheet.write(number, day, value, book.add_format({"num_format": formats[number - 1]}))
    rows = loaded(tmp_path / "v.xlsx")
    assert [str(one) for one in rows["visit_date"].drop_nulls()] == ["2026-03-10"]
    assert rows["rescued"].is_not_null().to_list() == [False, True, True]
