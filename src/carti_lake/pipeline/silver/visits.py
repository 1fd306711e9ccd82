"""Visits, and the claims that they carry."""

import polars as pl

from carti_lake.pipeline.codes import name_key
from carti_lake.pipeline.silver.keys import derived
from carti_lake.tables.silver import Claims


def visit_key() -> pl.Expr:
    """The source's visit number, else one from patient, day, provider, procedure and diagnosis."""
    provider = pl.coalesce(name_key(pl.col("provider_name")), "provider_npi")
    natural = derived(
        pl.col("patient_key"), pl.col("visit_date"), provider, pl.col("procedure_code"), pl.col("diagnosis_code")
    )
    return pl.coalesce("visit_id", natural)


def claims(visits: pl.LazyFrame) -> pl.LazyFrame:
    """One row per claim: the visits that carry one."""
    return visits.filter(pl.col("claim_status").is_not_null()).select(
        pl.coalesce("claim_id", "visit_id") if name == "claim_id" else name for name in Claims.columns()
    )
