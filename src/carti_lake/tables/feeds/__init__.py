"""Every feed that bronze takes, by name."""

from carti_lake.tables.feeds.ehr_appointments import EhrAppointments
from carti_lake.tables.feeds.ehr_claim_lines import EhrClaimLines
from carti_lake.tables.feeds.ehr_medications import EhrMedications
from carti_lake.tables.feeds.ehr_visits import EhrVisits
from carti_lake.tables.feeds.feed import Feed
from carti_lake.tables.feeds.providers import ProvidersFeed
from carti_lake.tables.feeds.salesforce import (
    SalesforceCampaigns,
    SalesforceCrm,
    SalesforceOpportunities,
    SalesforceReferrals,
)
from carti_lake.tables.feeds.sg2_patient_flow import Sg2PatientFlow

FEEDS: dict[str, type[Feed]] = {
    feed.short_name: feed
    for feed in (
        Sg2PatientFlow,
        SalesforceCrm,
        SalesforceOpportunities,
        SalesforceCampaigns,
        SalesforceReferrals,
        EhrVisits,
        EhrClaimLines,
        EhrAppointments,
        EhrMedications,
        ProvidersFeed,
    )
}

__all__ = [
    "FEEDS",
    "EhrAppointments",
    "EhrClaimLines",
    "EhrMedications",
    "EhrVisits",
    "Feed",
    "ProvidersFeed",
    "SalesforceCampaigns",
    "SalesforceCrm",
    "SalesforceOpportunities",
    "SalesforceReferrals",
    "Sg2PatientFlow",
]
