"""The marts of referrals, marketing and claims."""

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


class MarketingRoi(Gold, table="marketing_roi"):
    """Return of each campaign: as delivered, closed-won, realised."""

    campaign_id = f.key("Campaign")
    actual_cost = f.money("Cost")
    won_value = f.money("Value of won opportunities", nullable=False)
    realised_cash = f.money("Cash from patients that the campaign's referrals brought", nullable=False)
    campaign_roi = f.rate("(won value - cost) / cost")
    realised_roi = f.rate("(realised cash - cost) / cost")


class ClaimsMonthly(Gold, table="claims_monthly", partition_by="month"):
    """Claims by month of service, payer, provider and service line."""

    month = dy.Date(primary_key=True, description="First day of the month of service")
    provider_id = f.provider_id("Rendering provider", primary_key=True)
    payer = f.key("Payer")
    service_line = f.key("Service line")
    claims = f.count("Claims")
    denied_claims = f.count("Claims denied")
    gross_charges = f.money("Billed charges", nullable=False)
    payments = f.money("Payments on paid claims", nullable=False)
    maturity = f.rate("Share of the month's claims expected to be adjudicated by now")
