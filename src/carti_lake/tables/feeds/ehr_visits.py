"""Visits with their claims, from the EHR."""

from carti_lake.tables import fields as f
from carti_lake.tables.feeds.feed import Feed


class EhrVisits(Feed, table="ehr_visits"):
    """A visit with its claim, from the EHR: a row per visit, delivered again whenever the visit or claim changes."""

    visit_id = f.text("Visit number; derived where the source has none")
    patient_id = f.patient_id()
    visit_date = f.day("Day of the visit", required=True)
    service_line = f.text("Service line of the visit")
    visit_type = f.text("New patient, follow-up, treatment")
    diagnosis_code = f.text("ICD-10-CM diagnosis", required=True)
    procedure_code = f.text("CPT/HCPCS procedure", required=True)
    provider_name = f.name("Rendering provider as displayed", required=True)
    provider_npi = f.text("Rendering provider's NPI")
    referral_id = f.text("Referral that led to the visit")
    patient_zip3 = f.zip3("patient")
    patient_age = f.number("Patient's age at the visit", "years")
    claim_id = f.text("Claim number")
    payer = f.text("Payer")
    claim_amount = f.number("Billed charges", "USD", required=True)
    allowed_amount = f.number("Amount that the payer's contract allows", "USD")
    contractual_adjustment = f.number("Charges written off by contract", "USD")
    claim_paid = f.number("Payment shown on the claim", "USD", required=True)
    claim_status = f.text("Claim status: Paid, Denied, Pending, Reversed", required=True)
    denial_reason = f.text("CARC group of the denial")
    claim_submitted_date = f.day("Day the claim was submitted")
    claim_paid_date = f.day("Day the claim was adjudicated")
    is_deleted = f.is_deleted()
