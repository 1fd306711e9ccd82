"""``metrics``: what each number means, with and without a lake."""

import json
from pathlib import Path

import pytest

from carti_lake.metrics import METRICS

from .conftest import Type


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without a lake."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CARTI_LAKE", raising=False)
    return tmp_path


def test_every_metric_is_listed_without_a_lake(carti_lake: Type, nowhere: Path) -> None:
    listed = json.loads(carti_lake("metrics", "--json").out)
    assert [one["id"] for one in listed] == list(METRICS)
    printed = carti_lake("metrics").out
    assert all(metric.id in printed and metric.title in printed for metric in METRICS.values())
    assert not list(nowhere.iterdir())


def test_a_metric_is_explained_without_a_lake(carti_lake: Type, nowhere: Path) -> None:
    printed = carti_lake("metrics", "denial_rate").out
    for words in (
        "Denial rate (original definition)",
        METRICS["denial_rate"].definition,
        "Formula: Claims denied / Visits rendered",
        "In columns: sum(denied_claims) / sum(visits)",
        "Its sums add up over: provider_id, month, service_line",
        "Made from: silver.visits.claim_status, silver.visits",
        "Used in: gold.provider_summary.denial_rate, workbook: sheet KPIs",
        "Value: none, there is no release yet.",
    ):
        assert words in printed
    assert json.loads(carti_lake("metrics", "denial_rate", "--json").out)["latest"] is None


def test_an_unknown_metric_is_wrong_usage_and_names_the_nearest(carti_lake: Type, nowhere: Path) -> None:
    ended = carti_lake("metrics", "denial_rat")
    assert ended.code == 2
    assert "There is no metric 'denial_rat'. Did you mean denial_rate" in ended.err


def test_the_value_is_that_of_the_latest_release(carti_lake: Type, here: Path) -> None:
    latest = json.loads(carti_lake("metrics", "denial_rate", "--json").out)["latest"]
    assert latest["release"] == 3
    assert latest["value"] == latest["numerator"] / latest["denominator"]
    assert latest["n"] == latest["denominator"] > 0
    assert "Value in release 3: " in carti_lake("metrics", "denial_rate").out


def test_what_has_no_value_says_why(carti_lake: Type, here: Path) -> None:
    printed = carti_lake("metrics", "net_days_in_ar").out
    assert f"Value in release 3: none, {METRICS['net_days_in_ar'].missing}." in printed
