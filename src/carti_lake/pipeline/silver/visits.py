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


def net_of_reversal() -> dict[str, pl.Expr]:
    """The dollars of a claim after its reversal: what it shows below zero takes back what stood, so zero stands."""
    dollars = ("claim_amount", "allowed_amount", "contractual_adjustment", "claim_paid")
    reverses = pl.col("claim_status") == "reversed"
    return {name: pl.when(reverses).then(pl.col(name).clip(0)).otherwise(name) for name in dollars}


def claims(visits: pl.LazyFrame) -> pl.LazyFrame:
    """One row per claim: the visits that carry one."""
    return visits.filter(pl.col("claim_status").is_not_null()).select(
        pl.coalesce("claim_id", "visit_id") if name == "claim_id" else name for name in Claims.columns()
    )
