"""What people can look up of a metric."""

import pytest

from carti_lake.metrics import METRICS
from carti_lake.metrics.catalogue import describe_metric, used_in


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_each_metric_is_described_in_plain_values(metric):
    described = describe_metric(metric)
    needed = {"id", "title", "definition", "source", "unit", "format", "good", "dax"}
    assert all(described[name] for name in needed)
    assert bool(described["formula"]) == bool(described["columns"]) == bool(described["mart"]) == (not metric.missing)


def test_a_metric_is_used_where_a_column_has_its_name_or_rolls_it_up():
    assert used_in(METRICS["denial_rate"]) == ["gold.provider_summary.denial_rate", "workbook: sheet KPIs"]
    assert used_in(METRICS["visits"]) == [
        "gold.provider_summary.total_visits",
        "gold.provider_monthly.visits",
        "workbook: sheet KPIs",
    ]


def test_a_metrics_cases_and_origin_are_named():
    described = describe_metric(METRICS["gross_collection_rate"])
    assert described["cases"] == ["claims"]
    assert described["made_from"] == [
        "silver.visits.claim_paid",
        "silver.visits.claim_status",
        "silver.visits.claim_amount",
    ]
    assert described["additive_over"] == ["provider_id", "month", "service_line"]
    assert described["format"] == "0.0%"
