"""Visits, and claims as the part of a visit that a payer sees."""

from collections.abc import Mapping
from typing import ClassVar

import polars as pl

from carti_lake.tables import fields as f
from carti_lake.tables.checks import (
    REPORT_ONLY,
    Finding,
    Thresholds,
    before,
    in_future,
    known,
    missing,
    placeholder,
    repeated,
)
from carti_lake.tables.feeds import EhrVisits
from carti_lake.tables.silver.entity import Entity
from carti_lake.tables.table import Table


class Visits(
    Entity,
    table="visits",
    feed=EhrVisits,
    partition_by="visit_month",
    month_of="visit_date",
    providers={"rendering_provider_id": ("provider_name", "provider_npi")},
    statuses={
        "claim_status": ("allowed_amount", "contractual_adjustment", "claim_paid", "denial_reason", "claim_paid_date")
    },
    dollars="claim_amount",
    instead="A file with a row per claim line is the feed ehr_claim_lines.",
    takes_back=pl.col("withdrawn") | pl.col("claim_status").eq_missing("reversed"),
):
    """One row per visit with its claim, as the EHR last reported it."""

    # Payers correct such claims later; they are kept apart in every metric, so they hold up no release.
    thresholds: ClassVar[Mapping[str, Thresholds]] = {
        "payment_on_unpaid_claim": REPORT_ONLY,
        "payment_above_charges": REPORT_ONLY,
    }

    visit_id = f.key("EHR visit number; derived where the source has none")
    patient_key = f.patient_key()
    rendering_provider_id = f.provider_id("Provider who saw the patient")
    provider_name = f.text("Rendering provider as delivered")
    provider_npi = f.npi("Rendering provider")
    visit_date = f.day("Day of the visit", nullable=False)
    visit_month = f.day("First day of the visit's month", nullable=False)
    service_line = f.text("Service line", code="slug")
    visit_type = f.text("New patient, follow-up, treatment", code="slug")
    diagnosis_code = f.text("ICD-10-CM diagnosis", code="icd10")
    procedure_code = f.text("CPT/HCPCS procedure", code="procedure")
    procedure_modifier = f.text("Modifiers of the procedure, separated by blanks, where its code came with them")
    referral_id = f.text("Referral that led to the visit", salesforce=True)
    patient_zip3 = f.zip3("patient")
    patient_age = f.age()
    claim_id = f.text("Claim number")
    payer = f.text("Payer", code="slug")
    claim_amount = f.money("Billed charges; nothing where a reversal shows them below zero", minimum=0)
    allowed_amount = f.money("Amount that the payer's contract allows", minimum=0)
    contractual_adjustment = f.money("Charges written off by contract")
    claim_paid = f.money("Payment shown on the claim, as delivered; likewise", minimum=0)
    claim_status = f.text("Status of the claim", code="claim_status")
    denial_reason = f.text("CARC group of the denial", code="denial_reason")
    claim_submitted_date = f.day("Day the claim was submitted")
    claim_paid_date = f.day("Day the claim was adjudicated")

    @classmethod
    def own_findings(cls) -> list[Finding]:
        """Payments that no adjudication explains, dates out of order, and columns that metrics need."""
        paid = pl.col("claim_paid")
        has_claim = pl.col("claim_status").is_not_null()
        adjudicated = pl.col("claim_status").is_in(["paid", "denied"])
        return [
            Finding(
                "payment_on_unpaid_claim",
                "plausibility",
                "A denied or pending claim shows a payment; it is kept as delivered and not counted as cash",
                applies=pl.col("claim_status").is_in(["denied", "pending"]),
                failed=paid > 0,
                amount="claim_paid",
            ),
            Finding(
                "payment_above_charges",
                "plausibility",
                "A payer pays more than was billed",
                applies=paid.is_not_null() & pl.col("claim_amount").is_not_null(),
                failed=paid > pl.col("claim_amount"),
                amount="claim_paid",
            ),
            missing("service_line"),
            placeholder("service_line"),
            missing("payer", when=has_claim),
            missing("claim_submitted_date", when=has_claim),
            missing("claim_paid_date", when=adjudicated),
            missing("denial_reason", when=pl.col("claim_status") == "denied"),
            missing("allowed_amount", when=pl.col("claim_status") == "paid"),
            known("referral_id", "referrals"),
            in_future("visit_date"),
            before("claim_submitted_date", "visit_date"),
            before("claim_paid_date", "claim_submitted_date"),
            repeated("claim_id"),
        ]


class Claims(Table, layer="silver", table="claims", view_of=Visits, partition_by="visit_month"):
    """One row per claim: the visits that carry one, under the claim's own number."""

    claim_id = f.key("Claim number; the visit's where the source has none")
    visit_id = f.text("Visit that the claim bills", nullable=False)
    patient_key = f.patient_key()
    rendering_provider_id = f.provider_id("Provider who saw the patient")
    visit_date = f.day("Day of service", nullable=False)
    visit_month = f.day("First day of the month of service", nullable=False)
    service_line = f.text("Service line")
    payer = f.text("Payer")
    claim_amount = f.money("Billed charges")
    allowed_amount = f.money("Amount that the payer's contract allows")
    contractual_adjustment = f.money("Charges written off by contract")
    claim_paid = f.money("Payment shown on the claim, as delivered")
    claim_status = f.text("Status of the claim", nullable=False)
    denial_reason = f.text("CARC group of the denial")
    claim_submitted_date = f.day("Day the claim was submitted")
    claim_paid_date = f.day("Day the claim was adjudicated")
