"""Published tables: no orphan keys, the marts' sums, and what Power BI cannot take mended."""

from datetime import UTC, date, datetime

import polars as pl
import polars.selectors as cs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carti_lake.disclosure import Publication, in_full, publication
from carti_lake.outlets.published.checks import problems
from carti_lake.outlets.published.frames import star
from carti_lake.outlets.published.star import AXIS_FACTS, FACTS, UNKNOWN_KEY
from carti_lake.releases.release import Release
from carti_lake.tables.gold import GOLD, Forecasts, Gold
from tests.outlets.conftest import providers, release_of, rows_of
from tests.worlds.gold import random_publication

Frames = dict[str, pl.DataFrame]
RELEASE = Release(7, datetime(2026, 4, 1, tzinfo=UTC), date(2026, 3, 31), {}, {}, (), (), (), False)


def made_of(shown: Publication, *, full_counts: bool) -> Frames:
    """The published tables of a publication, which are right."""
    tables = {name: frame.collect() for name, frame in star(shown, RELEASE, full_counts=full_counts).items()}
    assert problems({name: frame.lazy() for name, frame in tables.items()}) == []
    return tables


def published(**gold: pl.DataFrame) -> Frames:
    """The whole star of these gold tables; the others were never filled."""
    return made_of(Publication(gold, pl.DataFrame(), ()), full_counts=True)


def one(name: str, rows: int, **columns: object) -> pl.DataFrame:
    mart: type[Gold] = GOLD[name]
    return rows_of(mart, rows, **columns)


@settings(max_examples=12)
@given(seed=st.integers(0, 2**32))
def test_whatever_gold_holds_no_key_is_an_orphan_and_every_sum_is_kept(seed: int) -> None:
    of = random_publication(seed)
    tables = made_of(of, full_counts=True)
    for fact in FACTS:
        table, gold = tables[fact.name], of.tables.get(fact.mart.short_name)
        if gold is None:
            assert table.is_empty()
        elif fact.mart is not Forecasts:
            exact = table.select(fact.numbers).select(cs.integer() | cs.decimal()).columns
            assert table.select(pl.sum(exact)).equals(gold.select(pl.sum(exact)))
            assert table.height <= gold.height


def test_the_network_along_each_axis_is_all_that_leaves_without_full_counts(frames: Frames) -> None:
    shown = publication(frames)
    tables = made_of(shown, full_counts=False)
    permitted = {fact.name for fact in FACTS if fact.mart.short_name in shown.tables}
    facts = permitted | {fact.name for fact in AXIS_FACTS} & tables.keys()
    aside = {"dim_provider", "dim_service_line", "dim_payer", "dim_campaign", "dim_date", "security_map", "release"}
    assert tables.keys() == facts | aside | {"dim_denial_reason"}
    assert permitted == {"provider_summary", "marketing_roi", "claims_maturity"}
    assert not {"provider_monthly", "referral_flow", "claims_monthly", "readmissions"} & tables.keys()
    by_provider = shown.tables["provider_summary"].sort("provider_id")
    assert tables["network_by_provider"]["denied_claims"].to_list() == by_provider["denied_claims"].to_list()
    assert tables["network"]["visits"].to_list() == shown.network["visits"].to_list()


def test_what_the_publication_hides_stays_null(frames: Frames) -> None:
    frames = release_of(providers(8, stays=[5, 6, *[300] * 6], total_patients=[5, 6, *[100] * 6]))
    frames["provider_monthly"] = frames["provider_monthly"].with_columns(stays=pl.Series([5, 6, *[300] * 6]))
    hidden = made_of(publication(frames), full_counts=False)["network_by_provider"]
    assert hidden["stays"].null_count() >= 2
    assert made_of(in_full(frames), full_counts=True)["provider_monthly"]["stays"].to_list()[:2] == [5, 6]


def test_a_release_without_any_mart_still_has_every_table_with_its_columns() -> None:
    tables = published()
    assert tables["claims_monthly"].is_empty()
    assert tables["dim_provider"].rows() == [(7, UNKNOWN_KEY, "unknown", "Unknown", *[None] * 6)]


def test_the_unknown_and_the_unnamed_are_minus_one() -> None:
    flow = one("referral_flow", 2, month=date(2026, 1, 1), origin_zip3=["720", "unknown"], service_line="unknown")
    flow = flow.with_columns(
        referring_provider_id=pl.lit("1"), rendering_provider_id=pl.Series(["2", "unknown"]), referrals=pl.lit(4)
    )
    made = published(referral_flow=flow)["referral_flow"]
    keys = made.select("referring_provider_key", "rendering_provider_key", "origin_key", "service_line_key").rows()
    assert keys == [(1, -1, -1, -1), (1, 2, 1, -1)]


