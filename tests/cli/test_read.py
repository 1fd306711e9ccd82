"""``tables``, ``query``, ``history``, ``diff`` and ``quarantine``."""

import json
from pathlib import Path

import polars as pl
import pytest

from carti_lake.lake import Lake

from .conftest import Type


def test_the_catalogue_lists_every_table_with_its_rows(carti_lake: Type, here: Path) -> None:
    listed = {one["table"]: one for one in json.loads(carti_lake("tables", "--json").out)}
    assert listed["silver.visits"]["rows"] > 0
    assert listed["gold.provider_summary"]["key"] == ["provider_id"]
    assert "gold.provider_summary" in carti_lake("tables").out


def test_a_table_is_described(carti_lake: Type, here: Path) -> None:
    described = json.loads(carti_lake("tables", "visits", "--json").out)
    assert described["name"] == "silver.visits"
    assert described["rules"]["claim_amount|min"] == "claim_amount is at least 0."
    printed = carti_lake("tables", "visits").out
    assert "Key: visit_id" in printed and "payment_on_unpaid_claim" in printed


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_a_query_writes_files(carti_lake: Type, here: Path, ending: str) -> None:
    sql = "SELECT provider_id, total_visits FROM provider_summary ORDER BY provider_id"
    assert carti_lake("query", sql, "-o", f"out/summary.{ending}").code == 0
    read = {"csv": lambda path: pl.read_csv(path, schema_overrides={"provider_id": pl.String}), "json": pl.read_json}
    written = read.get(ending, pl.read_parquet)(f"out/summary.{ending}")
    assert written.rows() == Lake("lake").query(sql).collect().rows()
    assert [path.name for path in Path("out").iterdir()] == [f"summary.{ending}"]


def test_a_query_prints_what_was_asked_for(carti_lake: Type, here: Path) -> None:
    sql = "SELECT count(*) AS n, sum(payments) AS paid FROM provider_summary"
    assert json.loads(carti_lake("query", sql, "--json").out)[0]["n"] == Lake("lake").query(sql).collect()["n"][0]
    assert carti_lake("query", sql, "--format", "csv").out.startswith("n,paid\n")
    assert carti_lake("query", sql, "--format", "parquet").code == 2
    assert carti_lake("query", sql, "-o", "sum.txt").code == 2


def test_a_query_reads_an_earlier_release(carti_lake: Type, here: Path) -> None:
    sql = "SELECT count(*) AS n FROM silver.visits"
    first, last = (json.loads(carti_lake("query", sql, "--json", "--release", r).out)[0]["n"] for r in ("1", "3"))
    by_lock = json.loads(carti_lake("query", sql, "--json", "--release", "february-close").out)[0]["n"]
    assert first == by_lock < last


def test_long_results_are_cut_on_the_screen_alone(carti_lake: Type, here: Path) -> None:
    sql = "SELECT date FROM dim_date"
    assert "The first 50 rows; -o FILE.csv writes all." in carti_lake("query", sql).out
    assert len(json.loads(carti_lake("query", sql, "--json").out)) > 50


def test_history_names_the_releases_that_hold_a_version(carti_lake: Type, here: Path) -> None:
    versions = json.loads(carti_lake("history", "provider_summary", "--json").out)
    assert [number for one in versions for number in one["releases"]] == [3, 2, 1]
    assert "releases" in carti_lake("history", "provider_summary").out


def test_diff_shows_old_and_new_values(carti_lake: Type, here: Path) -> None:
    rows = json.loads(
        carti_lake("diff", "gold.provider_summary", "--from", "february-close", "--to", "3", "--json").out
    )
    assert {row["change"] for row in rows} <= {"inserted", "updated", "deleted"}
    ended = carti_lake("diff", "provider_summary", "--from", "1", "--to", "3")
    assert "total_visits" in ended.out and " → " in ended.out and "updated" in ended.out


def test_releases_that_hold_the_same_rows_do_not_differ(carti_lake: Type, here: Path) -> None:
    assert carti_lake("diff", "provider_summary", "--from", "2", "--to", "2").out == (
        "provider_summary is the same in 2 and 2.\n"
    )


def test_the_quarantine_names_rules_and_no_patients(carti_lake: Type, here: Path) -> None:
    bronze = pl.concat(
        [
            Lake("lake").storage.scan(f"bronze.{feed}").select("patient_id")
            for feed in ("ehr_visits", "ehr_appointments", "salesforce_referrals")
        ]
    )
    patients = set(bronze.collect()["patient_id"].drop_nulls())
    counted = json.loads(carti_lake("quarantine", "--json").out)
    assert sum(one["rows"] for one in counted) > 0
    assert carti_lake("quarantine", "-o", "refused.csv").code == 0
    words = set(Path("refused.csv").read_text().replace('"', " ").replace(",", " ").split())
    assert not words & patients
    rule = counted[0]["rule"]
    assert rule in carti_lake("quarantine", counted[0]["entity"], "--rule", rule).out
