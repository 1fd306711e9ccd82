"""The provider marts."""

import dataframely as dy

from carti_lake.tables import fields as f
from carti_lake.tables.table import Table


class Gold(Table, layer="gold"):
    """A mart: what outlets read of a release."""


class ProviderMonthly(Gold, table="provider_monthly", partition_by="month"):
    """Additive counts and sums by provider, month and service line; every rate is made from these."""

    provider_id = f.provider_id("Provider", primary_key=True)
    month = dy.Date(primary_key=True, description="First day of the month of service, admission, referral, appointment")
    service_line = dy.String(primary_key=True, description="Service line; `unknown` where none was delivered")
    visits = f.count("Visits rendered")
    visit_patients = f.distinct("Distinct patients seen in this cell; does not add across cells")
    claims = f.count("Claims")
    paid_claims = f.count("Claims paid")
    denied_claims = f.count("Claims denied")
    pending_claims = f.count("Claims not yet adjudicated")
    gross_charges = f.money("Billed charges of all claims", nullable=False)
    paid_charges = f.money("Billed charges of paid claims", nullable=False)
    denied_charges = f.money("Billed charges of denied claims", nullable=False)
    payments_as_delivered = f.money("Payments shown on claims, whatever their status", nullable=False)
    payments = f.money("Payments on paid claims", nullable=False)
    contractual_claims = f.count("Paid claims that deliver a contractual adjustment")
    contractual_charges = f.money("Billed charges of those claims", nullable=False)
    contractual_adjustments = f.money("Contractual adjustments of those claims", nullable=False)
    contractual_payments = f.money("Payments on those claims", nullable=False)
    stays = f.count("Inpatient stays referred")
    length_of_stay_count = f.count("Stays with a length of stay")
    length_of_stay_days = f.count("Days of those stays")
    satisfaction_count = f.count("Stays with a satisfaction score")
    satisfaction_sum = dy.Decimal(28, 8, description="Sum of those scores", metadata={"unit": "points"})
    top_box_count = f.count("Stays with a score of 90 or over")
    treatment_cost_count = f.count("Stays with a treatment cost")
    treatment_cost = f.money("Cost of those stays", nullable=False)
    referrals_made = f.count("Referrals made")
    referrals_made_out_of_network = f.count("Referrals made that were seen out of network")
    referrals_made_lost = f.count("Referrals made that were never completed")
    referrals_received = f.count("Referrals received")
    referrals_completed = f.count("Referrals received and completed in network")
    appointments = f.count("Appointments that were to take place: kept or missed")
    no_shows = f.count("Appointments missed without cancellation")


class ProviderSummary(Gold, table="provider_summary"):
    """One row per provider: the seed's 18 columns under their names, and the corrected metrics beside them."""

    provider_id = f.provider_id("Provider", primary_key=True)
    provider_name = f.text("Provider as displayed", nullable=False)
    npi = f.text("National Provider Identifier")
    specialty = f.text("Specialty")
    network_status = f.text("In or out of network")
    total_patients = f.distinct("Distinct patients of the stays that the provider referred")
    avg_length_of_stay = dy.Float64(nullable=True, description="Mean length of stay", metadata={"unit": "days"})
    avg_satisfaction = dy.Float64(nullable=True, description="Mean satisfaction", metadata={"unit": "points"})
    avg_cost = dy.Float64(nullable=True, description="Mean cost of a stay", metadata={"unit": "USD"})
    contact_count = f.count("Contacts logged in the CRM", nullable=True)
    deals_value = f.money("Value of deals, whatever their stage")
    opportunity_value = f.money("Value of opportunities")
    marketing_cost = f.money("Marketing cost")
    pipeline_stage = f.text("Stage of the provider's pipeline")
    total_visits = f.count("Visits rendered")
    total_claim_amount = f.money("Billed charges of all claims")
    total_claim_paid = f.money("Payments shown on claims, as delivered")
    denial_rate = f.rate("Denied visits / visits, as in the seed")
    roi = f.rate("(deals_value - marketing_cost) / marketing_cost, whatever the stage, as in the seed")
    value_per_patient = dy.Float64(
        nullable=True, description="deals_value / total_patients, as in the seed", metadata={"unit": "USD"}
    )
    claim_collection_rate = f.rate("claim_paid / claim_amount over all claims, as delivered, as in the seed")
    predicted_opportunity_value = dy.Float64(
        nullable=True, description="Regression baseline; see opportunity_predictions", metadata={"unit": "USD"}
    )
    denied_claims = f.count("Claims denied")
    paid_claims = f.count("Claims paid")
    pending_claims = f.count("Claims not yet adjudicated")
    payments = f.money("Payments on paid claims")
    adjudicated_charges = f.money("Billed charges of paid and denied claims")
    gross_collection_rate = f.rate("Payments on paid claims / gross charges")
    adjudicated_collection_rate = f.rate("Payments on paid claims / charges of adjudicated claims")
    net_collection_rate = f.rate("Payments / (charges - contractual adjustments) where the adjustment is delivered")
    remittance_denial_rate = f.rate("Claims denied / claims remitted")
    stays = f.count("Inpatient stays referred")
    satisfaction_count = f.count("Stays with a satisfaction score")
    top_box_count = f.count("Stays with a score of 90 or over")
    top_box_rate = f.rate("Share of scores of 90 or over (adapted top box)")
    referrals_made = f.count("Referrals made")
    referrals_made_out_of_network = f.count("Referrals made that were seen out of network")
    referrals_made_lost = f.count("Referrals made that were never completed")
    leakage_rate = f.rate("(out of network + never completed) / referrals made")
    referrals_received = f.count("Referrals received")
    referrals_completed = f.count("Referrals received and completed in network")
    keepage_rate = f.rate("Completed in network / referrals received")
    appointments = f.count("Appointments kept or missed")
    no_shows = f.count("Appointments missed without cancellation")
    no_show_rate = f.rate("No-shows / appointments not cancelled in advance")
    open_opportunities = f.count("Open opportunities")
    won_opportunities = f.count("Won opportunities")
    lost_opportunities = f.count("Lost opportunities")
    won_value = f.money("Value of won opportunities", nullable=False)
    weighted_pipeline = f.money("Expected revenue of open opportunities: amount x probability", nullable=False)
    win_rate = f.rate("Won / (won + lost)")
