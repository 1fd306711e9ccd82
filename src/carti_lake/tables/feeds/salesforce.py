"""The four feeds of the Salesforce CRM."""

from carti_lake.tables import fields as f
from carti_lake.tables.feeds.feed import Feed


class SalesforceCrm(Feed, table="salesforce_crm", snapshot=True):
    """A provider's CRM totals, from Salesforce: each extract is the full list, a row per provider."""

    provider_name = f.name("Provider as displayed", required=True)
    provider_npi = f.text("Provider's NPI")
    contact_count = f.number("Contacts logged", "count", required=True)
    deals_value = f.number("Value of deals", "USD", required=True)
    opportunity_value = f.number("Value of opportunities", "USD", required=True)
    marketing_cost = f.number("Marketing cost", "USD", required=True)
    pipeline_stage = f.text("Stage of the provider's pipeline", required=True)
    is_deleted = f.is_deleted()


class SalesforceOpportunities(Feed, table="salesforce_opportunities"):
    """An opportunity, from Salesforce: delivered again at every stage change."""

    opportunity_id = f.text("Salesforce Opportunity Id", required=True)
    opportunity_name = f.name("Opportunity name")
    provider_name = f.name("Provider whom the opportunity is about")
    provider_npi = f.text("Provider's NPI")
    campaign_id = f.text("Primary campaign source")
    service_line = f.text("Service line")
    stage_name = f.text("Stage label", required=True)
    amount = f.number("Amount", "USD", required=True)
    probability = f.number("Probability of winning", "percent")
    is_won = f.flag("Salesforce IsWon")
    is_closed = f.flag("Salesforce IsClosed")
    created_date = f.day("Day of creation")
    close_date = f.day("Day of closing, expected or actual")
    is_deleted = f.is_deleted()


class SalesforceCampaigns(Feed, table="salesforce_campaigns"):
    """A marketing campaign, from Salesforce."""

    campaign_id = f.text("Salesforce Campaign Id", required=True)
    campaign_name = f.name("Campaign name")
    campaign_type = f.text("Channel")
    status = f.text("Planned, In Progress, Completed, Aborted")
    service_line = f.text("Service line that it promotes")
    start_date = f.day("First day")
    end_date = f.day("Last day")
    budgeted_cost = f.number("Budgeted cost", "USD")
    actual_cost = f.number("Actual cost so far", "USD", required=True)
    is_deleted = f.is_deleted()


class SalesforceReferrals(Feed, table="salesforce_referrals"):
    """A referral of a patient by a referring to a rendering provider, from Salesforce."""

    referral_id = f.text("Referral number", required=True)
    patient_id = f.patient_id()
    patient_zip3 = f.zip3("patient")
    patient_age = f.number("Patient's age at referral", "years")
    referral_date = f.day("Day of the referral", required=True)
    referring_provider_name = f.name("Referring provider as displayed", required=True)
    referring_provider_npi = f.text("Referring provider's NPI")
    rendering_provider_name = f.name("Rendering provider as displayed")
    rendering_provider_npi = f.text("Rendering provider's NPI")
    service_line = f.text("Service line referred to", required=True)
    network_status = f.text("Whether the patient was seen in or out of network")
    referral_status = f.text("New, Scheduled, Completed, Lost", required=True)
    first_visit_date = f.day("Day of the first visit")
    campaign_id = f.text("Campaign that the referral is credited to")
    opportunity_id = f.text("Opportunity that the referral belongs to")
    estimated_value = f.number("Expected charges of the referred care", "USD")
    is_deleted = f.is_deleted()
