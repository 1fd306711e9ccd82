"""Patient flow from SG2."""

from carti_lake.tables import fields as f
from carti_lake.tables.feeds.feed import Feed


class Sg2PatientFlow(Feed, table="sg2_patient_flow"):
    """An inpatient stay with the provider who referred it, from SG2 patient flow."""

    encounter_id = f.text("Stay number; derived where the source has none")
    patient_id = f.patient_id()
    referral_provider = f.name("Referring provider as displayed", required=True)
    referral_provider_npi = f.text("Referring provider's NPI")
    attending_provider = f.name("Attending provider as displayed")
    attending_provider_npi = f.text("Attending provider's NPI")
    service_line = f.text("Service line of the stay", required=True)
    admission_date = f.day("Day of admission", required=True)
    discharge_date = f.day("Day of discharge")
    length_of_stay = f.number("Length of stay", "days", required=True)
    admission_type = f.text("Elective, Urgent, Emergency")
    principal_diagnosis_code = f.text("ICD-10-CM principal diagnosis")
    discharge_disposition = f.text("Home, Hospice, Expired, Skilled nursing")
    patient_zip3 = f.zip3("patient")
    patient_age = f.number("Patient's age at admission", "years")
    satisfaction_score = f.number("Patient satisfaction, 0 to 100", "points", required=True)
    treatment_cost = f.number("Cost of treatment", "USD", required=True)
    is_deleted = f.is_deleted()
