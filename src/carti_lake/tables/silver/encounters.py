"""Inpatient stays."""

from collections.abc import Mapping
from typing import ClassVar

import dataframely as dy
import polars as pl

from carti_lake.tables import fields as f
from carti_lake.tables.checks import Finding, Thresholds, in_future, missing, placeholder
from carti_lake.tables.feeds import Sg2PatientFlow
from carti_lake.tables.silver.entity import Entity


class Encounters(
    Entity,
    table="encounters",
    feed=Sg2PatientFlow,
    partition_by="admission_month",
    month_of="admission_date",
    providers={
        "referring_provider_id": ("referral_provider", "referral_provider_npi"),
        "attending_provider_id": ("attending_provider", "attending_provider_npi"),
    },
    dollars="treatment_cost",
):
    """One row per inpatient stay, as SG2 last reported it."""

    # Surveys come back weeks after the stay, and not from everybody.
    thresholds: ClassVar[Mapping[str, Thresholds]] = {"satisfaction_score|missing": Thresholds(warn=0.7, block=None)}

    encounter_id = f.key("Stay number; derived where the source has none")
    patient_key = f.patient_key()
    referring_provider_id = f.provider_id("Provider who referred the patient")
    attending_provider_id = f.provider_id("Provider who treated the patient", nullable=True)
    referral_provider = f.text("Referring provider as delivered")
    referral_provider_npi = f.npi("Referring provider")
    attending_provider = f.text("Attending provider as delivered")
    attending_provider_npi = f.npi("Attending provider")
    service_line = f.text("Service line", code="slug")
    admission_date = f.day("Day of admission", nullable=False)
    admission_month = f.day("First day of the month of admission", nullable=False)
    discharge_date = f.day("Day of discharge")
    length_of_stay = dy.Int64(nullable=True, min=0, max=36_525, description="Length of stay", metadata={"unit": "days"})
    admission_type = f.text("Elective, urgent, emergency", code="admission_type")
    principal_diagnosis_code = f.text("ICD-10-CM principal diagnosis", code="icd10")
    discharge_disposition = f.text("Where the patient went", code="disposition")
    patient_zip3 = f.zip3("patient")
    patient_age = f.age()
    satisfaction_score = dy.Decimal(
        18, 8, nullable=True, min=0, max=100, description="Patient satisfaction", metadata={"unit": "points"}
    )
    treatment_cost = f.money("Cost of treatment", minimum=0)

    @dy.rule()
    def discharged_after_admission(cls) -> pl.Expr:
        """Plausibility: nobody is discharged before the admission."""
        return cls.discharge_date.col >= cls.admission_date.col

    @classmethod
    def own_findings(cls) -> list[Finding]:
        """Stays whose length disagrees with their dates, dates to come, and columns that metrics need."""
        stayed = (pl.col("discharge_date") - pl.col("admission_date")).dt.total_days()
        return [
            Finding(
                "length_of_stay_disagrees",
                "conformance",
                "The length of stay is not the days from admission to discharge",
                applies=pl.col("discharge_date").is_not_null() & pl.col("length_of_stay").is_not_null(),
                failed=stayed != pl.col("length_of_stay"),
            ),
            missing("service_line"),
            placeholder("service_line"),
            missing("principal_diagnosis_code"),
            missing("discharge_disposition", when=pl.col("discharge_date").is_not_null()),
            missing("satisfaction_score"),
            in_future("admission_date"),
        ]
