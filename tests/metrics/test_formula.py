"""A formula in words, in columns, and in DAX."""

import re

import pytest

from carti_lake.metrics import METRICS, Metric, Sum
from carti_lake.metrics.formula import dax, in_columns, in_words
from carti_lake.tables.gold import DimDate, ProviderMonthly


def test_a_ratio_in_words_and_in_columns():
    rate = METRICS["remittance_denial_rate"]
    assert in_words(rate) == "Claims denied / (Claims paid + Claims denied)"
    assert in_columns(rate) == "sum(denied_claims) / (sum(paid_claims) + sum(denied_claims))"


def test_a_sum_in_words_and_in_columns():
    assert in_words(METRICS["stays"]) == "Inpatient stays referred"
    assert in_columns(METRICS["stays"]) == "sum(stays)"


def test_a_metric_without_columns_has_no_formula():
    assert (in_words(METRICS["net_days_in_ar"]), in_columns(METRICS["net_days_in_ar"])) == ("", "")


@pytest.mark.parametrize(
    ("metric", "expression"),
    [
        ("visits", "SUM('provider_monthly'[visits])"),
        ("denial_rate", "DIVIDE(SUM('provider_monthly'[denied_claims]), SUM('provider_monthly'[visits]))"),
        (
            "leakage_rate",
            "DIVIDE(SUM('provider_monthly'[referrals_made_out_of_network]) + "
            "SUM('provider_monthly'[referrals_made_lost]), SUM('provider_monthly'[referrals_made]))",
        ),
        (
            "net_collection_rate",
            "DIVIDE(SUM('provider_monthly'[contractual_payments]), SUM('provider_monthly'[contractual_charges]) - "
            "SUM('provider_monthly'[contractual_adjustments]))",
        ),
        # A provider without a cost counts in neither sum.
        (
            "roi",
            "CALCULATE(DIVIDE(SUM('provider_summary'[deals_value]) - SUM('provider_summary'[marketing_cost]), "
            "SUM('provider_summary'[marketing_cost])), "
            "KEEPFILTERS(NOT ISBLANK('provider_summary'[deals_value])), "
            "KEEPFILTERS(NOT ISBLANK('provider_summary'[marketing_cost])))",
        ),
        # Distinct patients do not add up over providers.
        (
            "value_per_patient",
            "IF(HASONEVALUE('provider_summary'[provider_id]), "
            "CALCULATE(DIVIDE(SUM('provider_summary'[deals_value]), SUM('provider_summary'[total_patients])), "
            "KEEPFILTERS(NOT ISBLANK('provider_summary'[deals_value]))))",
        ),
        # Denials of the month over the mean month of the three before it.
        (
            "initial_denial_rate",
            "VAR ReportedMonth = MAX('dim_date'[month]) "
            "VAR FirstMonth = CALCULATE(MIN('claims_activity'[activity_month]), ALL('claims_activity')) "
            "VAR LastMonth = CALCULATE(MAX('claims_activity'[activity_month]), ALL('claims_activity')) "
            "RETURN IF(HASONEVALUE('dim_date'[month]) && ReportedMonth <= LastMonth && "
            "ReportedMonth >= EDATE(FirstMonth, 3), "
            "DIVIDE(COALESCE(CALCULATE(SUM('claims_activity'[initially_denied_claims]), "
            "DATESBETWEEN('dim_date'[date], EDATE(ReportedMonth, 0), EOMONTH(ReportedMonth, 0))), 0), "
            "CALCULATE(SUM('claims_activity'[submitted_claims]), "
            "DATESBETWEEN('dim_date'[date], EDATE(ReportedMonth, -3), EOMONTH(ReportedMonth, -1))) * 1 / 3))",
        ),
        ("clean_claim_rate", "BLANK()"),
    ],
)
def test_dax(metric, expression):
    assert dax(METRICS[metric]) == expression


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_every_metrics_dax_reads_its_columns_and_is_balanced(metric: Metric):
    written = dax(metric)
    named = set(re.findall(r"'(\w+)'\[(\w+)\]", written))
    assert {(metric.mart.short_name, name) for name in metric.summed()} <= named
    columns = {metric.mart.short_name: set(metric.mart.columns()), "dim_date": set(DimDate.columns())}
    assert all(column in columns[table] for table, column in named)
    assert written.count("(") == written.count(")")


def test_a_difference_alone_is_a_sum_in_dax():
    net = Metric("net", "Net", ProviderMonthly, Sum.of("payments", minus=("denied_charges",)), None, "this test")
    assert dax(net) == "SUM('provider_monthly'[payments]) - SUM('provider_monthly'[denied_charges])"


def test_a_model_may_call_tables_and_columns_by_names_of_its_own():
    written = dax(METRICS["roi"], lambda table, column: f"'{table.title()}'[{column.replace('_', ' ')}]")
    assert written.startswith("CALCULATE(DIVIDE(SUM('Provider_Summary'[deals value]) - ")
    window = dax(METRICS["initial_denial_rate"], lambda table, column: f"'The {table}'[{column}]")
    assert "ALL('The claims_activity')" in window
