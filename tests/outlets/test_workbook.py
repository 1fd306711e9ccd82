"""The workbook reads back as it was declared, evaluates nothing, and is the same file each time."""

import shutil
import subprocess
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest

from carti_lake.disclosure import in_full, publication
from carti_lake.metrics import METRICS
from carti_lake.outlets import workbook
from carti_lake.outlets.workbook import WorkbookError, write_workbook
from carti_lake.release import Release
from carti_lake.tables.gold import GOLD

from .conftest import providers, release_of

Frames = dict[str, pl.DataFrame]


def read(frames: Frames, release: Release, folder: Path) -> Any:
    return openpyxl.load_workbook(write_workbook(publication(frames), release, folder / "carti_lake.xlsx"))


def texts(sheet: Any) -> str:
    return "\n".join(str(value) for row in sheet.iter_rows(values_only=True) for value in row if value is not None)


def cells(sheet: Any) -> dict[str, Any]:
    """Cells of the first row below the header, by column name."""
    return {header.value: cell for header, cell in zip(sheet[1], sheet[2], strict=True)}


def test_one_sheet_a_table_between_cover_and_dictionary(frames: Frames, release: Release, tmp_path: Path) -> None:
    book = read(frames, release, tmp_path)
    axes = ["provider_summary", "network_by_month", "network_by_service_line", "network_by_payer"]
    plain = [
        "marketing_roi",
        "forecasts",
        "opportunity_predictions",
        "opportunity_scores",
        "model_metrics",
        "dim_provider",
        "dim_date",
        "dim_service_line",
    ]
    assert book.sheetnames == ["Cover", "KPIs", *axes, *plain, "Dictionary"]
    for name in book.sheetnames[2:-1]:
        (table,) = book[name].tables.values()
        assert table.displayName == name
        assert name in axes[1:] or table.column_names == list(GOLD[name].columns())
        assert book[name].freeze_panes is not None
    assert book["provider_summary"].tables["provider_summary"].ref.endswith("9")


def test_the_cover_says_what_it_is(frames: Frames, release: Release, tmp_path: Path) -> None:
    cover = texts(read(frames, release, tmp_path)["Cover"])
    for words in (
        "2026-11-23 06:30 UTC",
        "2026-11-22",
        "passed: keys; failed and accepted by a person: drift: payments moved by 40 %",
        "rates on fewer than 11 cases",
        "do not use",
        "single ones: claims_activity, claims_aged, claims_lag,",
        "reconciliation, referral_days, referral_flow, referral_revenue, risk_scores.",
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


def test_the_dictionary_holds_every_declared_column(frames: Frames, release: Release, tmp_path: Path) -> None:
    book = read(frames, release, tmp_path)
    rows = list(book["Dictionary"].iter_rows(min_row=2, values_only=True))
    assert len(rows) == sum(book[name].max_column for name in book.sheetnames[2:-1])
    assert ("provider_summary", "stays", None, "count", "Inpatient stays referred", None, None) in rows


@pytest.mark.parametrize("table", ["provider_summary", "network_by_month"])
def test_the_dictionary_explains_a_metric_as_the_registry_does(
    table: str, frames: Frames, release: Release, tmp_path: Path
) -> None:
    rows = list(read(frames, release, tmp_path)["Dictionary"].iter_rows(min_row=2, values_only=True))
    metric = METRICS["denial_rate"]
    formula = "Claims denied / Visits rendered: sum(denied_claims) / sum(visits) of provider_monthly"
    words = (metric.title, "ratio", metric.definition, formula, metric.source)
    assert (table, "denial_rate", *words) in rows


def test_kpis_are_network_numbers(frames: Frames, release: Release, tmp_path: Path) -> None:
    sheet = read(frames, release, tmp_path)["KPIs"]
    rows = {row[0].value: row for row in sheet.iter_rows(min_row=2)}
    assert rows["denial_rate"][2].value == 0.1
    assert rows["denial_rate"][2].number_format == "0.0%"
    assert (rows["denial_rate"][3].value, rows["denial_rate"][4].value) == (160, 1600)
    assert (rows["visits"][2].value, rows["visits"][2].number_format) == (1600, "#,##0")
    assert (rows["denial_rate"][5].value, rows["denial_rate"][9].value) == (1600, None)
    assert rows["net_days_in_ar"][2].value is None
    assert rows["net_days_in_ar"][9].value == METRICS["net_days_in_ar"].missing
    assert "kpis" in sheet.tables


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", "\r=1+1", "{=1+1}", "http://x.org", "12"])
def test_text_is_never_evaluated(text: str, release: Release, tmp_path: Path) -> None:
    path = write_workbook(
        publication(release_of(providers(3, provider_name=text))), release, tmp_path / "carti_lake.xlsx"
    )
    cell = cells(openpyxl.load_workbook(path)["provider_summary"])["provider_name"]
    assert cell.data_type == "s"
    assert cell.number_format == "@"
    assert cell.value.replace("_x000D_", "\r") == text
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
    monkeypatch.delattr(workbook, "_dictionary")
    with pytest.raises(NameError):
        write_workbook(publication(frames), release, path)
    assert [file.read_bytes() for file in path.parent.iterdir()] == [before]


def test_too_many_rows_name_the_way_out(
    frames: Frames, release: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "MOST_ROWS", 7)
    with pytest.raises(
        WorkbookError, match=r"provider_summary has 8 rows; .*--format parquet -o provider_summary.parquet"
    ):
        write_workbook(publication(frames), release, tmp_path / "carti_lake.xlsx")
    assert not list(tmp_path.iterdir())


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


if shutil.which("soffice"):

    def test_libreoffice_opens_it(frames: Frames, release: Release, tmp_path: Path) -> None:
        path = write_workbook(publication(frames), release, tmp_path / "carti_lake.xlsx")
        command = ["soffice", "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path), str(path)]
        subprocess.run(command, check=True, timeout=120)
        assert (tmp_path / "carti_lake.pdf").stat().st_size > 10_000
