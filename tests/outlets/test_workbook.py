"""The workbook reads back as it was declared, evaluates nothing, and is the same file each time."""

import re
import shutil
import subprocess
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import polars.selectors as cs
import pytest
from openpyxl.utils import get_column_letter
from openpyxl.utils.cell import range_boundaries

from carti_lake.disclosure import in_full, publication
from carti_lake.metrics import METRICS
from carti_lake.outlets.workbook import WorkbookError, book, sheets, write_workbook
from carti_lake.outlets.workbook.charts import rankings
from carti_lake.outlets.workbook.dictionary import formats, headers
from carti_lake.outlets.workbook.kpis import widths
from carti_lake.outlets.workbook.look import MOST_PRINTED, PAGE
from carti_lake.outlets.workbook.sheets import SHEETS, why_empty
from carti_lake.releases.release import Release
from carti_lake.tables.gold import GOLD
from carti_lake.tables.gold.events import AXES

from .conftest import providers, release_of, rows_of

Frames = dict[str, pl.DataFrame]


#: openpyxl leaves sparklines alone, and says so.
pytestmark = pytest.mark.filterwarnings("ignore:Sparkline Group extension")


def read(frames: Frames, release: Release, folder: Path) -> Any:
    return openpyxl.load_workbook(write_workbook(publication(frames), release, folder / "carti_lake.xlsx"))


def texts(sheet: Any) -> str:
    return "\n".join(str(value) for row in sheet.iter_rows(values_only=True) for value in row if value is not None)


def cells(sheet: Any) -> dict[str, Any]:
    """Cells of the first row below the header, by the column that the dictionary names for the header."""
    rows = list(sheet.parent["Dictionary"].iter_rows(min_row=2, max_col=3, values_only=True))
    columns = {header: column for name, header, column in rows if name == sheet.title}
    return {columns[header.value]: cell for header, cell in zip(sheet[1], sheet[2], strict=True)}


def test_one_sheet_a_table_between_cover_and_dictionary(frames: Frames, release: Release, tmp_path: Path) -> None:
    book = read(frames, release, tmp_path)
    axes = [axis.table for axis in AXES]
    plain = [
        "marketing_roi",
        "claims_maturity",
        "opportunity_predictions",
        "model_metrics",
        "dim_provider",
        "dim_date",
        "dim_service_line",
    ]
    ranked = ["payers_ranked", "service_lines_ranked", "providers_ranked", "campaigns_ranked"]
    every = ["Cover", "KPIs", "Charts", "kpis_by_month", *axes, *plain, *ranked, "Dictionary"]
    assert book.sheetnames == [name for name in every if name in book.sheetnames]
    # A table without a row has no sheet, and the cover says so.
    said = texts(book["Cover"]).split("\n")
    empty = [name for name in every if name not in book.sheetnames]
    assert {"provider_summary", "network_by_month"}.isdisjoint(empty)
    assert [said[said.index(name) + 1].partition(":")[0] for name in empty] == ["No sheet"] * len(empty)
    for name in book.sheetnames[3:-1]:
        (table,) = book[name].tables.values()
        assert table.displayName == name
        assert name not in ["provider_summary", "dim_date"] or list(cells(book[name])) == list(GOLD[name].columns())
        assert book[name].freeze_panes is not None
    assert book["provider_summary"].tables["provider_summary"].ref.endswith("9")


def test_the_cover_says_what_it_is(frames: Frames, release: Release, tmp_path: Path) -> None:
    cover = texts(read(frames, release, tmp_path)["Cover"])
    for words in (
        "2026-11-23 06:30 UTC",
        "2026-11-22",
        "passed: keys; failed and accepted by a person: drift: payments moved by 40 %",
        "rates on fewer than 11 cases",
        "stands in model_metrics, column Note",
        "computed from such: claims activity, claims aged, claims lag,",
        "reconciliation, referral days, referral flow, referral revenue, risk scores.",
        "The network's sums and rates by month.",
    ):
        assert words in cover


