"""``publish`` and ``powerbi``."""

import json
from pathlib import Path

import polars as pl

from .conftest import Type


def test_publishing_says_what_full_counts_would_add(carti_lake: Type, here: Path) -> None:
    ended = carti_lake("publish")
    assert ended.code == 0
    assert "without full counts they stay inside" in ended.out
    assert "carti-lake publish --full-counts REASON" in ended.out
    manifest = json.loads(Path("lake/published/tables/_manifest.json").read_text("utf-8"))
    assert "provider_monthly" not in manifest["tables"]
    assert "network_by_month" in manifest["tables"]


def test_the_whole_star_needs_a_reason_which_is_on_record(carti_lake: Type, here: Path) -> None:
    assert carti_lake("publish", "-o", "star", "--full-counts", " ").code == 1
    assert not Path("star").exists()
    said = json.loads(carti_lake("publish", "-o", "star", "--full-counts", "for Power BI", "--json").out)
    file = Path("star/sets") / said["set"] / said["tables"]["provider_monthly"]["file"]
    assert pl.read_parquet(file)["release"].unique().to_list() == [said["release"]]
    newest = json.loads(carti_lake("disclosures", "--json").out)[0]
    assert (newest["outlet"], newest["reason"]) == ("publish", "for Power BI")


def test_a_locked_release_is_published_to_a_folder_of_its_own_and_the_same_again(carti_lake: Type, here: Path) -> None:
    carti_lake("publish")
    latest = Path("lake/published/tables/_manifest.json").read_bytes()
    first = json.loads(carti_lake("publish", "--release", "february-close", "--json").out)
    again = json.loads(carti_lake("publish", "--release", "february-close", "--json").out)
    assert first == again
    assert first["folder"].endswith("published/tables-release-february-close")
    assert Path("lake/published/tables/_manifest.json").read_bytes() == latest


def test_the_project_says_how_to_go_on(carti_lake: Type, here: Path) -> None:
    ended = carti_lake("powerbi", "--data", r"\\server\lake\tables")
    assert ended.code == 0
    assert "set LakeFolder to the folder of the tables" in ended.out
    assert Path("lake/published/powerbi/CartiLake.pbip").is_file()
    model = Path("lake/published/powerbi/CartiLake.SemanticModel/definition/expressions.tmdl").read_text("utf-8")
    assert r"\\server\lake\tables" in model


def test_an_object_store_takes_the_project(carti_lake: Type, here: Path, s3: dict[str, str], s3_uri: str) -> None:
    options = [word for name, value in s3.items() for word in ("--storage-option", f"{name}={value}")]
    said = json.loads(carti_lake("powerbi", "-o", f"{s3_uri}/powerbi", "--json", *options).out)
    assert said["project"] == f"{s3_uri}/powerbi/CartiLake.pbip"
    assert said["files"] > 80
