"""The provider marts."""

import dataframely as dy

from carti_lake.tables import fields as f
from carti_lake.tables.table import Table

_CHARGES, _PAID, _STATUS = "visits.claim_amount", "visits.claim_paid", "visits.claim_status"
_ADJUSTMENT = "visits.contractual_adjustment"
_STAY, _SCORE, _COST = "encounters.length_of_stay", "encounters.satisfaction_score", "encounters.treatment_cost"
_NETWORK, _REFERRAL_STATUS = "referrals.network_status", "referrals.referral_status"
_APPOINTMENT_STATUS = "appointments.appointment_status"
_WON, _CLOSED = "opportunities.is_won", "opportunities.is_closed"
_AMOUNT, _PROBABILITY = "opportunities.amount", "opportunities.probability"


class Gold(Table, layer="gold"):
    """A mart: what outlets read of a release."""


class ProviderMonthly(Gold, table="provider_monthly", partition_by="month"):
    """Additive counts and sums by provider, month and service line; every rate is made from these."""

    provider_id = f.provider_id("Provider", primary_key=True)
    month = dy.Date(primary_key=True, description="First day of the month of service, admission, referral, appointment")
    service_line = dy.String(primary_key=True, description="Service line; `unknown` where none was delivered")
    visits = f.count("Visits rendered", of=("visits",))
    visit_patients = f.count(
        "Distinct patients seen in this cell; does not add across cells", of=("visits.patient_key",), distinct=True
    )
    claims = f.count("Claims", of=(_STATUS,))
    paid_claims = f.count("Claims paid", of=(_STATUS,))
    denied_claims = f.count("Claims denied", of=(_STATUS,))
    pending_claims = f.count("Claims not yet adjudicated", of=(_STATUS,))
    gross_charges = f.money("Billed charges of all claims", nullable=False, of=(_CHARGES,))
    paid_charges = f.money("Billed charges of paid claims", nullable=False, of=(_CHARGES, _STATUS))
    denied_charges = f.money("Billed charges of denied claims", nullable=False, of=(_CHARGES, _STATUS))
    payments_as_delivered = f.money("Payments shown on claims, whatever their status", nullable=False, of=(_PAID,))
    payments = f.money("Payments on paid claims", nullable=False, of=(_PAID, _STATUS))
    contractual_claims = f.count("Paid claims that deliver a contractual adjustment", of=(_STATUS, _ADJUSTMENT))
    contractual_charges = f.money(
        "Billed charges of paid claims that deliver a contractual adjustment",
        nullable=False,
        of=(_CHARGES, _STATUS, _ADJUSTMENT),
    )
    contractual_adjustments = f.money(
        "Contractual adjustments of paid claims", nullable=False, of=(_STATUS, _ADJUSTMENT)
    )
    contractual_payments = f.money(
        "Payments on paid claims that deliver a contractual adjustment",
        nullable=False,
        of=(_PAID, _STATUS, _ADJUSTMENT),
    )
    stays = f.count("Inpatient stays referred", of=("encounters",))
    length_of_stay_count = f.count("Stays with a length of stay", of=(_STAY,))
    length_of_stay_days = f.count("Days of the stays with a length of stay", of=(_STAY,))
    satisfaction_count = f.count("Stays with a satisfaction score", of=(_SCORE,))
    satisfaction_sum = dy.Decimal(
        28, 8, description="Sum of the satisfaction scores", metadata={"unit": "points", "of": (_SCORE,)}
    )
    top_box_count = f.count("Stays with a score of 90 or over", of=(_SCORE,))
    treatment_cost_count = f.count("Stays with a treatment cost", of=(_COST,))
    treatment_cost = f.money("Cost of the stays with a treatment cost", nullable=False, of=(_COST,))
    referrals_made = f.count("Referrals made", of=("referrals",))
    referrals_made_out_of_network = f.count("Referrals made that were seen out of network", of=(_NETWORK,))
    referrals_made_lost = f.count("Referrals made that were never completed", of=(_REFERRAL_STATUS, _NETWORK))
    referrals_received = f.count("Referrals received", of=("referrals.rendering_provider_id",))
    referrals_completed = f.count("Referrals received and completed in network", of=(_REFERRAL_STATUS, _NETWORK))
    appointments = f.count("Appointments that were to take place: kept or missed", of=(_APPOINTMENT_STATUS,))
    no_shows = f.count("Appointments missed without cancellation", of=(_APPOINTMENT_STATUS,))


