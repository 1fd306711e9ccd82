"""Where referrals come from and where they go."""

import dataframely as dy

from carti_lake.tables import fields as f
from carti_lake.tables.gold.provider import Gold


class ReferralFlow(Gold, table="referral_flow", partition_by="month"):
    """Referrals from origin to rendering provider, by month and service line."""

    month = dy.Date(primary_key=True, description="First day of the referral's month")
    origin_zip3 = f.key("Patient's ZIP3")
    referring_provider_id = f.provider_id("Referring provider", primary_key=True)
    rendering_provider_id = f.provider_id("Rendering provider", primary_key=True)
    service_line = f.key("Service line")
    referrals = f.count("Referrals")
    completed_in_network = f.count("Completed in network")
    out_of_network = f.count("Seen out of network")
    never_completed = f.count("Never completed")
    days_to_first_visit = f.count("Sum of days from referral to first visit")
    estimated_value = f.money("Expected charges", nullable=False)
