"""What is planted in the synthetic network, so that whoever analyses it can be told right from wrong.

Shares and probabilities lie in 0..1, lags are in days, money in US dollars, effects on a logit in log-odds.
"""

from dataclasses import dataclass

# --- demand ----------------------------------------------------------------------------------------------------------

#: Growth of referrals, and so of visits after them, per year (continuous rate); the middle of the window has level 1.
YEARLY_GROWTH = 0.08
#: Referrals of a month against the year's mean, January first: the deductible resets, summer and December are quiet.
REFERRAL_SEASON = (1.10, 1.06, 1.05, 1.00, 0.98, 0.97, 0.90, 0.94, 1.02, 1.05, 1.01, 0.92)
#: Share of booked follow-ups that a month keeps in the calendar, against the year's mean, January first.
VISIT_SEASON = (1.06, 1.02, 1.08, 1.01, 1.00, 0.97, 0.88, 0.95, 1.03, 1.09, 1.01, 0.90)
#: Referrals on a weekday against a working day's mean, Monday first.
REFERRAL_WEEKDAYS = (1.15, 1.10, 1.05, 1.00, 0.70, 0.06, 0.04)
#: Follow-ups on a weekday against a working day's mean, Monday first; clinics are shut at weekends.
VISIT_WEEKDAYS = (1.08, 1.12, 1.06, 1.00, 0.74, 0.0, 0.0)


@dataclass(frozen=True)
class Line:
    """How a service line behaves.

    Attributes
    ----------
    referrals
        Share of all referrals.
    never_booked
        Share of its referrals that are lost before anything is booked.
    out_of_network
        Share of the others that are seen out of network, for a referring provider in network.
    first_visit_lag
        Mean days from the booking to the first visit.
    follow_ups
        Mean number of follow-up visits of a referral that was kept.
    gap
        Working days between follow-ups.
    treatment
        Share of follow-ups that are treatments.
    denial
        Factor on the payer's denial probability.
    stay
        Share of visits that an inpatient stay follows.
    nights
        Mean length of a stay in days.
    medication
        Share of treatments and follow-ups at which a drug is ordered.
    """

    referrals: float
    never_booked: float
    out_of_network: float
    first_visit_lag: float
    follow_ups: float
    gap: float
    treatment: float
    denial: float
    stay: float
    nights: float
    medication: float


#: The service line whose referrals leak out of network.
LEAKING_LINE = "surgical_oncology"
LINES: dict[str, Line] = {
    "medical_oncology": Line(0.22, 0.04, 0.08, 8, 8, 8, 0.60, 1.00, 0.040, 5.5, 0.45),
    "radiation_oncology": Line(0.12, 0.04, 0.07, 11, 17, 1.4, 0.93, 1.35, 0.006, 5.0, 0.04),
    "surgical_oncology": Line(0.13, 0.06, 0.34, 12, 3, 11, 0.35, 1.15, 0.120, 6.5, 0.15),
    "haematology": Line(0.13, 0.03, 0.06, 9, 8, 8, 0.50, 1.05, 0.050, 7.5, 0.45),
    "breast": Line(0.15, 0.03, 0.06, 7, 6, 10, 0.40, 0.85, 0.020, 3.0, 0.35),
    "lung": Line(0.10, 0.05, 0.09, 7, 6, 9, 0.50, 1.10, 0.060, 6.5, 0.40),
    "urology": Line(0.10, 0.04, 0.10, 14, 4, 12, 0.30, 0.90, 0.030, 3.5, 0.20),
    "palliative": Line(0.05, 0.05, 0.05, 5, 4, 8, 0.20, 0.70, 0.080, 6.0, 0.55),
}
#: A referring provider out of network sends this many times as many patients out.
OUTSIDER_LEAKAGE = 2.0
#: A patient far from the clinic (ZIP3 marked remote) leaks, and waits, this many times as much.
REMOTE_LEAKAGE = 1.3
REMOTE_LAG = 1.25

# --- marketing -------------------------------------------------------------------------------------------------------

#: Days between a campaign's first day and the first referral that it brings; the effect outlasts it as long.
CAMPAIGN_LAG = 14
#: Extra referrals of the promoted service line while a campaign works, as a share of what would come anyway.
CAMPAIGN_LIFT = {"Direct mail": 0.30, "Digital": 0.50, "Physician outreach": 0.80, "Community event": 0.40}
#: Share of the extra referrals that the CRM credits to the campaign.
CAMPAIGN_CREDITED = 0.85
#: Days from one campaign's start to the next one's, over all service lines.
CAMPAIGN_EVERY = 15
#: Opportunities created per provider and year.
OPPORTUNITIES_PER_YEAR = 7.0
#: Log-odds of winning: intercept, sourced by a campaign, per doubling of the amount, per unit of the log volume.
WIN_INTERCEPT, WIN_CAMPAIGN, WIN_AMOUNT, WIN_VOLUME = -0.2, 0.7, -0.25, 0.5
#: Mean days that an opportunity spends in prospecting, proposal, negotiation.
STAGE_DAYS = (21, 18, 16)

