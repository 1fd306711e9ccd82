"""What is delivered: the declared columns, in the order of time, each update after its original."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

import polars as pl
import pytest

from carti_lake.generate import Network, extracts
from carti_lake.tables.feeds import FEEDS
from tests.worlds.networks import QUARTER, current, delivered


@pytest.mark.parametrize("dirt", [0, 0.1])
def test_every_feed_delivers_exactly_its_declared_columns(dirt):
    network = Network(days=40, visits_per_day=20, patients=500, dirt=dirt)
    feeds = delivered(network)
    # Its EHR tells what a claim comes to with the visit, and no lines.
    assert set(feeds) == set(FEEDS) - {"ehr_claim_lines"}
    for feed, rows in feeds.items():
        assert rows.columns == [*FEEDS[feed].delivered(), "extract_date"]


def test_clean_rows_fit_the_declared_types(quarter):
    for feed, rows in quarter.items():
        rows.select(pl.col(name).cast(dtype, strict=True) for name, dtype in FEEDS[feed].delivered().items())
        empty = [name for name in FEEDS[feed].required() if rows[name].is_null().all()]
        assert not empty, f"{feed} never fills {empty}"


def test_extracts_come_in_the_order_of_delivery_each_in_the_night_after_its_date():
    seen = [(feed, day, at) for feed, day, at, _ in extracts(QUARTER)]
    assert all(earlier[2] <= later[2] for earlier, later in pairwise(seen))
    assert len({(feed, day) for feed, day, _ in seen}) == len(seen)
    for _, day, at in seen:
        midnight = datetime.combine(day + timedelta(days=1), time(), UTC)
        assert timedelta(hours=2) <= at - midnight < timedelta(hours=6)
    days = {day for feed, day, _ in seen if feed == "ehr_visits"}
    assert days == {QUARTER.start + timedelta(days=day) for day in range(QUARTER.days)}


def test_a_feed_is_the_same_whether_others_are_delivered_or_not(quarter):
    alone = delivered(QUARTER, feeds=["ehr_visits"])
    assert set(alone) == {"ehr_visits"}
    assert alone["ehr_visits"].equals(quarter["ehr_visits"])


def test_monthly_extracts_end_where_daily_ones_do(quarter):
    monthly = delivered(QUARTER, every="month")["ehr_visits"]
    daily = quarter["ehr_visits"]
    assert monthly["extract_date"].n_unique() == 3
    assert len(monthly) < len(daily)
    assert (
        current(monthly, "visit_id").drop("extract_date").sort("visit_id")
        .equals(current(daily, "visit_id").drop("extract_date").sort("visit_id"))
    )  # fmt: skip


def test_a_history_is_one_extract_a_feed_of_what_daily_ones_had_come_to(quarter):
    network = replace(QUARTER, history=60)
    handed_over = network.start + timedelta(days=59)
    at_once, by_day = delivered(network), quarter
    for feed in ("ehr_visits", "salesforce_referrals", "salesforce_crm", "sg2_patient_flow"):
        days = at_once[feed]["extract_date"].unique().sort()
        assert days[0] == handed_over and days[1] > handed_over
    history = at_once["ehr_visits"].filter(pl.col("extract_date") == handed_over)
    before = by_day["ehr_visits"].filter(pl.col("extract_date") <= handed_over)
    state = [current(rows, "visit_id").drop("extract_date").sort("visit_id") for rows in (history, before)]
    assert state[0].equals(state[1])
    after = [rows["ehr_visits"].filter(pl.col("extract_date") > handed_over) for rows in (at_once, by_day)]
    assert set(after[0]["visit_id"]) == set(after[1]["visit_id"])


def test_an_update_is_delivered_after_its_original(quarter):
    for feed, key, first in (
        ("ehr_visits", "visit_id", pl.col("claim_status") == "Pending"),
        ("salesforce_referrals", "referral_id", pl.col("referral_status") == "New"),
        ("ehr_appointments", "appointment_id", pl.col("appointment_status") == "Booked"),
        ("salesforce_opportunities", "opportunity_id", pl.col("stage_name") == "Prospecting"),
    ):
        rows = quarter[feed].filter(~pl.col("is_deleted"))
        late = (
            rows.group_by(key)
            .agg(
                original=pl.col("extract_date").filter(first).max(),
                update=pl.col("extract_date").filter(~first).min(),
            )
            .filter(pl.col("update") <= pl.col("original"))
        )
        assert late.is_empty(), feed
        assert rows.filter(~first).height > 0, feed


def test_rows_come_late_twice_and_withdrawn(quarter):
    visits = quarter["ehr_visits"]
    first = visits.unique("visit_id", keep="first", maintain_order=True)
    lag = (first["extract_date"] - first["claim_submitted_date"]).dt.total_days()
    assert lag.min() == 0
    assert 0.01 < (lag >= 3).mean() < 0.04
    assert 0 < visits.is_duplicated().sum() < 0.02 * len(visits)
    assert 0.002 < visits["is_deleted"].sum() / visits["visit_id"].n_unique() < 0.01


def test_a_withdrawal_is_the_last_that_is_heard_of_a_row(quarter):
    for feed, key in (
        ("ehr_visits", "visit_id"),
        ("ehr_medications", "medication_id"),
        ("ehr_appointments", "appointment_id"),
    ):
        last = quarter[feed].unique(key, keep="last", maintain_order=True)
        withdrawn = quarter[feed].filter("is_deleted")[key].unique()
        assert len(withdrawn) and last.filter(pl.col(key).is_in(withdrawn.to_list()))["is_deleted"].all()


def test_rows_refer_to_rows_that_are_delivered(quarter):
    visits, referrals, orders = (quarter[feed] for feed in ("ehr_visits", "salesforce_referrals", "ehr_medications"))
    # The few that are missing are late: their referral comes after the window.
    assert visits.filter(~pl.col("referral_id").is_in(referrals["referral_id"].to_list())).height < 0.01 * len(visits)
    kept = quarter["ehr_appointments"].filter(pl.col("appointment_status") == "Completed")
    # A visit is delivered when its claim is submitted, a few days after the appointment.
    before = QUARTER.end - timedelta(days=40)
    assert set(kept.filter(pl.col("appointment_date") < before)["visit_id"]) <= set(visits["visit_id"])
    assert set(orders.filter(pl.col("ordered_date") < before)["visit_id"]) <= set(visits["visit_id"])
    for feed, column in (("salesforce_referrals", "campaign_id"), ("salesforce_opportunities", "campaign_id")):
        assert set(quarter[feed][column].drop_nulls()) <= set(quarter["salesforce_campaigns"]["campaign_id"])
    known = set(quarter["salesforce_opportunities"]["opportunity_id"])
    assert set(referrals["opportunity_id"].drop_nulls()) <= known


def test_the_crm_is_a_list_of_every_account_per_week_and_one_account_is_closed(quarter):
    sizes = quarter["salesforce_crm"].group_by("extract_date").agg(pl.len(), pl.col("provider_npi").n_unique())
    assert sizes.filter(pl.col("len") != pl.col("provider_npi")).is_empty()
    assert sizes.sort("extract_date")["len"].to_list() == [40] * 6 + [39] * 5
    assert sizes["extract_date"].sort().diff().drop_nulls().unique().to_list() == [timedelta(days=7)]


def test_wrong_settings_are_refused_with_the_remedy():
    with pytest.raises(ValueError, match=r"providers is 3; give at least 16; dirt is 2; give a share from 0 to 1"):
        Network(providers=3, dirt=2)
    with pytest.raises(ValueError, match=r"no feed claims; choose from sg2_patient_flow"):
        next(extracts(QUARTER, feeds=["claims"]))
