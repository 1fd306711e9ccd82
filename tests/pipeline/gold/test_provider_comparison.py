"""Providers beside the network: which months and cases count, what is shown, who is ranked, who stands apart."""

from datetime import date
from random import Random

import pytest
from polars.testing import assert_frame_equal

from carti_lake.pipeline.gold.provider_comparison import (
    ALL_ALIKE,
    FEW_CASES,
    FEW_PROVIDERS,
    compared_metrics,
    provider_comparison,
)
from carti_lake.tables.gold import ProviderComparison, ProviderMonthly, ProviderSummary, Reconciliation
from tests.worlds.rows import held

NONE_MONTHLY, NONE_SUMMARY, NONE_BATCH = (
    {name: 0 for name, dtype in table.dtypes().items() if dtype.is_numeric()}
    for table in (ProviderMonthly, ProviderSummary, Reconciliation)
)
MARCH = date(2026, 3, 1)


def cell(provider, paid=0, denied=0, month=MARCH, **values):
    """A provider's remitted claims of a month."""
    return {
        **NONE_MONTHLY,
        "provider_id": provider,
        "month": month,
        "service_line": "lung",
        "paid_claims": paid,
        "denied_claims": denied,
        **values,
    }


def compared(monthly=(), summary=(), as_of=date(2026, 3, 31), metric="remittance_denial_rate"):
    """The metric's rows by provider."""
    rows = provider_comparison(
        held(ProviderMonthly, *monthly),
        held(ProviderSummary, *({**NONE_SUMMARY, **row} for row in summary)),
        held(Reconciliation, {**NONE_BATCH, "batch_id": "b", "feed": "f", "extract_date": as_of}),
    ).collect()
    assert rows.schema == ProviderComparison.dtypes()
    return {row["provider_id"]: row for row in rows.filter(metric=metric).iter_rows(named=True)}


def peers(count=10, paid=90, denied=10):
    return [cell(f"peer {number}", paid, denied) for number in range(count)]


def test_the_registrys_proportions_are_compared():
    assert {metric.id for metric in compared_metrics()} >= {
        "remittance_denial_rate",
        "leakage_rate",
        "keepage_rate",
        "no_show_rate",
        "top_box_rate",
        "win_rate",
    }
    assert all(metric.proportion for metric in compared_metrics())


def test_a_provider_by_hand():
    row = compared([cell("lee", paid=12, denied=8), cell("roe", paid=68, denied=12)])["lee"]
    assert (row["numerator"], row["n"], row["rate"]) == (8, 20, 0.4)
    # Wilson by hand: (0.4 + 1.96^2 / 40 -+ 1.96 sqrt(0.4 * 0.6 / 20 + 1.96^2 / 1600)) / (1 + 1.96^2 / 20)
    assert (row["lower_95"], row["upper_95"]) == pytest.approx((0.2188, 0.6134), abs=5e-5)
    assert row["network_rate"] == pytest.approx(20 / 100)
    # Of Binomial(20, 0.2), P(X <= 7) = 0.968 and P(X <= 8) = 0.990: the limits lie between 7 and 8 cases; 8 is outside.
    assert 7 / 20 < row["limit_upper_95"] < 8 / 20 < row["limit_upper_998"] < 10 / 20
    assert (row["outside_95"], row["outside_998"]) == ("above", None)


def test_months_and_service_lines_add_up():
    rows = [
        cell("lee", 10, 2, date(2026, 1, 1)),
        cell("lee", 20, 3),
        cell("lee", 5, 0, service_line="breast"),
    ]
    row = compared(rows)["lee"]
    assert (row["numerator"], row["n"]) == (5, 40)


@pytest.mark.parametrize(
    ("as_of", "first", "last"),
    [
        (date(2026, 3, 31), date(2025, 4, 1), date(2026, 3, 1)),
        (date(2026, 3, 30), date(2025, 3, 1), date(2026, 2, 1)),
        (date(2026, 1, 15), date(2025, 1, 1), date(2025, 12, 1)),
        (date(2024, 2, 29), date(2023, 3, 1), date(2024, 2, 1)),
    ],
)
def test_the_period_is_the_twelve_months_that_had_ended_by_the_newest_extract(as_of, first, last):
    months = [date(year, month, 1) for year in (2023, 2024, 2025, 2026) for month in range(1, 13)]
    row = compared([cell("lee", 11, 1, month) for month in months], as_of=as_of)["lee"]
    assert (row["first_month"], row["last_month"]) == (first, last)
    assert row["n"] == 12 * 12


def test_whoever_has_no_case_in_the_period_has_no_row():
    rows = [cell("lee", 20, 2), cell("early", 20, 2, date(2025, 3, 1)), cell("late", 20, 2, date(2026, 4, 1))]
    assert set(compared([*rows, cell("none")])) == {"lee"}
    assert compared() == {}


