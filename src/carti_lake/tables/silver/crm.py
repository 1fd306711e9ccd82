"""What Salesforce knows: provider accounts, opportunities, campaigns, referrals."""

import dataframely as dy
import polars as pl

from carti_lake.tables import fields as f
from carti_lake.tables.checks import Finding, before, in_future, known, missing, placeholder
from carti_lake.tables.feeds import SalesforceCampaigns, SalesforceCrm, SalesforceOpportunities, SalesforceReferrals
from carti_lake.tables.silver.entity import Entity


class CrmAccounts(
    Entity,
    table="crm_accounts",
    feed=SalesforceCrm,
    providers={"provider_id": ("provider_name", "provider_npi")},
    statuses={"pipeline_stage": ()},
    dollars="opportunity_value",
    instead="Add the accounts of a provider up to one row.",
):
    """One row per provider's CRM account, as the newest snapshot lists it."""

    provider_name = f.key("Provider as delivered")
    provider_npi = f.npi("Provider")
    provider_id = f.provider_id("Provider whose account it is")
    contact_count = dy.Int64(nullable=True, min=0, description="Contacts logged", metadata={"unit": "count"})
    deals_value = f.money("Value of deals, whatever their stage")
    opportunity_value = f.money("Value of opportunities")
    marketing_cost = f.money("Marketing cost", minimum=0)
    pipeline_stage = f.text("Stage of the provider's pipeline, as labelled")

    @classmethod
    def own_findings(cls) -> list[Finding]:
        """Accounts without what the provider summary needs."""
        return [missing("marketing_cost"), missing("opportunity_value"), missing("pipeline_stage")]


class Opportunities(
    Entity,
    table="opportunities",
    feed=SalesforceOpportunities,
    dated="created_date",
    providers={"provider_id": ("provider_name", "provider_npi")},
    statuses={"stage_name": ("probability", "close_date"), "is_won": (), "is_closed": ()},
    dollars="amount",
):
    """One row per Salesforce opportunity, at its latest stage."""

    opportunity_id = f.key("Salesforce Opportunity Id", salesforce=True)
    opportunity_name = f.text("Opportunity name")
    provider_id = f.provider_id("Provider whom it is about", nullable=True)
    provider_name = f.text("Provider as delivered")
    provider_npi = f.npi("Provider")
    campaign_id = f.text("Primary campaign source", salesforce=True)
    service_line = f.text("Service line", code="slug")
    stage_name = f.text("Stage label", nullable=False)
    amount = f.money("Amount")
    probability = dy.Decimal(
        18, 4, nullable=True, min=0, max=100, description="Probability of winning", metadata={"unit": "percent"}
    )
    is_won = f.flag("Salesforce IsWon; never read from the label")
    is_closed = f.flag("Salesforce IsClosed; never read from the label")
    created_date = f.day("Day of creation")
    close_date = f.day("Day of closing, expected or actual")

    @dy.rule()
    def won_is_closed(cls) -> pl.Expr:
        """Conformance: a won opportunity is closed."""
        return ~cls.is_won.col | cls.is_closed.col

    @classmethod
    def own_findings(cls) -> list[Finding]:
        """Opportunities without what the return on marketing needs, and dates out of order."""
        return [
            missing("is_won"),
            missing("is_closed"),
            missing("amount"),
            missing("created_date"),
            known("campaign_id", "campaigns"),
            in_future("created_date"),
            before("close_date", "created_date"),
        ]


class Campaigns(
    Entity,
    table="campaigns",
    feed=SalesforceCampaigns,
    dated="start_date",
    statuses={"status": ()},
    dollars="actual_cost",
):
    """One row per marketing campaign."""

    campaign_id = f.key("Salesforce Campaign Id", salesforce=True)
    campaign_name = f.text("Campaign name")
    campaign_type = f.text("Channel", code="slug")
    status = f.text("Planned, in progress, completed, aborted", code="slug")
    service_line = f.text("Service line that it promotes", code="slug")
    start_date = f.day("First day")
    end_date = f.day("Last day")
    budgeted_cost = f.money("Budgeted cost", minimum=0)
    actual_cost = f.money("Actual cost so far", minimum=0)

    @classmethod
    def own_findings(cls) -> list[Finding]:
        """Campaigns without what the return on marketing needs, and dates out of order."""
        return [missing("actual_cost"), missing("start_date"), before("end_date", "start_date")]


class Referrals(
    Entity,
    table="referrals",
    feed=SalesforceReferrals,
    partition_by="referral_month",
    month_of="referral_date",
    providers={
        "referring_provider_id": ("referring_provider_name", "referring_provider_npi"),
        "rendering_provider_id": ("rendering_provider_name", "rendering_provider_npi"),
    },
    statuses={"referral_status": ("network_status", "first_visit_date")},
    dollars="estimated_value",
):
    """One row per referral, from its referring to its rendering provider."""

    referral_id = f.key("Referral number", salesforce=True)
    patient_key = f.patient_key()
    patient_zip3 = f.zip3("patient")
    patient_age = f.age()
    referral_date = f.day("Day of the referral", nullable=False)
    referral_month = f.day("First day of the referral's month", nullable=False)
    referring_provider_id = f.provider_id("Provider who referred")
    rendering_provider_id = f.provider_id("Provider referred to", nullable=True)
    referring_provider_name = f.text("Referring provider as delivered")
    referring_provider_npi = f.npi("Referring provider")
    rendering_provider_name = f.text("Rendering provider as delivered")
    rendering_provider_npi = f.npi("Rendering provider")
    service_line = f.text("Service line referred to", code="slug")
    network_status = f.text("Whether the patient was seen in or out of network", code="network_status")
    referral_status = f.text("Status of the referral", nullable=False, code="referral_status")
    first_visit_date = f.day("Day of the first visit")
    campaign_id = f.text("Campaign that the referral is credited to", salesforce=True)
    opportunity_id = f.text("Opportunity that the referral belongs to", salesforce=True)
    estimated_value = f.money("Expected charges of the referred care", minimum=0)

    @dy.rule()
    def seen_after_referral(cls) -> pl.Expr:
        """Plausibility: the first visit is not before the referral."""
        return cls.first_visit_date.col >= cls.referral_date.col

    @classmethod
    def own_findings(cls) -> list[Finding]:
        """Completed referrals that name no visit, and columns that the referral flow needs."""
        return [
            Finding(
                "completed_without_visit",
                "completeness",
                "A completed referral has no day of the first visit",
                applies=pl.col("referral_status") == "completed",
                failed=pl.col("first_visit_date").is_null(),
                once_delivered=True,
            ),
            missing("rendering_provider_id"),
            missing("service_line"),
            placeholder("service_line"),
            missing("network_status", when=pl.col("referral_status") == "completed"),
            missing("patient_zip3"),
            known("campaign_id", "campaigns"),
            known("opportunity_id", "opportunities"),
            in_future("referral_date"),
        ]
