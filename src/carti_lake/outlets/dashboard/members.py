"""Who stands on each axis of the dashboard, and how people call them."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from carti_lake.metrics.names import NOT_DELIVERED, payer_or_line, plain, reason
from carti_lake.outlets.dashboard.cubes import UNKNOWN, Cube

#: What an axis is called, one and several of its members.
AXIS_TITLES = {
    "month": ("Period", "months"),
    "line": ("Service line", "service lines"),
    "provider": ("Provider", "providers"),
    "payer": ("Payer", "payers"),
    "reason": ("Denial reason", "denial reasons"),
    "destination": ("Rendering provider", "rendering providers"),
    "campaign": ("Campaign", "campaigns"),
    "table": ("Table", "tables"),
    "check": ("Check", "checks"),
    "forecast_of": ("Forecast of", "forecasts"),
    "forecast_metric": ("Forecast", "forecasts"),
}


def members(cubes: Sequence[Cube], also: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """Every member of each axis that a cube has, in order.

    Parameters
    ----------
    cubes
        All of the page.
    also
        Members that no cube names: months that are forecast.
    """
    found: dict[str, set[Any]] = {axis: set() for axis in AXIS_TITLES}
    for cube in cubes:
        for axis in cube.axes:
            found[axis].update(cube.cells[axis].unique())
    for axis, some in also.items():
        found[axis].update(some)
    months = found["month"]
    if months:
        # Months lie one beside the next: whoever counts back by a year meets the same month.
        found["month"] = {*pl.date_range(min(months), max(months), "1mo", eager=True)}
    return {axis: sorted(some) for axis, some in found.items()}


def labels(axis: str, ids: Sequence[Any], tables: Mapping[str, pl.DataFrame]) -> list[str]:
    """What people call the members: no two alike on one axis."""
    names = _names(axis, tables)
    called = [NOT_DELIVERED if one == UNKNOWN else names.get(one) or _in_words(axis, one) for one in ids]
    return [f"{label} · {one}" if called.count(label) > 1 else label for one, label in zip(ids, called, strict=True)]


def _names(axis: str, tables: Mapping[str, pl.DataFrame]) -> dict[Any, str]:
    named = {
        "provider": ("dim_provider", "provider_id", "provider_name"),
        "destination": ("dim_provider", "provider_id", "provider_name"),
        "line": ("dim_service_line", "service_line", "title"),
        "campaign": ("marketing_roi", "campaign_id", "campaign_name"),
    }
    if axis not in named or named[axis][0] not in tables:
        return {}
    table, key, name = named[axis]
    return dict(tables[table].select(key, name).drop_nulls().iter_rows())


def _in_words(axis: str, one: Any) -> str:
    if isinstance(one, date):
        return f"{one:%b %Y}"
    text = str(one)
    if axis == "reason":
        return reason(text)
    if axis in ("line", "payer"):
        return payer_or_line(text)
    if axis in ("provider", "destination"):
        return text.removeprefix("name:").title()
    return plain(text)