def test_win_rates_are_of_all_months():
    decided = {"won_opportunities": 30, "lost_opportunities": 10}
    row = compared(summary=[{"provider_id": "lee", **decided}], metric="win_rate")["lee"]
    assert (row["numerator"], row["n"], row["rate"]) == (30, 40, 0.75)
    assert row["first_month"] is row["last_month"] is None


def test_on_fewer_than_11_cases_nothing_tells_the_rate_and_the_cases_still_count():
    few = compared([*spread(), cell("few", 5, 5), cell("enough", 6, 5)])
    row = few["few"]
    hidden = {name for name, value in row.items() if value is None}
    assert hidden == set(row) - {
        *("provider_id", "metric", "first_month", "last_month", "numerator", "n", "ranked", "reason")
    }
    assert row["reason"] == FEW_CASES
    assert few["enough"]["rate"] == pytest.approx(5 / 11)
    assert few["enough"]["network_rate"] == pytest.approx((300 + 5 + 5) / (2400 + 10 + 11))
    without = compared([*spread(), cell("enough", 6, 5)])
    assert few["enough"]["prior_cases"] < without["enough"]["prior_cases"]
    assert few["enough"]["ranked"] == without["enough"]["ranked"] == 13


def test_with_few_providers_rates_stand_for_themselves():
    rows = compared(peers(9, denied=30))
    assert {row["reason"] for row in rows.values()} == {FEW_PROVIDERS}
    assert {row["shrunk_rate"] for row in rows.values()} == {row["rank"] for row in rows.values()} == {None}
    assert {row["dispersion"] for row in rows.values()} == {None}
    assert {row["rate"] for row in rows.values()} == {0.25}


def test_where_rates_differ_no_more_than_by_chance_all_are_shrunk_to_the_networks_and_nobody_is_ranked():
    rows = compared(peers(10))
    for row in rows.values():
        assert (row["reason"], row["rank"], row["ranked"], row["prior_cases"]) == (ALL_ALIKE, None, 0, None)
        assert row["shrunk_rate"] == pytest.approx(0.1)
        # Wilson's interval of 100 of 1,000.
        assert (row["shrunk_lower_95"], row["shrunk_upper_95"]) == pytest.approx((0.0829, 0.1202), abs=5e-5)


def spread(**more):
    """Twelve providers whose rates differ, of 200 cases each, one of whom has 40 % denied."""
    denied = [10, 14, 18, 20, 22, 24, 26, 28, 30, 16, 12, 80]
    return [cell(f"P{number:02}", 200 - count, count, **more) for number, count in enumerate(denied)]


def test_who_stands_apart_is_flagged_and_ranked_last_and_the_others_ranks_overlap():
    rows = compared(spread())
    apart = rows.pop("P11")
    assert (apart["outside_95"], apart["outside_998"]) == ("above", "above")
    assert (apart["rank"], apart["rank_low"], apart["rank_high"], apart["last_quarter"]) == (12, 12, 12, 1.0)
    assert {row["outside_998"] for row in rows.values()} == {None}
    assert {row["ranked"] for row in rows.values()} == {12}
    assert all(row["rank_low"] < row["rank_high"] for row in rows.values())
    # 10 of 200 denied: the lowest rate, and rank 1 is the lowest where lower is better.
    assert rows["P00"]["rank_low"] == 1
    assert rows["P00"]["rate"] < rows["P00"]["shrunk_rate"] < rows["P00"]["network_rate"]


def test_where_higher_is_better_rank_1_is_the_highest():
    kept = [{"referrals_received": 100, "referrals_completed": 50 + 4 * number} for number in range(12)]
    rows = compared([cell(f"P{place:02}", **counts) for place, counts in enumerate(kept)], metric="keepage_rate")
    assert rows["P11"]["rank"] < rows["P00"]["rank"]


def test_a_network_without_a_single_denial_has_nothing_outside():
    rows = compared(peers(12, denied=0))
    for row in rows.values():
        assert (row["rate"], row["shrunk_rate"], row["limit_upper_998"], row["outside_95"]) == (0, 0, 0, None)


def test_the_order_of_rows_changes_nothing_to_the_last_bit():
    monthly = [
        *spread(),
        *spread(month=date(2026, 1, 1), service_line="breast"),
        *(cell(f"P{number:02}", appointments=150, no_shows=5 + number * number) for number in range(12)),
    ]

    def whole(rows):
        batch = {**NONE_BATCH, "batch_id": "b", "feed": "f", "extract_date": date(2026, 3, 31)}
        frames = (held(ProviderMonthly, *rows), held(ProviderSummary), held(Reconciliation, batch))
        return provider_comparison(*frames).collect(engine="streaming").sort("metric", "provider_id")

    expected = whole(monthly)
    assert expected["rank"].count() == 2 * 12
    for seed in range(5):
        assert_frame_equal(whole(Random(seed).sample(monthly, len(monthly))), expected, check_exact=True)
