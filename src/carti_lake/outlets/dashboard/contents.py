"""What the page knows: its cubes, whom they are about, what its metrics mean, and why something is not shown."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from carti_lake.metrics import METRICS, Metric
from carti_lake.metrics.formula import in_words
from carti_lake.metrics.names import check_in_words
from carti_lake.outlets.bands import in_words as in_words_of_bands
from carti_lake.outlets.charts.shown import Shown
from carti_lake.outlets.dashboard import views
from carti_lake.outlets.dashboard.cubes import DENIALS, KPIS, LEAKS, MONTHLY, RANKED, RETURNS, SHOWN, Cube, cubes
from carti_lake.outlets.dashboard.members import AXIS_TITLES, labels, members
from carti_lake.outlets.headline import begun, moving, opening_period
from carti_lake.outlets.story import BEYOND_CHANCE, MOST_APART, MOST_CHANGES, WORTH_SAYING, apart, short
from carti_lake.outlets.theme import MOVING
from carti_lake.pipeline.gold.provider_comparison import FEWEST_CASES, FEWEST_PROVIDERS

WHY_HIDDEN = "a count of 1 to 10 people, or one from which such a count could be worked out"
WHY_NOT_CROSSED = (
    "Two of them together are not published: most of these counts are of 1 to 10 people, by whom somebody could be "
    "recognised. The dashboard for the inside shows them."
)
WHY_LEFT_OUT = (
    "Not in this page: its numbers are counted by several things at once, and most of these counts are of 1 to 10 "
    "people, by whom somebody could be recognised. The dashboard for the inside shows them."
)
#: Metrics that are forecast, by the forecasts' name for them.
FORECAST = {"visits": "visits", "gross_charges": "gross_charges", "net_cash": "payments", "referrals": "referrals_made"}
ESTIMATES = ("forecast", "lower_80", "upper_80", "lower_95", "upper_95")
#: Of checks, worst first: as the verdicts name them.
STATUSES = ("block", "warn", "ok", "not applicable")
MOST_NAMED = 6

Members = dict[str, list[Any]]


def contents(release: Shown, missing: Mapping[str, str]) -> tuple[dict[str, Any], list[Cube], Members]:
    """The page's description without its numbers, its cubes, and the members of each axis.

    For the parameters see :func:`carti_lake.outlets.dashboard.page.page`.
    """
    tables = release.published.tables
    found = cubes(release.published, in_full=release.in_full)
    forecasts = _forecasts(tables.get("forecasts"))
    if forecasts is not None:
        found.append(forecasts)
    checks, open_checks = _checks(release)
    everyone = members(found, {"table": [one["table"] for one in checks]})
    axes = {
        axis: {"title": one, "plural": several, "labels": labels(axis, everyone[axis], tables)}
        for axis, (one, several) in AXIS_TITLES.items()
    }
    for axis, ids in everyone.items():
        axes[axis]["ids"] = [f"{month:%Y-%m}" for month in ids] if axis == "month" else ids
    dated = [cube for cube in found if cube.name != "forecasts" and "month" in cube.axes]
    stated = [month for cube in dated for month in cube.cells["month"].unique()]
    there = [month for month in stated if release.data_as_of is None or month <= release.data_as_of]
    period = opening_period(release.published, release.data_as_of, there, [METRICS[name] for name in KPIS])
    described = {
        "in_full": release.in_full,
        "whole": release.whole,
        "last_month": f"{max(there):%Y-%m}" if there else None,
        "period": [f"{month:%Y-%m}" for month in period] if period else None,
        "axes": axes,
        "metrics": {name: _about(metric, missing.get(name)) for name, metric in SHOWN.items()},
        "kpis": KPIS,
        "ranked": RANKED,
        "leaks": LEAKS,
        "returns": RETURNS,
        "denials": [metric.id for metric in DENIALS[:3]],
        "parts": {"leakage": views.LEAKS, "returns": views.RETURNS, "denials": views.DENIALS, "checks": views.STATUSES},
        "provisional": {
            name: [f"{month:%Y-%m}" for month in months]
            for name, months in moving(release.published, release.data_as_of, set(there), (*MONTHLY, *DENIALS)).items()
        },
        "begun": {
            name: f"{first:%Y-%m}" for name, first in begun(release.published, (METRICS[one] for one in KPIS)).items()
        },
        "forecast_origin": None
        if forecasts is None
        else f"{_newest(tables['forecasts'])['origin'].to_list()[0]:%b %Y}",
        "bands": {level: in_words_of_bands(tables, level) for level in ("network", "service_line", "provider")},
        "apart": apart(tables, RANKED),
        "worth_saying": {"deviations": BEYOND_CHANCE, "share": WORTH_SAYING, "most": MOST_CHANGES, "named": MOST_APART},
        "pale": MOVING,
        "outside": _outside(tables.get("dim_provider")),
        "checks": checks,
        "statuses": STATUSES,
        "open_checks": open_checks,
        "fewest_cases": FEWEST_CASES,
        "fewest_members": FEWEST_PROVIDERS,
        "why_hidden": WHY_HIDDEN,
        "why_not_crossed": WHY_NOT_CROSSED,
        "why_left_out": WHY_LEFT_OUT,
    }
    return described, found, everyone


def _about(metric: Metric, missing: str | None) -> dict[str, Any]:
    return {
        "id": metric.id,
        "title": metric.title,
        "short": short(metric),
        "definition": metric.meaning,
        "target": metric.target,
        "aim": metric.aim,
        "formula": in_words(metric),
        "source": metric.source,
        "unit": metric.unit,
        "good": metric.good,
        "ratio": metric.denominator is not None,
        "proportion": metric.proportion,
        "missing": missing,
    }


def _newest(forecasts: pl.DataFrame) -> pl.DataFrame:
    """Each series' current forecast: of its newest origin, by the newest version of the model."""
    series = ["level", "member", "metric"]
    rows = forecasts.filter(pl.col("metric").is_in(list(FORECAST))).drop_nulls("forecast")
    rows = rows.filter(pl.col("origin") == pl.col("origin").max()).sort(*series, "month", "model_version")
    return rows.unique([*series, "month"], keep="last", maintain_order=True)