# --- appointments ----------------------------------------------------------------------------------------------------

#: Log-odds of missing an appointment: intercept, per log(1 + days of lead time), per earlier no-show of the patient
#: (in this calendar month and those before it, NO_SHOW_MONTHS in all, counted to NO_SHOW_CAP), and when a reminder was
#: sent. For a first appointment, the no-shows known in the month of its referral count.
NO_SHOW_INTERCEPT, NO_SHOW_LEAD, NO_SHOW_PRIOR, NO_SHOW_REMINDER = -3.8, 0.55, 0.60, -0.35
NO_SHOW_MONTHS, NO_SHOW_CAP = 6, 3
#: Share of appointments cancelled in advance, and share reminded of those booked two days ahead or more.
CANCELLED, REMINDED = 0.06, 0.70
#: What the two take together, near enough to plan the number of referrals that brings the visits asked for.
NOT_KEPT = 0.15

# --- claims ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Payer:
    """How a payer behaves.

    Attributes
    ----------
    under_65, over_65
        Share of patients by age.
    denial
        Probability that it denies a claim at first, times the service line's factor.
    allowed
        Allowed amount as a share of billed charges.
    days
        Mean days from submission to adjudication.
    """

    under_65: float
    over_65: float
    denial: float
    allowed: float
    days: float


PAYERS: dict[str, Payer] = {
    "Medicare": Payer(0.06, 0.50, 0.060, 0.36, 17),
    "Medicare Advantage": Payer(0.03, 0.34, 0.120, 0.38, 24),
    "Medicaid": Payer(0.20, 0.03, 0.110, 0.28, 33),
    "Blue Cross": Payer(0.34, 0.07, 0.075, 0.55, 21),
    "UnitedHealthcare": Payer(0.29, 0.05, 0.130, 0.52, 27),
    "Self-pay": Payer(0.08, 0.01, 0.010, 0.45, 45),
}
#: The in-network provider of this place (from 0) has this probability of denial whatever the payer and service line.
HIGH_DENIAL_PROVIDER = 0
HIGH_DENIAL = 0.30
#: Where a network has the rule (``Network.rule_from``): these payers ask for prior authorisation of a service line's
#: visits from that day on, and deny with this probability, for want of it, whoever the provider is; no appeal helps.
RULE_PAYERS, RULE_LINE = ("UnitedHealthcare", "Medicare Advantage"), "radiation_oncology"
RULE_DENIAL, RULE_REASON = 0.80, "CO-197"
#: Spread of the other providers' factor on denial, and on charges (standard deviation of the logarithm).
PROVIDER_DENIAL_SPREAD, PROVIDER_CHARGE_SPREAD = 0.15, 0.10
#: Share of paid claims paid in full; the others lose a part of the patient's share (at most PATIENT_SHARE of allowed).
PAID_IN_FULL, PATIENT_SHARE = 0.82, 0.30
#: Share of denials overturned on appeal; of payments corrected, and reversed. All arrive REVISED_AFTER days later.
OVERTURNED, CORRECTED, REVERSED = 0.35, 0.030, 0.015
REVISED_AFTER = (14, 56)

# --- inpatient stays -------------------------------------------------------------------------------------------------

#: Log-odds of a readmission within 30 days: intercept, per unit of frailty (mean 0, deviation 1), per log day of the
#: stay, after an emergency, per earlier stay in the chain.
READMISSION = {"intercept": -2.6, "frailty": 0.6, "nights": 0.35, "emergency": 0.4, "earlier": 0.3}
#: Points of satisfaction: mean, per day beyond five, spread between providers, spread within.
SATISFACTION, SATISFACTION_PER_DAY, SATISFACTION_BETWEEN, SATISFACTION_WITHIN = 82.0, -0.8, 4.0, 10.0
#: Treatment cost in dollars: fixed, per day; spread is the standard deviation of its logarithm.
STAY_COST, STAY_COST_PER_DAY, STAY_COST_SPREAD = 6_500.0, 2_900.0, 0.25

# --- how the sources deliver -----------------------------------------------------------------------------------------

#: Share of rows that come late, and by how many days.
LATE, LATE_DAYS = 0.02, (3, 35)
#: Share of rows delivered twice in the same extract.
DUPLICATED = 0.004
#: Share of rows that the source withdraws, and within how many days.
WITHDRAWN, WITHDRAWN_DAYS = 0.005, (1, 21)
#: Share of visits first delivered with a wrong visit date (some in another month), set right later.
MISDATED = 0.004