def test_values_have_types_and_formats_of_their_declared_unit(frames: Frames, release: Release, tmp_path: Path) -> None:
    book = read(frames, release, tmp_path)
    first = cells(book["provider_summary"])
    assert (first["deals_value"].value, first["deals_value"].number_format) == (1000, "$#,##0.00")
    assert (first["denial_rate"].value, first["denial_rate"].number_format) == (0.1, "0.0%")
    assert (first["total_visits"].value, first["total_visits"].number_format) == (200, "#,##0")
    assert (first["provider_id"].value, first["provider_id"].number_format) == ("P001", "@")
    assert first["avg_cost"].value is None
    month = cells(book["network_by_month"])
    assert (month["month"].value.isoformat()[:10], month["month"].number_format) == ("2026-01-01", "yyyy-mm-dd")
    assert month["gross_charges"].value == 8002
    assert (month["denial_rate"].value, month["denial_rate"].number_format) == (0.1, "0.0%")


def test_headers_are_words_and_no_two_alike(frames: Frames, release: Release, tmp_path: Path) -> None:
    book = read(frames, release, tmp_path)
    for sheet in book.worksheets[3:]:
        above = [cell.value for cell in sheet[1]]
        assert len({one.lower() for one in above}) == len(above)
        assert not [one for one in above if "_" in one.partition(" [")[0]], sheet.title
    above = [cell.value for cell in book["provider_summary"][1]]
    assert {"Provider ID", "Total visits"} <= {*above}


def test_a_table_without_a_row_has_no_sheet_and_the_cover_says_so(
    frames: Frames, release: Release, tmp_path: Path
) -> None:
    book = read(frames | {"marketing_roi": frames["marketing_roi"].clear()}, release, tmp_path)
    assert "marketing_roi" not in book.sheetnames
    rows = {row[0]: row[1] for row in book["Cover"].iter_rows(values_only=True) if row[0]}
    assert rows["marketing_roi"] == (
        "No sheet: it has no row, since no delivered row is a case of it, or none may be shown."
    )
    assert why_empty("opportunity_scores", None).startswith("no model has filled it; carti-lake model train ")
    assert all(book[name].max_row > 1 for name in book.sheetnames)


def test_the_cover_names_the_feed_that_a_table_lacks(frames: Frames, release: Release, tmp_path: Path) -> None:
    published = publication(frames | {"marketing_roi": frames["marketing_roi"].clear()})
    delivered = {one for metric in METRICS.values() for one in metric.sources()} - {"campaigns"}
    book = openpyxl.load_workbook(write_workbook(published, release, tmp_path / "lacking.xlsx", delivered))
    rows = {row[0]: row[1] for row in book["Cover"].iter_rows(values_only=True) if row[0]}
    assert "nothing was delivered of" in rows["marketing_roi"] and "campaigns" in rows["marketing_roi"]


def test_every_number_has_a_format(frames: Frames) -> None:
    plain = [
        f"{name}.{column}"
        for name, table in SHEETS.items()
        for column, dtype in table.dtypes().items()
        if dtype.is_numeric() and formats(name, pl.DataFrame(schema={column: dtype}))[column] == "General"
    ]
    assert plain == []


def test_kpis_print_on_pages_that_can_be_read_with_their_reasons(
    frames: Frames, release: Release, tmp_path: Path
) -> None:
    sheet = read(frames, release, tmp_path)["KPIs"]
    last = range_boundaries(sheet.print_area.partition("!")[2] or sheet.print_area)[2]
    above = [cell.value for cell in sheet[1]][:last]
    assert above[-1] == "Blank because" and {"Metric", "Value", "Change", "Months"} <= {*above}
    assert sum(7 * width + 5 for width in widths()[:last]) <= PAGE
    assert (sheet.page_setup.fitToWidth or 1, sheet.page_setup.fitToHeight) == (1, 0)
    for row in sheet.iter_rows(min_row=2):
        longest = max(len(str(row[place].value or "")) / 40 for place in (0, last - 1))
        assert (sheet.row_dimensions[row[0].row].height or 15) >= 15 * longest


def test_charts_are_told_in_words(release: Release, tmp_path: Path) -> None:
    path = write_workbook(in_full(months_of()), release, tmp_path / "charts.xlsx")
    with zipfile.ZipFile(path) as book:
        drawings = "".join(book.read(one).decode() for one in book.namelist() if "drawings/drawing" in one)
    told = re.findall(r'<xdr:cNvPr id="\d+" name="Chart \d+" descr="([^"]*)"', drawings)
    assert len(told) == drawings.count("<xdr:graphicFrame ") > 0
    assert all(re.fullmatch(r"Chart of .+\. The sheet \w+ has every number\.", one) for one in told)
    assert any(one.startswith("Chart of Visits by month") for one in told)