class ProviderSummary(Gold, table="provider_summary"):
    """One row per provider: the original report's 18 columns under their names, and the corrected metrics beside them.

    A column that a month's row has under the same name is its sum over the months; others say what they are made from.
    """

    provider_id = f.provider_id("Provider", primary_key=True)
    provider_name = f.text("Provider as displayed", nullable=False, of=("dim_provider.provider_name",))
    npi = f.text("National Provider Identifier", of=("dim_provider.npi",))
    specialty = f.text("Specialty", of=("dim_provider.specialty",))
    network_status = f.text("In or out of network", of=("dim_provider.network_status",))
    total_patients = f.count(
        "Distinct patients of the stays that the provider referred", of=("encounters.patient_key",), distinct=True
    )
    avg_length_of_stay = dy.Float64(nullable=True, description="Mean length of stay", metadata={"unit": "days"})
    avg_satisfaction = dy.Float64(nullable=True, description="Mean satisfaction", metadata={"unit": "points"})
    avg_cost = dy.Float64(nullable=True, description="Mean cost of a stay", metadata={"unit": "USD"})
    contact_count = f.count("Contacts logged in the CRM", nullable=True, of=("crm_accounts.contact_count",))
    deals_value = f.money("Value of deals, whatever their stage", of=("crm_accounts.deals_value",))
    opportunity_value = f.money("Value of opportunities", of=("crm_accounts.opportunity_value",))
    marketing_cost = f.money("Marketing cost", of=("crm_accounts.marketing_cost",))
    pipeline_stage = f.text("Stage of the provider's pipeline", of=("crm_accounts.pipeline_stage",))
    total_visits = f.count("Visits rendered", of=("provider_monthly.visits",))
    total_claim_amount = f.money("Billed charges of all claims", of=("provider_monthly.gross_charges",))
    total_claim_paid = f.money("Payments shown on claims, as delivered", of=("provider_monthly.payments_as_delivered",))
    denial_rate = f.rate("Denied visits / visits, as first reported")
    roi = f.rate("(deals_value - marketing_cost) / marketing_cost, whatever the stage, as first reported")
    value_per_patient = dy.Float64(
        nullable=True, description="deals_value / total_patients, as first reported", metadata={"unit": "USD"}
    )
    claim_collection_rate = f.rate("claim_paid / claim_amount over all claims, as delivered, as first reported")
    predicted_opportunity_value = dy.Float64(
        nullable=True,
        min=0,
        description="Win probability x value of the open opportunities, summed; null without a trained model",
        metadata={"unit": "USD", "of": ("opportunity_scores.expected_value",)},
    )
    claims = f.count("Claims")
    denied_claims = f.count("Claims denied")
    paid_claims = f.count("Claims paid")
    pending_claims = f.count("Claims not yet adjudicated")
    payments = f.money("Payments on paid claims")
    paid_charges = f.money("Billed charges of paid claims")
    denied_charges = f.money("Billed charges of denied claims")
    adjudicated_charges = f.money(
        "Billed charges of paid and denied claims",
        of=("provider_monthly.paid_charges", "provider_monthly.denied_charges"),
    )
    gross_collection_rate = f.rate("Payments on paid claims / gross charges")
    adjudicated_collection_rate = f.rate("Payments on paid claims / charges of adjudicated claims")
    contractual_claims = f.count("Paid claims that deliver a contractual adjustment")
    contractual_charges = f.money("Billed charges of paid claims that deliver a contractual adjustment")
    contractual_adjustments = f.money("Contractual adjustments of paid claims")
    contractual_payments = f.money("Payments on paid claims that deliver a contractual adjustment")
    net_collection_rate = f.rate("Payments / (charges - contractual adjustments) where the adjustment is delivered")
    remittance_denial_rate = f.rate("Claims denied / claims remitted")
    stays = f.count("Inpatient stays referred")
    length_of_stay_count = f.count("Stays with a length of stay")
    length_of_stay_days = f.count("Days of the stays with a length of stay")
    treatment_cost_count = f.count("Stays with a treatment cost")
    treatment_cost = f.money("Cost of the stays with a treatment cost")
    satisfaction_count = f.count("Stays with a satisfaction score")
    satisfaction_sum = dy.Decimal(
        28, 8, nullable=True, description="Sum of the satisfaction scores", metadata={"unit": "points"}
    )
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
    open_opportunities = f.count("Open opportunities", of=(_CLOSED,))
    valued_opportunities = f.count(
        "Open opportunities with an amount and a probability", of=(_CLOSED, _AMOUNT, _PROBABILITY)
    )
    won_opportunities = f.count("Won opportunities", of=(_WON,))
    lost_opportunities = f.count("Lost opportunities", of=(_CLOSED, _WON))
    won_value = f.money("Value of won opportunities", nullable=False, of=(_AMOUNT, _WON))
    weighted_pipeline = f.money(
        "Expected revenue of open opportunities: amount x probability",
        nullable=False,
        of=(_CLOSED, _AMOUNT, _PROBABILITY),
    )
    expected_revenue = dy.Float64(
        nullable=True, description="Mean expected revenue of an open opportunity", metadata={"unit": "USD"}
    )
    win_rate = f.rate("Won / (won + lost)")
