"""The history of a metric is what its mart says by month; what is hidden has no number, and what moves is marked."""

from datetime import date

import polars as pl
import pytest

from carti_lake.disclosure import in_full, publication
from carti_lake.metrics import METRICS
from carti_lake.outlets.headline import headlines, shifted, usual_period
from carti_lake.outlets.history import history
from carti_lake.outlets.months import ENDED, provisional, standing, with_events
from carti_lake.tables.gold import GOLD

from .conftest import providers, release_of, rows_of

MONTHS = [date(2025, 12, 1), date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)]
AS_OF = date(2026, 2, 28)


def frames_of(**columns: list[int]) -> dict[str, pl.DataFrame]:
    """A release of four months, the last one ahead of the data."""
    cells = {"provider_id": "P001", "service_line": "lung", "month": MONTHS}
    made = {"provider_monthly": rows_of(GOLD["provider_monthly"], 4, **cells, **columns)}
    denied = {"initially_denied_claims": [0, 3, 10, 0]}
    made["claims_monthly"] = rows_of(
        GOLD["claims_monthly"], 4, payer="medicare", **cells, paid_claims=[0, 30, 40, 0], **denied
    )
    return release_of(providers(1)) | made


def of(months: pl.DataFrame, metric: str) -> list[tuple[date, float]]:
    return months.filter(metric=metric).select("month", "value").rows()


def test_each_metric_by_month_as_far_as_it_is_published_and_delivered() -> None:
    frames = frames_of(
        visits=[0, 40, 50, 0], denied_claims=[0, 11, 20, 0], paid_claims=[0, 29, 30, 0], claims=[0, 40, 50, 0]
    )
    months = history(publication(frames), AS_OF)
    assert of(months, "visits") == [(MONTHS[1], 40), (MONTHS[2], 50)]
    assert of(months, "remittance_denial_rate") == [(MONTHS[1], 11 / 40), (MONTHS[2], 20 / 50)]
    assert list(dict.fromkeys(months["metric"])) == [name for name in METRICS if name in set(months["metric"])]
    # Three claims are few; in full they are shown.
    assert of(months, "initial_denial_share") == []
    assert of(history(in_full(frames), AS_OF), "initial_denial_share") == [(MONTHS[1], 0.1), (MONTHS[2], 0.25)]


def test_what_is_hidden_is_no_zero() -> None:
    months = history(publication(frames_of(visits=[30, 5, 50, 0])), AS_OF)
    shown = dict(of(months, "visits"))
    assert MONTHS[1] not in shown
    assert 0 not in shown.values()


def test_months_that_end_after_the_data_and_open_referrals_move() -> None:
    frames = frames_of(
        referrals_made=[100, 100, 100, 0], referrals_received=[100, 100, 100, 0], referrals_completed=[80, 60, 90, 0]
    )
    months = history(in_full(frames), date(2026, 2, 20))
    marks = {name: rows["provisional"].to_list() for (name,), rows in months.group_by("metric")}
    assert marks["referrals_made"] == [False, False, True]
    assert marks["referrals_completed"] == [True, True, True]


def test_a_period_is_the_longest_that_has_one_like_it_before_it() -> None:
    assert usual_period([]) is None
    for there, length in ((1, 1), (2, 1), (5, 1), (6, 3), (11, 3), (12, 6), (23, 6), (24, 12), (40, 12)):
        last = date(2026, 2, 1)
        months = [shifted(last, -place) for place in range(there)]
        assert usual_period(months) == (shifted(last, 1 - length), last)


def test_a_month_without_one_before_is_compared_with_nothing() -> None:
    frames = frames_of(visits=[40, 0, 50, 0])
    (row,) = headlines(in_full(frames), AS_OF, (MONTHS[2], MONTHS[2]), [METRICS["visits"]]).to_dicts()
    assert (row["months"], row["value"], row["before"], row["change"]) == ([MONTHS[2]], 50, 0, 50)
    (row,) = headlines(in_full(frames), AS_OF, (MONTHS[0], MONTHS[0]), [METRICS["visits"]]).to_dicts()
    assert (row["value"], row["before"], row["change"], row["relative"]) == (40, None, None, None)


def test_months_before_the_first_event_are_no_period_to_compare_with() -> None:
    # The first two months are there for another source's sake.
    frames = frames_of(visits=[0, 0, 50, 0])
    (row,) = headlines(in_full(frames), AS_OF, (MONTHS[2], MONTHS[2]), [METRICS["visits"]]).to_dicts()
    assert (row["value"], row["before"], row["change"]) == (50, None, None)


def test_a_hidden_month_is_left_out_on_both_sides_where_at_least_half_are_told() -> None:
    months = [shifted(date(2026, 2, 1), -place) for place in range(24)]
    cells = {"provider_id": "P001", "service_line": "lung", "month": months}

    def heads(hidden: set[int]) -> dict[str, object]:
        visits = [5 if place in hidden else 100 + place for place in range(24)]
        frames = release_of(providers(1)) | {
            "provider_monthly": rows_of(GOLD["provider_monthly"], 24, **cells, visits=visits)
        }
        shown = publication(frames)
        assert {*shown.tables["network_by_month"].filter(pl.col("visits").is_null())["month"]} == {
            months[place] for place in hidden
        }
        found = headlines(shown, AS_OF, (months[11], months[0]), [METRICS["visits"]]).to_dicts()
        return found[0] if found else {}

    row = heads({1, 3, 14})
    kept = [place for place in range(12) if place not in (1, 2, 3)]
    assert row["months"] == [months[place] for place in reversed(kept)]
    assert row["value"] == sum(100 + place for place in kept)
    assert row["before"] == sum(112 + place for place in kept)
    assert row["moving"] == []
    assert heads(set(range(7))) == {}


def test_a_month_whose_outcomes_are_hidden_has_ended_where_a_later_one_has() -> None:
    completed = [80, None, 90, None]
    by_month = pl.DataFrame(
        {
            "month": MONTHS,
            "referrals_made": [100, 100, 100, 100],
            "referrals_completed": completed,
            "referrals_made_out_of_network": [10] * 4,
            "referrals_made_lost": [5] * 4,
        }
    )
    stands = standing(by_month.select("month"), by_month, {}, None)
    assert stands[ENDED].to_list() == [True, True, True, False]
    none_told = by_month.with_columns(referrals_completed=pl.lit(None, pl.Int64))
    assert not standing(by_month.select("month"), none_told, {}, None)[ENDED].any()


def test_months_without_maturity_are_marked_by_their_end_alone() -> None:
    rows = pl.DataFrame({"month": MONTHS})
    assert provisional(rows, {}, AS_OF)["provisional"].to_list() == [False, False, False, True]
    assert provisional(rows, {}, None)["provisional"].to_list() == [False] * 4


@pytest.mark.parametrize(
    ("values", "kept"), [([0, 0, 0, 0], []), ([0, 3, 0, 0], [3]), ([0, None, 0, 2], [None, 0, 2]), ([1, 0, 0, 0], [1])]
)
def test_zero_before_the_first_and_after_the_last_event_is_not_delivered(
    values: list[int | None], kept: list[int | None]
) -> None:
    rows = pl.DataFrame({"month": MONTHS, "visits": values}, schema_overrides={"visits": pl.Int64})
    assert with_events(rows, "visits", None)["visits"].to_list() == kept