def test_the_dictionary_holds_every_declared_column(frames: Frames, release: Release, tmp_path: Path) -> None:
    book = read(frames, release, tmp_path)
    rows = list(book["Dictionary"].iter_rows(min_row=2, values_only=True))
    assert len(rows) == sum(len(next(iter(book[name].tables.values())).column_names) for name in book.sheetnames[3:-1])
    assert (
        "provider_summary",
        METRICS["stays"].title,
        "stays",
        None,
        "count",
        "Inpatient stays referred",
        None,
        None,
    ) in rows


@pytest.mark.parametrize("table", ["provider_summary", "network_by_month"])
def test_the_dictionary_explains_a_metric_as_the_registry_does(
    table: str, frames: Frames, release: Release, tmp_path: Path
) -> None:
    rows = list(read(frames, release, tmp_path)["Dictionary"].iter_rows(min_row=2, values_only=True))
    metric = METRICS["denial_rate"]
    formula = "Claims denied / Visits rendered: sum(denied_claims) / sum(visits) of provider_monthly"
    words = (metric.title, "ratio", metric.definition, formula, metric.source)
    assert (table, metric.title.partition(" (")[0], "denial_rate", *words) in rows


def kpi_rows(sheet: Any) -> dict[str, dict[str, Any]]:
    """Cells of the KPI sheet by metric and column."""
    names = [cell.value for cell in sheet[1]]
    rows = [dict(zip(names, row, strict=True)) for row in sheet.iter_rows(min_row=2)]
    return {row["Metric id"].value: row for row in rows}


def test_kpis_are_network_numbers(frames: Frames, release: Release, tmp_path: Path) -> None:
    sheet = read(frames, release, tmp_path)["KPIs"]
    rows = kpi_rows(sheet)
    rate, visits = rows["denial_rate"], rows["visits"]
    assert (rate["Value"].value, rate["Value"].number_format) == (0.1, "0.0%")
    assert (rate["Numerator"].value, rate["Denominator"].value, rate["Cases"].value) == (160, 1600, 1600)
    assert (visits["Value"].value, visits["Value"].number_format) == (1600, "#,##0")
    assert rate["Blank because"].value is None
    assert rate["Sheet"].hyperlink.location == "'network_by_month'!A1"
    assert rows["net_days_in_ar"]["Value"].value is None
    assert rows["net_days_in_ar"]["Blank because"].value == METRICS["net_days_in_ar"].missing
    assert next(iter(rows)) == "denial_rate"
    assert "kpis" in sheet.tables


def months_of(**columns: Any) -> Frames:
    """A release of four months, the last one not over, the one before not mature."""
    months = [date(2026, 8, 1), date(2026, 9, 1), date(2026, 10, 1), date(2026, 11, 1)]
    monthly = rows_of(
        GOLD["provider_monthly"],
        4,
        **{
            "provider_id": "P001",
            "month": months,
            "service_line": "lung",
            "visits": [400, 440, 400, 200],
            "claims": [400, 440, 400, 200],
            "paid_claims": [300, 352, 200, 50],
            "denied_claims": [100, 88, 40, 50],
            "pending_claims": [0, 0, 160, 100],
            **columns,
        },
    )
    maturity = rows_of(
        GOLD["claims_maturity"],
        4,
        month=months,
        as_of=date(2026, 11, 22),
        age=3,
        provisional=[False, False, True, True],
    )
    return release_of(providers(2)) | {"provider_monthly": monthly, "claims_maturity": maturity}


def test_a_value_and_the_one_before_are_of_the_same_months_that_stay(release: Release, tmp_path: Path) -> None:
    rows = kpi_rows(read(months_of(), release, tmp_path)["KPIs"])
    told = ("Months", "Value", "Before", "Change", "Relative change", "Better or worse", "Still moving")
    # Three months are over, so that one of them has one like it before.
    visits = [rows["visits"][name].value for name in told]
    assert visits == ["Oct 2026", 400, 440, -40, pytest.approx(-40 / 440), "worse", None]
    denials = [rows["remittance_denial_rate"][name].value for name in told]
    assert denials == ["Oct 2026, still moving", pytest.approx(40 / 240), None, None, None, None, None]
    assert rows["remittance_denial_rate"]["Change"].number_format == "General"
    assert rows["visits"]["Change"].number_format == "▲ #,##0;▼ #,##0;#,##0"
    assert [rows["win_rate"][name].value for name in told] == [None] * 7


