"""Claim lines with their adjustments, as remittances answer them."""

from carti_lake.tables import fields as f
from carti_lake.tables.feeds.feed import Feed


class EhrClaimLines(Feed, table="ehr_claim_lines"):
    """A line of a claim in a remittance (X12 835), a row per adjustment; amounts of the line repeat and count once."""

    claim_id = f.text("Claim number (CLP01)", required=True)
    line_number = f.text("Number of the line within the claim; 0 for what is about the claim as a whole", required=True)
    remittance_id = f.text("Remittance (TRN02); its day stands for it where the source has none")
    remittance_date = f.day("Day of the remittance", required=True)
    visit_id = f.text("Visit that the claim bills; found by the claim's number where the source has none")
    payer = f.text("Payer")
    procedure_code = f.text("CPT/HCPCS procedure (SVC01)")
    modifiers = f.text("Modifiers of the procedure")
    units = f.number("Units of service", "count")
    billed_amount = f.number("Billed charges of the line (SVC02); below zero in a reversal", "USD", required=True)
    allowed_amount = f.number("Amount that the payer's contract allows", "USD")
    paid_amount = f.number("Payment on the line (SVC03)", "USD", required=True)
    adjustment_group = f.text("CAS group: CO, PR, OA, PI, CR")
    adjustment_reason = f.text("Claim adjustment reason code (CARC)")
    adjustment_amount = f.number("Amount of the adjustment", "USD")
    claim_status = f.text(
        "CLP02: 1, 2, 3 processed as primary, secondary, tertiary; 4 denied; 22 reversal", required=True
    )
    is_deleted = f.is_deleted()
