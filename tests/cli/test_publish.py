"""``publish`` and ``powerbi``."""

import json
import re
from pathlib import Path

import polars as pl
from deltalake import write_deltalake

from carti_lake.outlets.published.publish import ALIKE

from .conftest import Type


def test_publishing_for_the_public_says_what_stays_inside(carti_lake: Type, here: Path) -> None:
    ended = carti_lake("publish", "--for", "public")
    assert ended.code == 0
    assert "they stay inside" in ended.out
    assert "carti-lake powerbi --for public" in ended.out
    assert "carti-lake audience set inside --why REASON" in ended.out
    manifest = json.loads(Path("lake/published/tables/_manifest.json").read_text("utf-8"))
    assert "provider_monthly" not in manifest["tables"]
    assert "network_by_month" in manifest["tables"]


def test_the_project_for_the_public_reads_what_is_published_for_it(carti_lake: Type, here: Path) -> None:
    said = json.loads(carti_lake("publish", "--for", "public", "--json").out)
    assert json.loads(carti_lake("powerbi", "--for", "public", "--json").out)["for"] == "public"
    read = {
        name
        for path in Path("lake/published/powerbi").rglob("tables/*.tmdl")
        for name in re.findall(r'PublishedTable\("(\w+)"\)', path.read_text("utf-8"))
    }
    assert read <= {*said["tables"]}
    assert {"network", "network_by_month", "network_by_provider", "dim_date"} <= read
    assert carti_lake("audience", "set", "public", "--why", "a test").code == 0
    assert json.loads(carti_lake("powerbi", "--json").out)["for"] == "public"


def test_the_whole_star_needs_a_reason_which_is_on_record(carti_lake: Type, here: Path) -> None:
    assert carti_lake("audience", "set", "public", "--why", "a test").code == 0
    assert carti_lake("publish", "-o", "star", "--full-counts", " ").code == 1
    assert "nobody has declared" in carti_lake("publish", "-o", "star", "--for", "inside").err
    assert not Path("star").exists()
    said = json.loads(carti_lake("publish", "-o", "star", "--full-counts", "for Power BI", "--json").out)
    file = Path("star/sets") / said["set"] / said["tables"]["provider_monthly"]["file"]
    assert pl.read_parquet(file)["release"].unique().to_list() == [said["release"]]
    newest = json.loads(carti_lake("disclosures", "--json").out)[0]
    assert (newest["outlet"], newest["reason"]) == ("publish", "for Power BI")


def test_viewers_whom_power_bi_takes_for_one_are_not_in_its_role(carti_lake: Type, here: Path) -> None:
    for viewer in ("ann@example.org", "bob@example.org", "eve@example.org"):
        carti_lake("access", "grant", viewer, "--all-providers", "--exact", "--why", "leads")
    # As an earlier version let it be granted.
    rows = pl.read_delta("lake/access").with_columns(pl.col("viewer").replace("eve@example.org", "Ann@Example.org"))
    write_deltalake("lake/access", rows.to_arrow(), mode="overwrite")
    ended = carti_lake("publish", "-o", "star", "--full-counts", "for Power BI")
    assert "lists none of Ann@Example.org, ann@example.org" in ended.out
    said = json.loads(carti_lake("publish", "-o", "star", "--full-counts", "for Power BI", "--json").out)
    assert said["not_in_role"] == ["Ann@Example.org", "ann@example.org"]
    assert ALIKE in said["notes"]
    listed = pl.read_parquet(Path("star/sets") / said["set"] / "security_map.parquet")
    assert set(listed["user_principal_name"]) == {"bob@example.org"}
    assert carti_lake("access", "revoke", "Ann@Example.org", "--why", "one person").code == 0
    said = json.loads(carti_lake("publish", "-o", "star", "--full-counts", "for Power BI", "--json").out)
    listed = pl.read_parquet(Path("star/sets") / said["set"] / "security_map.parquet")
    assert set(listed["user_principal_name"]) == {"ann@example.org", "bob@example.org"}
    assert (said["not_in_role"], ALIKE in said["notes"]) == ([], False)


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
