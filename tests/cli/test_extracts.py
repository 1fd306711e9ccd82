"""``load``."""

import io
import json
import sys
from pathlib import Path

import pytest

from .conftest import Type

ACCOUNTS = """Provider Name,Contact Count,Deals Value,Opportunity Value,Marketing Cost,Pipeline Stage
Dana Ortiz,3,1000,2500,400,Proposal
Kim Lee,1,0,900,100,Prospecting
"""


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CARTI_LAKE", raising=False)


def test_the_same_content_is_loaded_once(carti_lake: Type) -> None:
    Path("crm_2026-04-01.csv").write_text(ACCOUNTS)
    first, second = (carti_lake("load", "salesforce_crm", "crm_2026-04-01.csv") for _ in range(2))
    assert "Loaded 1 extract, 2 rows, extract date 2026-04-01." in first.out
    assert "Next: carti-lake run" in first.out
    assert "1 extract had been loaded before." in second.out
    assert "Next:" not in second.out


def test_standard_input_is_an_extract_too(carti_lake: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(ACCOUNTS.encode())))
    ended = carti_lake("load", "salesforce_crm", "-", "--extract-date", "2026-04-02", "--json")
    assert [(one["rows"], one["extract_date"]) for one in json.loads(ended.out)] == [(2, "2026-04-02")]


def test_foreign_headers_are_mapped(carti_lake: Type) -> None:
    Path("crm.csv").write_text(ACCOUNTS.replace("Deals Value", "Won so far"))
    assert 'column "deals_value" is missing' in carti_lake("load", "salesforce_crm", "crm.csv").err
    Path("crm.toml").write_text('"Won so far" = "deals_value"\n')
    assert carti_lake("load", "salesforce_crm", "crm.csv", "--map", "crm.toml").code == 0


def test_what_was_loaded_before_an_error_is_told(carti_lake: Type) -> None:
    Path("1.csv").write_text(ACCOUNTS)
    Path("2.csv").write_text("nothing,of,use\n1,2,3\n")
    ended = carti_lake("load", "salesforce_crm", "1.csv", "2.csv")
    assert ended.code == 1
    assert "Loaded before the error: 1 extract; they stay." in ended.err


def test_many_extracts_are_summed_up(carti_lake: Type) -> None:
    Path("many").mkdir()
    for day in range(1, 23):
        Path(f"many/crm_2026-04-{day:02}.csv").write_text(ACCOUNTS)
    ended = carti_lake("load", "salesforce_crm", "many", "--delivered-at", "2026-05-01T06:00")
    assert "crm_2026-04-03.csv" not in ended.out
    assert "Loaded 22 extracts, 44 rows, extract dates 2026-04-01 to 2026-04-22." in ended.out


def test_a_time_that_is_none_is_wrong_usage(carti_lake: Type) -> None:
    Path("crm.csv").write_text(ACCOUNTS)
    ended = carti_lake("load", "salesforce_crm", "crm.csv", "--delivered-at", "yesterday")
    assert ended.code == 2


def test_what_its_sender_should_know_is_told(carti_lake: Type) -> None:
    Path("in").mkdir()
    Path("in/crm_2026-04-01.csv").write_text(
        "\n".join(f"{line},{end}" for line, end in zip(ACCOUNTS.splitlines(), ["Contract", "x", "y"], strict=True))
    )
    Path("in/crm_2026-04-01.csv.md5").write_text("x")
    ended = carti_lake("load", "salesforce_crm", "in")
    assert 'crm_2026-04-01.csv: no column of salesforce_crm, kept in rescued: "Contract"' in ended.out
    assert "crm_2026-04-01.csv: left out beside it: crm_2026-04-01.csv.md5" in ended.out
    (again,) = json.loads(carti_lake("load", "salesforce_crm", "in", "--json").out)
    assert again["already"]
    assert len(again["notes"]) == 2


def test_a_dry_run_tells_and_keeps_nothing(carti_lake: Type) -> None:
    Path("crm.csv").write_text(ACCOUNTS.replace("Kim Lee,1", "Kim Lee,one"))
    told = carti_lake("load", "salesforce_crm", "crm.csv", "--dry-run")
    assert told.code == 0
    assert "contact_count|unreadable" in told.out
    assert "crm.csv: 2 rows, of which 1 would be refused." in told.out
    (as_json,) = json.loads(carti_lake("load", "salesforce_crm", "crm.csv", "--dry-run", "--json").out)
    assert as_json["rules"] == {"contact_count|unreadable": 1}
    assert not Path("lake").exists()


def test_a_dry_run_fails_where_the_load_would(carti_lake: Type) -> None:
    Path("crm.csv").write_text(ACCOUNTS.replace("Deals Value", "Won so far"))
    ended = carti_lake("load", "salesforce_crm", "crm.csv", "--dry-run")
    assert (ended.code, 'column "deals_value" is missing' in ended.err) == (1, True)


def test_a_map_is_proposed_and_loads_the_file(carti_lake: Type) -> None:
    Path("crm.csv").write_text(ACCOUNTS.replace("Provider Name", "Physician").replace("Marketing Cost", "Spend"))
    printed = carti_lake("map", "salesforce_crm", "crm.csv")
    assert '"Physician" = "provider_name"' in printed.out
    told = carti_lake("map", "salesforce_crm", "crm.csv", "-o", "crm.toml")
    assert "carti-lake load salesforce_crm crm.csv --map crm.toml --dry-run" in told.out
    assert Path("crm.toml").read_text() == printed.out
    assert carti_lake("load", "salesforce_crm", "crm.csv", "--map", "crm.toml").code == 0
    as_json = json.loads(carti_lake("map", "salesforce_crm", "crm.csv", "--json").out)
    assert as_json["missing"] == {}