def test_history_is_drawn_beside_the_numbers_and_hatched_where_it_moves(release: Release, tmp_path: Path) -> None:
    path = write_workbook(publication(months_of()), release, tmp_path / "carti_lake.xlsx")
    book = openpyxl.load_workbook(path)
    history = book["kpis_by_month"]
    names = list(cells(history))
    assert [row[1].value for row in history.iter_rows(min_row=2)] == [False, False, True, True]
    rate = names.index("remittance_denial_rate")
    assert [row[rate].value for row in history.iter_rows(min_row=2)] == pytest.approx([0.25, 0.2, 40 / 240, 0.5])
    assert [row[1].value for row in book["network_by_month"].iter_rows(min_row=2)] == [False, False, True, True]
    with zipfile.ZipFile(path) as parts:
        kpis, by_month = (parts.read(f"xl/worksheets/sheet{number}.xml").decode() for number in (2, 4))
    letter = get_column_letter(names.index("visits") + 1)
    assert f"<xm:f>kpis_by_month!{letter}2:{letter}5</xm:f>" in kpis
    assert "$B2=TRUE" in by_month


def test_what_becomes_of_referrals_stands_apart_until_they_have_come_to_an_end(
    release: Release, tmp_path: Path
) -> None:
    months = pl.date_range(date(2026, 3, 1), date(2026, 11, 1), "1mo", eager=True).to_list()
    ends = [70, 70, 70, 70, 70, 70, 70, 40, 20]
    leaks = {"referrals_made_lost": 15, "referrals_made_out_of_network": 15, "referrals_completed": ends}
    monthly = rows_of(
        GOLD["provider_monthly"],
        9,
        provider_id="P001",
        month=months,
        service_line="lung",
        referrals_made=100,
        referrals_received=100,
        visits=100,
        **leaks,
    )
    book = read(release_of(providers(2)) | {"provider_monthly": monthly}, release, tmp_path)
    row = kpi_rows(book["KPIs"])["leakage_rate"]
    # Of the quarter to October, the last month that is over, October's referrals are open.
    assert (row["Months"].value, row["Months that still move"].value) == ("Aug 2026 \N{EN DASH} Sep 2026", "Oct 2026")
    assert row["Value"].value == pytest.approx(0.3)
    assert row["Before"].value == pytest.approx(0.3)
    assert row["Still moving"].value == pytest.approx(0.3)
    assert kpi_rows(book["KPIs"])["referrals_made"]["Months"].value == "Aug 2026 \N{EN DASH} Oct 2026"


def test_charts_are_bound_to_the_sheets_and_carry_their_numbers(release: Release, tmp_path: Path) -> None:
    path = write_workbook(publication(months_of()), release, tmp_path / "carti_lake.xlsx")
    with zipfile.ZipFile(path) as parts:
        charts = [parts.read(name).decode() for name in sorted(parts.namelist()) if name.startswith("xl/charts/chart")]
    # No referral leaks: a chart of nothing is not drawn.
    assert len(charts) == 3
    visits, rates, *_ = charts
    assert re.findall("<c:f>(.*?)</c:f>", visits)[0] == "kpis_by_month!$A$2:$A$5"
    assert [float(value) for value in re.findall("<c:v>(.*?)</c:v>", visits)[-4:]] == [400, 440, 400, 200]
    assert (visits.count("<a:pattFill"), rates.count("<a:pattFill")) == (1, 2)
    assert "hatched: provisional" in visits
    book = openpyxl.load_workbook(path)
    for chart in charts:
        for sheet, cells in re.findall("<c:f>(.*?)!(.*?)</c:f>", chart):
            first, last = (cells.replace("$", "").split(":") * 2)[:2]
            assert any(cell.value is not None for row in book[sheet][f"{first}:{last}"] for cell in row)


