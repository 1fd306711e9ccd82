"""``quality``: the report, failing rows, thresholds."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from carti_lake.cli.quality import sparkline
from carti_lake.lake import Lake

from .conftest import Type

CHECK = "payment_on_unpaid_claim"


def test_the_report_is_the_same_with_and_without_its_name(carti_lake: Type, here: Path) -> None:
    ended = carti_lake("quality")
    assert ended.code == 0
    assert ended.out.startswith("Data quality of release 3 ·")
    assert "silver.visits" in ended.out and "plausibility" in ended.out
    assert ended.out == carti_lake("quality", "report").out


def test_the_report_as_json_holds_every_check_worst_first(carti_lake: Type, here: Path) -> None:
    told = json.loads(carti_lake("quality", "--json").out)
    assert [one["rule"] for one in told] == Lake("lake").quality()["rule"].to_list()
    assert {"status", "share", "trend", "failed_amount", "warn", "block"} <= set(told[0])


def test_a_table_is_shown_with_all_of_its_checks(carti_lake: Type, here: Path) -> None:
    printed = carti_lake("quality", "visits").out
    assert CHECK in printed and "visit_date|future" in printed and "network_status" not in printed
    told = json.loads(carti_lake("quality", "silver.visits", "--json").out)
    assert {one["table_name"] for one in told} == {"silver.visits"}


def test_a_check_is_shown_by_month_with_its_thresholds_and_what_to_do(carti_lake: Type, here: Path) -> None:
    printed = carti_lake("quality", CHECK).out
    assert "Warns at the first failing row, never blocks a release (as declared)." in printed
    assert "2026-01" in printed
    assert f"carti-lake quality visits.{CHECK} --rows" in printed
    told = json.loads(carti_lake("quality", CHECK, "--json").out)
    assert told["check"]["checked"] == sum(month["checked"] for month in told["months"])


def test_a_rule_that_no_row_broke_is_said_to_hold(carti_lake: Type, here: Path) -> None:
    ended = carti_lake("quality", "visits.claim_amount|unreadable")
    assert (ended.code, ended.out) == (0, "silver.visits claim_amount|unreadable: no row broke it in release 3.\n")


@pytest.fixture
def paid_denials(carti_lake: Type, here: Path) -> None:
    """A release 4 with three denied claims that show a payment."""
    rows = {
        "visit_id": ["PAID-1", "PAID-2", "PAID-3"],
        "patient_id": ["MRN-4711", "MRN-4712", "MRN-4713"],
        "visit_date": "2026-02-01",
        "diagnosis_code": "C34.90",
        "procedure_code": "99213",
        "provider_name": "Ann Lee",
        "claim_amount": 100,
        "claim_paid": [10, 20, 30],
        "claim_status": "Denied",
    }
    pl.DataFrame(rows).write_csv("paid_2026-02-01.csv")
    assert carti_lake("load", "ehr_visits", "paid_2026-02-01.csv").code == 0
    assert carti_lake("run", "--accept", "drift").code == 0


@pytest.mark.usefixtures("paid_denials")
def test_thresholds_are_set_at_once_and_on_record(carti_lake: Type) -> None:
    def told() -> Any:
        return json.loads(carti_lake("quality", CHECK, "--json").out)["check"]

    assert (told()["status"], told()["failed_amount"]) == ("warn", 60)
    months = Lake("lake").storage.scan("gold.data_quality").collect()
    ended = carti_lake("quality", "set", CHECK, "--warn", "0.001", "--block", "0.002", "--why", "Finance asked")
    assert ended.code == 0
    assert "Warns from 0.10% of a month's rows, blocks a release from 0.20% of them, if 1 or more." in ended.out
    assert (told()["status"], told()["why"]) == ("block", "Finance asked")
    assert "Finance asked" in carti_lake("quality", CHECK).out
    assert f"carti-lake quality set visits.{CHECK} --block never" in carti_lake("quality").out
    assert carti_lake("quality", "set", CHECK, "--declared", "--why", "Sorted out").code == 0
    assert (told()["status"], told()["set_by"]) == ("warn", None)
    assert Lake("lake").storage.scan("gold.data_quality").collect().equals(months)


def test_one_threshold_leaves_the_others_as_they_are(carti_lake: Type, here: Path) -> None:
    carti_lake("quality", "set", "visits.payer|missing", "--block", "0.3", "--fewest", "7", "--why", "x")
    carti_lake("quality", "set", "visits.payer|missing", "--warn", "0.2", "--why", "x")
    told = json.loads(
        carti_lake("quality", "set", "visits.payer|missing", "--block", "never", "--why", "x", "--json").out
    )
    assert told["before"] == {"warn": 0.2, "block": 0.3, "fewest": 7}
    assert told["now"] == {"warn": 0.2, "block": None, "fewest": 1}


@pytest.mark.usefixtures("paid_denials")
def test_a_run_that_a_check_stops_says_how_to_look_and_how_to_go_on(carti_lake: Type) -> None:
    carti_lake("quality", "set", CHECK, "--block", "0.01", "--why", "Strict")
    ended = carti_lake("run")
    assert ended.code == 1
    assert "carti-lake quality --candidate" in ended.out and "carti-lake run --accept quality" in ended.out
    assert "Data quality of release 5" in carti_lake("quality", "--candidate").out
    assert "--rows --candidate" in carti_lake("quality", CHECK, "--candidate").out
    assert carti_lake("run", "--accept", "quality").code == 0
    assert json.loads(carti_lake("release", "show", "--json").out)["accepted"] == ["quality"]


@pytest.mark.usefixtures("paid_denials")
def test_failing_rows_are_one_command_away_and_name_no_patient(carti_lake: Type) -> None:
    rows = json.loads(carti_lake("quality", CHECK, "--rows", "--json").out)
    assert sorted(row["visit_id"] for row in rows) == ["PAID-1", "PAID-2", "PAID-3"]
    assert len(json.loads(carti_lake("quality", CHECK, "--rows", "--limit", "2", "--json").out)) == 2
    assert carti_lake("quality", CHECK, "--rows", "-o", "failing.csv").code == 0
    printed = carti_lake("quality", CHECK, "--rows").out
    words = set(Path("failing.csv").read_text().replace(",", " ").split()) | set(printed.split())
    patients = Lake("lake").scan("silver.visits").filter(pl.col("visit_id").str.starts_with("PAID")).collect()
    assert {"PAID-1", "PAID-2", "PAID-3"} <= words
    assert not words & {"MRN-4711", "MRN-4712", "MRN-4713", *map(str, patients["patient_key"])}


def test_an_earlier_release_can_be_looked_at(carti_lake: Type, here: Path) -> None:
    checked = [
        json.loads(carti_lake("quality", CHECK, "--json", "--release", release).out)["check"]["checked"]
        for release in ("1", "february-close", "3")
    ]
    assert checked[0] == checked[1] < checked[2]
    assert "--rows --release 1" in carti_lake("quality", CHECK, "--release", "1").out
    assert "There is no release 9" in carti_lake("quality", "--release", "9").err
    assert carti_lake("quality", "--as-of", "2020-01-01").code == 1


@pytest.mark.parametrize(
    "words",
    [
        ("--rows",),
        ("visits", "--rows"),
        (CHECK, "--limit", "3"),
        (CHECK, "-o", "x.csv"),
        ("--release", "1", "--candidate"),
        ("set", CHECK, "--why", "x"),
        ("set", CHECK, "--warn", "2%", "--why", "x"),
        ("set", CHECK, "--warn", "0.1", "--declared", "--why", "x"),
        ("set", CHECK, "--warn", "0.1"),
    ],
)
def test_wrong_usage_is_refused(carti_lake: Type, here: Path, words: tuple[str, ...]) -> None:
    assert carti_lake("quality", *words).code == 2


def test_a_check_that_does_not_exist_gets_the_nearest_ones(carti_lake: Type, here: Path) -> None:
    ended = carti_lake("quality", "payment_on_unpaid_claims")
    assert ended.code == 1
    assert f"Did you mean {CHECK}" in ended.err


@pytest.mark.parametrize(
    ("shares", "drawn"),
    [
        ([0.0, 0.0], "▁▁"),
        ([0.1, None, 0.05, 0.0], "█·▅▁"),
        ([0.0001, 1.0], "▂█"),
        ([None], "·"),
    ],
)
def test_a_trend_is_drawn_against_its_highest_share(shares: list[float | None], drawn: str) -> None:
    assert sparkline(shares) == drawn
