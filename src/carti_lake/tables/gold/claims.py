"""Claims by month of service."""

import dataframely as dy

from carti_lake.tables import fields as f
from carti_lake.tables.gold.provider import Gold


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
