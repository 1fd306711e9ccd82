"""``charts``, ``workbook``, ``report``."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from .conftest import Type

pytestmark = pytest.mark.slow


def test_charts_go_where_they_are_told(carti_lake: Type, here: Path) -> None:
    ended = carti_lake("charts", "-o", "pictures", "--json")
    files = json.loads(ended.out)["files"]
    assert "pictures/roi_by_provider.png" in files
    assert all(Path(file).is_file() for file in files)
    assert {Path(file).suffix for file in files} == {".png", ".svg", ".json"}


def test_a_notebook_draws_what_the_command_writes(carti_lake: Type, here: Path) -> None:
    assert carti_lake("charts", "-o", "pictures").code == 0

    from carti_lake import Lake
    from carti_lake.outlets import charts

    for name in ("volume_trend", "claims_by_payer", "data_quality"):
        drawn = getattr(charts, name)(Lake("lake").at()).to_dict()
        assert drawn == json.loads(Path(f"pictures/{name}.json").read_text(encoding="utf-8"))
    full = charts.shown(Lake("lake").at(), full_counts="a test")
    assert "FULL COUNTS" in charts.denials_by_reason(full).to_json()


def test_outlets_of_a_chosen_release_do_not_replace_the_latest(carti_lake: Type, here: Path) -> None:
    latest = Path("lake/published/workbook.xlsx").read_bytes()
    ended = carti_lake("workbook", "--release", "february-close")
    assert "lake/published/workbook-release-february-close.xlsx" in ended.out
    assert Path("lake/published/workbook.xlsx").read_bytes() == latest


def test_a_workbook_takes_a_folder_or_a_file(carti_lake: Type, here: Path) -> None:
    assert carti_lake("workbook", "-o", "board").code == carti_lake("workbook", "-o", "board/march.xlsx").code == 0
    assert {path.name for path in Path("board").iterdir()} == {"workbook.xlsx", "march.xlsx"}


def test_a_board_pack_of_a_locked_release_is_made_again_to_the_byte(carti_lake: Type, here: Path) -> None:
    assert carti_lake("report", "--release", "february-close", "-o", "first.pdf").code == 0
    assert carti_lake("report", "--release", "february-close", "-o", "again").code == 0
    assert Path("first.pdf").read_bytes() == Path("again/report.pdf").read_bytes()
    # The newest is told against the one that is locked; for the public no causes are told.
    assert carti_lake("report").code == carti_lake("report", "--for", "public", "-o", "public.pdf").code == 0
    text = {file: words_of(file) for file in ("first.pdf", "lake/published/report.pdf", "public.pdf")}
    assert "No earlier release can be compared" in text["first.pdf"]
    assert "Since release 1 " in text["lake/published/report.pdf"] and "Late rows" in text["lake/published/report.pdf"]
    assert "Since release 1 " not in text["public.pdf"] and "For the public" in text["public.pdf"]
    assert json.loads(carti_lake("disclosures", "--json").out)[0]["outlet"] == "report"


def words_of(file: str) -> str:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed")
    return subprocess.run(["pdftotext", file, "-"], check=True, timeout=60, capture_output=True).stdout.decode("utf-8")


def test_an_object_store_takes_outlets(carti_lake: Type, here: Path, s3: dict[str, str], s3_uri: str) -> None:
    options = [word for name, value in s3.items() for word in ("--storage-option", f"{name}={value}")]
    assert carti_lake("workbook", "-o", f"{s3_uri}/board.xlsx", *options).code == 0
    assert carti_lake("query", "SELECT * FROM provider_summary", "-o", f"{s3_uri}/all.parquet", *options).code == 0

    import polars as pl

    assert pl.read_parquet(f"{s3_uri}/all.parquet", storage_options=s3).height > 0


def test_full_counts_are_recorded_with_who_asked_and_why(carti_lake: Type, here: Path) -> None:
    of_the_demo = json.loads(carti_lake("disclosures", "--json").out)
    assert {row["reason"] for row in of_the_demo} == {
        "for the audience inside: synthetic data: nobody can be recognised"
    }
    assert carti_lake("workbook", "-o", "full.xlsx", "--full-counts", "audit of small wards").code == 0
    assert carti_lake("charts", "-o", "pictures", "--full-counts", "audit of small wards").code == 0
    everything = json.loads(carti_lake("disclosures", "--json").out)
    disclosed = everything[: -len(of_the_demo)]
    assert [row["outlet"] for row in disclosed] == ["charts", "workbook"]
    assert {row["reason"] for row in disclosed} == {"audit of small wards"}
    assert "audit of small wards" in carti_lake("disclosures").out


def test_full_counts_without_a_reason_are_an_error_and_write_nothing(carti_lake: Type, here: Path) -> None:
    before = carti_lake("disclosures").out
    assert carti_lake("workbook", "-o", "full.xlsx", "--full-counts").code == 2
    ended = carti_lake("workbook", "-o", "full.xlsx", "--full-counts", " ")
    assert ended.code == 1
    assert "full counts need a reason" in ended.err
    assert not Path("full.xlsx").exists()
    assert carti_lake("disclosures").out == before


@pytest.mark.filterwarnings("ignore:Sparkline Group extension")
def test_the_release_that_readers_had_before_can_be_named(carti_lake: Type, here: Path) -> None:
    assert carti_lake("workbook", "-o", "march.xlsx", "--for", "public", "--after", "february-close").code == 0

    import openpyxl

    cover = [row[1] for row in openpyxl.load_workbook("march.xlsx")["Cover"].iter_rows(values_only=True)]
    assert any("since release 1," in str(text) for text in cover)
