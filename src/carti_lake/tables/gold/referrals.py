"""Where referrals come from, where they go, and what follows from them."""

import dataframely as dy

from carti_lake.tables import fields as f
from carti_lake.tables.gold.provider import Gold

#: Member that stands for what no source delivered, where a key needs a value.
UNKNOWN = "unknown"

_NETWORK, _STATUS = "referrals.network_status", "referrals.referral_status"
_VALUE, _FIRST_VISIT, _NAMED = "referrals.estimated_value", "referrals.first_visit_date", "visits.referral_id"


class ReferralFlow(Gold, table="referral_flow", partition_by="month"):
    """Referrals from their origin and referring provider to the rendering provider, by month and service line."""

    month = dy.Date(primary_key=True, description="First day of the referral's month")
    origin_zip3 = f.key("Patient's ZIP3; `unknown` where none was delivered")
    referring_provider_id = f.provider_id("Referring provider", primary_key=True)
    rendering_provider_id = dy.String(
        primary_key=True,
        description="Rendering provider: NPI where known, else `name:` and the normalised name; `unknown` where none",
    )
    service_line = f.key("Service line; `unknown` where none was delivered")
    referrals = f.count("Referrals: the five outcomes below together", of=("referrals",))
    completed_in_network = f.count("Completed in network", of=(_NETWORK, _STATUS))
    completed_network_unknown = f.count("Completed, and no source says where", of=(_NETWORK, _STATUS))
    out_of_network = f.count("Seen out of network, or about to be", of=(_NETWORK,))
    never_completed = f.count("Never completed", of=(_STATUS,))
    still_open = f.count("Neither completed nor lost yet", of=(_STATUS,))
    estimated_value = f.money(
        "Expected charges of the referred care, of all five outcomes together", nullable=False, of=(_VALUE,)
    )
    completed_in_network_value = f.money(
        "Expected charges of those completed in network", nullable=False, of=(_VALUE, _NETWORK, _STATUS)
    )
    completed_network_unknown_value = f.money(
        "Expected charges of those completed somewhere", nullable=False, of=(_VALUE, _NETWORK, _STATUS)
    )
    out_of_network_value = f.money(
        "Expected charges of those seen out of network", nullable=False, of=(_VALUE, _NETWORK)
    )
    never_completed_value = f.money("Expected charges of those never completed", nullable=False, of=(_VALUE, _STATUS))
    still_open_value = f.money("Expected charges of those still open", nullable=False, of=(_VALUE, _STATUS))
    valued_referrals = f.count("Referrals with an expected value", of=(_VALUE,))
    first_visits = f.count("Referrals with a day of the first visit, in or out of network", of=(_FIRST_VISIT,))
    days_to_first_visit = dy.Int64(
        description="Days from referral to first visit, summed over those",
        metadata={"unit": "days", "of": (_FIRST_VISIT,)},
    )
    realised_visits = f.count("Visits so far that name one of the referrals, on or after its day", of=(_NAMED,))
    realised_charges = f.money("Billed charges of those visits", nullable=False, of=(_NAMED, "visits.claim_amount"))
    realised_cash = f.money(
        "Payments on their paid claims", nullable=False, of=(_NAMED, "visits.claim_paid", "visits.claim_status")
    )


class ReferralDays(Gold, table="referral_days", partition_by="month"):
    """How many referrals took how many days to the first visit: medians at any grain are made from these."""

    month = dy.Date(primary_key=True, description="First day of the referral's month")
    service_line = f.key("Service line; `unknown` where none was delivered")
    network_status = f.key("Where the patient was seen: in_network, out_of_network, `unknown`")
    days = dy.Int64(primary_key=True, description="Days from referral to first visit", metadata={"unit": "days"})
    referrals = f.count("Referrals that took so many days")


class ReferralRevenue(Gold, table="referral_revenue", partition_by="month"):
    """What visits brought, by the month of the visit and the origin, providers and line of the referral that they name.

    Made for ``gold.referral_flow``, which adds up its months of visits; most rows are about one patient, so no outlet
    shows it.
    """

    month = dy.Date(primary_key=True, description="First day of the referral's month")
    visit_month = dy.Date(primary_key=True, description="First day of the visits' month")
    origin_zip3 = f.key("Patient's ZIP3; `unknown` where none was delivered")
    referring_provider_id = f.provider_id("Referring provider", primary_key=True)
    rendering_provider_id = f.key("Rendering provider of the referral; `unknown` where none was delivered")
    service_line = f.key("Service line of the referral; `unknown` where none was delivered")
    realised_visits = f.count("Visits that name a referral of the cell, on or after its day")
    realised_charges = f.money("Billed charges of those visits", nullable=False)
    realised_cash = f.money("Payments on their paid claims", nullable=False)
