"""What is planted can be found again in what is delivered. Bounds are loose, seeds fixed."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from carti_lake.generate import Network, codes, truths
from carti_lake.generate.campaigns import draw as draw_campaigns
from carti_lake.generate.demand import working
from carti_lake.generate.providers import directory
from tests.worlds.networks import QUARTER, YEAR, current, delivered

# --- demand ----------------------------------------------------------------------------------------------------------


def test_the_visits_asked_for_are_made(year):
    made = year["ehr_visits"]["visit_id"].n_unique()
    assert made / YEAR.days == pytest.approx(YEAR.visits_per_day, rel=0.1)


def test_visits_follow_the_season_and_the_week(year):
    visits = current(year["ehr_visits"], "visit_id")
    working_days = pl.date_range(YEAR.start, YEAR.end, eager=True).to_frame("day")
    working_days = (
        working_days.filter(pl.col("day").dt.weekday() <= 5)["day"].dt.month().value_counts().sort("day")["count"]
    )
    by_month = (
        visits["visit_date"].dt.month().value_counts().sort("visit_date").filter(pl.col("visit_date") <= 12)["count"]
    )
    assert np.corrcoef(by_month / working_days, truths.VISIT_SEASON)[0, 1] > 0.7
    by_weekday = visits["visit_date"].dt.weekday().value_counts().sort("visit_date")["count"]
    assert by_weekday[1] > by_weekday[0] > by_weekday[3] > by_weekday[4]
    # Only a misdated visit that is not set right yet falls on a weekend.
    assert by_weekday[5:].sum() < 0.005 * len(visits)


@pytest.mark.slow
def test_referrals_grow_from_year_to_year():
    network = Network(seed=3, start=date(2024, 1, 1), days=730, patients=20_000, dirt=0)
    referrals = delivered(network, every="month", feeds=["salesforce_referrals"])["salesforce_referrals"]
    first = referrals.unique("referral_id")["referral_date"].dt.year().value_counts().sort("referral_date")
    counts = dict(first.rows())
    assert np.log(counts[2025] / counts[2024]) == pytest.approx(truths.YEARLY_GROWTH, abs=0.06)


# --- referrals and marketing -----------------------------------------------------------------------------------------


def test_the_leaking_line_leaks(year):
    settled = current(year["salesforce_referrals"], "referral_id").filter(
        pl.col("referral_status").is_in(["Completed", "Lost"])
    )
    out = dict(
        settled.group_by("service_line").agg((pl.col("network_status") == "Out of network").mean()).fill_null(0).rows()
    )
    assert max(out, key=out.__getitem__) == truths.LEAKING_LINE
    others = [share for line, share in out.items() if line != truths.LEAKING_LINE]
    assert out[truths.LEAKING_LINE] > 0.3 > 2 * max(others)
    assert 0.05 < (settled["referral_status"] == "Lost").mean() < 0.25


def test_referrals_are_seen_by_the_network_or_outside_it_and_never_before_they_are_made(year):
    referrals = current(year["salesforce_referrals"], "referral_id").filter(pl.col("referral_status") == "Completed")
    listed = year["providers"].select("network_status", rendering_provider_npi="npi").unique("rendering_provider_npi")
    seen = referrals.join(listed, on="rendering_provider_npi", suffix="_listed")
    assert len(seen) == len(referrals)
    assert (seen["network_status"] == seen["network_status_listed"]).all()
    assert (seen["first_visit_date"] > seen["referral_date"]).all()
    assert 5 < (seen["first_visit_date"] - seen["referral_date"]).dt.total_days().median() < 21
    assert not set(referrals["referring_provider_npi"]) & set(referrals["rendering_provider_npi"])


def test_campaigns_lift_their_line_after_a_lag_and_not_before(year):
    campaigns = draw_campaigns(YEAR)
    days = np.arange(campaigns["starts"].min() - 30, campaigns["ends"].max() + 60)
    inside = (days >= date(2024, 10, 1).toordinal() - 719_163) & (days <= date(2025, 12, 15).toordinal() - 719_163)
    referred = year["salesforce_referrals"].unique("referral_id").with_columns(pl.col("referral_date").cast(pl.Int32))
    line = referred["service_line"].replace_strict({name: i for i, name in enumerate(codes.SERVICE_LINES)}).to_numpy()
    counts = np.zeros((len(days), len(codes.SERVICE_LINES)))
    place = referred["referral_date"].to_numpy() - days[0]
    np.add.at(counts, (place[(place >= 0) & (place < len(days))], line[(place >= 0) & (place < len(days))]), 1)
    share = counts / counts.sum(axis=1, keepdims=True).clip(1)
    owned = np.eye(len(codes.SERVICE_LINES))[campaigns["line"].to_numpy()]
    works = working(campaigns, days).astype(float)
    waits = ((days[:, None] >= campaigns["starts"].to_numpy()) & (works == 0)) & (
        days[:, None] < campaigns["starts"].to_numpy() + truths.CAMPAIGN_LAG
    )
    working_lines, waiting_lines = works @ owned > 0, waits @ owned > 0
    usual = np.array([line.referrals for line in truths.LINES.values()])
    relative = share / (usual / usual.sum())
    quiet = ~working_lines & ~waiting_lines & inside[:, None]
    lift = relative[working_lines & inside[:, None]].mean() / relative[quiet].mean() - 1
    early = relative[waiting_lines & ~working_lines & inside[:, None]].mean() / relative[quiet].mean() - 1
    planted = campaigns["lift"].mean()
    assert lift == pytest.approx(planted, abs=0.2)
    assert abs(early) < 0.2 < lift


def test_credited_referrals_come_while_their_campaign_works(year):
    referrals = year["salesforce_referrals"].unique("referral_id").drop_nulls("campaign_id")
    campaigns = current(year["salesforce_campaigns"], "campaign_id")
    both = referrals.join(campaigns, on="campaign_id", suffix="_promoted")
    assert len(both) == len(referrals) > 500
    assert (both["service_line"] == both["service_line_promoted"]).all()
    lag = (both["referral_date"] - both["start_date"]).dt.total_days()
    assert lag.min() >= truths.CAMPAIGN_LAG


def test_opportunities_move_forward_and_are_won_or_lost(quarter):
    rows = quarter["salesforce_opportunities"]
    place = {"Prospecting": 0, "Proposal": 1, "Negotiation": 2, "Closed Won": 3, "Closed Lost": 3}
    moves = rows.with_columns(place=pl.col("stage_name").replace_strict(place))
    backward = moves.filter(pl.col("place") < pl.col("place").shift(1).over("opportunity_id"))
    assert backward.is_empty()
    assert (rows["is_won"] == (rows["stage_name"] == "Closed Won")).all()
    assert (rows["is_closed"] == rows["stage_name"].str.starts_with("Closed")).all()
    closed = current(rows, "opportunity_id").filter("is_closed")
    assert 0.2 < closed["is_won"].mean() < 0.7
    assert (closed["close_date"] > closed["created_date"]).all()


# --- appointments ----------------------------------------------------------------------------------------------------


def test_no_shows_follow_lead_time_and_history():
    """A logistic regression on what is delivered finds the planted log-odds."""
    network = Network(seed=5, start=date(2025, 1, 1), days=181, visits_per_day=600, patients=9_000, dirt=0)
    rows = delivered(network, every="month", feeds=["ehr_appointments"])["ehr_appointments"]
    due = (
        rows.unique("appointment_id", keep="last", maintain_order=True)
        .filter(pl.col("appointment_status").is_in(["Completed", "No-show"]))
        .sort("appointment_date", "appointment_id")
        .with_columns(missed=pl.col("appointment_status") == "No-show")
        .with_columns(prior=(pl.col("missed").cum_sum() - pl.col("missed")).over("patient_id"))
    )
    lead = (due["appointment_date"] - due["booked_date"]).dt.total_days().to_numpy()
    features = np.column_stack(
        [
            np.ones(len(due)),
            np.log1p(lead),
            due["prior"].clip(0, truths.NO_SHOW_CAP),
            due["reminder_sent"].fill_null(False),
        ]
    ).astype(float)
    target, weights = due["missed"].to_numpy().astype(float), np.zeros(4)
    for _ in range(8):
        expected = 1 / (1 + np.exp(-features @ weights))
        curvature = features.T @ (features * (expected * (1 - expected))[:, None])
        weights += np.linalg.solve(curvature, features.T @ (target - expected))
    planted = [truths.NO_SHOW_INTERCEPT, truths.NO_SHOW_LEAD, truths.NO_SHOW_PRIOR, truths.NO_SHOW_REMINDER]
    assert weights == pytest.approx(planted, abs=0.15)


# --- claims ----------------------------------------------------------------------------------------------------------


def adjudicated(visits: pl.DataFrame) -> pl.DataFrame:
    """Each claim as it was first adjudicated."""
    return visits.filter(pl.col("claim_status") != "Pending").unique("visit_id", keep="first", maintain_order=True)


def test_claims_add_up_and_only_paid_ones_have_payments(year):
    visits = year["ehr_visits"]
    cents = visits.select(
        (pl.col(name) * 100).round(0).cast(pl.Int64)
        for name in ("claim_amount", "allowed_amount", "contractual_adjustment", "claim_paid")
    )
    assert (cents["claim_amount"] == cents["allowed_amount"] + cents["contractual_adjustment"]).all()
    assert (cents["claim_paid"] <= cents["allowed_amount"]).all()
    paid = visits["claim_status"] == "Paid"
    assert (visits.filter(paid)["claim_paid"] > 0).all()
    assert visits.filter(~paid)["claim_paid"].sum() == 0
    assert (visits["denial_reason"].is_not_null() == (visits["claim_status"] == "Denied")).all()


def test_claims_are_pending_first_and_adjudicated_weeks_later(quarter):
    visits = quarter["ehr_visits"]
    assert visits.filter(pl.col("claim_status") == "Pending")["claim_paid_date"].is_null().all()
    first = adjudicated(visits)
    days = (first["claim_paid_date"] - first["claim_submitted_date"]).dt.total_days()
    assert days.min() >= 3
    assert 10 < days.median() < 30
    slow, fast = (days.filter(first["payer"] == payer).mean() for payer in ("Medicaid", "Medicare"))
    assert slow > fast


def test_denials_depend_on_payer_line_and_one_provider(year):
    first = adjudicated(year["ehr_visits"]).with_columns(denied=pl.col("claim_status") == "Denied")
    npi = directory(YEAR).listed["npi"][truths.HIGH_DENIAL_PROVIDER]
    high = first.filter(pl.col("provider_npi") == npi)["denied"]
    assert high.mean() == pytest.approx(truths.HIGH_DENIAL, abs=0.03)
    usual = first.filter(pl.col("provider_npi") != npi)
    found = usual.group_by("payer", "service_line").agg(pl.col("denied").mean(), pl.len()).filter(pl.col("len") > 200)
    planted = [
        truths.PAYERS[payer].denial * truths.LINES[line].denial for payer, line in found["payer", "service_line"].rows()
    ]
    assert np.corrcoef(found["denied"], planted)[0, 1] > 0.8
    assert found["denied"].mean() == pytest.approx(np.mean(planted), rel=0.25)


def test_corrections_reversals_and_overturned_denials_arrive_weeks_later(year):
    visits = year["ehr_visits"].filter(~pl.col("is_deleted"))
    first, last = adjudicated(visits), current(visits, "visit_id")
    both = first.join(last, on="visit_id", suffix="_last").filter(pl.col("visit_date") < date(2025, 9, 1))
    denied, paid = both.filter(claim_status="Denied"), both.filter(claim_status="Paid")
    assert (denied["claim_status_last"] == "Paid").mean() == pytest.approx(truths.OVERTURNED, abs=0.08)
    assert 0.005 < (paid["claim_status_last"] == "Reversed").mean() < 0.02
    corrected = (paid["claim_status_last"] == "Paid") & (paid["claim_amount"] != paid["claim_amount_last"])
    assert 0.01 < corrected.mean() < 0.04
    revised = both.filter(pl.col("claim_paid_date") != pl.col("claim_paid_date_last"))
    days = (revised["claim_paid_date_last"] - revised["claim_paid_date"]).dt.total_days()
    assert truths.REVISED_AFTER[0] <= days.min() and days.max() <= truths.REVISED_AFTER[1]


def test_some_visits_move_to_another_month(quarter):
    visits = quarter["ehr_visits"].filter(~pl.col("is_deleted"))
    months = visits.group_by("visit_id").agg(pl.col("visit_date").dt.truncate("1mo").n_unique())
    assert (months["visit_date"] > 1).sum() > 0


# --- patients and stays ----------------------------------------------------------------------------------------------


def test_patients_keep_their_home_and_the_old_are_with_medicare(year):
    visits = year["ehr_visits"]
    assert visits.group_by("patient_id").agg(pl.col("patient_zip3").n_unique())["patient_zip3"].max() == 1
    old = visits.filter(pl.col("patient_age") >= 70)["payer"]
    assert old.str.starts_with("Medicare").mean() > 0.7
    assert visits.filter(pl.col("patient_age") < 60)["payer"].str.starts_with("Medicare").mean() < 0.2
    assert visits["patient_age"].min() >= 18


def test_stays_last_as_long_as_their_dates_say(year):
    stays = current(year["sg2_patient_flow"], "encounter_id")
    assert ((stays["discharge_date"] - stays["admission_date"]).dt.total_days() == stays["length_of_stay"]).all()
    assert 3 < stays["length_of_stay"].mean() < 10
    assert stays["satisfaction_score"].drop_nulls().is_between(0, 100).all()
    cost = np.corrcoef(stays["length_of_stay"], stays["treatment_cost"])[0, 1]
    assert cost > 0.6


def test_some_patients_are_readmitted_within_30_days_and_none_after_death(year):
    stays = current(year["sg2_patient_flow"], "encounter_id").sort("patient_id", "admission_date")
    following = stays.with_columns(next=pl.col("admission_date").shift(-1).over("patient_id"))
    back = (following["next"] - following["discharge_date"]).dt.total_days().is_between(0, 30).fill_null(False)
    assert 0.08 < back.mean() < 0.35
    died = (
        stays.filter(discharge_disposition="Expired").select("patient_id", died="discharge_date").unique("patient_id")
    )
    assert len(died) > 20
    for feed, day in (("ehr_visits", "visit_date"), ("sg2_patient_flow", "admission_date")):
        after = year[feed].join(died, on="patient_id").filter(pl.col(day) > pl.col("died"))
        assert after.is_empty(), feed


def test_drugs_suit_the_service_line(year):
    orders = year["ehr_medications"].join(
        current(year["ehr_visits"], "visit_id").select("visit_id", "service_line"), on="visit_id"
    )
    lines = {drug.code: drug.lines for drug in codes.DRUGS}
    seen = orders.select("drug_code", "service_line").unique().rows()
    assert all(line in lines[code] for code, line in seen)


def test_a_rule_denies_one_line_s_claims_of_two_payers_from_its_day_on():
    start = QUARTER.start + timedelta(days=20)
    ruled = delivered(replace(QUARTER, rule_from=start), feeds=["ehr_visits"])["ehr_visits"]
    usual = delivered(QUARTER, feeds=["ehr_visits"])["ehr_visits"]
    under = (
        pl.col("payer").is_in(truths.RULE_PAYERS)
        & (pl.col("service_line") == truths.RULE_LINE)
        & (pl.col("visit_date") >= start)
    )
    answered = ruled.filter(under & pl.col("claim_status").is_in(["Paid", "Denied"]))
    denied = answered.filter(claim_status="Denied")
    assert denied.height / answered.height == pytest.approx(truths.RULE_DENIAL, abs=0.08)
    assert denied["denial_reason"].unique().to_list() == [truths.RULE_REASON]
    # Nothing else is any different, but for which rows come twice.
    touched = pl.concat([usual, ruled]).filter(under).select("visit_id")
    one, other = (rows.join(touched, on="visit_id", how="anti").unique() for rows in (ruled, usual))
    assert_frame_equal(one, other, check_row_order=False)