def test_bars_are_named_in_words_the_largest_first_each_of_them(release: Release, tmp_path: Path) -> None:
    rows = pl.DataFrame(
        {
            "payer": ["blue_cross", "self_pay", "medicare_advantage", "none_yet", "mistyped"],
            "claims": [30, None, 90, 0, 3],
        }
    ).with_columns(paid_claims="claims", denied_claims=0, pending_claims=0)
    ranked = rankings({"network_by_payer": rows})["payers_ranked"]
    assert ranked["payer_name"].to_list() == ["Medicare Advantage", "Blue Cross", "Self-pay"]
    assert ranked["payer"].to_list() == ["medicare_advantage", "blue_cross", "self_pay"]
    path = write_workbook(in_full(release_of(providers(8))), release, tmp_path / "carti_lake.xlsx")
    with zipfile.ZipFile(path) as parts:
        charts = [parts.read(name).decode() for name in parts.namelist() if name.startswith("xl/charts/chart")]
    bars = [one for one in charts if '<c:barDir val="bar"/>' in one]
    assert bars
    assert all('<c:tickLblSkip val="1"/>' in one for one in bars)


def test_every_column_of_every_sheet_is_explained(release: Release, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(
        write_workbook(in_full(release_of(providers(8))), release, tmp_path / "carti_lake.xlsx")
    )
    rows = list(book["Dictionary"].iter_rows(min_row=2, values_only=True))
    assert [row[:3] for row in rows if not row[5]] == []
    said = {(row[0], row[2]): row[5] for row in rows}
    assert said["providers_ranked", "provider_id"] == said["provider_summary", "provider_id"]


def test_text_is_never_evaluated(release: Release, tmp_path: Path) -> None:
    texts = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", "\r=1+1", "{=1+1}", "http://x.org", "12"]
    summary = providers(len(texts), provider_name=texts)
    path = write_workbook(publication(release_of(summary)), release, tmp_path / "carti_lake.xlsx")
    sheet = openpyxl.load_workbook(path)["provider_summary"]
    column = cells(sheet)["provider_name"].column
    for text, row in zip(texts, sheet.iter_rows(min_row=2, min_col=column, max_col=column), strict=True):
        assert (row[0].data_type, row[0].number_format) == ("s", "@")
        assert row[0].value.replace("_x000D_", "\r") == text
    with zipfile.ZipFile(path) as parts:
        sheets = [parts.read(name) for name in parts.namelist() if name.startswith("xl/worksheets/sheet")]
        assert not [sheet for sheet in sheets if b"<f>" in sheet or b"<f " in sheet]
        assert "xl/externalLinks" not in " ".join(parts.namelist())


def test_what_is_too_small_is_blank(release: Release, tmp_path: Path) -> None:
    frames = release_of(providers(3, total_patients=[3, 0, 50]))
    monthly = frames["provider_monthly"].with_columns(appointments=pl.Series([10, 0, 50]), no_shows=pl.lit(0))
    book = read(frames | {"provider_monthly": monthly}, release, tmp_path)
    summary = pl.DataFrame(
        list(book["provider_summary"].values)[1:], schema=list(cells(book["provider_summary"])), orient="row"
    )
    assert summary["total_patients"].to_list() == [None, 0, 50]
    # 50 would give 10 away: the network's 60 stands among the KPIs.
    assert summary["appointments"].to_list() == [None, 0, None]


def test_full_counts_say_so(release: Release, tmp_path: Path) -> None:
    published = in_full(release_of(providers(3, total_patients=[3, 0, 50])))
    book = openpyxl.load_workbook(write_workbook(published, release, tmp_path / "carti_lake.xlsx"))
    assert "FULL COUNTS" in texts(book["Cover"])
    assert cells(book["provider_summary"])["total_patients"].value == 3
    assert "provider_monthly" in book.sheetnames
    assert "risk_scores" not in book.sheetnames


def test_the_same_release_gives_the_same_bytes(frames: Frames, release: Release, tmp_path: Path) -> None:
    once = write_workbook(publication(frames), release, tmp_path / "once.xlsx")
    shuffled = {name: frame.reverse() for name, frame in reversed(frames.items())}
    assert once.read_bytes() == write_workbook(publication(shuffled), release, tmp_path / "twice.xlsx").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["once.xlsx", "twice.xlsx"]


def test_numbers_that_excel_has_no_cell_for_are_blank(release: Release, tmp_path: Path) -> None:
    sheet = read(release_of(providers(3, roi=[float("nan"), float("inf"), 2.0])), release, tmp_path)["provider_summary"]
    column = cells(sheet)["roi"].column
    assert [sheet.cell(row, column).value for row in (2, 3, 4)] == [None, None, 2]


def test_a_date_before_excels_first_is_blank(frames: Frames, release: Release, tmp_path: Path) -> None:
    months = [date(1850, 1, 1), date(1900, 1, 1)]
    monthly = frames["provider_monthly"].head(2).with_columns(month=pl.Series(months))
    sheet = read(frames | {"provider_monthly": monthly}, release, tmp_path)["network_by_month"]
    assert [sheet.cell(row, 1).value for row in (2, 3)] == [None, datetime(1900, 1, 1)]


def test_a_failed_write_leaves_the_last_workbook(
    frames: Frames, release: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_workbook(publication(frames), release, tmp_path / "published" / "carti_lake.xlsx")
    before = path.read_bytes()
    monkeypatch.delattr(book, "add_dictionary")
    with pytest.raises(NameError):
        write_workbook(publication(frames), release, path)
    assert [file.read_bytes() for file in path.parent.iterdir()] == [before]


def test_a_table_that_would_make_the_workbook_slow_stays_out_and_the_cover_says_where_it_is(
    frames: Frames, release: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = read(frames, release, tmp_path)
    cells_of = {name: (whole[name].max_row - 1) * whole[name].max_column for name in whole.sheetnames[3:-1]}
    monkeypatch.setattr(sheets, "MOST_CELLS", cells_of["provider_summary"] - 1)
    made = read(frames, release, tmp_path)
    left_out = {name for name, size in cells_of.items() if size >= cells_of["provider_summary"]}
    assert made.sheetnames == [name for name in whole.sheetnames if name not in left_out]
    said = {row[0]: row[1] for row in made["Cover"].iter_rows(values_only=True) if row[0]}
    assert said["provider_summary"].startswith("No sheet: its 8 rows of ")
    assert said["provider_summary"].endswith("--format parquet -o provider_summary.parquet.")
    # What is made of it is there all the same.
    assert texts(made["providers_ranked"]) == texts(whole["providers_ranked"])


def test_a_text_longer_than_a_cell_is_refused_and_not_cut(release: Release, tmp_path: Path) -> None:
    with pytest.raises(
        WorkbookError, match="provider_summary has 40,000 letters in specialty; an Excel cell holds 32,767"
    ):
        write_workbook(
            publication(release_of(providers(3, specialty="x" * 40_000))), release, tmp_path / "carti_lake.xlsx"
        )


def test_the_seeds_numbers_stand_in_it(seed_summary: pl.DataFrame, release: Release, tmp_path: Path) -> None:
    book = read(release_of(seed_summary), release, tmp_path)
    first = cells(book["provider_summary"])
    assert first["provider_name"].value == "Dr. Brown"
    assert first["total_claim_amount"].value == pytest.approx(9720099.786479788, abs=1e-4)
    assert first["roi"].value == pytest.approx(24.760792212151728)


#: What spreadsheets take for a formula, or XML for markup.
NASTY = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "=cmd|' /C calc'!A0",
    "<b>&amp;",
    "_x0041_",
    " a  b ",
    "Łódź 漢",
)


@pytest.fixture(scope="module")
def nasty(tmp_path_factory: pytest.TempPathFactory) -> tuple[Frames, Path]:
    """Published rows with awkward names and numbers, and the workbook of them, with full counts."""
    count = len(NASTY)
    numbers = [0.1 + 0.2, 1 / 3, 1e-9, 1e15, -2.5, 0.0, 123456.789, 1.0, 7e-5, 2.0, 3.0]
    summary = providers(count, provider_name=list(NASTY), roi=numbers, deals_value=[n + 0.0001 for n in range(count)])
    published = in_full(release_of(summary) | {"claims_maturity": months_of()["claims_maturity"]})
    at = datetime(2026, 11, 23, tzinfo=UTC)
    release = Release(12, at, date(2026, 11, 22), {}, {}, (), (), (), False)
    path = write_workbook(published, release, tmp_path_factory.mktemp("nasty") / "carti_lake.xlsx")
    return sheets.sheets(published.tables, release.data_as_of), path


def assert_holds(book: Any, tables: Frames, escaped: str = "_x([0-9A-F]{4})_") -> None:
    """Every cell of every table is what Polars has."""
    assert sum(frame.height for frame in tables.values()) >= 42
    for name, frame in tables.items():
        if frame.is_empty():
            assert name not in book.sheetnames
            continue
        rows = [tuple(row) for row in book[name].iter_rows(min_row=2, max_row=frame.height + 1, values_only=True)]
        assert [cell.value for cell in book[name][1]] == list(headers(frame).values())
        for place, column in enumerate(frame.columns):
            read = [row[place] for row in rows[: frame.height]]
            wanted = frame[column].to_list()
            if frame.schema[column] == pl.Date:
                read = [value and value.date() for value in read]
            elif frame.schema[column] == pl.String:
                read = [value and re.sub(escaped, lambda code: chr(int(code[1], 16)), value) for value in read]
            assert read == [float(value) if isinstance(value, Decimal) else value for value in wanted], (name, column)


def test_every_cell_reads_back_as_polars_has_it(nasty: tuple[Frames, Path]) -> None:
    tables, path = nasty
    assert_holds(openpyxl.load_workbook(path), tables)


def converted(path: Path, folder: Path, ending: str) -> Path:
    """The file as LibreOffice opens it and writes it again."""
    if shutil.which("soffice") is None:
        pytest.skip("soffice is not installed")
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    command = ["soffice", profile, "--headless", "--convert-to", ending, "--outdir", str(folder), str(path)]
    subprocess.run(command, check=True, timeout=120, capture_output=True)
    return folder / f"{path.stem}.{ending}"


@pytest.mark.slow
def test_libreoffice_reads_every_cell_as_polars_has_it(nasty: tuple[Frames, Path], tmp_path: Path) -> None:
    tables, path = nasty
    opened = converted(path, tmp_path, "xlsx")
    again = openpyxl.load_workbook(opened)
    # Of 17 digits it keeps 15, as Excel shows them.
    rounded = {name: frame.with_columns(cs.float().round_sig_figs(15)) for name, frame in tables.items()}
    for row in again["provider_summary"].iter_rows(min_row=2):
        assert all(cell.data_type != "f" for cell in row)
    # It writes TRUE as a formula, and text like an escape as it is.
    assert_holds(openpyxl.load_workbook(opened, data_only=True), rounded, "_x(000D)_")
    assert set(again["provider_summary"].tables) == {"provider_summary"}
    assert len(again["Charts"]._charts) >= 2
    with zipfile.ZipFile(opened) as parts:
        assert b"kpis_by_month" in parts.read("xl/worksheets/sheet2.xml").partition(b"sparklineGroup")[2]


@pytest.mark.slow
def test_libreoffice_prints_it(frames: Frames, release: Release, tmp_path: Path) -> None:
    path = write_workbook(publication(frames), release, tmp_path / "carti_lake.xlsx")
    assert converted(path, tmp_path, "pdf").stat().st_size > 10_000


def test_of_a_long_table_a_first_part_is_printed_and_the_page_says_so(
    frames: Frames, release: Release, tmp_path: Path
) -> None:
    rows = frames["provider_monthly"].head(1)
    months = [date(2000, 1, 1).replace(year=2000 + place // 12, month=place % 12 + 1) for place in range(200)]
    many = pl.concat([rows.with_columns(month=pl.lit(month)) for month in months])
    path = write_workbook(in_full(frames | {"provider_monthly": many}), release, tmp_path / "carti_lake.xlsx")
    book = openpyxl.load_workbook(path)
    sheet = book["provider_monthly"]
    last = re.fullmatch(r"'?provider_monthly'?!\$A\$1:\$([A-Z]+)\$(\d+)", sheet.print_area)
    assert last is not None and int(last[2]) == MOST_PRINTED + 1 < sheet.max_row
    assert sheet.oddHeader.right.text.startswith(f"Printed: the first {MOST_PRINTED} of 200 rows")
    assert (sheet.page_setup.fitToWidth or 1, sheet.page_setup.fitToHeight) == (1, 0)
    assert sheet.print_title_rows == "$1:$1"
    assert not book["provider_summary"].print_area