def test_two_members_of_one_name_are_told_apart_and_spellings_are_made_one() -> None:
    directory = one(
        "dim_provider",
        3,
        provider_id=["1", "2", "3"],
        provider_name=["Ann Lee ", "ANN LEE", "Bo Chan"],
        specialty=["Oncology", "oncology", " Oncology"],
        in_directory=True,
    )
    made = published(dim_provider=directory)["dim_provider"]
    assert made["provider_name"].to_list() == ["Unknown", "Ann Lee (1)", "ANN LEE (2)", "Bo Chan"]
    assert made["specialty"].to_list() == [None, "Oncology", "Oncology", "Oncology"]


def test_months_make_full_years_and_checks_of_lists_count_in_the_newest() -> None:
    checks = one(
        "data_quality",
        3,
        table_name="silver.visits",
        rule="r",
        month=[date(1900, 1, 1), date(2026, 5, 1), date(2026, 3, 1)],
        checked=[5, 40, 300],
    ).with_columns(category=pl.lit("c"), severity=pl.lit("warn"), description=pl.lit("d"))
    made = published(data_quality=checks)
    rows = made["data_quality"].sort("month").select("month", "checked").rows()
    assert rows == [(date(2026, 3, 1), 305), (date(2026, 5, 1), 40)]
    days = made["dim_date"]
    assert (days["date"].min(), days["date"].max(), days.height) == (date(2026, 1, 1), date(2026, 12, 31), 365)
    assert days.row(150, named=True)["month_year"] == "May 2026"
    assert days.row(150, named=True)["quarter_name"] == "2026 Q2"


def test_marts_that_are_finer_are_added_up() -> None:
    activity = one(
        "claims_activity",
        3,
        month=[date(2026, 1, 1), date(2026, 2, 1), date(2026, 2, 1)],
        activity_month=[date(2026, 2, 1), date(2026, 2, 1), date(2026, 3, 1)],
        provider_id="1",
        payer="medicare",
        service_line="lung",
        submitted_claims=[1, 2, 4],
        submitted_charges=10,
        initially_denied_charges=0,
    )
    made = published(claims_activity=activity)["claims_activity"]
    assert made.select("month", "submitted_claims").rows() == [(date(2026, 2, 1), 3), (date(2026, 3, 1), 4)]


def test_only_the_newest_forecasts_are_published_with_their_member_as_key() -> None:
    rows = one(
        "forecasts",
        4,
        level=["network", "network", "service_line", "provider"],
        member=["network", "network", "lung", "1"],
        metric="visits",
        origin=[date(2026, 1, 1), date(2026, 2, 1), date(2026, 2, 1), date(2026, 2, 1)],
        model_version="1",
        month=date(2027, 1, 1),
        forecast=[1.0, 2.0, 3.0, float("nan")],
    )
    made = published(forecasts=rows)["forecasts"].sort("level")
    assert made.select("level", "provider_key", "service_line_key", "forecast").rows() == [
        ("network", -1, -1, 2.0),
        ("provider", 1, -1, None),
        ("service_line", -1, 1, 3.0),
    ]
    assert set(made["metric_title"]) == {"Visits rendered"}
    assert published(forecasts=rows)["dim_date"]["date"].max() == date(2027, 12, 31)


@pytest.mark.parametrize("name", ["provider_monthly", "claims_monthly"])
def test_distinct_counts_and_rates_are_not_published(name: str) -> None:
    columns = published()[name].columns
    assert "visit_patients" not in columns
    assert not [column for column in columns if column.endswith("_rate")]


def test_the_security_table_names_who_may_see_which_provider() -> None:
    summary = one("provider_summary", 2, provider_id=["P1", "P2"], provider_name=["A", "B"])
    of = Publication({"provider_summary": summary}, pl.DataFrame(), ())
    allowed = {"ann@example.org": {"P2", "gone"}, "boss@example.org": None, "nobody@example.org": set[str]()}
    tables = {name: frame.collect() for name, frame in star(of, RELEASE, full_counts=True, allowed=allowed).items()}
    names = dict(tables["dim_provider"].select("provider_key", "provider_id").rows())
    rows = [(who, names[key]) for _, who, key in tables["security_map"].rows()]
    assert rows == [("ann@example.org", "P2"), ("boss@example.org", "P1"), ("boss@example.org", "P2")]
    assert made_of(of, full_counts=True)["security_map"].is_empty()
