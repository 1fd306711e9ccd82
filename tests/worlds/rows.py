"""Rows to start an example from: what a source delivers, and what silver holds; an example says only what matters."""

from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from carti_lake.pipeline.bronze import bronze
from carti_lake.tables import Feed, Table

Row = dict[str, Any]

MARCH = date(2026, 3, 1)
APRIL = date(2026, 4, 1)


def visit(visit_id: str | None, **values: Any) -> Row:
    """A paid visit of 5 March, as the EHR delivers it."""
    return {
        "visit_id": visit_id,
        "patient_id": "P1",
        "visit_date": "2026-03-05",
        "service_line": "Breast",
        "diagnosis_code": "C50.911",
        "procedure_code": "99213",
        "provider_name": "Ann Lee",
        "claim_amount": "100.00",
        "claim_paid": "80.00",
        "claim_status": "Paid",
        **values,
    }


def stay(patient_id: str, **values: Any) -> Row:
    """A stay of 2 March, as SG2 delivers it."""
    return {
        "patient_id": patient_id,
        "referral_provider": "Bo Diaz",
        "service_line": "Breast",
        "admission_date": "2026-03-02",
        "length_of_stay": "3",
        "satisfaction_score": "91.5",
        "treatment_cost": "1000",
        **values,
    }


def account(provider_name: str, **values: Any) -> Row:
    """A line of the CRM's list of providers."""
    return {
        "provider_name": provider_name,
        "contact_count": "4",
        "deals_value": "300",
        "opportunity_value": "500",
        "marketing_cost": "100",
        "pipeline_stage": "Negotiation",
        **values,
    }


def provider(provider_name: str, **values: Any) -> Row:
    """A line of the provider directory."""
    return {"provider_name": provider_name, "npi": None, "aliases": None, **values}


def landed(feed: type[Feed], *rows: Row, extract_date: date = MARCH) -> pl.LazyFrame:
    """Delivered rows as bronze holds them."""
    schema = dict.fromkeys(dict.fromkeys(name for row in rows for name in row), pl.String())
    return bronze(pl.LazyFrame(rows, schema=schema), feed).with_columns(
        delivered_at=pl.lit(datetime(2026, 3, 1, tzinfo=UTC)),
        batch_id=pl.lit("batch"),
        extract_date=pl.lit(extract_date),
    )


def held(table: type[Table], *rows: Row, **everywhere: Any) -> pl.LazyFrame:
    """Rows of a table as the lake holds them; what an example leaves out is null, and not withdrawn."""
    dtypes = table.dtypes()
    blank: Row = {**dict.fromkeys(dtypes), **({"withdrawn": False} if "withdrawn" in dtypes else {})}
    columns = {name: [{**blank, **everywhere, **row}[name] for row in rows] for name in dtypes}
    return pl.LazyFrame([pl.Series(name, columns[name], strict=False).cast(dtypes[name]) for name in dtypes])
