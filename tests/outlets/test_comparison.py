"""Comparisons are read in a fair order, with what must be said, and drawn without covering or accusing anybody."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from carti_lake.metrics import METRICS
from carti_lake.outlets.charts import VIEWS, provider_funnel, provider_ranking
from carti_lake.outlets.charts.comparison import funnel_plot, interval_chart
from carti_lake.outlets.comparison import NO_CASES, UNADJUSTED, compared, remarks
from carti_lake.pipeline.gold.provider_comparison import provider_comparison
from carti_lake.tables.gold import GOLD

from .conftest import LINE, providers, release_of, rows_of, shown_of

DENIALS, KEPT = METRICS["remittance_denial_rate"], METRICS["keepage_rate"]
#: Of 200 claims each, the denied ones of twelve providers; the last stands apart.
SPREAD = (10, 14, 18, 20, 22, 24, 26, 28, 30, 16, 12, 80)


def frames_of(denied: tuple[int, ...], claims: int = 200, **monthly: Any) -> dict[str, pl.DataFrame]:
    """A release whose providers Dr. 1, Dr. 2, … had that many of their claims denied in January."""
    summary = providers(len(denied))
    cells = rows_of(
        GOLD["provider_monthly"],
        len(denied),
        **{
            "provider_id": summary["provider_id"].to_list(),
            "month": date(2026, 1, 1),
            "service_line": "lung",
            "denied_claims": list(denied),
            "paid_claims": [claims - count for count in denied],
            **monthly,
        },
    )
    batch = rows_of(GOLD["reconciliation"], 1, batch_id="b", feed="f", extract_date=date(2026, 3, 31))
    made = provider_comparison(cells.lazy(), summary.lazy(), batch.lazy()).collect()
    return {**release_of(summary), "provider_comparison": made}


def labels(chart: Any) -> list[str]:
    """Names that the last layer writes."""
    spec = chart.to_dict()
    return [row["label"] for row in spec["datasets"][spec["layer"][-1]["data"]["name"]]]


def words(chart: Any) -> str:
    """What a chart says that has nothing to draw."""
    rows = [row for rows in chart.to_dict()["datasets"].values() for row in rows]
    return " ".join(row["words"] for row in rows if "words" in row).replace("\n", " ")


def shown(chart: Any) -> list[str]:
    return list(chart.to_dict()["layer"][-1]["encoding"]["y"]["sort"])


def test_rows_come_in_the_order_of_the_shrunk_rate_and_those_without_a_rate_last() -> None:
    rows = compared(frames_of((*SPREAD, 0), paid_claims=[*(200 - count for count in SPREAD), 5]), DENIALS)
    names = rows["provider_name"].to_list()
    assert (names[0], names[-2:]) == ("Dr. 1", ["Dr. 12", "Dr. 13"])
    assert rows["standing"].to_list() == [*["within the limits"] * 11, "worse, outside 99.8 %", None]
    assert rows["shrunk_rate"].drop_nulls().is_sorted()


def test_where_higher_is_better_the_highest_comes_first() -> None:
    completed = [50 + 4 * number for number in range(12)]
    rows = compared(frames_of(SPREAD, referrals_received=100, referrals_completed=completed), KEPT)
    assert rows["provider_name"].item(0) == "Dr. 12"


def test_what_must_be_said() -> None:
    assert remarks(compared(frames_of((*SPREAD, 5), paid_claims=[*(200 - count for count in SPREAD), 5]), DENIALS)) == [
        "April 2025 to March 2026: 12 of 13 providers have the 11 cases that a rate needs; the network's rate is 12.7%",
        # Of twelve squared z-scores about 12.7 %, winsorised by one at either end, the mean is 2.7; its root is 1.6.
        "Limits are 1.6 times as wide as for chance alone, since all providers differ",
        UNADJUSTED,
    ]
    few = remarks(compared(frames_of((20, 30)), DENIALS))
    assert few[1] == "Fewer than 10 providers: rates neither shrunk nor ranked, limits for chance alone"
    alike = remarks(compared(frames_of((20,) * 12), DENIALS))
    assert alike[1] == "Rates differ no more than chance makes them: shrunk to the network's, and not ranked"
    assert remarks(compared(frames_of((5,), claims=10), DENIALS)) == [
        "April 2025 to March 2026: 0 of 1 providers have the 11 cases that a rate needs"
    ]
    assert remarks(compared(frames_of(()), DENIALS)) == [NO_CASES]


def test_the_funnel_plot_names_whoever_is_outside_the_outer_limits_and_nobody_else() -> None:
    chart = funnel_plot(compared(frames_of(SPREAD), DENIALS), DENIALS, LINE)
    assert labels(chart) == ["Dr. 12"]
    assert "worst" not in chart.to_json().lower()
    assert labels(funnel_plot(compared(frames_of((20,) * 12), DENIALS), DENIALS, LINE)) == []


def test_names_that_would_cover_one_another_are_left_out() -> None:
    # Two of the same size and nearly the same rate: the farther one is named; one of other size has room.
    denied = (*(20,) * 30, 100, 98, 150)
    frames = frames_of(denied, paid_claims=[*(200 - count for count in denied[:-1]), 350])
    rows = compared(frames, DENIALS)
    assert rows.filter(standing="worse, outside 99.8 %").height == 3
    assert sorted(labels(funnel_plot(rows, DENIALS, LINE))) == ["Dr. 31", "Dr. 33"]


def test_intervals_are_drawn_with_ranks_or_say_why_not() -> None:
    chart = interval_chart(compared(frames_of(SPREAD), DENIALS), DENIALS, LINE)
    subtitle = " ".join(chart.to_dict()["title"]["subtitle"])
    assert "1 is the lowest rate. Where they overlap, the order is open" in subtitle
    assert "12 to 12" in chart.to_json()
    assert shown(chart)[-1] == "Dr. 12"
    alike = interval_chart(compared(frames_of((20,) * 12), DENIALS), DENIALS, LINE)
    assert "ranks that" not in " ".join(alike.to_dict()["title"]["subtitle"])


def test_many_providers_are_cut_and_counted() -> None:
    chart = interval_chart(compared(frames_of(SPREAD * 5), DENIALS), DENIALS, LINE)
    assert len(shown(chart)) == 25
    assert "… 36 more …" in shown(chart)


def test_a_rate_on_fewer_than_11_cases_is_in_no_chart() -> None:
    frames = frames_of((*SPREAD, 9), paid_claims=[*(200 - count for count in SPREAD), 1])
    rows = compared(frames, DENIALS)
    for chart in (funnel_plot(rows, DENIALS, LINE), interval_chart(rows, DENIALS, LINE)):
        drawn = chart.to_dict()
        told = [row for rows in drawn["datasets"].values() for row in rows if "provider_id" in row]
        assert {row["provider_name"] for row in told} <= {f"Dr. {number}" for number in range(1, 13)}


@pytest.mark.parametrize(
    ("denied", "claims", "drawn"),
    [(SPREAD, 200, True), ((20, 30), 200, True), ((20,), 200, False), ((5, 6), 10, False), ((), 200, False)],
)
def test_charts_are_drawn_where_two_can_be_compared_and_else_say_why(
    denied: tuple[int, ...], claims: int, drawn: bool
) -> None:
    release = shown_of(frames_of(denied, claims), in_full=True)
    for chart in (provider_funnel(release), provider_ranking(release)):
        told = words(chart)
        assert (told == "") == drawn
        assert drawn or "providers have the 11 cases" in told or NO_CASES in told


def test_other_metrics_are_compared_by_name() -> None:
    release = shown_of(frames_of(SPREAD, referrals_received=100, referrals_completed=50), in_full=True)
    assert provider_funnel(release, "keepage_rate").to_dict()["title"]["text"] == "Keepage: who stands apart"


def test_what_is_not_published_is_not_drawn_and_says_so() -> None:
    frames = frames_of(SPREAD)
    assert "it is drawn for the inside alone" in words(VIEWS["funnel_leakage_rate"](shown_of(frames)))
    # Releases from before the table existed say that.
    del frames["provider_comparison"]
    assert "from before providers were compared" in words(provider_ranking(shown_of(frames, in_full=True)))


@pytest.mark.parametrize("draw", [provider_funnel, provider_ranking])
def test_months_that_still_move_are_named(draw: Any) -> None:
    maturity = rows_of(GOLD["claims_maturity"], 1, month=date(2026, 1, 1), as_of=date(2026, 3, 31), provisional=True)
    frames = frames_of(SPREAD)
    moves = shown_of(frames | {"claims_maturity": maturity}, in_full=True)
    assert "Jan 2026 still moves, and is among them" in " ".join(draw(moves).title.subtitle)
    assert "still moves" not in " ".join(draw(shown_of(frames, in_full=True)).title.subtitle)
