"""What a board pack says: the dashboard's own numbers, and why they changed."""

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from carti_lake import disclosure
from carti_lake.metrics import METRICS
from carti_lake.outlets.headline import headlines, over, usual_period
from carti_lake.outlets.report.contents import FIRST, NOT_PUBLIC, contents
from carti_lake.outlets.story import story
from carti_lake.outlets.why import in_words
from carti_lake.releases.explain import Cause, Explanation, Part
from carti_lake.releases.release import Release
from tests.outlets.dashboard.conftest import AS_OF, release_frames, shown

EVERYTHING = {name for metric in METRICS.values() for name in metric.sources()} | {
    name.partition(".")[0] for metric in METRICS.values() for name in metric.sources()
}


def pack(frames: dict[str, pl.DataFrame], explained: list[Explanation] | None = None, *, in_full: bool = True) -> Any:
    return contents(shown(frames, in_full=in_full), EVERYTHING, explained or [], "release 12 · 2026-03-21")


@pytest.fixture(scope="module")
def frames() -> dict[str, pl.DataFrame]:
    return release_frames()


def test_a_tile_says_the_number_its_change_and_its_months(frames: dict[str, pl.DataFrame]) -> None:
    tiles = {one["name"]: one for one in pack(frames)["tiles"]}
    visits = frames["provider_monthly"].filter(pl.col("month").is_between(date(2025, 3, 1), date(2026, 2, 1)))
    assert tiles["Visits rendered"]["number"] == f"{visits['visits'].sum():,}"
    assert tiles["Visits rendered"]["months"] == "Mar 2025 \N{EN DASH} Feb 2026"
    assert tiles["Visits rendered"]["apart"] is None
    rate = tiles["Remittance denial rate"]
    assert rate["months"] == "Mar 2025 \N{EN DASH} Jan 2026"
    assert rate["apart"].startswith("Feb 2026: ") and rate["apart"].endswith(" %, still moves")
    assert rate["change"].endswith(" before") and (rate["verdict"] in rate["change"] if rate["verdict"] else True)


def test_what_was_not_delivered_says_so(frames: dict[str, pl.DataFrame]) -> None:
    told = contents(shown(frames), {"visits", "visits.visit_date"}, [], "release 12")["tiles"]
    no_show = next(one for one in told if one["name"] == "No-show rate")
    assert no_show["number"] == "\N{EN DASH}" and "ehr_appointments" in no_show["months"]


def test_the_change_is_told_cause_by_cause(frames: dict[str, pl.DataFrame], release: Release) -> None:
    none = {"rows": 0, "numerator": 0, "denominator": None, "value": 0}
    parts = {Cause.NEW_ROWS: 7, Cause.WITHDRAWN_ROWS: -2}
    explained = Explanation(
        METRICS["visits"],
        None,
        release,
        release,
        (100, 105),
        None,
        tuple(
            Part(cause, abs(parts[cause]), parts[cause], None, parts[cause]) if cause in parts else Part(cause, **none)
            for cause in Cause
        ),
        pl.DataFrame(),
    )
    assert in_words([explained]) == (
        f"Why, over all months, since {release.caption}: visits rendered 100 to 105 "
        "(new rows +7, withdrawn rows \N{MINUS SIGN}2)."
    )
    assert in_words([]) is None
    changed = pack(frames, [explained])["changed"]
    assert changed["before"] == ["Release 12", "100"] and changed["after"] == ["Release 12", "105"]
    assert changed["causes"] == [["New rows", "+7"], ["Withdrawn rows", "-2"]]
    assert [line.partition(":")[0] for line in changed["meaning"]] == ["New rows", "Withdrawn rows"]


def test_a_rate_is_explained_in_the_words_of_the_tiles(release: Release) -> None:
    none = {"rows": 0, "numerator": 0, "denominator": 0, "value": 0}
    moved = {Cause.NEW_ROWS: 0.004, Cause.STATUS_CHANGES: -0.0015}
    parts = [Part(one, 9, 1, 1, moved[one]) if one in moved else Part(one, **none) for one in Cause]
    rate = METRICS["remittance_denial_rate"]
    explained = Explanation(rate, None, release, release, (1, 2), (10, 16), tuple(parts), pl.DataFrame())
    assert in_words([explained]) == (
        f"Why, over all months, since {release.caption}: remittance denial rate 10.00 % to 12.50 % "
        "(new rows +0.40 pts, status changes \N{MINUS SIGN}0.15 pts)."
    )


def test_a_first_release_and_a_pack_for_the_public_say_why_there_is_none(frames: dict[str, pl.DataFrame]) -> None:
    assert pack(frames)["unexplained"] == FIRST
    public = pack(frames, in_full=False)
    assert public["unexplained"] == NOT_PUBLIC and public["audience"] == "For the public"
    assert public["notes"][-len(shown(frames, in_full=False).published.notes) :]


def test_the_story_tells_the_farthest_changes_first_and_no_more_than_three() -> None:
    rows = release_frames(2, ("lung",), 26)
    months = rows["provider_monthly"]
    newer = pl.col("month") >= pl.date(2025, 3, 1)
    worse = {
        name: (pl.col(name) * pl.when(newer).then(by).otherwise(1)).cast(months.schema[name])
        for name, by in {"no_shows": 2, "visits": 1.2, "gross_charges": 1.1, "payments": 0.5}.items()
    }
    published = disclosure.in_full(rows | {"provider_monthly": months.with_columns(**worse)})
    period = usual_period(over(published, AS_OF))
    wanted = [METRICS[name] for name in ("visits", "gross_charges", "payments", "no_show_rate", "leakage_rate")]
    (said,) = story(headlines(published, AS_OF, period, wanted), [], [])
    told = said.removeprefix("Since the same months one period before: ").rstrip(".").split("; ")
    assert len(told) == 3
    assert any(one.startswith("payments on paid claims fell by ") and one.endswith("(worse)") for one in told)
    assert any(one.startswith("no-show rate rose by ") and one.endswith("(worse)") for one in told)


def test_dollars_of_a_change_are_written_as_the_tiles_write_them(release: Release) -> None:
    moved = {Cause.NEW_ROWS: Decimal("7631370.99"), Cause.WITHDRAWN_ROWS: Decimal("-39272.66")}
    explained = Explanation(
        METRICS["gross_charges"],
        None,
        release,
        release,
        (Decimal("211975981.94"), Decimal("219568080.27")),
        None,
        tuple(Part(cause, 1, value, None, value) for cause, value in moved.items()),
        pl.DataFrame(),
    )
    told = in_words([explained])
    assert told is not None
    assert told.partition(": ")[2] == (
        "gross charges $212.0 M to $219.6 M (new rows +$7.6 M, withdrawn rows \N{MINUS SIGN}$39,273)."
    )
