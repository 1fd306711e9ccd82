"""What marketing returns."""

import dataframely as dy

from carti_lake.tables import fields as f
from carti_lake.tables.gold.provider import Gold

#: Member that stands for "no campaign" or "no opportunity", where a key needs a value.
NONE = "none"

_SOURCE, _AMOUNT, _CLAIM = "opportunities.campaign_id", "opportunities.amount", "visits.claim_status"
_WON, _CLOSED = "opportunities.is_won", "opportunities.is_closed"


class MarketingMonthly(Gold, table="marketing_monthly", partition_by="month"):
    """Referrals, visits and cash by month and by what is credited with them: a campaign, an opportunity, or neither.

    Each referral and each visit is in exactly one row. A referral is credited to the campaign that it names, else to
    its opportunity. A visit goes with the referral that it names, made on or before its day; one that names none goes
    with the patient's latest referral on or before its day that names a campaign.
    """

    month = dy.Date(primary_key=True, description="First day of the month of the referral, or of the visit")
    campaign_id = f.key("Campaign that is credited; `none` where none is named")
    opportunity_id = f.key("Opportunity that is credited, where no campaign is named; else `none`")
    referrals = f.count("Referrals made")
    first_visits = f.count("Referrals with a day of the first visit, in or out of network")
    first_visits_in_network = f.count("Referrals completed in network")
    realised_visits = f.count("Visits")
    realised_claims = f.count("Claims of those visits")
    realised_paid_claims = f.count("Claims paid")
    realised_charges = f.money("Billed charges of the visits", nullable=False)
    realised_cash = f.money("Payments on paid claims", nullable=False)


class MarketingRoi(Gold, table="marketing_roi"):
    """Each campaign from its cost to the cash it brought, with its return: as delivered, closed-won, realised.

    Null where the input is not delivered: opportunities that name no campaign at all, referrals that name neither
    campaign nor its opportunities, no visits.
    """

    campaign_id = f.key("Campaign", of=("campaigns",))
    campaign_name = f.text("Campaign name", of=("campaigns.campaign_name",))
    campaign_type = f.text("Channel", of=("campaigns.campaign_type",))
    status = f.text("Planned, in progress, completed, aborted", of=("campaigns.status",))
    service_line = f.text("Service line that it promotes", of=("campaigns.service_line",))
    start_date = f.day("First day", of=("campaigns.start_date",))
    end_date = f.day("Last day", of=("campaigns.end_date",))
    budgeted_cost = f.money("Budgeted cost", of=("campaigns.budgeted_cost",))
    actual_cost = f.money("Actual cost so far", of=("campaigns.actual_cost",))
    opportunities = f.count("Opportunities whose primary campaign source it is", nullable=True, of=(_SOURCE,))
    open_opportunities = f.count("Those still open", nullable=True, of=(_SOURCE, _CLOSED))
    won_opportunities = f.count("Those won", nullable=True, of=(_SOURCE, _WON))
    lost_opportunities = f.count("Those lost", nullable=True, of=(_SOURCE, _WON, _CLOSED))
    opportunity_value = f.money("Value of the opportunities, whatever their stage", of=(_SOURCE, _AMOUNT))
    won_value = f.money("Value of the won opportunities", of=(_SOURCE, _AMOUNT, _WON))
    weighted_pipeline = f.money(
        "Expected revenue of the open opportunities: amount x probability",
        of=(_SOURCE, _AMOUNT, "opportunities.probability", _CLOSED),
    )
    referrals = f.count(
        "Referrals that name it, or else an opportunity whose source it is", nullable=True, of=("referrals",)
    )
    first_visits = f.count(
        "Referrals with a day of the first visit, in or out of network",
        nullable=True,
        of=("referrals.first_visit_date",),
    )
    first_visits_in_network = f.count(
        "Referrals completed in network", nullable=True, of=("referrals.network_status", "referrals.referral_status")
    )
    realised_visits = f.count("Visits that its referrals brought", nullable=True, of=("referrals", "visits"))
    realised_claims = f.count("Claims of those visits", nullable=True, of=("referrals", _CLAIM))
    realised_paid_claims = f.count("Claims paid", nullable=True, of=("referrals", _CLAIM))
    realised_charges = f.money("Billed charges of those visits", of=("referrals", "visits.claim_amount"))
    realised_cash = f.money("Payments on their paid claims", of=("referrals", "visits.claim_paid", _CLAIM))
    roi_as_delivered = f.rate("(opportunity value - actual cost) / actual cost, whatever the stage")
    campaign_roi = f.rate("(won value - actual cost) / actual cost")
    realised_roi = f.rate("(realised cash - actual cost) / actual cost")
