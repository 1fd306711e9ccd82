"""Each view of a release shows its numbers, marks what is provisional, and says what it hides."""

import os
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from carti_lake.metrics import METRICS
from carti_lake.metrics.names import reason
from carti_lake.outlets import charts
from carti_lake.outlets.charts.volume import NO_FORECAST
from carti_lake.outlets.picture import pictures
from carti_lake.tables.gold import GOLD

from .conftest import providers, release_of, rows_of, shown_of

GOLDEN = Path(__file__).parent / "golden"
AS_OF = date(2026, 3, 12)
MONTHS = [date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)]
COUNTS = {"visits": [400, 420, 150], "claims": [400, 420, 150], "paid_claims": [300, 250, 40]} | {
    "denied_claims": [50, 60, 20],
    "pending_claims": [40, 90, 90],
}


def network(**changed: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """A release of three months, two service lines and two payers, with a forecast, denials, campaigns."""
    lines = {"service_line": ["lung", "breast", "lung"], "provider_id": ["P001", "P002", "P001"], "month": MONTHS}
    referrals = {"referrals_made": [200, 100, 60], "referrals_made_out_of_network": [30, 20, 11]}
    referrals |= {"referrals_made_lost": [20, 11, 0], "referrals_received": [180, 90, 50], "referrals_completed": 11}
    made = {
        "provider_monthly": rows_of(GOLD["provider_monthly"], 3, **lines, **COUNTS, **referrals),
        "claims_monthly": rows_of(
            GOLD["claims_monthly"], 3, **lines, payer=["medicare", "self_pay", "medicare"], **COUNTS
        ),
        "claims_maturity": rows_of(
            GOLD["claims_maturity"], 3, month=MONTHS, as_of=AS_OF, age=[2, 1, 0], provisional=[False, True, True]
        ),
        "denials_monthly": rows_of(
            GOLD["denials_monthly"],
            3,
            **lines,
            payer="medicare",
            denial_reason=["co_16", "co_50", "co_16"],
            initially_denied_claims=[30, 70, 20],
            denied_claims=[20, 60, 20],
            overturned_claims=[10, 5, 0],
            initially_denied_charges=[3000, 9000, 1500],
        ),
        "marketing_roi": rows_of(
            GOLD["marketing_roi"],
            2,
            campaign_id=["C1", "C2"],
            campaign_name=["Direct mail", "Digital"],
            actual_cost=[100, 300],
            opportunity_value=[400, 600],
            won_value=[200, 150],
            realised_cash=[50, 900],
            roi_as_delivered=[3.0, 1.0],
            campaign_roi=[1.0, -0.5],
            realised_roi=[-0.5, 2.0],
        ),
        "forecasts": rows_of(
            GOLD["forecasts"],
            3,
            level="network",
            member="network",
            metric="visits",
            month=[date(2026, 2, 1), date(2026, 3, 1), date(2026, 4, 1)],
            origin=[date(2026, 1, 1), date(2026, 2, 1), date(2026, 2, 1)],
            forecast=[1.0, 430, 440],
            lower_80=[1.0, 400, 400],
            upper_80=[1.0, 460, 480],
            lower_95=[1.0, 380, 370],
            upper_95=[1.0, 480, 510],
        ),
    }
    return {**release_of(providers(2)), **made, **changed}


CHECKS = pl.DataFrame(
    {
        "table_name": ["silver.visits", "silver.visits", "silver.referrals", "silver.visits"],
        "rule": ["late_payment", "claim_amount|min", "campaign_id|unknown", "visit_date|unreadable"],
        "status": pl.Series(
            ["block", "warn", "ok", "not applicable"], dtype=pl.Enum(["not applicable", "ok", "warn", "block"])
        ),
        "share": [0.25, 0.0179, 0.0, None],
    }
)


def rows_in(chart: Any, column: str) -> list[dict[str, Any]]:
    """Rows that the chart draws which have that column."""
    return [row for rows in chart.to_dict()["datasets"].values() for row in rows if column in row]


def subtitle(chart: Any) -> str:
    return " ".join(chart.to_dict()["title"].get("subtitle", []))


def full(**changed: pl.DataFrame) -> charts.Shown:
    return shown_of(network(**changed), in_full=True, data_as_of=AS_OF, checks=CHECKS)


def test_the_trend_marks_the_month_that_is_not_over_and_shows_the_newest_forecast() -> None:
    chart = charts.volume_trend(full())
    assert [(row["visits"], row["state"]) for row in rows_in(chart, "visits")] == [
        (400, "whole month"),
        (420, "whole month"),
        (150, "month not over"),
    ]
    assert [row["forecast"] for row in rows_in(chart, "forecast")] == [430, 440]
    assert "Dashed: the forecast from February 2026" in subtitle(chart)


@pytest.mark.parametrize("forecasts", [None, pl.DataFrame(schema=GOLD["forecasts"].dtypes())])
def test_without_a_forecast_the_trend_says_so(forecasts: pl.DataFrame | None) -> None:
    frames = network()
    del frames["forecasts"]
    chart = charts.volume_trend(shown_of(frames if forecasts is None else frames | {"forecasts": forecasts}))
    assert NO_FORECAST in subtitle(chart)
    assert [row["visits"] for row in rows_in(chart, "visits")] == [400, 420, 150]


def test_months_before_the_first_visit_are_not_drawn_as_zero_and_a_hidden_one_is_a_gap() -> None:
    months = {"month": [date(2025, 12, 1), *MONTHS], "visits": [0, 300, 5, 400], "claims": 0, "referrals_made": 20}
    frames = network(
        provider_monthly=rows_of(GOLD["provider_monthly"], 4, provider_id="P001", service_line="x", **months)
    )
    chart = charts.volume_trend(shown_of(frames))
    shown = [row["visits"] for row in rows_in(chart, "visits")]
    assert len(shown) == 3
    assert None in shown
    assert 5 not in shown


def test_the_denial_rate_is_the_registrys_and_hollow_where_claims_are_open() -> None:
    chart = charts.denial_trend(full())
    rate = METRICS["remittance_denial_rate"]
    months = full().published.tables["network_by_month"].sort("month")
    assert [row[rate.id] for row in rows_in(chart, rate.id)] == pytest.approx([50 / 350, 60 / 310, 20 / 60])
    assert [row[rate.id] for row in rows_in(chart, rate.id)] == months[rate.id].to_list()
    assert [row["state"][:11] for row in rows_in(chart, rate.id)] == ["final", "provisional", "provisional"]


def test_leakage_is_split_into_its_two_ways_below_the_network() -> None:
    chart = charts.referral_leakage(full())
    shares = {(row["label"], row["part"]): row["share"] for row in rows_in(chart, "share")}
    assert shares["Lung", "seen out of network"] == pytest.approx(41 / 260)
    assert shares["Breast", "never completed"] == pytest.approx(0.11)
    assert shares["Network", "never completed"] == pytest.approx(31 / 360)
    ends = {row["label"]: (row["end"], row["leakage_rate"]) for row in rows_in(chart, "end")}
    assert list(ends) == ["Network", "Lung", "Breast"]
    assert all(end == pytest.approx(rate) for end, rate in ends.values())


def test_what_may_not_be_shown_is_hidden_and_never_zero() -> None:
    frames = network()
    few = frames["claims_monthly"].with_columns(denied_claims=pl.Series([50, 5, 20]))
    chart = charts.claims_by_payer(shown_of(frames | {"claims_monthly": few}))
    shown = {row["label"]: row["shown"] for row in rows_in(chart, "shown")}
    assert shown == {"Network": True, "Medicare": False, "Self-pay": False}
    assert {row["label"] for row in rows_in(chart, "part")} == {"Network"}
    assert "Hidden: a count of 1 to 10 people" in subtitle(chart)
    compared = charts.provider_ranking(shown_of(frames))
    said = rows_in(compared, "words")[0]["words"].replace("\n", " ")
    assert "drawn for the inside alone" in said and "carti-lake" not in said


def test_reasons_are_drawn_for_the_public_as_far_as_they_are_published() -> None:
    denials = {"initially_denied_claims": 200, "denied_claims": 150, "overturned_claims": [50, 5, 6]}
    axes = {"month": MONTHS[0], "provider_id": "P001", "service_line": "lung", "payer": "medicare"}
    rows = rows_of(GOLD["denials_monthly"], 3, **axes, **denials, denial_reason=["co_16", "co_50", "co_97"])
    release = shown_of(network() | {"denials_monthly": rows})
    chart, published = charts.denials_by_reason(release), release.table("denials_by_reason")
    assert published is not None
    hidden = {
        reason(one["denial_reason"]): one["initially_denied_claims"] is None or one["overturned_claims"] is None
        for one in published.rows(named=True)
    }
    assert {*hidden.values()} == {True, False}
    assert {row["label"]: row["end"] == 0 for row in rows_in(chart, "end")} == hidden
    assert {row["label"] for row in rows_in(chart, "outcome")} == {name for name, blank in hidden.items() if not blank}
    assert "Hidden: a count of 1 to 10 people" in subtitle(chart)


def test_many_payers_are_cut_and_one_claim_is_no_claims() -> None:
    many = {
        "payer": [f"payer_{number:02}" for number in range(40)],
        "claims": list(range(60, 20, -1)),
        "month": MONTHS[0],
    }
    rows = rows_of(GOLD["claims_monthly"], 40, provider_id="P001", service_line="lung", **many)
    chart = charts.claims_by_payer(full(claims_monthly=rows))
    assert len(rows_in(chart, "shown")) == 24
    assert "The first 24 of 41 rows" in subtitle(chart)
    assert "datum.claims === 1 ? ' claim' : ' claims'" in chart.to_json()


def test_a_release_without_a_model_says_so() -> None:
    frames = network()
    del frames["opportunity_predictions"]
    assert rows_in(charts.predicted_vs_actual_opportunity(shown_of(frames)), "words")


def test_denials_by_reason_add_up_to_those_ever_denied() -> None:
    chart = charts.denials_by_reason(full())
    parts = {(row["label"], row["outcome"]): row["count"] for row in rows_in(chart, "outcome")}
    assert parts["CO-50 not medically necessary", "denied as they stand"] == 60
    assert parts["CO-50 not medically necessary", "neither"] == 5
    assert sum(parts.values()) == 120


def test_campaigns_have_three_returns_and_all_of_them_the_ratio_of_sums() -> None:
    chart = charts.campaign_returns(full())
    returns = {(row["label"], row["variable"]): row["value"] for row in rows_in(chart, "variable")}
    assert returns["Digital", "realised in cash"] == 2
    assert returns["All campaigns", "as delivered, won or not"] == pytest.approx((1000 - 400) / 400)
    hidden = charts.campaign_returns(shown_of(network()))
    assert "worked out from it: realised in cash" in subtitle(hidden)
    assert {row["variable"] for row in rows_in(hidden, "variable")} == {"as delivered, won or not", "closed-won"}


def test_checks_are_counted_by_status_and_shares_stand_with_full_counts_alone() -> None:
    checked = charts.data_quality(shown_of(network(), checks=CHECKS))
    counts = {(row["label"], row["status"]): row["checks"] for row in rows_in(checked, "checks")}
    assert counts == {
        ("Visits", "block"): 1,
        ("Visits", "warn"): 1,
        ("Visits", "not applicable"): 1,
        ("Referrals", "ok"): 1,
    }
    assert "Not passed: Visits, late payment (block); Visits, claim amount: min (warn)" in subtitle(checked)
    assert "(warn, 1.79 % of rows)" in subtitle(charts.data_quality(full()))
    assert rows_in(charts.data_quality(shown_of(network())), "words")


@pytest.mark.parametrize(
    "name",
    [
        "volume_trend",
        "referral_leakage",
        "claims_by_payer",
        "denials_by_reason",
        "denial_trend",
        "campaign_returns",
        "data_quality",
    ],
)
def test_the_specification_is_as_it_was_looked_at(name: str) -> None:
    """Whoever changes a chart on purpose looks at it, and runs this once with CARTI_LAKE_GOLDEN=write."""
    made = pictures(charts.VIEWS[name](full()), ("json",))["json"]
    file = GOLDEN / f"{name}.json"
    if os.environ.get("CARTI_LAKE_GOLDEN") == "write":
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(made)
    assert made.decode() == file.read_text(encoding="utf-8")
