"""Claim lines as payers answer them, and what they come to for the claim of a visit."""

from collections.abc import Mapping
from typing import ClassVar

import dataframely as dy
import polars as pl

from carti_lake.tables import fields as f
from carti_lake.tables.checks import REPORT_ONLY, Finding, Thresholds, in_future, known, missing
from carti_lake.tables.feeds import EhrClaimLines
from carti_lake.tables.silver.entity import Entity
from carti_lake.tables.table import Table


class ClaimLines(
    Entity,
    table="claim_lines",
    feed=EhrClaimLines,
    partition_by="remittance_month",
    month_of="remittance_date",
    statuses={"claim_status": ("allowed_amount", "paid_amount")},
    dollars="billed_amount",
):
    """One row per claim line, remittance, kind (answer or reversal) and adjustment; amounts may be below zero."""

    thresholds: ClassVar[Mapping[str, Thresholds]] = {"reversal_without_payer": REPORT_ONLY}

    line_id = f.key("Claim, line, remittance, kind and adjustment")
    claim_id = f.text("Claim number", nullable=False)
    line_number = f.text("Number of the line within the claim; 0 for the claim as a whole", nullable=False)
    remittance_id = f.text("Remittance")
    remittance_date = f.day("Day of the remittance", nullable=False)
    remittance_month = f.day("First day of the remittance's month", nullable=False)
    visit_id = f.text("Visit that the claim bills, where the source says")
    payer = f.text("Payer", code="slug")
    procedure_code = f.text("CPT/HCPCS procedure", code="procedure")
    modifiers = f.text("Modifiers of the procedure")
    units = dy.Decimal(18, 4, nullable=True, description="Units of service", metadata={"unit": "count"})
    billed_amount = f.money("Billed charges of the line")
    allowed_amount = f.money("Amount that the payer's contract allows")
    paid_amount = f.money("Payment on the line")
    adjustment_group = f.text("CAS group: co, pr, oa, pi, cr", code="adjustment_group")
    adjustment_reason = f.text("Claim adjustment reason code (CARC)", code="carc")
    adjustment_amount = f.money("Amount of the adjustment")
    claim_status = f.text("Answer to the claim in this remittance", nullable=False, code="remittance_status")

    @classmethod
    def own_findings(cls) -> list[Finding]:
        """Lines of visits that nobody delivered, what has no payer or reason but should have one, and days to come."""
        return [
            Finding(
                "reversal_without_payer",
                "completeness",
                "A reversal names no payer: where several have answered the claim, the amounts alone tell whose answer "
                "it takes back",
                applies=pl.col("claim_status") == "reversed",
                failed=pl.col("payer").is_null(),
                amount="billed_amount",
            ),
            known("visit_id", "visits"),
            missing("adjustment_reason", when=pl.col("adjustment_amount").is_not_null()),
            in_future("remittance_date"),
        ]


class ClaimsOfLines(Table, layer="silver", table="claims_of_lines", partition_by="visit_month"):
    """One row per visit whose claim has lines: what they come to, net of reversals."""

    visit_month = dy.Date(primary_key=True, description="Month in which the visit stands now")
    visit_id = f.key("Visit that the claim bills")
    lines = f.count("Lines of the claim")
    reversals = f.count("Answers to them that were taken back")
    claim_status = f.text("paid, denied, pending; reversed where a reversal leaves nothing", nullable=False)
    claim_amount = f.money("Billed charges")
    allowed_amount = f.money("Amount that the payer's contract allows")
    contractual_adjustment = f.money("Adjustments of group CO")
    adjusted_amount = f.money("Adjustments of all groups")
    claim_paid = f.money("Payments")
    denial_reason = f.text("Group and CARC of the first denial")
    claim_paid_date = f.day("Day of the newest answer")
    first_answered_date = f.day("Day of the first answer")
    first_denied_date = f.day("Day of the first denial")
    key_hash = dy.Int64(description="xxHash64 of the visit's key")
