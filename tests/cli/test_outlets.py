"""``charts`` and ``workbook``."""

import json
from pathlib import Path

from .conftest import Type


def test_charts_go_where_they_are_told(carti_lake: Type, here: Path) -> None:
    ended = carti_lake("charts", "-o", "pictures", "--json")
    files = json.loads(ended.out)["files"]
    assert "pictures/roi_by_provider.png" in files
    assert all(Path(file).is_file() for file in files)


def test_outlets_of_a_chosen_release_do_not_replace_the_latest(carti_lake: Type, here: Path) -> None:
    latest = Path("lake/published/workbook.xlsx").read_bytes()
    ended = carti_lake("workbook", "--release", "february-close")
    assert "lake/published/workbook-release-february-close.xlsx" in ended.out
    assert Path("lake/published/workbook.xlsx").read_bytes() == latest


def test_a_workbook_takes_a_folder_or_a_file(carti_lake: Type, here: Path) -> None:
    assert carti_lake("workbook", "-o", "board").code == carti_lake("workbook", "-o", "board/march.xlsx").code == 0
    assert {path.name for path in Path("board").iterdir()} == {"workbook.xlsx", "march.xlsx"}


def test_an_object_store_takes_outlets(carti_lake: Type, here: Path, s3: dict[str, str], s3_uri: str) -> None:
    options = [word for name, value in s3.items() for word in ("--storage-option", f"{name}={value}")]
    assert carti_lake("workbook", "-o", f"{s3_uri}/board.xlsx", *options).code == 0
    assert carti_lake("query", "SELECT * FROM provider_summary", "-o", f"{s3_uri}/all.parquet", *options).code == 0

    import polars as pl

    assert pl.read_parquet(f"{s3_uri}/all.parquet", storage_options=s3).height > 0