def _forecasts(forecasts: pl.DataFrame | None) -> Cube | None:
    if forecasts is None or (rows := _newest(forecasts)).is_empty():
        return None
    line, provider = (pl.format(f"{name}:{{}}", "member") for name in ("line", "provider"))
    level = pl.col("level")
    of = (
        pl.when(level == "service_line")
        .then(line)
        .when(level == "provider")
        .then(provider)
        .otherwise(pl.lit("network"))
    )
    axes = {"forecast_of": of, "forecast_metric": pl.col("metric").replace_strict(FORECAST), "month": pl.col("month")}
    sums = {f"{name}/above": pl.col(name).round(2) for name in ESTIMATES}
    return Cube("forecasts", tuple(axes), rows.select(**axes, **sums).sort(*axes))


def _outside(providers: pl.DataFrame | None) -> list[str]:
    if providers is None:
        return []
    return providers.filter(network_status="out_of_network")["provider_id"].sort().to_list()


def _checks(release: Shown) -> tuple[list[dict[str, Any]], list[str]]:
    """Numbers of checks by table and status, and the names of those that do not pass; no counts of rows."""
    if release.checks is None or release.checks.is_empty():
        return [], []
    status = pl.col("status").cast(pl.String)
    counts = release.checks.group_by(table="table_name", status=status).agg(checks=pl.len()).sort("table", "status")
    open_ = release.checks.filter(status.is_in(STATUSES[:2])).select("table_name", "rule", status)
    named = [f"{check_in_words(table, rule)} ({how})" for table, rule, how in open_.head(MOST_NAMED).rows()]
    more = [f"and {open_.height - MOST_NAMED} more"] if open_.height > MOST_NAMED else []
    return counts.to_dicts(), [*named, *more]
