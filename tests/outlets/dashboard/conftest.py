"""A release with something to filter in every view, its page, and a browser that lets nothing leave the machine."""

import os
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from carti_lake import disclosure
from carti_lake.outlets.charts.shown import Shown
from carti_lake.outlets.dashboard.page import page
from carti_lake.tables.gold import GOLD
from tests.outlets.conftest import rows_of

AS_OF = date(2026, 3, 20)
HOSTILE = "</script><img src=x onerror=\"document.title='owned'\"> O'Née & \u202e“é\u2028"
NAMES = ("Amal Rivera, MD", "Bo Lindqvist, DO", HOSTILE, "Chioma Obi, MD", "Dana Smith, MD", "Dana Smith, MD")
LINES = ("breast", "lung", "urology")
PAYERS = ("blue_cross", "medicaid", "medicare")
REASONS = ("co_16", "co_50", "pr_204")


def months(count: int) -> list[date]:
    return pl.date_range(pl.date(2026, 4, 1).dt.offset_by(f"-{count}mo"), AS_OF, "1mo", eager=True).to_list()


def crossed(**axes: Any) -> pl.DataFrame:
    """Every combination of the axes' members."""
    frame = pl.select(pl.lit(0))
    for name, members in axes.items():
        frame = frame.join(pl.DataFrame({name: list(members)}), how="cross")
    return frame.drop("literal")


def _table(name: str, axes: pl.DataFrame, **columns: Any) -> pl.DataFrame:
    """Rows of a gold table: zero for the counts and dollars that are not given, null for the rest."""
    table = GOLD[name]
    known = {one.name: one for one in axes.get_columns()}
    known |= {one: pl.lit(value) if isinstance(value, str) else pl.Series(value) for one, value in columns.items()}
    zero = {one: 0 if table.meta(one).get("unit") in ("count", "USD") else None for one in table.columns()}
    filled = axes.with_columns((known[one] if one in known else pl.lit(zero[one])).alias(one) for one in zero)
    return filled.select(list(zero)).cast(table.dtypes())  # type: ignore[arg-type]


