"""The network's provider directory."""

from carti_lake.tables import fields as f
from carti_lake.tables.feeds.feed import Feed


class ProvidersFeed(Feed, table="providers"):
    """A provider of the directory, with NPI, specialty and network status."""

    npi = f.text("National Provider Identifier")
    provider_name = f.name("Provider as displayed", required=True)
    aliases = f.name("Other spellings of the name, separated by semicolons")
    specialty = f.text("Specialty")
    service_line = f.text("Main service line")
    network_status = f.text("In network or out of network")
    organization = f.name("Practice or hospital")
    zip3 = f.zip3("practice")
    active_from = f.day("First day in the directory")
    is_deleted = f.is_deleted()
