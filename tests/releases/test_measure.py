"""Metrics of a release, at any grain; what no source delivered is null with the reason, never zero."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from carti_lake import Lake
from carti_lake.releases.measure import delivered
from carti_lake.releases.view import View
from carti_lake.store.errors import LakeError
from tests.worlds.lakes import account, lake_in, load, stay, visit


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """Visits of two providers without adjustments, one stay without a score, the CRM's list; no referrals."""
    made = lake_in(tmp_path_factory.mktemp("measure") / "lake")
    denied = {"claim_status": "Denied", "claim_paid": "0"}
    visits = [visit(1), visit(2, **denied), visit(3), visit(4, provider_name="Dr. Bo Chan")]
    load(made, "ehr_visits", visits)
    load(made, "sg2_patient_flow", [stay(1, satisfaction_score=None)])
    load(made, "salesforce_crm", [account("Dr. Ann Lee", deals_value="3000", marketing_cost="1000")])
    assert not made.run().failed
    yield made


def network(lake: Lake, metric: str) -> dict[str, Any]:
    return lake.metric(metric).collect().row(0, named=True)


def test_a_metric_by_provider_and_of_the_network(lake: Lake) -> None:
    by_provider = lake.metric("denial_rate", by=["provider_id"]).sort("provider_id").collect()
    assert by_provider.select("provider_id", "numerator", "denominator", "n", "value").rows() == [
        ("name:ann lee", 1, 3, 3, 1 / 3),
        ("name:bo chan", 0, 1, 1, 0.0),
    ]
    assert network(lake, "denial_rate")["value"] == 1 / 4
    assert network(lake, "gross_charges")["value"] == 400


def test_by_month_and_service_line(lake: Lake) -> None:
    found = lake.metric("visits", by=["month", "service_line"]).collect()
    assert found.select("service_line", "value").rows() == [("lung", 4)]


@pytest.mark.parametrize(
    "metric", ["referrals_made", "leakage_rate", "no_show_rate", "open_opportunities", "won_value"]
)
def test_a_feed_that_never_came_gives_null_and_its_name(lake: Lake, metric: str) -> None:
    found = network(lake, metric)
    assert (found["value"], found["numerator"], found["n"]) == (None, None, None)
    assert "was never loaded" in found["reason"]


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        ("avg_satisfaction", "no satisfaction score of encounters: the feed sg2_patient_flow does not"),
        ("net_collection_rate", "no contractual adjustment of visits: the feed ehr_visits does not"),
        ("readmission_rate", "no "),
    ],
)
def test_a_column_that_no_row_has_is_named(lake: Lake, metric: str, reason: str) -> None:
    assert network(lake, metric)["reason"].startswith(reason)


def test_a_provider_of_whom_a_delivered_feed_says_nothing_has_no_cases(lake: Lake) -> None:
    roi = dict(lake.metric("roi", by=["provider_id"]).select("provider_id", "value").collect().iter_rows())
    assert roi == {"name:ann lee": 2.0, "name:bo chan": None}
    reasons = set(lake.metric("roi", by=["provider_id"]).collect()["reason"])
    assert reasons == {None, "no cases: marketing cost is zero or not delivered here"}


def test_what_was_delivered_is_found_by_table_and_column(lake: Lake) -> None:
    view = lake.at()
    found = delivered(view.tables(), view.scan)
    assert {"visits", "visits.claim_amount", "encounters", "crm_accounts.marketing_cost"} <= found
    assert not found & {"visits.contractual_adjustment", "encounters.satisfaction_score", "referrals", "opportunities"}


def test_a_release_from_before_a_mart_existed_says_so(lake: Lake) -> None:
    release = lake.at().release
    versions = {name: version for name, version in release.versions.items() if name != "gold.provider_monthly"}
    view = View(lake.storage, replace(release, versions=versions), lake.clock)
    found = view.metric("visits").collect().row(0, named=True)
    assert (found["value"], found["reason"]) == (None, "the release was made before gold.provider_monthly held visits")


def test_a_column_that_the_mart_lacks_is_refused_with_those_it_has(lake: Lake) -> None:
    message = "gold.provider_monthly has no column payer; visits can be grouped by provider_id, month, service_line"
    with pytest.raises(LakeError, match=message):
        lake.metric("visits", by=["payer"])


@pytest.mark.filterwarnings("ignore:Sparkline Group extension")
def test_the_workbook_knows_what_was_delivered(lake: Lake, tmp_path: Path) -> None:
    import openpyxl

    from carti_lake.outlets.files import workbook_of

    book = openpyxl.load_workbook(workbook_of(lake.at(), str(tmp_path), full_counts="four visits are few"))
    header, *cells = book["KPIs"].iter_rows(values_only=True)
    rows = {row["Metric id"]: row for row in (dict(zip(header, values, strict=True)) for values in cells)}
    assert rows["visits"]["Value"] == 4
    assert rows["referrals_made"]["Value"] is None
    assert "salesforce_referrals was never loaded" in rows["referrals_made"]["Blank because"]
