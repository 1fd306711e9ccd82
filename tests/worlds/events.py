"""Small networks whose every event is known: kinds of event, and the gold tables that they make."""

from datetime import date
from typing import Any

import numpy as np
import polars as pl

from carti_lake.metrics import METRICS, PROVIDER_RATES
from carti_lake.tables.gold import GOLD
from tests.disclosure.attacker import Kind

PROVIDERS = ("P1", "P2", "P3")
MONTHS = (date(2026, 1, 1), date(2026, 2, 1))
LINES = ("breast", "lung")
PAYERS = ("medicare", "other")
WHERE = {"provider_id": PROVIDERS, "month": MONTHS, "service_line": LINES}


def _kind(columns: dict[str, set[str]], alone: set[str], **members: Any) -> Kind:
    roles = members.pop("roles", {})
    named = {name: frozenset(classes) for name, classes in columns.items()}
    return Kind({**WHERE, **members}, named, frozenset(alone), roles)


_PAID = {"explained", "paid"}
_CLAIMS = {*_PAID, "denied", "pending", "reversed"}
VISITS = _kind(
    {
        "visits": {*_CLAIMS, "no claim"},
        "claims": _CLAIMS,
        "paid_claims": _PAID,
        "denied_claims": {"denied"},
        "pending_claims": {"pending"},
        "contractual_claims": {"explained"},
    },
    {"visits"},
    payer=PAYERS,
)
#: A stay's class: first or repeated, its score, whether its length is known.
_STAYS = {f"{which} {score} {length}" for which in "12" for score in "thn" for length in "kn"}
STAYS = _kind(
    {
        "stays": _STAYS,
        "total_patients": {one for one in _STAYS if one[0] == "1"},
        "satisfaction_count": {one for one in _STAYS if one[2] != "n"},
        "top_box_count": {one for one in _STAYS if one[2] == "t"},
        "length_of_stay_count": {one for one in _STAYS if one[4] == "k"},
    },
    {"stays"},
)
#: A referral's class: what became of it, and whether a rendering provider is named (+).
_NAMED = {"out +", "lost +", "completed +", "open +"}
REFERRALS = _kind(
    {
        "referrals_made": {*_NAMED, "out -", "lost -", "open -"},
        "referrals_made_out_of_network": {"out +", "out -"},
        "referrals_made_lost": {"lost +", "lost -"},
        "referrals_received": _NAMED,
        "referrals_completed": {"completed +"},
    },
    {"referrals_made", "referrals_received"},
    rendering=PROVIDERS,
    roles={"referrals_received": "rendering", "referrals_completed": "rendering"},
)
APPOINTMENTS = _kind({"appointments": {"kept", "missed"}, "no_shows": {"missed"}}, {"appointments"})
KINDS = {"visits": VISITS, "stays": STAYS, "referrals": REFERRALS, "appointments": APPOINTMENTS}


def release(kind: Kind, truth: np.ndarray) -> dict[str, pl.DataFrame]:
    """The gold tables that outlets read, of a network that has these events and no others."""
    monthly = _rows(kind, truth, "provider_monthly", ["provider_id", "month", "service_line"])
    summary = _rows(kind, truth, "provider_summary", ["provider_id"])
    rates = monthly.group_by("provider_id").agg(
        METRICS[rate.id].expression() for rate in PROVIDER_RATES if rate.id in summary.columns
    )
    summary = summary.drop(set(rates.columns) - {"provider_id"}).join(rates, on="provider_id", how="left")
    frames = {"provider_monthly": monthly, "provider_summary": summary}
    if "payer" in kind.members:
        frames["claims_monthly"] = _rows(
            kind, truth, "claims_monthly", ["provider_id", "month", "payer", "service_line"]
        )
    return frames


def _rows(kind: Kind, truth: np.ndarray, table: str, key: list[str]) -> pl.DataFrame:
    declared = GOLD[table].dtypes()
    parts = []
    for column, classes in kind.columns.items():
        name = "total_visits" if (table, column) == ("provider_summary", "visits") else column
        if (name not in declared and table != "claims_monthly") or (column == "visits" and table == "claims_monthly"):
            continue
        division = [kind.division(one, column) for one in key]
        inside = truth[..., [one in classes for one in kind.classes]].sum(axis=-1)
        axes = list(kind.members)
        summed = inside.sum(axis=tuple(place for place, one in enumerate(axes) if one not in division))
        kept = [one for one in axes if one in division]
        ordered = np.transpose(summed, [kept.index(one) for one in division])
        grid = np.meshgrid(*(range(len(kind.members[one])) for one in division), indexing="ij")
        values = {
            one: [kind.members[of][i] for i in at.ravel()] for one, of, at in zip(key, division, grid, strict=True)
        }
        parts.append(pl.DataFrame({**values, name: ordered.ravel().astype(np.int64)}))
    rows = pl.concat(parts, how="diagonal").group_by(key).sum().sort(key)
    zeros = [name for name, dtype in declared.items() if name not in rows.columns and dtype.is_numeric()]
    return rows.with_columns(pl.lit(0).cast(declared[name]).alias(name) for name in zeros)