def release_frames(providers: int = 6, lines: tuple[str, ...] = LINES, count: int = 26) -> dict[str, pl.DataFrame]:
    """Gold tables of a network whose every provider works in every service line, with every payer."""
    rng = np.random.default_rng(7)
    ids = [f"P{number:03}" for number in range(providers)]
    names = [NAMES[place] if place < len(NAMES) else f"Dr. {place}" for place in range(providers)]
    cells = crossed(provider_id=ids, month=months(count), service_line=lines)
    size = cells.height
    skill = rng.uniform(0.03, 0.2, providers).repeat(count * len(lines))
    visits = rng.poisson(60, size)
    claims = {"claims": visits, "denied_claims": rng.binomial(visits, skill)}
    claims["pending_claims"] = rng.binomial(visits - claims["denied_claims"], 0.1)
    claims["paid_claims"] = visits - claims["denied_claims"] - claims["pending_claims"]
    charges = np.round(visits * rng.uniform(900, 1100, size), 2)
    made = rng.poisson(14, size)
    out = rng.binomial(made, skill)
    lost = rng.binomial(made - out, 0.15)
    newest = cells["month"].is_in(months(2)).to_numpy()
    still_open = rng.binomial(made - out - lost, 0.4 * newest)
    scores, booked = rng.poisson(12, size), rng.poisson(30, size)
    paid = np.round(charges * 0.4, 2)
    monthly = _table(
        "provider_monthly",
        cells,
        **claims,
        visits=visits,
        gross_charges=charges,
        payments=paid,
        contractual_claims=claims["paid_claims"],
        contractual_charges=charges,
        contractual_adjustments=np.round(charges * 0.58, 2),
        contractual_payments=paid,
        referrals_made=made,
        referrals_made_out_of_network=out,
        referrals_made_lost=lost,
        referrals_received=made,
        referrals_completed=made - out - lost - still_open,
        appointments=booked,
        no_shows=rng.binomial(booked, skill),
        satisfaction_count=scores,
        satisfaction_sum=scores * 80,
        top_box_count=rng.binomial(scores, 0.3),
    )
    by_payer = crossed(provider_id=ids, month=months(count), service_line=lines, payer=PAYERS)
    size = by_payer.height
    counts = rng.poisson(20, size)
    denied = rng.binomial(counts, np.tile([0.05, 0.1, 0.16], size // 3))
    billed = np.round(counts * rng.uniform(900, 1100, size), 2)
    claims_monthly = _table(
        "claims_monthly",
        by_payer,
        claims=counts,
        denied_claims=denied,
        paid_claims=counts - denied,
        gross_charges=billed,
        payments=np.round(billed * 0.4, 2),
        contractual_claims=counts - denied,
        contractual_charges=billed,
        contractual_adjustments=np.round(billed * 0.58, 2),
        contractual_payments=np.round(billed * 0.4, 2),
    )
    by_reason = crossed(provider_id=ids, month=months(count), service_line=lines, payer=PAYERS, denial_reason=REASONS)
    size = by_reason.height
    ever = np.round(rng.poisson(2, size) * rng.uniform(900, 1100, size), 2)
    denials = _table(
        "denials_monthly",
        by_reason,
        initially_denied_claims=rng.poisson(2, size),
        initially_denied_charges=ever,
        denied_charges=np.round(ever * 0.6, 2),
        overturned_charges=np.round(ever * 0.3, 2),
    )
    partners = [*ids, "X001"]
    sent = range(min(9, len(partners)))
    pairs = crossed(referring_provider_id=ids, partner=sent, month=months(count), service_line=lines)
    places = pairs["referring_provider_id"].str.slice(1).cast(pl.Int64) + pairs["partner"]
    receivers = pl.Series(partners).gather(places % len(partners))
    pairs = pairs.select(pl.exclude("partner"), rendering_provider_id=receivers, origin_zip3=pl.lit("722"))
    flow = _table("referral_flow", pairs, referrals=rng.poisson(2, pairs.height))
    checks = crossed(table_name=["silver.visits", "silver.referrals"], rule=["a|missing", "b|odd"], month=months(count))
    checked = rng.poisson(300, checks.height)
    failed = rng.binomial(checked, 0.02)
    text = {"category": "completeness", "severity": "warn", "description": "…"}
    quality = _table("data_quality", checks, checked=checked, failed=failed, passed=checked - failed, **text)
    everyone = [*ids, "X001"]
    network = ["in_network"] * providers + ["out_of_network"]
    ahead = pl.date_range(date(2026, 4, 1), date(2026, 9, 1), "1mo", eager=True).to_list()
    frames = {
        "provider_monthly": monthly,
        "provider_summary": rows_of(
            GOLD["provider_summary"], providers, provider_id=ids, provider_name=names, **_totals(monthly)
        ),
        "claims_monthly": claims_monthly,
        "denials_monthly": denials,
        "referral_flow": flow,
        "data_quality": quality,
        "marketing_roi": _campaigns(lines),
        "claims_maturity": rows_of(
            GOLD["claims_maturity"], 2, month=months(2), as_of=AS_OF, age=[1, 0], provisional=[True, True]
        ),
        "forecasts": _forecasts(ahead, ids, lines),
        "dim_provider": rows_of(
            GOLD["dim_provider"],
            providers + 1,
            provider_id=everyone,
            provider_name=[*names, "Elsewhere Clinic"],
            network_status=network,
            in_directory=True,
        ),
        "dim_service_line": rows_of(
            GOLD["dim_service_line"], len(lines), service_line=list(lines), title=[line.title() for line in lines]
        ),
    }
    return {name: frames.get(name, pl.DataFrame(schema=table.dtypes())) for name, table in GOLD.items()}


def _totals(monthly: pl.DataFrame) -> dict[str, list[Any]]:
    """The summary's sums of the monthly rows, provider by provider."""
    from carti_lake.pipeline.gold.provider_summary import sums_of_months

    sums = {name: sum_.expression().alias(name) for name, sum_ in sums_of_months().items()}
    return monthly.group_by("provider_id").agg(**sums).sort("provider_id").drop("provider_id").to_dict(as_series=False)


def _campaigns(lines: tuple[str, ...]) -> pl.DataFrame:
    count = 2 * len(lines)
    numbers = np.arange(1, count + 1)
    cash = [float(number * 900) for number in numbers]
    return rows_of(
        GOLD["marketing_roi"],
        count,
        campaign_id=[f"C{number}" for number in numbers],
        campaign_name="Spring mail",
        service_line=list(lines) * 2,
        actual_cost=[float(number * 1000) for number in numbers],
        opportunity_value=[float(number * number * 1500) for number in numbers],
        won_value=[None, *(float(number * 2500) for number in numbers[1:])],
        realised_cash=cash,
    )


def _forecasts(ahead: list[date], ids: list[str], lines: tuple[str, ...]) -> pl.DataFrame:
    members = [("network", "network", 1100.0), *(("service_line", line, 370.0) for line in lines)]
    members += [("provider", one, 180.0) for one in ids]
    rows = [
        {"level": level, "member": member, "metric": "visits", "month": month, "forecast": size + step}
        | {"lower_80": size - 20, "upper_80": size + 30, "lower_95": size - 40.5, "upper_95": size + 50}
        for level, member, size in members
        for step, month in enumerate(ahead)
    ]
    columns = pl.DataFrame(rows).to_dict(as_series=False)
    return rows_of(GOLD["forecasts"], len(rows), **columns, origin=date(2026, 3, 1), model_version="v1")


def checks_of(tables: tuple[str, ...] = ("silver.visits", "silver.referrals")) -> pl.DataFrame:
    """Verdicts as a release has them."""
    status = ["ok", "warn", "block", "not applicable"]
    return pl.DataFrame(
        [
            {"table_name": table, "rule": f"rule_{place}", "status": one, "share": place / 100}
            for table in tables
            for place, one in enumerate(status)
        ]
    )


def shown(frames: dict[str, pl.DataFrame], *, in_full: bool = True, line: str = "release 12 · 2026-03-21") -> Shown:
    published = disclosure.in_full(frames) if in_full else disclosure.publication(frames)
    return Shown(published, line, AS_OF, checks_of(), in_full)


@pytest.fixture(scope="session")
def frames() -> dict[str, pl.DataFrame]:
    return release_frames()


@pytest.fixture(scope="session")
def full_page(frames: dict[str, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("dashboard") / "full.html"
    file.write_text(page(shown(frames), {}), "utf-8")
    return file


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens a page from disk; after the test nothing may have been fetched or complained of."""
    heard: list[str] = []
    contexts = []

    def opened(file: Path, width: int = 1280, height: int = 900, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": height}, locale="en-US", **options)
        contexts.append(context)
        tab = context.new_page()
        tab.set_default_timeout(15_000)
        tab.on("console", lambda message: heard.append(f"{message.type}: {message.text}"))
        tab.on("pageerror", lambda error: heard.append(str(error)))
        # What the page makes itself to be saved is no request to anybody.
        own = (file.as_uri(), "blob:file://")
        tab.on("request", lambda one: None if one.url.startswith(own) else heard.append(f"asked for {one.url[:99]}"))
        tab.route("**/*", lambda route: route.continue_() if route.request.url.startswith(own) else route.abort())
        tab.goto(file.as_uri())
        tab.wait_for_selector("body[data-updates]")
        return tab

    yield opened
    for context in contexts:
        context.close()
    assert heard == []


def golden_mode() -> bool:
    return os.environ.get("CARTI_LAKE_GOLDEN") == "write"
