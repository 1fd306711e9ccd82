from datetime import date, timedelta

import polars as pl
import pytest

from carti_lake.models.forecast import methods
from carti_lake.models.forecast.panel import panel
from carti_lake.pipeline.gold.forecast_series import month_after, series, weekend
from tests.worlds.forecasts import START, known, network

DECEMBER = date(2024, 12, 1)


def of(rows, member, metric):
    return rows.filter(member=member, metric=metric).sort("month")


@pytest.fixture(scope="module")
def cells():
    return network(24)


@pytest.mark.parametrize(
    ("as_of", "origin"),
    [(date(2024, 12, 31), date(2024, 12, 1)), (date(2024, 12, 30), date(2024, 11, 1)), (date(2025, 1, 5), DECEMBER)],
)
def test_a_month_that_has_not_ended_is_no_origin(cells, as_of, origin):
    found = series(known(cells, as_of).tables).collect()
    assert found["origin"].unique().to_list() == [origin] == [found["month"].max()]


def test_levels_are_sums_of_the_same_cells(cells):
    found = series(known(cells, date(2025, 1, 5)).tables).collect()
    sums = found.filter(metric="visits").group_by("level", "month").agg(pl.col("value").sum())
    assert sums.group_by("month").agg(pl.col("value").n_unique())["value"].to_list() == [1] * 24
    assert of(found, "network", "visits")["value"].sum() == cells["visits"].sum()


def test_months_before_the_first_activity_are_none_and_months_without_any_are_zero(cells):
    begins, pauses = month_after(START, 8), month_after(START, 12)
    late = cells.filter((pl.col("provider_id") != "p001") | (pl.col("month") >= begins))
    late = late.filter((pl.col("provider_id") != "p001") | (pl.col("month") != pauses))
    found = of(series(known(late, date(2025, 1, 5)).tables).collect(), "p001", "visits")
    assert found["month"].to_list() == [month_after(START, place) for place in range(8, 24)]
    assert found.filter(pl.col("value") == 0)["month"].to_list() == [pauses]


def test_strays_before_the_feed_began_make_no_month(cells):
    stray = cells.head(1).with_columns(month=pl.lit(date(2022, 6, 1)), visits=pl.lit(1, dtype=pl.Int64))
    found = series(known(pl.concat([stray, cells]), date(2025, 1, 5)).tables).collect()
    assert found["month"].min() == START


def test_a_metric_that_a_member_never_had_is_no_series(cells):
    none = cells.with_columns(referrals_made=pl.when(pl.col("provider_id") != "p002").then("referrals_made"))
    found = series(known(none.fill_null(0), date(2025, 1, 5)).tables).collect()
    assert of(found, "p002", "referrals").is_empty() and not of(found, "p003", "referrals").is_empty()


@pytest.fixture(scope="module")
def lagging(cells):
    """Claims of which a quarter is adjudicated in the last month, nine tenths in the one before, all in the others."""
    maturity = {month_after(START, place): 1.0 for place in range(22)}
    maturity |= {month_after(START, 22): 0.9, month_after(START, 23): 0.25}
    shares = pl.DataFrame({"month": list(maturity), "share": list(maturity.values())})
    shown = cells.join(shares, on="month").with_columns(payments=pl.col("payments") * pl.col("share")).drop("share")
    return series(known(shown, date(2025, 1, 5), maturity=maturity).tables).collect()


def test_cash_that_is_still_to_come_is_added_before_fitting(cells, lagging):
    found = of(lagging, "network", "net_cash")
    true = cells.group_by("month").agg(pl.col("payments").sum()).sort("month")["payments"]
    assert found["value"][-1] < 0.3 * true[-1]
    assert found["completed"].to_list() == pytest.approx(true.to_list(), rel=1e-9)
    parts = lagging.filter(metric="net_cash", month=DECEMBER).group_by("level").agg(pl.col("completed").sum())
    assert parts["completed"].to_list() == pytest.approx([true[-1]] * 3)


def test_forecasts_of_completed_cash_do_not_fall_and_those_of_raw_cash_do(cells, lagging):
    whole = lagging.filter(level="network", metric="net_cash")
    completed, raw = panel(whole, 1.0), panel(whole.with_columns(completed="value"), 1.0)
    lately = of(lagging, "network", "visits")["value"].tail(6).mean() * 40
    said = [methods.forecasts(one, None, {methods.THETA})[methods.THETA].mean() for one in (completed, raw)]
    assert said[0] == pytest.approx(lately, rel=0.15)
    assert said[1] < 0.75 * lately


def test_cash_of_unknown_maturity_is_not_forecast(cells):
    tables = dict(known(cells, date(2025, 1, 5)).tables)
    tables["gold.claims_maturity"] = tables["gold.claims_maturity"].clear()
    found = series(tables).collect()
    assert of(found, "network", "net_cash")["completed"].null_count() == 24
    assert of(found, "network", "visits")["completed"].null_count() == 0


def test_visits_that_come_days_after_are_counted_in_at_the_end_of_a_month(cells):
    """A third of the visits is delivered two days late: on a month's last day a fifteenth of it is still to come."""
    days = pl.DataFrame({"visit_date": [START + timedelta(days=day) for day in range(731)]})
    visits = days.join(pl.DataFrame({"lag": [0, 0, 2]}), how="cross").select(
        "visit_date",
        visit_month=pl.col("visit_date").dt.truncate("1mo"),
        claim_submitted_date=pl.col("visit_date").dt.offset_by(pl.format("{}d", "lag")),
    )
    visits = visits.filter(pl.col("claim_submitted_date") <= date(2024, 12, 31))
    on_the_day = series(known(cells, date(2024, 12, 31), visits=visits).tables).collect()
    later = series(known(cells, date(2025, 1, 5), visits=visits).tables).collect()
    share = of(on_the_day, "network", "visits")["share"]
    assert share[-1] == pytest.approx(1 - 2 / 3 / 30.5, abs=0.001) and share[:-1].to_list() == [1] * 23
    completed = of(on_the_day, "network", "visits")
    assert completed["completed"][-1] == pytest.approx(completed["value"][-1] / share[-1])
    assert of(later, "network", "visits")["share"].to_list() == [1] * 24
    assert of(later, "network", "referrals")["share"].to_list() == [1] * 24


def test_weekends_count_as_they_are_used():
    days = pl.DataFrame({"visit_date": [START + timedelta(days=day) for day in range(364)]}).with_columns(
        visit_month=pl.col("visit_date").dt.truncate("1mo")
    )
    weekdays = days.filter(pl.col("visit_date").dt.weekday() < 6)
    assert weekend(days.lazy()).collect().item() == pytest.approx(1, abs=0.03)
    assert weekend(weekdays.lazy()).collect().item() == 0
    assert weekend(days.clear().lazy()).collect().item() == 1
