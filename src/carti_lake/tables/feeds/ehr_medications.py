"""Medication orders, from the EHR."""

from carti_lake.tables import fields as f
from carti_lake.tables.feeds.feed import Feed


class EhrMedications(Feed, table="ehr_medications"):
    """A medication order, from the EHR."""

    medication_id = f.text("Order number", required=True)
    patient_id = f.patient_id()
    visit_id = f.text("Visit at which it was ordered")
    provider_name = f.name("Ordering provider as displayed")
    provider_npi = f.text("Ordering provider's NPI")
    ordered_date = f.day("Day of the order", required=True)
    drug_code = f.text("RxNorm or HCPCS J-code", required=True)
    drug_name = f.name("Drug")
    dose = f.number("Dose", "dose_unit")
    dose_unit = f.text("Unit of the dose")
    route = f.text("Route of administration")
    quantity = f.number("Units administered or dispensed", "count")
    total_cost = f.number("Cost", "USD")
    is_deleted = f.is_deleted()
