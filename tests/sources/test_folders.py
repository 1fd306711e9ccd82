import json
from datetime import date

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from carti_lake.pipeline.bronze import bronze
from carti_lake.sources.extract import ExtractError
from carti_lake.sources.files import open_paths
from carti_lake.tables.feeds import EhrVisits

from .test_files import VISITS, loaded, opened, records, refused, written


def visits(*paths):
    extracts = list(open_paths(paths, EhrVisits))
    return pl.concat(bronze(one.rows, EhrVisits).collect() for one in extracts), extracts


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_folders_that_name_columns(tmp_path, kind):
    for folder in [
        "service_line=oncology",
        "service_line=radiation%20oncology",
        "service_line=__HIVE_DEFAULT_PARTITION__",
    ]:
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / f"part-0.{kind}"
        records().write_parquet(path) if kind == "parquet" else path.write_text(VISITS)
    rows, extracts = visits(tmp_path)
    lines = dict.fromkeys(zip(rows["patient_id"], rows["service_line"], strict=True))
    assert set(lines) == {
        (patient, line) for patient in ("P1", "P2") for line in ("oncology", "radiation oncology", None)
    }
    assert len({one.content_hash for one in extracts}) == 3
    assert all("from its folders: service_line" in one.notes for one in extracts)


def test_a_required_column_may_come_from_the_folders(tmp_path):
    (tmp_path / "Visit-Date=2026-03-01" / "region=South").mkdir(parents=True)
    path = tmp_path / "Visit-Date=2026-03-01" / "region=South" / "part-0.parquet"
    records().drop("visit_date").write_parquet(path)
    rows, (extract,) = visits(path)
    assert rows["visit_date"].to_list() == [date(2026, 3, 1)] * 2
    assert extract.notes == ("from its folders: visit_date", "named by its folders, but no column: region")


def test_what_the_file_says_itself_goes_before_its_folders(tmp_path):
    (tmp_path / "claim_status=Reversed").mkdir()
    path = written(tmp_path / "claim_status=Reversed" / "v.csv", VISITS)
    assert loaded(path)["claim_status"].to_list() == ["Paid", "Denied"]
    assert opened(path).notes == ("named by its folders, but taken from its own columns: claim_status",)


def test_a_folder_may_name_the_extract_date(tmp_path):
    (tmp_path / "extract_date=2026-03-31").mkdir()
    extract = opened(written(tmp_path / "extract_date=2026-03-31" / "v.csv", VISITS))
    assert (extract.extract_date, extract.notes) == (date(2026, 3, 31), ())


def test_a_folder_that_is_a_delta_table_is_its_current_version(tmp_path):
    folder = tmp_path / "in" / "visits"
    write_deltalake(folder, records(), partition_by=["claim_status"])
    DeltaTable(folder).delete("patient_id = 'P2'")
    for path in (folder, folder.parent):
        rows, (extract,) = visits(path)
        assert rows["patient_id"].to_list() == ["P1"]
        assert rows["claim_status"].to_list() == ["Paid"]
        assert extract.name == "visits"
    first = extract.content_hash
    write_deltalake(folder, records(), mode="append")
    assert visits(folder)[1][0].content_hash != first
    for part in (next(folder.rglob("*.parquet")), next(folder.rglob("*.parquet")).parent, f"{folder}/**/*.parquet"):
        with pytest.raises(ExtractError, match="is part of the Delta table visits"):
            visits(part)


def test_a_delta_table_that_its_reader_would_not_find_is_refused(tmp_path):
    write_deltalake(tmp_path / "in with blanks" / "visits", records())
    assert "visits: a Delta table below a folder with a blank" in refused(tmp_path / "in with blanks" / "visits")


def test_a_damaged_delta_table_is_told(tmp_path):
    (tmp_path / "visits" / "_delta_log").mkdir(parents=True)
    written(tmp_path / "visits" / "_delta_log" / f"{0:020}.json", json.dumps({"commitInfo": {}}))
    assert "visits: a Delta table that cannot be read" in refused(tmp_path / "visits")


@pytest.mark.parametrize(
    ("sign", "kind"), [(".hoodie/hoodie.properties", "Hudi"), ("metadata/v1.metadata.json", "Iceberg")]
)
def test_tables_of_other_kinds_are_refused(tmp_path, sign, kind):
    for file in (sign, "data/part-0.parquet"):
        (tmp_path / "visits" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "visits" / file).write_text("x")
    for path in (
        tmp_path,
        tmp_path / "visits",
        tmp_path / "visits" / "data",
        tmp_path / "visits" / "data" / "part-0.parquet",
    ):
        with pytest.raises(ExtractError, match=f"visits: an? {kind} table, .* Export its current rows"):
            visits(path)
