"""What marketing returns."""

from carti_lake.tables import fields as f
from carti_lake.tables.gold.provider import Gold


class MarketingRoi(Gold, table="marketing_roi"):
    """Return of each campaign: as delivered, closed-won, realised."""

    campaign_id = f.key("Campaign")
    actual_cost = f.money("Cost")
    won_value = f.money("Value of won opportunities", nullable=False)
    realised_cash = f.money("Cash from patients that the campaign's referrals brought", nullable=False)
    campaign_roi = f.rate("(won value - cost) / cost")
    realised_roi = f.rate("(realised cash - cost) / cost")
