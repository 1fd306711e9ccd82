"""Providers, days and service lines that facts join to."""

from datetime import date

import polars as pl

from carti_lake.pipeline.gold.dimensions import dim_date, dim_provider, dim_service_line
from carti_lake.tables.gold import ProviderMonthly
from carti_lake.tables.silver import ProviderReferences, Providers
from tests.worlds.rows import APRIL, MARCH, held

LEE, STRANGER = "1234567893", "1679576722"


def test_the_directory_and_whoever_else_is_named():
    directory = held(
        Providers,
        {"provider_id": LEE, "npi": LEE, "provider_name": "Ann Lee, MD", "specialty": "Lung"},
        {"provider_id": "name:gone", "provider_name": "Gone", "withdrawn": True},
    )
    named = held(
        ProviderReferences,
        {"reference_name": "LEE, ANN", "reference_npi": "", "provider_id": LEE},
        {"reference_name": "Eve", "reference_npi": "", "provider_id": "name:eve"},
        {"reference_name": "Dr. Eve", "reference_npi": "", "provider_id": "name:eve"},
        {"reference_name": "", "reference_npi": STRANGER, "provider_id": STRANGER},
    )
    rows = dim_provider(directory, named).sort("provider_id").collect()
    assert rows.select("provider_id", "provider_name", "npi", "specialty", "in_directory").rows() == [
        (LEE, "Ann Lee, MD", LEE, "Lung", True),
        (STRANGER, STRANGER, STRANGER, None, False),
        ("name:eve", "Eve", None, None, False),
    ]


def test_days_are_those_of_whole_years():
    months = held(ProviderMonthly, {"month": date(2025, 12, 1)}, {"month": date(2026, 1, 1)})
    days = dim_date(months).sort("date").collect()
    assert (days["date"].min(), days["date"].max(), days.height) == (date(2025, 1, 1), date(2026, 12, 31), 730)
    sunday = days.row(by_predicate=pl.col("date") == date(2026, 3, 1), named=True)
    assert sunday == {
        "date": date(2026, 3, 1),
        "month": date(2026, 3, 1),
        "quarter": date(2026, 1, 1),
        "year": 2026,
        "month_of_year": 3,
        "month_name": "March",
        "day_of_week": 7,
        "is_weekend": True,
    }


def test_without_facts_there_are_no_days():
    assert dim_date(held(ProviderMonthly)).collect().is_empty()


def test_service_lines_have_a_title():
    monthly = held(
        ProviderMonthly,
        {"service_line": "medical_oncology", "month": MARCH},
        {"service_line": "medical_oncology", "month": APRIL},
        {"service_line": "unknown", "month": MARCH},
    )
    assert sorted(dim_service_line(monthly).collect().rows()) == [
        ("medical_oncology", "Medical Oncology"),
        ("unknown", "Unknown"),
    ]
