"""``compare``: providers beside one another on one metric."""

import json
from pathlib import Path

from .conftest import Type


def test_a_comparison_says_what_must_be_known_before_the_rows(carti_lake: Type, here: Path) -> None:
    ended = carti_lake("compare", "leakage_rate")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[0] == "Referral leakage"
    assert "providers have the 11 cases that a rate needs; the network's rate is" in lines[1]
    assert next(line for line in lines if line.strip().startswith("provider")).split()[-1] == "limits"
    assert "worst" not in ended.out.lower()


def test_as_json_no_row_is_on_fewer_than_11_cases(carti_lake: Type, here: Path) -> None:
    printed = json.loads(carti_lake("compare", "leakage_rate", "--json").out)
    assert (printed["metric"], printed["release"]) == ("leakage_rate", 3)
    assert printed["notes"]
    assert printed["providers"]
    assert all(row["n"] >= 11 and "numerator" not in row for row in printed["providers"])


def test_what_is_no_proportion_is_not_compared(carti_lake: Type, here: Path) -> None:
    ended = carti_lake("compare", "roi")
    assert ended.code == 2
    assert "'roi' is not compared. Choose one of: denial_rate, remittance_denial_rate," in ended.err
