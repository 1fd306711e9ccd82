"""Inpatient stays."""

import polars as pl

from carti_lake.pipeline.silver.keys import derived


def encounter_key() -> pl.Expr:
    """The source's stay number, else one from patient and day of admission."""
    return pl.coalesce("encounter_id", derived(pl.col("patient_key"), pl.col("admission_date")))
